"""Places against the oracle, on drives that walk about the earth."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from scipy.stats import binomtest

from bench import hot_spots, one_rate
from tests import builders
from tests.computing import Row, compute, has_values, rows
from tests.oracles import places as oracle

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb


SECOND_NS = 1_000_000_000
METRES_PER_DEGREE = 111_320

# Where drives start: in towns, at the equator and the date line, on and by the poles, and at 0, 0.
STARTS = (
    (50.9423, 6.9583), (-33.86, 151.2), (0.0, 179.9999), (-16.5, -179.9999), (0.0, 0.0),
    (89.9999, 10.0), (90.0, 180.0), (-89.9993, -120.0), (-90.0, 0.0), (71.0, 180.0),
)  # fmt: skip
IMPOSSIBLE: tuple[Row, ...] = (
    {"latitude": 0.0, "longitude": 0.0},
    {"latitude": 0.0099, "longitude": -0.0099},
    {"latitude": None, "longitude": 7.0},
    {"latitude": 90.01, "longitude": 7.0},
    {"latitude": math.nan, "longitude": 7.0},
    {"latitude": 51.0, "longitude": 181.0},
    {"latitude": 51.0, "longitude": math.inf},
)


@pytest.mark.parametrize(
    ("seeds", "cell_m", "min_drives"),
    [
        (range(1, 31), 100, 3),
        (range(31, 61), 100, 1),
        (range(61, 81), 20, 2),
        (range(81, 101), 1_000_000, 5),
    ],
    ids=str,
)
def test_places_are_what_the_oracle_says(seeds, cell_m, min_drives, connection):
    tables = walking_drives(seeds)
    set_parameters(connection, place_cell_m=cell_m, place_min_drives=min_drives)
    compute(connection, tables, "places")

    found = {(r["cell_row"], r["cell_column"]): r for r in rows(connection, "from places")}

    wanted = oracle.places(tables, cell_m=cell_m, min_drives=min_drives)
    assert found.keys() == wanted.keys()
    assert [cell for cell in wanted if not has_values(found[cell], wanted[cell])] == []
    assert sum(place["n_interventions"] for place in wanted.values()) > 10


def test_the_drives_reach_what_is_to_be_compared():
    found = oracle.places(walking_drives(range(31, 61))).values()
    assert any(place["n_engaged_drives"] == 0 for place in found)
    assert any(place["n_drives"] > 3 for place in found)
    assert {abs(place["latitude"]) > 89.99 for place in found} == {True, False}
    assert {abs(place["longitude"]) > 179.99 for place in found} == {True, False}


@pytest.mark.parametrize("seed", [1, 2])
def test_hot_spots_are_those_of_the_oracle(connection, seed):
    """Of a hundred cells a few are worse than the others."""
    rng = Random(seed)
    risks = {(row, 0): rng.choice((0.0, 0.01, 0.01, 0.3)) for row in range(100)}
    visits_by_drive = [
        {cell: random_visit(rng, risk) for cell, risk in risks.items() if rng.random() < 0.3}
        for _ in range(120)
    ]
    put_visits(connection, visits_by_drive)

    found = {(r["cell_row"], r["cell_column"]): r for r in rows(connection, "from places")}

    wanted = oracle.places_of(visits_by_drive, oracle.Grid(), 3)
    assert found.keys() == wanted.keys()
    assert [cell for cell in wanted if not has_values(found[cell], wanted[cell])] == []
    assert 10 < sum(place["is_hot_spot"] for place in wanted.values()) < 40


def test_a_drive_has_the_same_cells_alone_as_among_others(connection):
    compute(connection, walking_drives(range(101, 111)), "places")
    together = rows(connection, "from result.passed_cells order by all")
    alone = "from compute.passed_cells where drive_id between {0} and {0} order by all"
    assert [r for n in range(101, 111) for r in rows(connection, alone.format(n))] == together


@pytest.mark.parametrize("start", [start for start in STARTS if start != (0.0, 0.0)], ids=str)
def test_a_cell_is_about_as_large_as_it_is_meant_to_be(connection, start):
    """No fix is further from the centre of its cell than a cell's corner, give or take a bit."""
    lattice = [(north, east) for north in range(-3, 4) for east in range(-3, 4)]
    points = [
        (max(min(start[0] + n * 5e-4, 90), -90), (start[1] + e * 5e-4 + 180) % 360 - 180)
        for n, e in lattice
    ]
    compute(connection, fixes_of_a_drive(points), "places")
    places = rows(connection, "select latitude, longitude from places")
    centres = [tuple(place.values()) for place in places]
    furthest_m = max(min(metres_apart(point, centre) for centre in centres) for point in points)
    assert furthest_m < 100 * math.sqrt(0.5) * 1.2
    assert len(centres) > 1


