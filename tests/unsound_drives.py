"""Drives that are unsound in one way each, and what of sql/checks/ is to find them.

A sound drive of a minute in three segments is changed by functions on its base tables.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests import builders

Row = dict[str, Any]
Change = Callable[[builders.BaseTables], None]

SECOND_NS = 1_000_000_000
START_NS = 500 * SECOND_NS
WALL_NS = 1_750_000_000 * SECOND_NS
SPEED_MPS = 20.0


def sound_drive(drive_id: int = 1) -> builders.BaseTables:
    """A minute at 20 m/s, in three segments, with an odometer and clocks that agree.

    Drives start some nanoseconds apart, so that no two have the same times.
    """
    start_ns = START_NS + drive_id
    place = {"drive_id": drive_id, "segment_num": 0, "message_num": 0}
    tables = builders.random_drive(Random(1), drive_id, is_whole=True)
    tables = {"drive": tables["drive"], "segment": tables["segment"][:1]}
    tables["segment"] = [
        tables["segment"][0]
        | {
            "segment_num": number,
            "log_kind": "rlog",
            "status": "ok",
            "content_hash": f"{drive_id}-{number}",
            "n_messages": 1000 + number,
            "raw_crc32": drive_id * 10 + number,
            "start_mono_ns": start_ns + number * 20 * SECOND_NS,
            "end_mono_ns": start_ns + (number + 1) * 20 * SECOND_NS - SECOND_NS // 10,
        }
        for number in range(3)
    ]
    for tenth in range(600):
        row = place | {
            "segment_num": tenth // 200,
            "message_num": tenth,
            "mono_ns": start_ns + tenth * SECOND_NS // 10,
        }
        add(tables, "selfdrive_state", row | {"enabled": True, "active": tenth > 100})
        add(tables, "car_state", row | {"v_ego_mps": SPEED_MPS})
        if tenth % 10 == 0:
            wall_ns = WALL_NS + row["mono_ns"]
            add(tables, "clock", row | {"wall_time_ns": wall_ns})
            fix = {"source": "gpsLocation", "has_fix": True, "unix_ms": wall_ns // 1_000_000}
            add(tables, "gps", row | fix | {"latitude": 50.0, "longitude": 7.0})
            odometer_km = 1000 + tenth / 10 * SPEED_MPS / 1000
            signal = {"frame_num": 0, "signal_key": "odometer", "bus": 0, "value": odometer_km}
            add(tables, "can_signal", row | signal)
    return tables


def add(tables: builders.BaseTables, table: str, row: Row) -> None:
    tables.setdefault(table, []).append(row)


def between(start_s: float, end_s: float) -> Callable[[Row], bool]:
    """Whether a row is from (start_s, end_s) of the drive, the ends not included."""
    return lambda row: start_s < (row["mono_ns"] - START_NS) // 1000 / 1e6 < end_s


def without(start_s: float, end_s: float) -> Change:
    """Leave out what was sampled between."""

    def change(tables: builders.BaseTables) -> None:
        for table in tables.keys() - {"drive", "segment"}:
            tables[table] = [row for row in tables[table] if not between(start_s, end_s)(row)]

    return change


def without_car_state(start_s: float, end_s: float) -> Change:
    """Leave out carState alone."""

    def change(tables: builders.BaseTables) -> None:
        kept = [row for row in tables["car_state"] if not between(start_s, end_s)(row)]
        tables["car_state"] = kept

    return change


def drop_segment(number: int) -> Change:
    def change(tables: builders.BaseTables) -> None:
        for table in tables.keys() - {"drive"}:
            tables[table] = [row for row in tables[table] if row["segment_num"] != number]

    return change


def set_where(table: str, is_chosen: Callable[[Row], bool], **values: Any) -> Change:
    def change(tables: builders.BaseTables) -> None:
        for row in filter(is_chosen, tables[table]):
            row.update(values)

    return change


def shift(table: str, column: str, amount: float, from_s: float = 30.0) -> Change:
    """Add to a column of all rows from some time of the drive on."""

    def change(tables: builders.BaseTables) -> None:
        for row in filter(between(from_s, 1000), tables[table]):
            row[column] += amount

    return change


def without_clock(name: str) -> Change:
    def change(tables: builders.BaseTables) -> None:
        tables["clock"] = []
        set_where("gps", lambda _row: True, unix_ms=0)(tables)
        tables["drive"][0]["drive"] = name

    return change


def add_failed_segment(tables: builders.BaseTables) -> None:
    failed = {"segment_num": 1, "status": "failed", "damage": "no event in it"}
    times = {"start_mono_ns": None, "end_mono_ns": None, "n_messages": 0}
    add(tables, "segment", tables["segment"][0] | failed | times | {"content_hash": "none"})


def copy_segment(tables: builders.BaseTables) -> None:
    tables["segment"][2]["content_hash"] = tables["segment"][1]["content_hash"]


def overlap(overlap_ns: int) -> Change:
    """Let the second segment begin so long before the end of the first one."""

    def change(tables: builders.BaseTables) -> None:
        end_ns = tables["segment"][0]["end_mono_ns"]
        tables["segment"][1]["start_mono_ns"] = end_ns - overlap_ns

    return change


def noisy_wheel(share: float, duration_s: float = 700) -> Change:
    """Engage for so long, sampled twice a second, with the wheel pressed for a share of it."""

    def change(tables: builders.BaseTables) -> None:
        start_ns = tables["segment"][0]["start_mono_ns"]
        place = {"drive_id": tables["drive"][0]["drive_id"], "segment_num": 0}
        for table in tables.keys() - {"drive", "segment"}:
            tables[table] = []
        tables["segment"] = [tables["segment"][0] | {
            "end_mono_ns": start_ns + round(duration_s * SECOND_NS)}]  # fmt: skip
        for number in range(round(duration_s * 2) + 1):
            row = place | {"message_num": number, "mono_ns": start_ns + number * SECOND_NS // 2}
            wall = {"wall_time_ns": WALL_NS + row["mono_ns"]}
            add(tables, "selfdrive_state", row | {"enabled": True, "active": True})
            pressed = {"steering_pressed": number % 20 < 20 * share}
            add(tables, "car_state", row | pressed | {"v_ego_mps": SPEED_MPS})
            add(tables, "clock", row | wall)

    return change


def without_state(tables: builders.BaseTables) -> None:
    """Leave out the state of the first and the last two seconds."""
    rows = tables["selfdrive_state"]
    tables["selfdrive_state"] = [row for row in rows if between(2, 58)(row)]


def add_drive(**values: Any) -> Change:
    """A second drive, whose segments share some values with those of the first."""

    def change(tables: builders.BaseTables) -> None:
        other = sound_drive(tables["drive"][0]["drive_id"] + 1)
        for row, copied in zip(other["segment"], tables["segment"], strict=True):
            row.update({name: copied[name] if value is ... else value
                        for name, value in values.items()})  # fmt: skip
        for table, found in other.items():
            tables[table] = tables[table] + found

    return change


def both(*changes: Change) -> Change:
    def change(tables: builders.BaseTables) -> None:
        for one in changes:
            one(tables)

    return change


def at(number: int) -> Callable[[Row], bool]:
    return lambda row: row["segment_num"] == number


def first(row: Row) -> bool:
    return bool(row["message_num"] == 0)


TIMES: Row = {"start_mono_ns": ..., "end_mono_ns": ..., "n_messages": ...}
UNPACKED: Row = TIMES | {"raw_crc32": ...}
MISSING = {"segments_missing": 1, "coverage_low": 1, "odometer_differs": 1}

# What is changed, and which checks find how many rows then.
CASES: dict[str, tuple[Change, dict[str, int]]] = {
    "nothing": (both(), {}),
    "clock goes on 1.001 s too far": (
        shift("clock", "wall_time_ns", 1_001_000_000), {"clock_jumps": 1}),
    "clock goes back": (shift("clock", "wall_time_ns", -SECOND_NS * 5), {"clock_jumps": 1}),
    "clock goes on a second too far": (shift("clock", "wall_time_ns", SECOND_NS), {}),
    "clock is set": (set_where("clock", between(-1, 5), wall_time_ns=10), {}),
    "gps time goes on 2 s too far": (shift("gps", "unix_ms", 2000), {"clock_jumps": 1}),
    "clock is 60.5 s ahead": (
        shift("clock", "wall_time_ns", 60_500_000_000, -1), {"clock_differs": 1}),
    "clock is 59 s behind": (shift("clock", "wall_time_ns", -59_000_000_000, -1), {}),
    "clock was never set": (set_where("clock", between(-1, 99), wall_time_ns=10**10),
        {"clock_differs": 1}),
    "gps time goes on, without a fix": (
        both(shift("gps", "unix_ms", 2000), set_where("gps", between(30, 99), has_fix=False)), {}),
    "no clock": (without_clock("0000002a--0123456789"), {"clock_unknown": 1}),
    "no clock but the name": (without_clock("2025-07-30--08-00-00"), {}),
    "4 s without samples": (without(10, 14), {"state_gaps": 1, "coverage_low": 1}),
    "2 s without samples": (without(10, 12), {"state_gaps": 1}),
    "a second without samples": (without(10, 11), {}),
    "2 s without state at both ends": (without_state, {"coverage_low": 1}),
    "no middle segment": (drop_segment(1), MISSING),
    "unreadable middle segment": (
        both(drop_segment(1), add_failed_segment), MISSING | {"logs_damaged": 1}),
    "no middle segment, and a gap": (
        both(drop_segment(1), without(50, 52)), MISSING | {"state_gaps": 1}),
    "no first segment": (drop_segment(0), {"segments_missing": 1}),
    "cut segment": (set_where("segment", at(1), status="partial"), {"logs_damaged": 1}),
    "qlog": (set_where("segment", at(1), log_kind="qlog"), {"logs_decimated": 1}),
    "segment begins 1.001 s before the other ends": (
        overlap(1_001_000_000), {"segments_overlapping": 1}),
    "segment begins a second before the other ends": (overlap(SECOND_NS), {}),
    "first segment goes on into the last one": (
        lambda tables: tables["segment"][0].update(end_mono_ns=START_NS + 45 * SECOND_NS),
        {"segments_overlapping": 2}),
    "same bytes in two drives": (add_drive(content_hash=...), {"segments_duplicated": 3}),
    "same times in two drives": (add_drive(**TIMES), {}),
    "same bytes, packed otherwise": (add_drive(**UNPACKED), {"segments_duplicated": 3}),
    "same bytes, packed otherwise, read before": (
        add_drive(**(UNPACKED | {"raw_crc32": None})), {}),
    "same bytes, one read before": (
        add_drive(content_hash=..., raw_crc32=None), {"segments_duplicated": 3}),
    "same sum, another number of messages": (
        add_drive(**(UNPACKED | {"n_messages": 7})), {}),
    "same bytes, but unreadable": (
        add_drive(content_hash=..., status="failed"), {"segments_missing": 1, "logs_damaged": 3}),
    "same bytes twice in a drive": (copy_segment, {"segments_duplicated": 1}),
    "other drive": (add_drive(), {}),
    "wheel pressed for 55 % of 700 s": (noisy_wheel(0.55), {"steering_noisy": 1}),
    "wheel pressed for 55 % of 590 s": (noisy_wheel(0.55, 590), {}),
    "wheel pressed for half of 700 s": (noisy_wheel(0.5), {}),
    "3 s without carState": (without_car_state(10, 13), {"speed_gaps": 1}),
    "odometer 0.3 km ahead": (shift("can_signal", "value", 0.3), {"odometer_differs": 1}),
    "odometer 0.2 km ahead": (shift("can_signal", "value", 0.2), {}),
    "odometer 0.3 km behind": (shift("can_signal", "value", -0.3), {"odometer_differs": 1}),
    "other signal": (
        both(set_where("can_signal", lambda _r: True, signal_key="cruise_state"),
             shift("can_signal", "value", 100)), {}),
    "fix at 0, 0": (
        set_where("gps", first, latitude=0.0, longitude=0.0), {"positions_impossible": 1}),
    "fix near the equator": (set_where("gps", first, latitude=0.0, longitude=0.01), {}),
    "fix beyond the pole": (
        set_where("gps", first, latitude=90.1), {"positions_impossible": 1}),
    "no fix at 0, 0": (
        set_where("gps", first, latitude=0.0, longitude=0.0, has_fix=False), {}),
    "speed that can't be": (
        set_where("car_state", first, v_ego_mps=None), {"speed_unknown": 1}),
}  # fmt: skip
