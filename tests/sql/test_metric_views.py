"""The metric views against the oracle, and what must not change their numbers."""

from __future__ import annotations

import math
from dataclasses import asdict
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from engagement.store import results
from tests import builders
from tests.oracles import metrics
from tests.oracles.metric_drive import DEFAULTS, Parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

Row = dict[str, Any]
Views = dict[str, list[Row]]

BATCHES = [range(start, start + 20) for start in range(1, 101, 20)]
KEYS = {
    "state_intervals": ("drive_id", "start_mono_ns"),
    "engagements": ("drive_id", "engagement_num"),
    "disengagements": ("drive_id", "mono_ns"),
    "overrides": ("drive_id", "axis", "start_mono_ns"),
    "interventions": ("drive_id", "mono_ns"),
    "speed_bands": ("drive_id", "speed_band"),
    "events": ("drive_id", "kind", "mono_ns"),
    "alerts": ("drive_id", "start_mono_ns"),
    "drives": ("drive_id",),
}
CAUSES = {
    (f"driver_{name}", is_inferred)
    for name in ("brake", "cancel", "gas", "main", "park")
    for is_inferred in (True, False)
} | {
    ("car_cruise", True),
} | {
    (cause, False)
    for cause in (
        "car_cruise", "driver_steer", "car_limit", "driver_inattention", "driver_other",
        "driver_soft", "end_of_drive", "system_immediate", "system_soft", "unknown",
    )
}  # fmt: skip
BY_SEGMENT = {"segment_num", "segment_time_s", "path", "n_segments"}
OTHER = Parameters(
    max_gap_s=0.6,
    max_gap_qlog_s=0.9,
    event_max_gap_s=1.0,
    engagement_min_off_s=0.3,
    counted_min_on_s=1.0,
    counted_min_off_s=0.5,
    pause_grace_s=0.5,
    override_min_s=0.2,
    override_merge_s=0.5,
    prompt_before_s=0.5,
    nudge_max_s=1.0,
    intervention_merge_s=1.0,
    moving_min_mps=8.0,
    city_max_mps=1.0,
    road_max_mps=15.31,
    cause_before_s=0.3,
    cause_after_s=0.2,
    soft_disable_s=3.0,
    consequence_s=0.3,
    cruise_min_margin_mps=7.0,
    end_of_drive_s=1.0,
    position_max_age_s=0.5,
    severity_before_s=2.0,
    severity_after_s=3.0,
    jerk_window_s=0.5,
    ttc_min_closing_mps=0.4,
    thw_min_speed_mps=8.0,
    drac_min_distance_m=4.0,
    critical_ttc_s=4.0,
    critical_thw_s=0.4,
    critical_drac_mps2=1.0,
    critical_deceleration_mps2=1.0,
    planned_max_speed_mps=9.0,
    planned_park_m=10.0,
    unplanned_before_s=1.0,
    unplanned_deceleration_mps2=0.1,
    reaction_max_s=2.0,
)


@pytest.mark.parametrize("seeds", BATCHES, ids=str)
def test_views_say_what_the_oracle_says(seeds, store):
    tables = builders.merge([builders.random_drive(Random(seed), seed) for seed in seeds])

    assert differences(computed(store, tables), metrics.compute(tables)) == []


def test_the_drives_reach_every_rule():
    """What no drive reaches, no comparison tests."""
    views = metrics.compute(random_drives(range(1, 81)))

    causes = {(row["cause"], row["is_inferred"]) for row in views["disengagements"]}
    assert causes >= CAUSES
    for flag in ("is_carried_in", "is_nudge", "is_nag_answer", "is_resume"):
        assert {row[flag] for row in views["overrides"]} == {True, False}
    for column in ("is_pause", "is_counted"):
        assert {row[column] for row in views["disengagements"]} == {True, False}
    inputs = {name for row in views["interventions"] for name in row["inputs"]}
    assert inputs == {"steer", "gas", "brake", "cancel", "main", "park"}
    moments = {
        (row["mode"], row["ends_engagement"], row["is_planned"]) for row in views["interventions"]
    }
    modes = ("engaged", "lateral_only")
    assert moments >= {(mode, True, False) for mode in modes}
    assert moments >= {(mode, False, is_planned) for mode in modes for is_planned in (True, False)}
    ends = {(row["mode"], row["end_kind"]) for row in views["engagements"]}
    kinds = ("disengagement", "end_of_drive", "end_of_log", "gap")
    assert ends == {(mode, kind) for mode in modes for kind in kinds} | {
        ("lateral_only", "upgrade")
    }


def test_thresholds_come_from_the_parameter_table(store):
    tables = random_drives(range(101, 121))

    assert differences(computed(store, tables, OTHER), metrics.compute(tables, OTHER)) == []
    assert set(asdict(DEFAULTS)) == set(asdict(OTHER))
    assert not set(asdict(DEFAULTS).items()) & set(asdict(OTHER).items())