def test_neighbours_across_the_date_line_differ_and_the_line_itself_is_one_cell(connection):
    sides = [(10.0, 179.99999), (10.0, -179.99999), (10.0, 180.0), (10.0, -180.0)]
    drives = [fixes_of_a_drive([side], number) for number, side in enumerate(sides)]
    compute(connection, builders.merge(drives), "places")
    cells = rows(connection, "select cell_column from result.passed_cells order by drive_id")
    east, west, line, other_line = [cell["cell_column"] for cell in cells]
    assert west == line == other_line == 0
    assert east == oracle.Grid().n_columns(oracle.Grid().cell(10.0, 0.0)[0]) - 1


def test_a_hot_spot_needs_three_drives_that_do_not_intervene_everywhere(connection):
    """Three drives intervene in one of fifty cells, two in another, and three wherever they are."""
    calm = [
        {
            (row, 0): oracle.Visit(is_engaged=True, n_interventions=int(row == 7))
            for row in range(50)
        }
        for _ in range(3)
    ]
    two = [
        {
            (row, 1): oracle.Visit(is_engaged=True, n_interventions=int(row == 7))
            for row in range(50)
        }
        for _ in range(2)
    ]
    restless = [
        {(row, 2): oracle.Visit(is_engaged=True, n_interventions=1) for row in range(50)}
        for _ in range(3)
    ]
    put_visits(connection, [*calm, *two, *restless])

    found = rows(connection, "from places where n_interventions > 0 order by cell_column, cell_row")

    hot = {(place["cell_row"], place["cell_column"]) for place in found if place["is_hot_spot"]}
    assert hot == {(7, 0)}
    assert found[0]["n_expected_drives"] == pytest.approx(3 / 50)
    assert found[1]["q_value"] is None


def test_cells_without_a_hot_spot_have_none_found():
    """Of fleets whose drives differ, with interventions in bursts, few have any; then some have."""
    nothing = hot_spots.Fleet(60, 0.03, is_alike=False, n_in_burst=2.0, n_cells=800, n_passed=200)
    some = replace(nothing, share=0.01, n_hot=20, ratio=40.0)

    with one_rate.store() as database:
        found = hot_spots.measure(database, nothing, 20, seed=101)
        discovered = hot_spots.measure(database, some, 5, seed=102)

    assert found.any_found <= 0.15
    assert discovered.false_share <= 0.1
    assert discovered.power is not None
    assert discovered.power > 0.3


@pytest.mark.parametrize(("total", "count"), [(1, 0), (1, 1), (3, 2), (7, 7), (40, 1), (90, 45)])
def test_the_interval_is_wilsons(connection, total, count):
    put_cells(connection, {1: (total, count)})
    [place] = rows(connection, "from places")
    limits = binomtest(count, total).proportion_ci(method="wilson")
    found = place["intervention_fraction_lower"], place["intervention_fraction_upper"]
    assert found == pytest.approx((limits.low, limits.high), abs=1e-12)
    assert found == pytest.approx(oracle.wilson(count, total), abs=1e-9)


def test_places_are_of_the_drives_that_are_there(connection):
    """Drives that the view `drives` lacks, such as of another selection, don't count."""
    put_cells(connection, {1: (3, 1)})
    connection.execute("delete from log.segment where drive_id = 1")
    [place] = rows(connection, "from places")
    assert place["n_drives"] == 3


def walking_drives(seeds: Sequence[int]) -> builders.BaseTables:
    """Random drives on walks from one of a few starts, so that they pass the same cells."""
    drives = [builders.random_drive(Random(seed), seed) for seed in seeds]
    for tables, seed in zip(drives, seeds, strict=True):
        tables["gps"] = walk(tables, Random(seed + 5000))
    return builders.merge(drives)


def random_visit(rng: Random, risk: float) -> oracle.Visit:
    n_interventions = rng.choice((1, 1, 2)) if rng.random() < risk else 0
    return oracle.Visit(n_interventions > 0 or rng.random() < 0.8, n_interventions)


