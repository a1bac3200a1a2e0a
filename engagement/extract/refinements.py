"""What the mappings of `sources` can't say of rows, table by table.

Fields that older writers didn't have become null, some tables keep only what changes, and values
that come from several fields are put together. Rows are of undamaged messages.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from engagement.extract.fields import constant, named, nullable
from engagement.extract.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from engagement.extract.fields import Column
    from engagement.extract.sources import Source
    from engagement.logs.arrays import Bool, Int, PerRow
    from engagement.logs.columns import Structs
    from engagement.logs.log import Log

_BORDER_NS = 1_000_000_000  # rows this close to a log's ends are kept even if nothing changes
_LAT_ACTIVE_POINTERS = 6  # carControl since 0.8.14, which brought latActive and longActive
_V_CRUISE_WORDS = 10  # carState since 0.9.8, which brought vCruise
_PERSONALITY_WORDS = 11  # longitudinalPlan since 0.9.3, which brought the personality
_OLD_SUNNYPILOT_POINTERS = 7  # its carState uses upstream's later slots for other things
_UPSTREAM_CAR_EVENTS = 120  # names from here on are a fork's own, unless the remote is upstream's
_FIX_FLAG = 1
_MAX_FRAMES = 1 << 16  # of a segment, which has 1200
_MAX_SPEED_MPS = 150  # 540 km/h: a higher speed is noise
_VIN_CHARACTERS = 8  # maker and model; what follows names the one vehicle
_STATE_SINCE_098 = "selfdriveState"
_POLICY_VISION = 1
# Of the address of a repository host and path, and how it is reached: a name, a token or a password
# may be in all else. Migration 0011 has the same patterns.
_AFTER_PATH = re.compile(r"[?#][^@]*$")
_REMOTE = re.compile(
    r"(?:((?:https?|ssh|git|git\+ssh|ftps?|rsync):/+)(?:[^/]*@)?([\w.-]{1,253}(?::[0-9]+)?)"
    r"|(?:(git@)|[^/]*@)?([\w.-]*(?::/?[\w.~+-][\w.~+/-]*)?))(/[\w.~+/-]*)?",
    re.ASCII | re.IGNORECASE,
)


def _refine_init_data(rows: Rows, _structs: Structs, _source: Source) -> Rows:
    rows.columns["wall_time_ns"] = _positive(rows.columns["wall_time_ns"])
    rows.columns["git_remote"] = _each_text(rows.columns["git_remote"], _remote_without_login)
    return rows


def _remote_without_login(remote: str) -> str | None:
    found = _REMOTE.fullmatch(_AFTER_PATH.sub("", remote.strip()))
    return "".join(part or "" for part in found.groups()) or None if found else None


def _refine_car_params(rows: Rows, _structs: Structs, _source: Source) -> Rows:
    rows.columns["car_vin"] = _each_text(rows.columns["car_vin"], lambda vin: vin[:_VIN_CHARACTERS])
    return rows


def _each_text(values: Column, change: Callable[[str], str | None]) -> Column:
    """A column of texts with each distinct one changed."""
    if not isinstance(values, pa.DictionaryArray):
        return values
    texts = pa.array([change(str(text)) for text in values.dictionary.to_pylist()], pa.string())
    return texts.take(values.indices).dictionary_encode()


def _refine_video_frame(rows: Rows, _structs: Structs, _source: Source) -> Rows:
    """Set to null what is no number of a frame, and no time."""
    number = rows.columns["frame_num"]
    if not isinstance(number, pa.Array):
        number = np.minimum(number, _MAX_FRAMES).astype(np.int32)
        rows.columns["frame_num"] = nullable(number, number == _MAX_FRAMES)
    rows.columns["sof_mono_ns"] = _positive(rows.columns["sof_mono_ns"])
    return rows


def _refine_clock(rows: Rows, _structs: Structs, _source: Source) -> Rows:
    wall_time_ns = _positive(rows.columns["wall_time_ns"])
    rows.columns["wall_time_ns"] = wall_time_ns
    return rows.keep(wall_time_ns.is_valid().to_numpy(zero_copy_only=False))


def _positive(values: Column) -> pa.Array[Any]:
    """Unsigned times as int64; 0, and what int64 can't hold, is null."""
    if isinstance(values, pa.Array):
        return values
    is_null = (values == 0) | (values > np.iinfo(np.int64).max)
    return nullable(np.where(is_null, 0, values).astype(np.int64), is_null)


