"""Arrow tables from the messages of one log, by the mappings in `sources`.

A table has the columns of its base table but `drive_id` and `segment_num`, which the store knows.
Rows of damaged messages are left out; texts that are empty, and fields that the log's writer did
not have yet, are null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from engagement.extract.sources import SOURCES, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from engagement.logs.columns import Array, Bools, Ints, Messages, Structs

    Column = Array | pa.Array

BORDER_NS = 1_000_000_000  # rows this close to a log's ends are kept even if nothing changes
_LAT_ACTIVE_POINTERS = 6  # carControl since 0.8.14, which brought latActive and longActive
_V_CRUISE_WORDS = 10  # carState since 0.9.8, which brought vCruise
_OLD_SUNNYPILOT_POINTERS = 7  # its carState uses upstream's later slots for other things
_UPSTREAM_CAR_EVENTS = 120  # names from here on are a fork's own, unless the remote is upstream's
_FIX_FLAG = 1


@dataclass(slots=True)
class Rows:
    """Rows of one table before damaged messages are known: `row` is each one's place in messages."""

    table: str
    messages: Messages
    row: Ints
    columns: dict[str, Column]

    def keep(self, mask_or_rows: Array) -> Rows:
        """Some of the rows."""
        columns = {
            name: values.take(_indices(mask_or_rows))
            if isinstance(values, pa.Array)
            else values[mask_or_rows]
            for name, values in self.columns.items()
        }
        return Rows(self.table, self.messages, self.row[mask_or_rows], columns)

    def finish(self) -> pa.Table:
        """The Arrow table, without the rows of damaged messages."""
        is_bad = (self.messages.is_damaged | self.messages.is_far)[self.row]
        rows = self.keep(~is_bad) if is_bad.any() else self
        numbers = rows.messages.number[rows.row].astype(np.int32)
        arrays = {"message_num": pa.array(numbers)}
        if rows.table != "param":
            arrays["mono_ns"] = pa.array(rows.messages.mono_ns[rows.row])
        arrays |= {
            name: values if isinstance(values, pa.Array) else pa.array(values)
            for name, values in rows.columns.items()
        }
        return pa.table(arrays)


def _indices(mask_or_rows: Array) -> pa.Array:
    is_mask = mask_or_rows.dtype == np.bool_
    return pa.array(np.flatnonzero(mask_or_rows) if is_mask else mask_or_rows)


def build(messages: Messages) -> list[Rows]:
    """Every table's rows in these messages, CAN aside; tables without rows may be left out."""
    found = [_rows(messages, source) for source in SOURCES if _is_worth_reading(messages, source)]
    return [*found, *_ignition(messages), _params(messages)]


def _is_worth_reading(messages: Messages, source: Source) -> bool:
    """carState's own events are the best source only in logs that have no other list of them."""
    if source.table != "car_event" or source.event != "carState":
        return True
    which = messages.schema.which_by_name
    others = [which[name] for name in ("carEvents", "onroadEvents") if name in which]
    return not np.isin(messages.which, others).any()


def _rows(messages: Messages, source: Source) -> Rows:
    structs = _structs(messages, source)
    columns = read_columns(structs, source.columns)
    columns |= {name: constant(value, len(structs)) for name, value in source.constants.items()}
    rows = Rows(source.table, messages, structs.row, columns)
    refine = _REFINEMENTS.get(source.table)
    return refine(rows, structs, source) if refine else rows


def _structs(messages: Messages, source: Source) -> Structs:
    if source.items is None:
        return messages.structs(source.event)
    if source.items == "":
        return messages.items(source.event)
    return messages.structs(source.event).items(source.items)


def read_columns(structs: Structs, paths: Mapping[str, str]) -> dict[str, Column]:
    """Read fields by path; a path's longest prefix that is a field is followed first."""
    reached: dict[str, Structs] = {"": structs}

    def reach(path: str) -> tuple[Structs, str]:
        if "." not in path or structs.field(path):
            return structs, path
        head, _, leaf = path.rpartition(".")
        if head not in reached:
            reached[head] = structs.struct(head)
        return reached[head], leaf

    return {column: _read(*reach(path)) for column, path in paths.items()}


def _read(structs: Structs, name: str) -> Column:
    field = structs.field(name)
    if field is None:
        return pa.nulls(len(structs))
    if field.kind == "text":
        codes, texts = structs.texts(name)
        return pa.DictionaryArray.from_arrays(
            pa.array(codes.astype(np.int32), mask=codes == 0), pa.array(texts, pa.string())
        )
    if field.kind == "enum":
        return named(structs.column(name), structs.enumerants(name))
    return structs.column(name)