def walk(tables: builders.BaseTables, rng: Random) -> list[Row]:
    """Fixes every so often along a line, some impossible, some at one time, some of no source."""
    spans = [row for row in tables["segment"] if row["status"] != "failed"]
    start_ns = min(row["start_mono_ns"] for row in spans)
    end_ns = max(row["end_mono_ns"] for row in spans)
    latitude, longitude = rng.choice(STARTS)
    heading = rng.choice((0.0, 0.5, 1.5, 3.0))
    speed_mps = rng.choice((5.0, 20.0, 40.0))
    step_ns = rng.choice((SECOND_NS // 2, SECOND_NS, 2 * SECOND_NS, 3 * SECOND_NS))
    found: list[Row] = []
    for number, mono_ns in enumerate(range(start_ns - 2 * step_ns, end_ns + step_ns, step_ns)):
        way_m = (mono_ns - start_ns) / 1e9 * speed_mps
        point = moved(latitude, longitude, heading, way_m)
        if rng.random() < 0.1:
            point = rng.choice(IMPOSSIBLE)
        row = {
            "drive_id": spans[0]["drive_id"],
            "segment_num": spans[0]["segment_num"],
            "message_num": 1_000_000 + number,
            "mono_ns": mono_ns - rng.choice((0, 0, 0, step_ns)),
            "source": rng.choice(("gpsLocationExternal",) * 9 + ("gpsLocation",)),
            "has_fix": rng.random() < 0.9,
        }
        found.append(row | point)
    return found


def moved(latitude: float, longitude: float, heading: float, way_m: float) -> Row:
    """The point some way from another, kept on the earth."""
    north = latitude + way_m * math.cos(heading) / METRES_PER_DEGREE
    east_m = way_m * math.sin(heading)
    east = longitude + east_m / METRES_PER_DEGREE / max(math.cos(math.radians(latitude)), 0.01)
    return {"latitude": max(min(north, 90.0), -90.0), "longitude": (east + 180) % 360 - 180}


def metres_apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    """On the sphere whose degrees of latitude are of the length that cells assume."""
    (lat1, lon1), (lat2, lon2) = ((math.radians(a), math.radians(b)) for a, b in (one, other))
    chord = (
        math.sin((lat1 - lat2) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon1 - lon2) / 2) ** 2
    )
    return 2 * math.degrees(math.asin(math.sqrt(chord))) * METRES_PER_DEGREE


def fixes_of_a_drive(
    points: Sequence[tuple[float, float]], drive_id: int = 1
) -> builders.BaseTables:
    """A short drive with these fixes."""
    tables = builders.random_drive(Random(1), drive_id, is_whole=True)
    tables["gps"] = [
        {
            "drive_id": drive_id,
            "segment_num": 0,
            "message_num": 1_000_000 + number,
            "mono_ns": (10 + number) * SECOND_NS,
            "source": "gpsLocation",
            "has_fix": True,
            "latitude": latitude,
            "longitude": longitude,
        }
        for number, (latitude, longitude) in enumerate(points)
    ]
    return tables


def put_cells(
    connection: duckdb.DuckDBPyConnection, counts_by_row: dict[int, tuple[int, int]]
) -> None:
    """Cells with so many engaged drives, so many of them with an intervention; one drive more."""
    n_drives = max(n_engaged for n_engaged, _ in counts_by_row.values()) + 1
    put_visits(
        connection,
        [
            {
                (row, 7): oracle.Visit(0 < number <= n_engaged, int(0 < number <= n_with))
                for row, (n_engaged, n_with) in counts_by_row.items()
                if number <= n_engaged
            }
            for number in range(n_drives)
        ],
    )


def put_visits(
    connection: duckdb.DuckDBPyConnection, visits_by_drive: list[dict[oracle.Cell, oracle.Visit]]
) -> None:
    """What drives from number 1 on did in cells."""
    drive = builders.random_drive(Random(1), 1)
    numbers = range(1, len(visits_by_drive) + 1)
    named = {name: drive[name][:1] for name in ("drive", "segment")}
    repeated = {name: [row | {"drive_id": n} for n in numbers] for name, [row] in named.items()}
    compute(connection, repeated, "places")
    columns = ("drive_id", "cell_row", "cell_column", "is_engaged", "n_interventions")
    cells = [
        dict(zip(columns, (n, *cell, visit.is_engaged, visit.n_interventions), strict=True))
        for n, found in zip(numbers, visits_by_drive, strict=True)
        for cell, visit in found.items()
    ]
    builders.insert(connection, {"result.passed_cells": cells})


def set_parameters(connection: duckdb.DuckDBPyConnection, **values: float) -> None:
    for name, value in values.items():
        connection.execute("update store.parameter set value = ? where name = ?", [value, name])