def _refine_car_state(rows: Rows, structs: Structs, _source: Source) -> Rows:
    """Set to null an impossible speed, and slots that the writer used for other fields."""
    is_old_sunnypilot = structs.n_pointers >= _OLD_SUNNYPILOT_POINTERS
    columns = rows.columns
    _null(columns, "v_ego_mps", ~(np.abs(structs.column("vEgo")) <= _MAX_SPEED_MPS))
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
    is_present = rows.columns["is_present"]
    is_absent = np.ones(len(structs), np.bool_) if isinstance(is_present, pa.Array) else ~is_present
    for name in rows.columns:
        if name not in ("is_present", "is_fcw"):
            _null(rows.columns, name, is_absent)
    return rows


def _refine_gps(rows: Rows, structs: Structs, _source: Source) -> Rows:
    """A fix by hasFix, or in logs before it by the first of the receiver's flags."""
    says_so = structs.column("hasFix").astype(np.bool_)
    has_flag = (structs.column("flags").astype(np.int64) & _FIX_FLAG) == _FIX_FLAG
    is_somewhere = (structs.column("latitude") != 0) | (structs.column("longitude") != 0)
    rows.columns["has_fix"] = (says_so | has_flag) & is_somewhere
    return rows


def _refine_longitudinal_plan(rows: Rows, structs: Structs, source: Source) -> Rows:
    _null(rows.columns, "personality", structs.n_data < _PERSONALITY_WORDS)
    return _refine_to_changes(rows, structs, source)


def _refine_plan(rows: Rows, structs: Structs, _source: Source) -> Rows:
    """Set to null what was not written: aTarget from 0.8.6 on, and shouldStop, before 0.9.8."""
    if not _has(rows.log, _STATE_SINCE_098):
        _null(rows.columns, "target_accel_mps2", structs.has("accels"))
        _null(rows.columns, "should_stop", np.ones(len(structs), np.bool_))
    return rows


def _refine_model(rows: Rows, structs: Structs, source: Source) -> Rows:
    """Set to null what the writer did not have."""
    owners = {name: structs.struct(name) for name in ("action", "meta", "laneLineMeta")}
    for column, path in source.columns.items():
        owner, _, field = path.partition(".")
        if owner in owners:
            _null(rows.columns, column, ~owners[owner].has(field))
    return rows


def _refine_driver_monitoring(rows: Rows, structs: Structs, source: Source) -> Rows:
    """Percent as fractions, and without structs that have no data, whose fields were others."""
    for name in ("awareness_fraction", "wheel_awareness_fraction"):
        values = rows.columns.get(name)
        if values is not None and not isinstance(values, pa.Array) and values.dtype.kind == "i":
            rows.columns[name] = (values / 100).astype(np.float32)
    if source.event == "driverMonitoringState" and structs.field("activePolicy"):
        rows.columns["is_by_camera"] = structs.column("activePolicy") == _POLICY_VISION
    return rows.keep(structs.n_data > 0)


def _refine_driving_model(rows: Rows, structs: Structs, source: Source) -> Rows:
    """Only the changes of drives that ever have the big model: it is new, and of few."""
    is_big = rows.columns["is_big"]
    if isinstance(is_big, pa.Array) or not is_big.any():
        return rows.keep(np.zeros(len(structs), np.bool_))
    return _refine_to_changes(rows, structs, source)


def _refine_to_changes(rows: Rows, structs: Structs, _source: Source) -> Rows:
    columns = [values for name, values in rows.columns.items() if name != "source"]
    return rows.keep(_changes(structs.mono_ns, [*map(_codes, columns)]))


def _codes(values: Column) -> PerRow[Any]:
    """Numbers that differ where the values do."""
    if isinstance(values, pa.DictionaryArray):
        codes: PerRow[Any] = values.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return codes
    return np.zeros(len(values), np.bool_) if isinstance(values, pa.Array) else values


def _changes(mono_ns: PerRow[Int], codes: list[PerRow[Any]]) -> PerRow[Bool]:
    """Which rows differ from the one before in time order, or lie near the first or the last."""
    order = np.argsort(mono_ns, kind="stable")
    is_change = np.zeros(len(mono_ns), dtype=np.bool_)
    for values in codes:
        in_order = values[order]
        is_change[1:] |= in_order[1:] != in_order[:-1]
    return _with_borders(mono_ns, order, is_change)