def named(codes: Array, names: Iterable[str]) -> pa.DictionaryArray:
    """Enum numbers as their names; one that the schema has no name for is its number."""
    known = list(names)
    highest = int(codes.max()) if len(codes) else -1
    unknown = [str(code) for code in range(len(known), highest + 1)]
    names_ = pa.array(known + unknown, pa.string())  # untyped, pyarrow looks for more libraries
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), names_)


def constant(value: str, length: int) -> pa.DictionaryArray:
    """The same text for every row."""
    texts = pa.array([value], pa.string())
    return pa.DictionaryArray.from_arrays(np.zeros(length, dtype=np.int32), texts)


def nullable(values: Array, is_null: Bools) -> pa.Array:
    """An array with nulls; the mask is left off where nothing is null."""
    return pa.array(values, mask=is_null) if is_null.any() else pa.array(values)


def _refine_init_data(rows: Rows, _structs: Structs, _source: Source) -> Rows:
    rows.columns["wall_time_ns"] = _positive(rows.columns["wall_time_ns"])
    return rows


def _refine_clock(rows: Rows, _structs: Structs, _source: Source) -> Rows:
    wall = rows.columns["wall_time_ns"]
    rows.columns["wall_time_ns"] = wall.astype(np.int64)
    return rows.keep((wall > 0) & (wall <= np.iinfo(np.int64).max))


def _positive(values: Column) -> pa.Array:
    """Unsigned times as int64; 0, and what int64 can't hold, is null."""
    if isinstance(values, pa.Array):
        return values
    is_null = (values == 0) | (values > np.iinfo(np.int64).max)
    return nullable(np.where(is_null, 0, values).astype(np.int64), is_null)


def _refine_car_state(rows: Rows, structs: Structs, _source: Source) -> Rows:
    is_old_sunnypilot = structs.n_pointers >= _OLD_SUNNYPILOT_POINTERS
    columns = rows.columns
    _null(columns, "steering_disengage", is_old_sunnypilot)
    _null(columns, "v_cruise_kph", structs.n_data < _V_CRUISE_WORDS)
    columns["n_pointers"] = np.minimum(structs.n_pointers, np.iinfo(np.uint8).max).astype(np.uint8)
    return rows


def _refine_car_control(rows: Rows, structs: Structs, _source: Source) -> Rows:
    is_before = structs.n_pointers < _LAT_ACTIVE_POINTERS
    _null(rows.columns, "lat_active", is_before)
    _null(rows.columns, "long_active", is_before)
    return rows


def _refine_lead(rows: Rows, structs: Structs, _source: Source) -> Rows:
    is_absent = ~structs.struct("leadOne").column("status").astype(np.bool_)
    for name in rows.columns:
        if name not in ("is_present", "is_fcw"):
            _null(rows.columns, name, is_absent)
    return rows


def _null(columns: dict[str, Column], name: str, is_null: Bools) -> None:
    values = columns[name]
    if not isinstance(values, pa.Array) and is_null.any():
        columns[name] = nullable(values, is_null)


def _refine_gps(rows: Rows, structs: Structs, _source: Source) -> Rows:
    """A fix by hasFix, or in logs before it by the first of the receiver's flags."""
    says_so = structs.column("hasFix").astype(np.bool_)
    has_flag = (structs.column("flags").astype(np.int64) & _FIX_FLAG) == _FIX_FLAG
    is_somewhere = (structs.column("latitude") != 0) | (structs.column("longitude") != 0)
    rows.columns["has_fix"] = (says_so | has_flag) & is_somewhere
    return rows


def _refine_alert(rows: Rows, structs: Structs, _source: Source) -> Rows:
    codes = [
        values.indices.fill_null(0).to_numpy(zero_copy_only=False)
        for name, values in rows.columns.items()
        if name != "source" and isinstance(values, pa.DictionaryArray)
    ]
    return rows.keep(changes(structs.mono_ns, codes))


def _refine_lane_change(rows: Rows, structs: Structs, _source: Source) -> Rows:
    return rows.keep(changes(structs.mono_ns, [structs.column("laneChangeState")]))


def changes(mono_ns: Ints, codes: list[Array]) -> Bools:
    """Which rows differ from the one before in time order, or lie near the first or the last."""
    order = np.argsort(mono_ns, kind="stable")
    is_change = np.zeros(len(mono_ns), dtype=np.bool_)
    for values in codes:
        in_order = values[order]
        is_change[1:] |= in_order[1:] != in_order[:-1]
    return _with_borders(mono_ns, order, is_change)


