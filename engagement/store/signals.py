"""Every number that logs hold, message by message: what a plot can show beside the named series.

A signal is called by its table and column, `car_state.a_ego_mps2`; one of the CAN bus by its key,
`can_signal.wheel_speed_fl`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engagement.store.samples import SERIES, Series
from engagement.store.schema import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement.store.query_types import Queryable

CAN = "can_signal"
_PLAIN = re.compile(r"\w{1,80}", re.ASCII)
_NUMBERS = re.compile(r"U?(TINY|SMALL|HUGE|BIG)?INT(EGER)?|FLOAT|DOUBLE|BOOLEAN")
_OF_ROW = frozenset({"drive_id", "segment_num", "message_num", "mono_ns", "frame_num"})
_UNITS = {
    "_deg_per_s": "°/s", "_mps2": "m/s²", "_mps": "m/s", "_kph": "km/h", "_deg": "°",
    "_per_m": "1/m", "_rad": "rad", "_m": "m", "_s": "s", "_ns": "ns", "_ms": "ms",
}  # fmt: skip
_ONCE = frozenset({"init_data", "car_params", "clock", "video_frame"})  # no samples over time
# Where only some rows say something: a lead that is not there has a distance of 0.
_CONDITIONS = {
    "lead": "is_present",
    "gps": "source = (select gps_source from result.drive_facts where drive_id = $drive_id)",
}
_COLUMNS = """
select table_name, column_name, data_type, coalesce(comment, '') as comment
from duckdb_columns()
where
    schema_name = 'log'
    and database_name = current_database()
    and table_name in (
        select table_name
        from duckdb_columns()
        where schema_name = 'log' and column_name in ('drive_id', 'message_num', 'mono_ns')
        group by table_name
        having count(distinct column_name) = 3
    )
order by table_name, column_index
"""
_CAN_KEYS = "select distinct signal_key from log.can_source order by signal_key"


def read_signals(reader: Queryable) -> Mapping[str, Series]:
    """The signals that a database's tables have, by name: those of its file, not of this version.

    Whether a drive has samples of one is not asked, as that takes as long as reading them.
    """
    found = [
        _signal(row)
        for row in reader.rows(_COLUMNS)
        if _is_signal(row["table_name"], row["column_name"], row["data_type"])
    ]
    return {one.name: one for one in (*found, *_can_signals(reader))}


def all_series(reader: Queryable) -> Mapping[str, Series]:
    """The named series and the signals."""
    return {**SERIES, **read_signals(reader)}


def _is_signal(table: str, column: str, kind: str) -> bool:
    is_plain = _PLAIN.fullmatch(table) and _PLAIN.fullmatch(column)
    is_sampled = table not in {*_ONCE, CAN} and column not in _OF_ROW
    return bool(is_plain and is_sampled and _NUMBERS.fullmatch(kind))


def _signal(row: Mapping[str, str]) -> Series:
    table, column = row["table_name"], row["column_name"]
    return Series(
        f"{table}.{column}",
        table,
        f'"{column}"',
        next((unit for end, unit in _UNITS.items() if column.endswith(end)), ""),
        row["comment"],
        "true" if column == _CONDITIONS.get(table) else _CONDITIONS.get(table, "true"),
        row["data_type"] == "BOOLEAN",
    )


def _can_signals(reader: Queryable) -> list[Series]:
    keys = [row["signal_key"] for row in reader.rows(_CAN_KEYS)]
    return [
        Series(f"{CAN}.{key}", CAN, "value", "", "", f"signal_key = {quoted(key)}")
        for key in keys
        if _PLAIN.fullmatch(key)
    ]