def _with_borders(
    mono_ns: PerRow[Int], order: PerRow[Int], is_change: PerRow[Bool]
) -> PerRow[Bool]:
    keep = np.zeros(len(mono_ns), dtype=np.bool_)
    keep[order] = is_change
    if len(mono_ns):
        keep |= (mono_ns - mono_ns.min() < _BORDER_NS) | (mono_ns.max() - mono_ns < _BORDER_NS)
    return keep


def _refine_car_event(rows: Rows, structs: Structs, source: Source) -> Rows:
    """Give a message without events a row of its own; of carState's lists keep the changes."""
    log = rows.log
    number = structs.column("name")
    is_foreign = (number >= _UPSTREAM_CAR_EVENTS) & (source.event in ("carEvents", "carState"))
    if is_foreign.any() and not _is_upstream(log):
        names = [*structs.enumerants("name")[:_UPSTREAM_CAR_EVENTS]]
        rows.columns["name"] = named(number, names)
    member = log.numbers_of(source.event)
    member = member[~log.is_damaged[member]]
    if source.event == "carState":
        member = member[_list_changes(log.mono_ns[member], member, structs)]
        rows = rows.keep(np.isin(rows.message_num, member))
    return _with_empty(rows, np.setdiff1d(member, rows.message_num), source)


def _list_changes(mono_ns: PerRow[Int], member: PerRow[Int], structs: Structs) -> PerRow[Bool]:
    """Which of the messages' lists differ from the one before in time order."""
    order = np.argsort(mono_ns, kind="stable")
    is_change = np.zeros(len(member), dtype=np.bool_)
    if not len(structs):
        return _with_borders(mono_ns, order, is_change)
    words = structs.number("uint64", 0, 0).tolist()
    lists: list[list[int]] = [[] for _ in range(len(member))]
    for place, word in zip(
        np.searchsorted(member, structs.message_num).tolist(), words, strict=True
    ):
        lists[place].append(word)
    codes: dict[tuple[int, ...], int] = {}
    code = np.array([codes.setdefault(tuple(words_), len(codes)) for words_ in lists], np.int64)
    is_change[1:] = code[order][1:] != code[order][:-1]
    return _with_borders(mono_ns, order, is_change)


def _with_empty(rows: Rows, without: PerRow[Int], source: Source) -> Rows:
    """The rows and those of messages without events: all null but their source."""
    if not len(without):
        return rows
    columns: dict[str, Column] = {}
    for name, values in rows.columns.items():
        array = values if isinstance(values, pa.Array) else nullable(values)
        columns[name] = pa.concat_arrays([array, pa.nulls(len(without), array.type)])
    message_num = np.concatenate([rows.message_num, without])
    for name, text in source.constants.items():
        columns[name] = constant(text, len(message_num))
    return Rows(rows.table, rows.log, message_num, columns)


def _is_upstream(log: Log) -> bool:
    remotes = log.structs("initData").texts("gitRemote", keeps_message=True)[1]
    return any("commaai/openpilot" in remote for remote in remotes)


def _has(log: Log, event: str) -> bool:
    return not log.is_damaged[log.numbers_of(event)].all()


def _null(columns: dict[str, Column], name: str, is_null: PerRow[Bool]) -> None:
    values = columns[name]
    if not is_null.any():
        return
    if isinstance(values, pa.Array):
        places: pa.Array[Any] = pa.array(np.arange(len(values)), mask=is_null)
        columns[name] = values.take(places)
    else:
        columns[name] = nullable(values, is_null)


REFINEMENTS: dict[str, Callable[[Rows, Structs, Source], Rows]] = {
    "init_data": _refine_init_data,
    "car_params": _refine_car_params,
    "clock": _refine_clock,
    "video_frame": _refine_video_frame,
    "car_state": _refine_car_state,
    "car_control": _refine_car_control,
    "lead": _refine_lead,
    "gps": _refine_gps,
    "alert": _refine_to_changes,
    "lane_change": _refine_to_changes,
    "longitudinal_plan": _refine_longitudinal_plan,
    "driving_model": _refine_driving_model,
    "mads": _refine_to_changes,
    "car_event": _refine_car_event,
    "plan": _refine_plan,
    "model": _refine_model,
    "driver_monitoring": _refine_driver_monitoring,
}
