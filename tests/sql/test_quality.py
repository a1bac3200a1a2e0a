"""The checks of sql/checks/: each finds what it is for, and nothing in what only looks like it.

What all checks say of a drive that is unsound in one way is what that way is meant to be found by.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest

from engagement.resources import resource_dir
from tests import builders
from tests.computing import compute, rows
from tests.oracles.metric_drive import DEFAULTS, Drive
from tests.oracles.metric_model import Metrics
from tests.support.empty_store import new_store
from tests.unsound_drives import CASES, SECOND_NS, shift, sound_drive, without

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb


CHECKS = {path.stem: path for path in resource_dir("sql").joinpath("checks").glob("*.sql")}


@pytest.fixture(scope="module")
def cases() -> Iterator[duckdb.DuckDBPyConnection]:
    """Every case as a drive of one store, its number twice the case's; the next one is spare."""
    drives = []
    for number, (change, _) in enumerate(CASES.values()):
        drives.append(sound_drive(2 * number))
        change(drives[-1])
    with new_store() as connection:
        compute(connection, builders.merge(drives), "data_quality", "drives", "engagements")
        yield connection


@pytest.fixture(scope="module")
def findings(cases) -> dict[str, dict[str, int]]:
    """How many rows each check finds in each case."""
    found: dict[str, dict[str, int]] = {case: {} for case in CASES}
    for name, path in CHECKS.items():
        for row in rows(cases, path.read_text()):
            counts = found[list(CASES)[row["drive_id"] // 2]]
            counts[name] = counts.get(name, 0) + 1
    return found


@pytest.mark.parametrize("case", CASES)
def test_checks_find_what_is_wrong_and_only_that(case, findings):
    assert findings[case] == CASES[case][1]


def test_the_segments_that_checks_find_are_counted_by_drive(cases):
    counts = {
        row["drive_id"]: row["n_overlapping_segments"] for row in rows(cases, "from data_quality")
    }
    overlapping = rows(cases, CHECKS["segments_overlapping"].read_text())
    assert counts == {
        drive_id: sum(row["drive_id"] == drive_id for row in overlapping) for drive_id in counts
    }


def test_every_check_has_a_case():
    by_results = {"engagements_overlap", "state_time_exceeds_duration"}
    assert {
        name for _, expected in CASES.values() for name in expected
    } == CHECKS.keys() - by_results


@pytest.mark.parametrize(("end_s", "n_found"), [(30, 0), (31, 1)])
def test_engagements_that_overlap_are_found(connection, end_s, n_found):
    compute(connection, sound_drive(), "drives", "engagements")
    connection.execute("delete from result.engagements")
    for number, (start, end) in enumerate([(0, end_s), (30, 40)], 1):
        connection.execute(
            "insert into result.engagements (drive_id, engagement_num, start_mono_ns, end_mono_ns)"
            " values (1, ?, ?, ?)",
            [number, start * SECOND_NS, end * SECOND_NS],
        )
    assert len(rows(connection, CHECKS["engagements_overlap"].read_text())) == n_found


@pytest.mark.parametrize(("known_s", "n_found"), [(59.9, 0), (60.0, 1)])
def test_more_known_time_than_there_is_is_found(connection, known_s, n_found):
    compute(connection, sound_drive(), "drives", "engagements")
    connection.execute("update result.drive_metrics set known_s = ?", [known_s])
    assert len(rows(connection, CHECKS["state_time_exceeds_duration"].read_text())) == n_found


def test_the_numbers_of_a_drive_say_how_bad_it_is(connection):
    tables = sound_drive()
    for change in (
        without(10, 12.5), without(15, 17), shift("clock", "wall_time_ns", -SECOND_NS * 5),
        shift("clock", "wall_time_ns", 3 * SECOND_NS, 40), shift("can_signal", "value", 0.5),
    ):  # fmt: skip
        change(tables)
    compute(connection, tables, "data_quality")

    [quality] = rows(connection, "from data_quality")

    assert quality["n_gaps"] == 2
    assert quality["gap_s"] == pytest.approx(4.5)
    assert quality["longest_gap_s"] == pytest.approx(2.5)
    assert quality["n_clock_jumps"] == 2
    assert quality["clock_jump_s"] == pytest.approx(-5)
    # From 0 to 59 s the odometer counts 1.18 km and half a kilometre too much; the speed's
    # integral from 0 to 59.9 s lacks the two gaps.
    assert quality["odometer_km"] == pytest.approx(1.68)
    assert quality["odometer_difference_km"] == pytest.approx(1.68 - (59.9 - 4.5) * 0.02)
    assert quality["odometer_difference_fraction"] == pytest.approx(1 - 1.108 / 1.68)


@pytest.mark.parametrize("seeds", [range(1, 31), range(31, 61)], ids=str)
def test_gaps_are_those_of_the_oracle(seeds, connection):
    drives = [builders.random_drive(Random(seed), seed) for seed in seeds]
    compute(connection, builders.merge(drives), "data_quality")
    query = "select drive_id, n_gaps, gap_s, missing_segment_s from data_quality"
    found = {row["drive_id"]: tuple(row.values())[1:] for row in rows(connection, query)}

    wanted = {tables["drive"][0]["drive_id"]: gaps(tables) for tables in drives}

    assert found == {drive_id: pytest.approx(numbers) for drive_id, numbers in wanted.items()}
    assert sum(n_gaps > 0 for n_gaps, _, _ in wanted.values()) > 3
    assert sum(missing_s > 0 for _, _, missing_s in wanted.values()) > 2


def gaps(tables: builders.BaseTables) -> tuple[int, float, float]:
    """Number and time of gaps, and the time of those that a missing segment is in."""
    drive = Metrics(Drive(tables, DEFAULTS))
    readable = {r["segment_num"]: r for r in tables["segment"] if r["status"] != "failed"}
    numbers = sorted(readable)
    lengths: dict[bool, list[float]] = {True: [], False: []}
    for interval in drive.intervals[1:-1]:
        if interval.mode == "unknown":
            is_missing = any(
                later - earlier > 1
                and interval.start_ns < readable[later]["start_mono_ns"]
                and interval.end_ns
                > max(readable[n]["end_mono_ns"] for n in numbers if n <= earlier)
                for earlier, later in pairwise(numbers)
            )
            lengths[is_missing].append(interval.duration_ns / 1e9)
    return len(lengths[False]), sum(lengths[False]), sum(lengths[True])


@pytest.mark.parametrize(("step_km", "n_found"), [(1.0, 0), (0.1, 1)])
def test_an_odometer_may_be_off_by_its_own_step(connection, step_km, n_found):
    """It went on by 2 km, in so many steps, where the integral of speed is 1.2 km."""
    tables = sound_drive()
    readings = [row for row in tables["can_signal"] if row["signal_key"] == "odometer"]
    n_steps = round(2 / step_km)
    for place, row in enumerate(readings):
        row["value"] = 500 + step_km * (place * n_steps // (len(readings) - 1))
    compute(connection, tables, "data_quality")

    [quality] = rows(connection, "from data_quality")

    assert quality["odometer_km"] == pytest.approx(2)
    assert quality["odometer_step_km"] == pytest.approx(step_km)
    assert len(rows(connection, CHECKS["odometer_differs"].read_text())) == n_found
