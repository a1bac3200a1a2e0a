"""Arrow tables from the messages of one log, by the mappings in `sources`.

A table has the columns of its base table except `drive_id` and `segment_num`, which the store adds.
Rows of damaged messages are left out: all fields are read first, since damage may be found in any
of them. Empty texts, numbers that are not finite, and fields that the log's writer or the schema
does not have are null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from engagement.extract.fields import MAX_TEXT_BYTES, constant, read_columns
from engagement.extract.kept_params import kept_params
from engagement.extract.refinements import REFINEMENTS
from engagement.extract.rows import Rows
from engagement.extract.sources import SOURCES, Source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from engagement.extract.fields import Column
    from engagement.logs.columns import Structs
    from engagement.logs.log import Log

_SUNNYPILOT_STATE = "selfdriveStateSP"
_SUNNYPILOT_EVENTS = "onroadEventsSP"
_MAX_PARAM_BYTES = 16_384  # longer values are cut; a description of a driving model has some kB
_INSTEAD = {  # what a table is read from where a log has it: sources that are read before
    ("car_event", "carState"): ("carEvents", "onroadEvents"),
    ("model", "modelV2"): ("drivingModelData",),  # both come at the model's rate
}
_REQUIRED = {  # a source without such a field is not used for the table
    "clock": ("wall_time_ns",),
    "ignition": ("is_on",),
    "car_control": ("enabled",),
    "controls_state": ("enabled", "active"),
    "selfdrive_state": ("enabled", "active"),
    "longitudinal_plan": ("fcw",),
    "plan": ("has_lead",),
    "driver_monitoring": ("is_distracted",),
    "mads": ("enabled",),
}


def build(log: Log, keep_params: Iterable[str] = ()) -> list[Rows]:
    """Every table's rows in a log, CAN aside; tables without rows may be left out.

    Args:
        log: The log.
        keep_params: Params to keep besides those of the list.
    """
    read: list[tuple[Source, Structs, dict[str, Column]]] = []
    for source in SOURCES:
        if _is_worth_reading(log, source):
            structs = _structs(log, source)
            read.append((source, structs, read_columns(structs, source)))
    others = [*_ignition(log), _params(log, kept_params().union(keep_params))]
    found = [_refine(log, *each) for each in read]
    return [*found, *(rows.keep(~log.is_damaged[rows.message_num]) for rows in others)]


def _is_worth_reading(log: Log, source: Source) -> bool:
    """Leave out what another service says as well, and what other forks have instead.

    Other forks use sunnypilot's slots for messages of other kinds.
    """
    if source.event == _SUNNYPILOT_EVENTS:
        state = log.structs(_SUNNYPILOT_STATE)
        return bool(((state.n_data == 0) & (state.n_pointers > 0)).any())
    others = [log.numbers_of(name) for name in _INSTEAD.get((source.table, source.event), ())]
    return not others or bool(log.is_damaged[np.concatenate(others)].all())


def _structs(log: Log, source: Source) -> Structs:
    if source.items is None:
        structs = log.structs(source.event)
        # Other forks have a struct of plain flags in the slot that sunnypilot fills with pointers.
        return structs.take(structs.n_data == 0) if source.event == _SUNNYPILOT_STATE else structs
    if source.event == _SUNNYPILOT_EVENTS:
        return log.items_within(source.event, source.items)
    if source.items == "":
        return log.items(source.event)
    return log.structs(source.event).items(source.items)


def _refine(log: Log, source: Source, structs: Structs, columns: dict[str, Column]) -> Rows:
    """Apply what a mapping can't say, to the rows of undamaged messages."""
    rows = Rows(source.table, log, structs.message_num, columns)
    is_good = ~log.is_damaged[structs.message_num]
    if any(isinstance(columns[name], pa.NullArray) for name in _REQUIRED.get(source.table, ())):
        is_good[:] = False
    rows, structs = rows.keep(is_good), structs if is_good.all() else structs.take(is_good)
    refine = REFINEMENTS.get(source.table)
    return refine(rows, structs, source) if refine else rows


def _ignition(log: Log) -> list[Rows]:
    """Ignition by any panda: the list of newer logs, the single one of older ones."""
    found = []
    for structs in (log.structs("pandaState"), log.items("pandaStates")):
        known = [name for name in ("ignitionLine", "ignitionCan") if structs.field(name)]
        if not known:
            continue
        on = np.logical_or.reduce([structs.column(name) for name in known])
        message_num, first = np.unique(structs.message_num, return_index=True)
        is_on = np.logical_or.reduceat(on, first) if len(first) else on
        source = constant("pandaState", len(message_num))
        found.append(Rows("ignition", log, message_num, {"source": source, "is_on": is_on}))
    return found


def _params(log: Log, kept: AbstractSet[str]) -> Rows:
    entries = log.structs("initData").struct("params").items("entries")
    key_codes, keys = entries.texts("key", most_bytes=MAX_TEXT_BYTES, keeps_message=True)
    value_codes, values = entries.octets("value").up_to(_MAX_PARAM_BYTES).distinct()
    decoded = [value.rstrip(b"\0").decode(errors="backslashreplace") for value in values]
    columns: dict[str, Column] = {
        "name": pa.array([keys[code] for code in key_codes.tolist()], pa.string()),
        "value": pa.array([decoded[code] for code in value_codes.tolist()], pa.string()),
    }
    rows = Rows("param", log, entries.message_num, columns)
    is_kept = np.array([key in kept for key in keys], np.bool_)
    return rows.keep(is_kept[key_codes])
