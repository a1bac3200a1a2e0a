"""Where speed is unknown while the state is known: how much, and where.

The oracle walks through the samples of random drives one by one; the state is the view's own.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from engagement.resources import resource_dir
from tests import builders
from tests.computing import compute, rows
from tests.support.empty_store import new_store
from tests.unsound_drives import SECOND_NS, sound_drive, without

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

Row = dict[str, Any]
N_DRIVES = 120


@pytest.fixture(scope="module")
def drives() -> list[builders.BaseTables]:
    return [builders.random_drive(Random(seed), seed) for seed in range(1, N_DRIVES + 1)]


@pytest.fixture(scope="module")
def store(drives) -> Iterator[duckdb.DuckDBPyConnection]:
    with new_store() as connection:
        compute(connection, builders.merge(drives), "drives", "data_quality", "groups", "rates")
        yield connection


def samples_of(tables: builders.BaseTables) -> list[Row]:
    """carState in the order of time, of samples at the same time the last.

    A step ends with the speed of the first of them: `v_ego_before_mps`.
    """
    found = sorted(
        tables.get("car_state", []),
        key=lambda row: (row["mono_ns"], row["segment_num"], row["message_num"]),
    )
    first = {row["mono_ns"]: row.get("v_ego_mps") for row in reversed(found)}
    last = {row["mono_ns"]: row for row in found}
    return [row | {"v_ego_before_mps": first[mono_ns]} for mono_ns, row in last.items()]


def is_known(one: Row, other: Row, kinds: dict[int, str]) -> bool:
    most_ns = SECOND_NS if kinds[one["segment_num"]] == "rlog" else SECOND_NS * 3 // 2
    is_near = other["mono_ns"] - one["mono_ns"] <= most_ns
    return is_near and other["segment_num"] - one["segment_num"] <= 1


def kinds_of(tables: builders.BaseTables) -> dict[int, str]:
    return {row["segment_num"]: row["log_kind"] for row in tables["segment"]}


@pytest.fixture(scope="module")
def states(store) -> dict[int, list[tuple[int, int]]]:
    """The times of known state of each drive."""
    query = "select * from result.state_intervals where mode <> 'unknown'"
    found = defaultdict(list)
    for row in rows(store, query):
        found[row["drive_id"]].append((row["start_mono_ns"], row["end_mono_ns"]))
    return found


def test_motion_coverage_is_that_of_the_oracle(store, drives, states):
    found = {row["drive_id"]: row for row in rows(store, "from drives")}
    wanted = {}
    for tables in drives:
        drive_id = tables["drive"][0]["drive_id"]
        times = states[drive_id]
        kinds = kinds_of(tables)
        speed_known_ns = sum(
            other["mono_ns"] - one["mono_ns"]
            for one, other in pairwise(samples_of(tables))
            if is_known(one, other, kinds)
            and one.get("v_ego_mps") is not None
            and other["v_ego_before_mps"] is not None
            and any(start <= one["mono_ns"] < end for start, end in times)
        )
        known_ns = sum(end - start for start, end in times)
        share = min(speed_known_ns, known_ns) / known_ns if known_ns else None
        if drive_id in found:
            wanted[drive_id] = share
    assert {number: row["motion_coverage"] for number, row in found.items()} == {
        number: share if share is None else pytest.approx(share) for number, share in wanted.items()
    }
    assert sum(share is not None and share < 0.9 for share in wanted.values()) > 5


def test_gaps_are_those_of_the_oracle(store, drives, states):
    wanted = []
    for tables in drives:
        drive_id = tables["drive"][0]["drive_id"]
        times, kinds, samples = states[drive_id], kinds_of(tables), samples_of(tables)
        if not times:
            continue
        facts = rows(store, f"from result.drive_facts where drive_id = {drive_id}")[0]
        first_ns, last_ns = facts["first_mono_ns"], facts["last_mono_ns"]
        holes = [
            (one["mono_ns"], other["mono_ns"])
            for one, other in pairwise(samples)
            if not is_known(one, other, kinds)
        ]
        holes.append((first_ns, samples[0]["mono_ns"] if samples else last_ns))
        if samples:
            holes.append((samples[-1]["mono_ns"], last_ns))
        for start, end in holes:
            known_ns = sum(max(min(end, b) - max(start, a), 0) for a, b in times)
            if known_ns > SECOND_NS:
                wanted.append((drive_id, start, end, known_ns))
    query = "select * from staging.speed_gaps order by all"
    assert [tuple(row.values()) for row in rows(store, query)] == sorted(wanted)
    assert len(wanted) > 10


def test_groups_and_rates_say_how_much_of_the_time_their_distance_is_of(store):
    """The share of all their known time, not the mean of shares."""
    members = rows(store, "from drive_groups where is_whole")
    sums = defaultdict(lambda: [0.0, 0.0])
    for row in members:
        total = sums[row["grouped_by"], row["group_name"]]
        total[0] += row["speed_known_s"] or 0
        total[1] += row["known_s"] or 0
    wanted = {
        group: pytest.approx(speed_s / known_s) if known_s else None
        for group, (speed_s, known_s) in sums.items()
    }
    for view in ("groups", "rates"):
        found = {
            (row["grouped_by"], row["group_name"]): row["motion_coverage"]
            for row in rows(store, f"from {view} order by all")
        }
        assert {group: found[group] for group in wanted} == wanted, view
    of_devices = {
        ("device", row["dongle_id"]): row["motion_coverage"] for row in rows(store, "from devices")
    }
    assert of_devices == {group: wanted[group] for group in of_devices}


def test_the_check_names_the_hole():
    tables, cut = sound_drive(1000), sound_drive(1000)
    without(20, 24.5)(cut)
    tables["car_state"] = cut["car_state"]
    with new_store() as connection:
        compute(connection, tables, "data_quality", "drives")
        check = resource_dir("sql") / "checks" / "speed_gaps.sql"
        [found] = rows(connection, check.read_text())
        assert (found["from_s"], found["to_s"]) == (pytest.approx(19.9), pytest.approx(24.5))
        [quality] = rows(connection, "from data_quality")
        assert (quality["n_speed_gaps"], quality["n_gaps"]) == (1, 0)
        assert quality["speed_gap_s"] == pytest.approx(4.6)
