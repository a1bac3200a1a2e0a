"""What a window holds, read from the base tables row by row: the oracle of clips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engagement.store.reader import Reader

_PLACE = ("drive_id", "segment_num", "message_num", "frame_num", "mono_ns", "source", "n_pointers")
_PLAIN = (
    "car_state", "controls_state", "selfdrive_state", "car_control", "button_event", "lead",
    "live_parameters", "live_torque_parameters", "clock", "plan",
)  # fmt: skip
_BY_SOURCE = ("alert", "gps", "lane_change", "ignition", "model", "driver_monitoring")

Columns = dict[str, list[tuple[int, Any]]]


def samples(reader: Reader, drive_id: int, start_ns: int, end_ns: int) -> Columns:
    """Time and value of each sample, by the name of its column in a clip; null left out."""
    found: Columns = {}
    for table in (*_PLAIN, *_BY_SOURCE, "bookmark", "can_signal", "car_event"):
        order = "mono_ns, segment_num, message_num, rowid"
        rows = [
            row
            for row in reader.rows(f"from log.{table} where drive_id = {drive_id} order by {order}")
            if start_ns <= row["mono_ns"] < end_ns
        ]
        for row in _messages(rows) if table == "car_event" else rows:
            for name, value in _values(table, row).items():
                values = found.setdefault(name, [])
                if value is not None:
                    values.append((row["mono_ns"], value))
    return found


def _values(table: str, row: dict[str, Any]) -> dict[str, Any]:
    if table == "can_signal":
        return {f"can/{row['signal_key']}/bus{row['bus']}/value": row["value"]}
    if table == "bookmark":
        return {f"bookmark/{row['source']}/is_pressed": True}
    prefix = table if table in _PLAIN else f"{table}/{row['source']}"
    return {f"{prefix}/{name}": value for name, value in row.items() if name not in _PLACE}


def _messages(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events in force, one row a message."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for row in rows:
        key = row["segment_num"], row["message_num"]
        message = found.setdefault(key, {**row, "names": []})
        message["names"] += [row["name"]] if row["name"] else []
        for name, value in row.items():
            if value is None or isinstance(value, bool):
                message[name] = bool(message[name] or value)
    for message in found.values():
        message["names"] = " ".join(sorted(message["names"])) or "none"
        del message["name"]
    return list(found.values())
