"""What a clip is made of: one channel for each kind of sample that the window has.

A channel is a base table, or its part from one source, so that two GPS receivers are two channels;
of CAN signals each signal and bus is one. Its signals are the table's columns as they are. Events
in force are one sample a message: their names, and which flags any of them has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engagement.export.window import ClipWindow
    from engagement.store.query_types import Queryable
    from engagement.store.samples import Window

_TABLES = (
    "car_state",
    "controls_state",
    "selfdrive_state",
    "car_control",
    "car_event",
    "alert",
    "button_event",
    "lead",
    "can_signal",
    "gps",
    "live_parameters",
    "live_torque_parameters",
    "lane_change",
    "plan",
    "model",
    "driver_monitoring",
    "bookmark",
    "ignition",
    "clock",
)
# What tells channels of one table apart.
_KEYS = {"can_signal": ("signal_key", "bus")}
_SOURCE = ("source",)
_BOOKKEEPING = {
    "drive_id", "segment_num", "message_num", "frame_num", "mono_ns", "source", "n_pointers",
}  # fmt: skip
_UNITS = {
    "deg_per_s": "deg/s", "mps2": "m/s^2", "mps": "m/s", "kph": "km/h", "deg": "deg",
    "per_m": "1/m", "rad": "rad", "m": "m", "s": "s", "ms": "ms", "ns": "ns",
}  # fmt: skip

_COLUMNS = """
select table_name, column_name, data_type from duckdb_columns()
where database_name = 'engagement' and schema_name = 'log' and list_contains($tables, table_name)
order by table_name, column_index
"""
_WITHIN = "drive_id = $drive_id and mono_ns >= $start_ns and mono_ns < $end_ns"


@dataclass(frozen=True, slots=True)
class Signal:
    """A column of a channel: its name, DuckDB's type, and SQL that gives it from the table."""

    name: str
    kind: str
    sql: str

    @property
    def unit(self) -> str:
        """By the name's end; empty for what has none."""
        ends = (unit for end, unit in _UNITS.items() if self.name.endswith(f"_{end}"))
        return next(ends, "")


@dataclass(frozen=True, slots=True)
class Channel:
    """Samples of one kind, in the order of their time.

    Attributes:
        name: `table`, or `table/source`.
        table: Whose rows they are.
        signals: Its columns.
        condition: SQL that holds for its rows alone.
        is_grouped: Whether the rows of a message are one sample.
    """

    name: str
    table: str
    signals: tuple[Signal, ...]
    condition: str
    is_grouped: bool = False

    def sql(self, columns: Iterable[str], order: str = "") -> str:
        """A query for the samples of a window; its parameters are those of `bounds`."""
        group = "group by drive_id, segment_num, message_num, mono_ns" if self.is_grouped else ""
        where = f"where {_WITHIN} and {self.condition}"
        return f"select {', '.join(columns)} from log.{self.table} {where} {group} {order}"

    @property
    def order(self) -> str:
        """What its samples of one time are ordered by: their place in the log.

        Elements of a message's list were inserted in their order.
        """
        return "segment_num, message_num" + ("" if self.is_grouped else ", rowid")


def bounds(part: Window, start_ns: int | None = None, end_ns: int | None = None) -> dict[str, Any]:
    """The parameters of a channel's query, by default for the whole window."""
    return {
        "drive_id": part.drive_id,
        "start_ns": part.start_ns if start_ns is None else start_ns,
        "end_ns": part.end_ns if end_ns is None else end_ns,
    }


def find_channels(reader: Queryable, clip: ClipWindow) -> list[Channel]:
    """The channels that have a sample in the window, in a fixed order."""
    columns: dict[str, list[tuple[str, str]]] = {table: [] for table in _TABLES}
    for row in reader.rows(_COLUMNS, {"tables": list(_TABLES)}):
        columns[row["table_name"]].append((row["column_name"], row["data_type"]))
    return [
        _channel(table, columns[table], key)
        for table in _TABLES
        for key in _keys(reader, clip, table, [name for name, _ in columns[table]])
    ]


def _keys(
    reader: Queryable, clip: ClipWindow, table: str, columns: list[str]
) -> list[dict[str, Any]]:
    """The values that tell the table's channels apart; one empty key where nothing has to."""
    names = _KEYS.get(table) or (_SOURCE if "source" in columns else ())
    if not names:
        query = f"select 1 from log.{table} where {_WITHIN} limit 1"
        return [{}] if reader.rows(query, bounds(clip.part)) else []
    listed = ", ".join(names)
    query = f"select distinct {listed} from log.{table} where {_WITHIN} order by {listed}"
    return reader.rows(query, bounds(clip.part))


def _channel(table: str, columns: list[tuple[str, str]], key: dict[str, Any]) -> Channel:
    conditions = [f"{name} = {_literal(value)}" for name, value in key.items()]
    values = [(name, kind) for name, kind in columns if name not in _BOOKKEEPING | key.keys()]
    prefix = "can" if table == "can_signal" else table
    parts = [f"bus{value}" if name == "bus" else str(value) for name, value in key.items()]
    return Channel(
        name="/".join([prefix, *parts]),
        table=table,
        signals=_signals(table, values),
        condition=" and ".join(conditions) or "true",
        is_grouped=table == "car_event",
    )


def _signals(table: str, columns: list[tuple[str, str]]) -> tuple[Signal, ...]:
    if table == "bookmark":
        return (Signal("is_pressed", "BOOLEAN", "true"),)
    if table == "car_event":
        flags = [
            Signal(name, kind, f"coalesce(bool_or({name}), false)")
            for name, kind in columns
            if kind == "BOOLEAN"
        ]
        names = "coalesce(string_agg(name, ' ' order by name), 'none')"
        return (Signal("names", "VARCHAR", names), *flags)
    return tuple(Signal(name, kind, f'"{name}"') for name, kind in columns)


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
