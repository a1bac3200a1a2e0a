"""The legacy views against the old system's numbers, as the oracle computes them."""

from __future__ import annotations

import json
import math
import re
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from engagement.legacy import json_files
from engagement.store import results
from tests import builders, computing
from tests.computing import rows
from tests.oracles import legacy, legacy_drives, legacy_tables
from tests.oracles.legacy_messages import Can, CarState, Controls, Drive, Message, Segment
from tests.support.empty_store import new_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

Row = dict[str, Any]
S = 1_000_000_000
DAY = "2025-09-09--10-00-00"
RESULTS = (
    "legacy_state_changes",
    "legacy_segment_times",
    "legacy_speed_cells",
    "legacy_cruise_press",
    "legacy_odometer",
    "legacy_steer_interventions",
    "legacy_debug_events",
    "legacy_drives",
)


def numbered(drives: list[Drive]) -> builders.BaseTables:
    """The tables of the drives, numbered from 1."""
    tables = [legacy_tables.drive_rows(drive, number) for number, drive in enumerate(drives, 1)]
    return builders.merge(tables)


def fill(connection: duckdb.DuckDBPyConnection, drives: list[Drive]) -> None:
    """Insert the drives, and compute nothing."""
    builders.insert(connection, numbered(drives))


def entries(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    query = """
        select drive.dongle_id as device_id, drive.host, drive.drive, numbers.*
        from result.legacy_drives as numbers
        inner join log.drive on numbers.drive_id = drive.drive_id
        order by numbers.drive_id
    """
    return [json_files.engagement_db_entry(row) for row in rows(connection, query)]


def events(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    query = "from result.legacy_debug_events order by drive_id, segment_num, message_num"
    return [json_files.debug_event(row) for row in rows(connection, query)]


def compute(
    connection: duckdb.DuckDBPyConnection, drives: list[Drive]
) -> tuple[list[Row], list[Row]]:
    """Entries and debug events of the drives."""
    computing.compute(connection, numbered(drives), *(f"result.{name}" for name in RESULTS))
    return entries(connection), events(connection)


def differences(found: object, wanted: object, place: str = "") -> list[str]:
    """Where two documents differ; floats called raw may, by a billionth, and zeros have a sign."""
    if isinstance(found, dict) and isinstance(wanted, dict) and list(found) == list(wanted):
        return [
            problem
            for key, value in wanted.items()
            for problem in differences(found[key], value, f"{place}.{key}")
        ]
    if place.endswith("_raw"):
        is_same = math.isclose(found, wanted, rel_tol=1e-9)
    else:
        is_same = json.dumps(found) == json.dumps(wanted)
    return [] if is_same else [f"{place}: {found} instead of {wanted}"]


@pytest.mark.parametrize("first", range(0, 120, 30))
def test_views_agree_with_the_oracle_on_random_drives(first, connection):
    drives = [legacy_drives.random_drive(Random(seed)) for seed in range(first, first + 30)]
    wanted = [legacy.compute(drive) for drive in drives]

    found_entries, found_events = compute(connection, drives)

    assert len(found_entries) == len(drives)
    for found, (entry, _) in zip(found_entries, wanted, strict=True):
        assert differences(found, entry) == []
    wanted_events = [event for _, drive_events in wanted for event in drive_events]
    assert wanted_events
    assert found_events == wanted_events


def with_dead_flag(drive: Drive, number: int) -> dict[str, list[Row]]:
    """The drive's rows as logs since 0.9.8 have them: selfdriveState has the flag."""
    tables = legacy_tables.drive_rows(drive, number)
    for table in tables.values():
        for row in table:
            if "message_num" in row:
                row["message_num"] = row["message_num"] * 2 + 1
    flag: bool | None = None
    for row in tables.get("controls_state", []):
        if row["active"] != flag:
            flag = row["active"]
            before = {"message_num": row["message_num"] - 1}
            tables.setdefault("selfdrive_state", []).append(row | before)
    tables["controls_state"] = [row | {"active": False} for row in tables.get("controls_state", [])]
    return tables


def without_flag(drive: Drive) -> Drive:
    """The drive as the old system read it where the flag is dead."""
    segments = [
        Segment(
            segment.number,
            segment.path,
            tuple(
                Controls(message.mono_ns, active=False)
                if isinstance(message, Controls)
                else message
                for message in segment.messages
            ),
        )
        for segment in drive.segments
    ]
    return Drive(drive.device_id, drive.drive, tuple(segments))


def test_where_the_old_flag_is_dead_selfdrive_state_gives_what_it_meant(connection):
    drives = [legacy_drives.random_drive(Random(seed)) for seed in range(200, 225)]
    builders.insert(connection, builders.merge(list(map(with_dead_flag, drives, range(1, 26)))))

    results.refresh(connection, range(1, 26))

    wanted = [legacy.compute(drive) for drive in drives]
    for found, (entry, _) in zip(entries(connection), wanted, strict=True):
        assert differences(found, entry) == []
    wanted_events = [event for _, drive_events in wanted for event in drive_events]
    assert wanted_events
    assert events(connection) == wanted_events
    exact = [
        json_files.engagement_db_entry(json_files.exact(row))
        for row in rows(connection, "from legacy_engagement_db order by drive_id")
    ]
    for found, drive in zip(exact, drives, strict=True):
        assert differences(found, legacy.compute(without_flag(drive))[0]) == []
    sources = rows(connection, "select distinct active_source from legacy_engagement_db")
    assert {row["active_source"] for row in sources} == {"selfdriveState", None}


def test_a_flag_that_was_ever_set_is_not_dead(connection):
    drive = one_segment(ON, Controls(S, active=True), Controls(3 * S, active=False))
    tables = legacy_tables.drive_rows(drive, 1)
    tables["selfdrive_state"] = [row | {"active": False} for row in tables["controls_state"]]
    builders.insert(connection, tables)

    results.refresh(connection, [1])

    assert differences(entries(connection)[0], legacy.compute(drive)[0]) == []
    assert entries(connection)[0]["active_time"] == S


def test_a_long_segment_with_many_interventions_agrees_with_the_oracle(connection):
    drive = legacy_drives.random_drive(Random(18), n_messages=6000, name=DAY)
    entry, drive_events = legacy.compute(drive)

    found_entries, found_events = compute(connection, [drive])

    assert len(drive_events) > 10
    assert differences(found_entries[0], entry) == []
    assert found_events == drive_events


def test_a_drive_without_messages_has_zeros_and_nulls(connection):
    drive = Drive("d0", "2025-13-01--10-00-00", (Segment(0, "./rlogs/d0/x--0/rlog", ()),))

    (found,), found_events = compute(connection, [drive])

    assert differences(found, legacy.compute(drive)[0]) == []
    assert (found["total_time"], found["odo_distance"], found["recorded_at"]) == (0, None, None)
    assert found_events == []


def test_a_drive_whose_logs_all_failed_has_no_entry(connection):
    fill(connection, [legacy_drives.random_drive(Random(1))])
    connection.execute("update log.segment set status = 'failed'")

    results.refresh(connection, [1])

    assert entries(connection) == []


def both(time_ns: int, driver_nm: float, motor_nm: float) -> Can:
    """A message of one frame with both torques."""
    frame = {"steering_driver_torque": driver_nm, "steering_motor_torque": motor_nm}
    return Can(time_ns, (frame,))


def one_segment(*messages: Message, device: str = "d0") -> Drive:
    return Drive(device, DAY, (Segment(0, f"./rlogs/{device}/{DAY}--0/rlog", messages),))


ON = Controls(0, active=True)
FLIP = (Controls(0, active=False), Controls(20 * S, active=True))


STEERING = [  # the messages of a drive, and how often the driver steers
    ((ON, both(20 * S, 0, 1.5)), 0),
    ((ON, both(20 * S, 0, math.nextafter(1.5, 2))), 1),
    # the ten seconds count from boot
    ((ON, both(10 * S, 0, 2)), 0),
    ((ON, both(10 * S + 1, 0, 2)), 1),
    # and from the last one; below 0.3 Nm in between
    ((ON, both(20 * S, -2, 0.25), both(21 * S, 2, 0.25), both(30 * S, -30, 0.25)), 1),
    ((ON, both(20 * S, -2, 0.25), both(21 * S, 2, 0.25), both(30 * S + 1, -30, 0.25)), 2),
    ((ON, both(20 * S, -2, 0.3), both(21 * S, 2, 0.3), both(40 * S, -30, 0.3)), 1),
    # unstable for three seconds after a flip, until a controlsState says so
    ((*FLIP, Controls(23 * S, active=True), both(24 * S, 0, 2)), 0),
    ((*FLIP, both(24 * S, 0, 2)), 0),
    ((*FLIP, Controls(23 * S + 1, active=True), both(24 * S, 0, 2)), 1),
]


def test_steering_thresholds_are_met_exactly(connection):
    drives = [one_segment(*messages, device=f"d{n}") for n, (messages, _) in enumerate(STEERING)]
    counts = [count for _, count in STEERING]

    found, _ = compute(connection, drives)

    assert [entry["steer_intervention_count"] for entry in found] == counts
    wanted = [legacy.compute(drive)[0] for drive in drives]
    assert [entry["steer_intervention_count"] for entry in wanted] == counts


def test_torques_are_added_from_the_oldest(connection):
    motor_nm = [1e16, 1.0, -1e16, 20.0]
    messages = [both(20 * S, 0, torque_nm) for torque_nm in motor_nm]
    drive = one_segment(*messages[:3], ON, messages[3])

    _, (event,) = compute(connection, [drive])

    assert event["reason"] == "Steering intervention detected (diff: 5.00)"
    assert legacy.compute(drive)[1] == [event]


def test_odometer_increments_are_added_from_the_oldest(connection):
    tenths = [4, 7, 10, 13, 14, 15, 164]
    drive = one_segment(ON, *(Can(S, ({"odometer": n * 0.1},)) for n in tenths))

    (found,), _ = compute(connection, [drive])

    assert found["engagement_pct_odo"] == 6.87  # 6.88 from the newest
    assert differences(found, legacy.compute(drive)[0]) == []


def test_rates_are_rounded_as_python_rounds_ties(connection):
    gaps_ns = [1_000_000_000, 7_000_000_000]
    controls = [Controls(0, active=True), Controls(gaps_ns[0], active=True)]
    controls.append(Controls(sum(gaps_ns) * 100, active=False))
    odometer = [Can(1, ({"odometer": km},)) for km in (0.0, 0.5, 16.0)]
    messages = (*controls[:2], *odometer, *controls[2:], CarState(1, 2.0), CarState(2, 2.0))
    drive = Drive("d0", DAY, (Segment(0, "./rlogs/d0/x--0/rlog", messages),))

    (found,), _ = compute(connection, [drive])

    assert found["engagement_pct_odo"] == 3.12  # 3.125; DuckDB's round gives 3.13
    assert found["engagement_pct"] == 0.12  # 0.125
    assert differences(found, legacy.compute(drive)[0]) == []


@pytest.mark.parametrize("only", [[2], [2, 4], [1, 2, 3, 4, 5]])
def test_drives_computed_apart_are_those_computed_together(only, connection):
    drives = [legacy_drives.random_drive(Random(seed), name=DAY) for seed in range(5)]
    fill(connection, drives)
    results.refresh(connection, [1, 2, 3, 4, 5])
    chosen = f"drive_id in ({', '.join(map(str, only))})"
    expected = {name: read_sorted(connection, name, chosen) for name in RESULTS}

    connection.execute(";".join(f"delete from result.{name}" for name in RESULTS))
    results.refresh(connection, only)

    assert {name: read_sorted(connection, name, "true") for name in RESULTS} == expected
    assert expected["legacy_drives"]


def read_sorted(connection: duckdb.DuckDBPyConnection, name: str, condition: str) -> list[Row]:
    return rows(connection, f"from result.{name} where {condition} order by all")


@pytest.fixture(scope="module")
def filled() -> Iterator[duckdb.DuckDBPyConnection]:
    """A store whose tables have rows: what reads an empty one is left out of a plan."""
    with new_store() as connection:
        compute(connection, [legacy_drives.random_drive(Random(seed)) for seed in range(5)])
        yield connection


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize(
    "condition", ["drive_id = 3", "drive_id between 1 and 3 and drive_id in (1, 3)"]
)
def test_a_filter_on_drives_reaches_the_scans_of_the_large_tables(name, condition, filled):
    large = r"(can_signal|can_message|controls_state|car_state)$"
    query = f"explain (format json) from compute.{name} where {condition}"

    plan = json.loads(filled.execute(query).fetchall()[0][1])

    scans = [scan for node in plan for scan in table_scans(node)]
    reads = [scan for scan in scans if re.search(large, scan["Table"])]
    assert reads or name in {"legacy_debug_events", "legacy_drives"}
    assert all("drive_id" in str(scan.get("Filters")) for scan in reads), reads


def table_scans(node: Row) -> Iterator[Row]:
    """What a plan says of each scan of a table."""
    if "Table" in node["extra_info"]:
        yield node["extra_info"]
    for child in node["children"]:
        yield from table_scans(child)
