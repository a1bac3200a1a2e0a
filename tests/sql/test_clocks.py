"""When drives started: by which clock, in UTC and in the time of the place.

The oracle reads the rows plainly, one drive at a time, and takes local time from Python's zoneinfo.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tzfpy import get_tz

from engagement.store.time_zones import find_time_zones, forget_time_zones
from tests import builders
from tests.computing import compute, rows

Row = dict[str, Any]
SECOND_NS = 1_000_000_000
INGESTED_AT = datetime(2026, 3, 4, 23, 30)  # noqa: DTZ001 - UTC, as the column says
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
# Around both limits of a clock that was set: 2018, and the day after the day of ingest.
TIMES = [
    EPOCH, datetime(2017, 12, 31, 23, 59, 59), datetime(2018, 1, 1), datetime(2025, 6, 15, 12),  # noqa: DTZ001
    datetime(2026, 3, 5, 23, 59, 50), datetime(2026, 3, 6, 0, 0, 1), datetime(2035, 1, 1),  # noqa: DTZ001
]  # fmt: skip
PLACES = [
    (48.137, 11.575), (40.71, -74.0), (-33.87, 151.2), (28.61, 77.21), (0.001, 0.001), (91.0, 0.0),
    (35.68, 139.69), (64.1, -21.9),
]  # fmt: skip


def nanoseconds(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1) * 1000


def random_clocks(rng: Random, drive_id: int) -> builders.BaseTables:
    """A drive of two segments that has some clocks, each set, unset or set while it drives."""
    place = rng.choice(PLACES)
    names = ["0000002a--0123456789", "1970-01-01--00-00-17", "2025-06-15--14-00-00",
             "2040-01-01--00-00-00"]  # fmt: skip
    start_ns = rng.randrange(20, 10_000) * SECOND_NS
    tables: builders.BaseTables = {
        "drive": [{"drive_id": drive_id, "dongle_id": "0" * 16, "drive": rng.choice(names),
                   "host": "offline"}],
        "segment": [segment(drive_id, number, start_ns) for number in range(2)],
        "selfdrive_state": [], "clock": [], "gps": [], "init_data": [],
    }  # fmt: skip
    for number in range(2):
        key = {"drive_id": drive_id, "segment_num": number}
        at_ns = start_ns + number * 10 * SECOND_NS
        state = {"enabled": False, "active": False}
        tables["selfdrive_state"].append(key | {"message_num": 0, "mono_ns": at_ns} | state)
        if rng.random() < 0.7:
            wall_ns = nanoseconds(rng.choice(TIMES)) + at_ns if rng.random() < 0.8 else None
            init = {"message_num": 1, "mono_ns": start_ns - SECOND_NS, "wall_time_ns": wall_ns}
            tables["init_data"].append(key | init)
        for table in rng.sample(("clock", "gps"), rng.randrange(3)):
            for message in range(2, 2 + rng.randrange(4)):
                mono_ns = at_ns + rng.randrange(9) * SECOND_NS
                wall_ns = nanoseconds(rng.choice(TIMES)) + rng.randrange(10**9)
                row = key | {"message_num": message + (10 if table == "gps" else 0)}
                row |= {"mono_ns": mono_ns}
                if table == "clock":
                    row |= {"wall_time_ns": wall_ns}
                else:
                    row |= {"source": "gpsLocation", "has_fix": rng.random() < 0.7}
                    row |= {"unix_ms": rng.choice((wall_ns // 10**6, None))}
                    row |= {"latitude": place[0], "longitude": place[1]}
                tables[table].append(row)
    return tables


def segment(drive_id: int, number: int, start_ns: int) -> Row:
    row = builders._segment_row(drive_id, number, "rlog", "ok")
    times = {
        "start_mono_ns": start_ns + number * 10 * SECOND_NS,
        "end_mono_ns": start_ns + (number + 1) * 10 * SECOND_NS,
    }
    return row | times | {"ingested_at_utc": INGESTED_AT}


def is_set(wall_ns: int | None) -> bool:
    """Not before 2018, and not later than the day after the day of ingest."""
    if wall_ns is None:
        return False
    day = (EPOCH + timedelta(microseconds=wall_ns // 1000)).date()
    return day.year >= 2018 and day <= INGESTED_AT.date() + timedelta(days=1)


def newest(found: list[Row], wall: str, unit_ns: int) -> int | None:
    """What the newest of some rows that were set adds to logMonoTime."""
    good = [row for row in found if row[wall] is not None and is_set(row[wall] * unit_ns)]
    if not good:
        return None
    last = max(good, key=lambda row: (row["mono_ns"], row["segment_num"], row["message_num"]))
    return last[wall] * unit_ns - last["mono_ns"]


def identity(tables: builders.BaseTables) -> Row:
    """Clock, start and zone of one drive."""
    fixes = [row for row in tables["gps"] if row["has_fix"]]
    offsets = {
        "gps": newest(fixes, "unix_ms", 10**6),
        "clocks": newest(tables["clock"], "wall_time_ns", 1),
        "init_data": newest(tables["init_data"], "wall_time_ns", 1),
    }
    source = next((name for name, offset in offsets.items() if offset is not None), None)
    [drive] = tables["drive"]
    named_at = {"2025-06-15--14-00-00": datetime(2025, 6, 15, 14)}.get(drive["drive"])  # noqa: DTZ001
    start_ns = min(row["mono_ns"] for row in tables["selfdrive_state"])
    utc = None
    if source:
        utc = EPOCH + timedelta(microseconds=(start_ns + offsets[source]) // 1000)
    zone = None
    places = {(row["latitude"], row["longitude"]) for row in fixes} - {(0.001, 0.001), (91.0, 0.0)}
    for latitude, longitude in places:
        zone = get_tz(longitude, latitude)
    local = named_at
    if utc and zone:
        local = utc.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return {
        "drive_id": drive["drive_id"],
        "clock_source": source or ("name" if named_at else None),
        "started_at_utc": utc,
        "started_at_local": local,
        "time_zone": zone,
    }


def test_start_clock_and_zone_are_those_of_the_oracle(connection):
    drives = [random_clocks(Random(seed), seed) for seed in range(400)]
    tables = builders.merge(drives)
    builders.insert(connection, {"gps": tables["gps"]})
    find_time_zones(connection, range(400))
    connection.execute("delete from log.gps")

    compute(connection, tables, "result.drive_identity")

    wanted = [identity(drive) for drive in drives]
    names = ", ".join(wanted[0])
    assert rows(connection, f"select {names} from result.drive_identity order by all") == wanted
    sources = [row["clock_source"] for row in wanted]
    assert all(sources.count(name) > 10 for name in ("gps", "clocks", "init_data", "name", None))
    assert sum(row["time_zone"] is not None for row in wanted) > 50


def test_what_only_a_name_tells_is_never_utc(connection):
    drives = [random_clocks(Random(seed), seed) for seed in range(200)]
    for tables in drives:
        tables["clock"], tables["init_data"] = [], []
        tables["gps"] = [row | {"unix_ms": None} for row in tables["gps"]]
    compute(connection, builders.merge(drives), "result.drive_identity")
    found = rows(connection, "from result.drive_identity")
    assert {row["started_at_utc"] for row in found} == {None}
    assert {row["clock_source"] for row in found} == {None, "name"}
    assert {row["started_at_local"] for row in found} == {None, datetime(2025, 6, 15, 14)}  # noqa: DTZ001


def test_a_place_is_looked_up_once_and_only_where_a_drive_started(connection):
    fix = {"source": "gpsLocation", "has_fix": True, "mono_ns": 1, "segment_num": 0}
    fixes = [
        fix | {"drive_id": number, "message_num": number, "latitude": 48.0, "longitude": longitude}
        for number, longitude in enumerate((11.001, 11.002, 11.012, 12.0))
    ]
    later = fixes[0] | {"mono_ns": 2, "longitude": 20.0}
    builders.insert(connection, {"gps": [*fixes, later]})

    find_time_zones(connection, [0, 1, 2])
    query = "select longitude_cell, time_zone from store.place_zone order by all"
    munich = [(1100, "Europe/Berlin"), (1101, "Europe/Berlin")]
    assert connection.execute(query).fetchall() == munich

    find_time_zones(connection, [0, 3])
    assert connection.execute(query).fetchall() == [*munich, (1200, "Europe/Berlin")]
    forget_time_zones(connection)
    assert connection.execute(query).fetchall() == []