def _with_borders(mono_ns: Ints, order: Ints, is_change: Bools) -> Bools:
    keep = np.zeros(len(mono_ns), dtype=np.bool_)
    keep[order] = is_change
    if len(mono_ns):
        keep |= (mono_ns - mono_ns.min() < BORDER_NS) | (mono_ns.max() - mono_ns < BORDER_NS)
    return keep


def _refine_car_event(rows: Rows, structs: Structs, source: Source) -> Rows:
    """Give a message without events a row of its own; of carState's lists keep the changes."""
    messages = rows.messages
    number = structs.column("name")
    is_foreign = (number >= _UPSTREAM_CAR_EVENTS) & (source.event != "onroadEvents")
    if is_foreign.any() and not _is_upstream(messages):
        names = [*structs.enumerants("name")[:_UPSTREAM_CAR_EVENTS]]
        rows.columns["name"] = named(number, names)
    member = np.flatnonzero(messages.which == messages.schema.which_by_name.get(source.event, -2))
    if source.event == "carState":
        member = member[_list_changes(messages.mono_ns[member], structs, len(member))]
        rows = rows.keep(np.isin(rows.row, member))
    return _with_empty(rows, np.setdiff1d(member, structs.row, assume_unique=False))


def _list_changes(mono_ns: Ints, structs: Structs, n_lists: int) -> Bools:
    """Which of the messages' lists differ from the one before in time order."""
    words = structs.number("uint64", 0, 0).tolist()
    lists: list[list[int]] = [[] for _ in range(n_lists)]
    for parent, word in zip(structs.parent.tolist(), words, strict=True):
        lists[parent].append(word)
    order = np.argsort(mono_ns, kind="stable")
    codes: dict[tuple[int, ...], int] = {}
    code = np.array([codes.setdefault(tuple(words_), len(codes)) for words_ in lists], np.int64)
    is_change = np.zeros(n_lists, dtype=np.bool_)
    is_change[1:] = code[order][1:] != code[order][:-1]
    return _with_borders(mono_ns, order, is_change)


def _with_empty(rows: Rows, without: Ints) -> Rows:
    if not len(without):
        return rows
    columns: dict[str, Column] = {}
    for name, values in rows.columns.items():
        array = values if isinstance(values, pa.Array) else pa.array(values)
        if name == "source":
            columns[name] = constant(array.dictionary[0].as_py(), len(array) + len(without))
            continue
        if isinstance(array, pa.DictionaryArray):
            array = array.dictionary_decode()
        columns[name] = pa.concat_arrays([array, pa.nulls(len(without), array.type)])
    return Rows(rows.table, rows.messages, np.concatenate([rows.row, without]), columns)


def _is_upstream(messages: Messages) -> bool:
    remotes = messages.structs("initData").texts("gitRemote")[1]
    return any("commaai/openpilot" in remote for remote in remotes)


def _ignition(messages: Messages) -> list[Rows]:
    """Ignition by any panda: the list of newer logs, the single one of older ones."""
    single = messages.structs("pandaState")
    several = messages.items("pandaStates")
    found = []
    for structs in (single, several):
        on = structs.column("ignitionLine").astype(np.bool_)
        on |= structs.column("ignitionCan").astype(np.bool_)
        row, first = np.unique(structs.row, return_index=True)
        is_on = np.logical_or.reduceat(on, first) if len(first) else on
        columns: dict[str, Column] = {"source": constant("pandaState", len(row)), "is_on": is_on}
        found.append(Rows("ignition", messages, row, columns))
    return found


def _params(messages: Messages) -> Rows:
    entries = messages.structs("initData").struct("params").items("entries")
    key_codes, keys = entries.texts("key")
    value_codes, values = entries.octets("value").distinct()
    decoded = [value.rstrip(b"\0").decode(errors="backslashreplace") for value in values]
    columns: dict[str, Column] = {
        "name": pa.array([keys[code] for code in key_codes.tolist()], pa.string()),
        "value": pa.array([decoded[code] for code in value_codes.tolist()], pa.string()),
    }
    return Rows("param", messages, entries.row, columns)


_REFINEMENTS: dict[str, Callable[[Rows, Structs, Source], Rows]] = {
    "init_data": _refine_init_data,
    "clock": _refine_clock,
    "car_state": _refine_car_state,
    "car_control": _refine_car_control,
    "lead": _refine_lead,
    "gps": _refine_gps,
    "alert": _refine_alert,
    "lane_change": _refine_lane_change,
    "car_event": _refine_car_event,
}