def test_splitting_drives_elsewhere_changes_only_segment_numbers(store):
    rng = Random(3)
    drives = [builders.random_drive(Random(seed), seed, is_whole=True) for seed in range(201, 216)]
    moved = builders.merge([builders.resegment(tables, rng) for tables in drives])
    tables = builders.merge(drives)

    assert segment_counts(moved) != segment_counts(tables)
    before, after = (
        without_segments(computed(store, tables)),
        without_segments(computed(store, moved)),
    )
    assert differences(after, before) == []


def test_the_order_of_inserted_rows_changes_nothing(store):
    tables = random_drives(range(301, 311))
    rng = Random(4)
    shuffled = {name: rng.sample(rows, len(rows)) for name, rows in tables.items()}

    assert differences(computed(store, shuffled), computed(store, tables)) == []


def test_a_drive_has_the_same_numbers_alone_as_among_others(store):
    drives = [builders.random_drive(Random(seed), seed) for seed in range(401, 407)]

    together = computed(store, builders.merge(drives))

    alone = [computed(store, tables) for tables in drives]
    assert differences(together, {name: [r for v in alone for r in v[name]] for name in KEYS}) == []


def test_refreshing_again_changes_nothing_and_a_removed_drive_leaves_nothing(connection):
    tables = random_drives(range(501, 507))
    builders.insert(connection, tables)
    results.refresh(connection, list(range(501, 507)))
    once = read(connection)

    results.refresh(connection, [503, 501])
    assert differences(read(connection), once) == []

    for table in tables:
        connection.execute(f"delete from log.{table} where drive_id = 502")
    results.refresh(connection, [502])
    kept = {name: [row for row in rows if row["drive_id"] != 502] for name, rows in once.items()}
    assert differences(read(connection), kept) == []


def test_only_refreshed_drives_change(connection):
    tables = random_drives(range(601, 605))
    builders.insert(connection, tables)
    results.refresh(connection, [601, 603])

    rows = [row for name in KEYS if name != "drives" for row in read(connection)[name]]

    assert {row["drive_id"] for row in rows} == {601, 603}


def test_state_intervals_tile_the_span_and_neighbours_differ(store):
    tables = random_drives(range(701, 721))
    views = computed(store, tables)

    for drive in views["drives"]:
        rows = [r for r in views["state_intervals"] if r["drive_id"] == drive["drive_id"]]
        assert all(before["end_mono_ns"] == row["start_mono_ns"] for before, row in pairwise(rows))
        assert all(state(before) != state(row) for before, row in pairwise(rows))
        total_ns = sum(row["end_mono_ns"] - row["start_mono_ns"] for row in rows)
        assert total_ns == round(drive["duration_s"] * 1e9)


def random_drives(seeds: Sequence[int]) -> builders.BaseTables:
    return builders.merge([builders.random_drive(Random(seed), seed) for seed in seeds])


def computed(
    store: duckdb.DuckDBPyConnection,
    tables: builders.BaseTables,
    parameters: Parameters = DEFAULTS,
) -> Views:
    """The rows of the views in an empty store that is given these rows."""
    store.execute("begin")
    for name, value in asdict(parameters).items():
        store.execute("update store.parameter set value = ? where name = ?", [value, name])
    builders.insert(store, tables)
    results.refresh(store, [row["drive_id"] for row in tables["drive"]])
    views = read(store)
    store.execute("rollback")
    return views


def read(connection: duckdb.DuckDBPyConnection) -> Views:
    """All rows of the metric views, in the order of their keys."""
    return {
        name: connection.sql(f"select * from {name} order by {', '.join(keys)}")
        .to_arrow_table()
        .to_pylist()
        for name, keys in KEYS.items()
    }


def differences(views: Views, expected: Views) -> list[str]:
    """What views say otherwise than expected, in the columns that are expected."""
    found = []
    for name, keys in KEYS.items():
        rows = {tuple(row[key] for key in keys): row for row in views[name]}
        wanted = {tuple(row[key] for key in keys): row for row in expected[name]}
        assert len(rows) == len(views[name])
        found += [f"{name}{key}: not expected" for key in rows.keys() - wanted.keys()]
        found += [f"{name}{key}: missing" for key in wanted.keys() - rows.keys()]
        found += [
            f"{name}{key}: {column} is {rows[key][column]!r} and not {value!r}"
            for key in rows.keys() & wanted.keys()
            for column, value in wanted[key].items()
            if not is_same(rows[key][column], value)
        ]
    return sorted(found)


def is_same(value: object, expected: object) -> bool:
    if isinstance(value, float) and isinstance(expected, float):
        return math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-9)
    return type(value) is type(expected) and value == expected


def state(row: Row) -> tuple[object, ...]:
    columns = ("mode", "enabled", "active", "lateral_active", "longitudinal_active")
    return tuple(row[column] for column in columns)


def without_segments(views: Views) -> Views:
    return {
        name: [{k: v for k, v in row.items() if k not in BY_SEGMENT} for row in rows]
        for name, rows in views.items()
    }


def segment_counts(tables: builders.BaseTables) -> list[int]:
    return sorted(row["n_messages"] for row in tables["segment"])
