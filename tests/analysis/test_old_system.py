"""Two branches of an old file compared by what the old system counted, computed apart."""

from __future__ import annotations

import json
import math
from random import Random

import pytest

from engagement.analysis.comparison import Watch, compare
from engagement.analysis.grouping import ALL_DRIVES, comparable_drives, divide, parse_grouping
from engagement.analysis.summary import headline, verdict_text
from engagement.legacy.imports import import_files
from engagement.store.reader import Reader
from tests.oracles import two_groups as oracle

NAMES = {"legacy_disengagements": "intervention_count",
         "legacy_steer_interventions": "steer_intervention_count"}  # fmt: skip


def entries(rng):
    """An old file of three branches: `b` has half of `a`'s events, `c` is neither."""
    found = []
    for number in range(105):
        branch = "abc"[number % 3]
        engaged_km = round(rng.uniform(5, 80), 1)
        mean = {"a": 14, "b": 6, "c": 9}[branch] * engaged_km / 100 * rng.gammavariate(3, 1 / 3)
        day = 1 + number % 28
        month = 6 if number % 7 == 0 else 8  # steering was not counted in June
        counts = [sum(rng.random() < mean / 1000 for _ in range(1000)) for _ in NAMES]
        name = f"2025-{month:02}-{day:02}--{number % 24:02}-{number % 60:02}-00"
        found.append(
            {
                "device_id": "0123abcd",
                "drive": name,
                "host": "offline",
                "git_branch": branch,
                "recorded_at": f"{name[:10]}T{name[12:].replace('-', ':')}",
                "total_time": int(engaged_km * 70e9),
                "active_time": int(engaged_km * 60e9),
                "odo_distance": round(engaged_km * 1.2, 1),
                "engaged_distance": engaged_km,
                "intervention_count": counts[0],
                "steer_intervention_count": counts[1] * (month > 6),
            }
        )
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("old")
    old = entries(Random(3))
    (folder / "engagement_db.json").write_text(json.dumps(old))
    database = folder / "engagement.duckdb"
    assert import_files(database, [folder / "engagement_db.json"]).n_drives_written == len(old)
    with Reader(database) as reader:
        drives = comparable_drives(reader)
        division = divide(reader, parse_grouping("branch"), "a", "b", drives)
        comparison = compare(
            reader,
            division,
            others=comparable_drives(reader, ALL_DRIVES),
            watch=Watch(headline_per="100km"),
        )
        rates = reader.rows("from rates where grouped_by = 'branch' and mode = 'engaged'")
        groups = reader.rows("from groups where grouped_by = 'branch' order by group_name")
        bands = reader.rows("from speed_bands")
        [device] = reader.rows("from devices")
    return old, comparison, rates, groups, bands, device


def told(old, branch, name):
    """The drives of a branch in which the old system counted, as the oracle has them."""
    since = "2025-07-07" if name == "steer_intervention_count" else ""
    return [
        [(float(row[name]), row["engaged_distance"] / 100)]
        for row in old
        if row["git_branch"] == branch and row["recorded_at"] >= since
    ]


@pytest.mark.parametrize("measure", NAMES)
def test_ratio_p_and_interval_are_those_of_the_oracle(made, measure):
    old, comparison = made[:2]
    a, b, c = (told(old, branch, NAMES[measure]) for branch in "abc")
    fit = oracle.dispersion([a, b, c])
    found = comparison.find(f"{measure}_per_100km")
    assert found.basis == "database"
    assert found.a.n_events == sum(drive[0][0] for drive in a)
    assert found.b.n_drives == len(b)
    crude = [sum(d[0][0] for d in side) / sum(d[0][1] for d in side) for side in (a, b)]
    assert found.crude_ratio == pytest.approx(crude[1] / crude[0])
    assert found.p_value == pytest.approx(oracle.score(a, b, fit)[2])
    assert found.p_value < 0.05
    assert found.answer == "better"
    at_limits = [oracle.score(a, b, fit, limit) for limit in (found.ratio.lower, found.ratio.upper)]
    assert [p for _, _, p in at_limits] == pytest.approx([0.05, 0.05], rel=1e-6)
    assert abs(oracle.score(a, b, fit, found.ratio.value)[0]) < 1e-6


def test_the_verdict_speaks_of_what_the_old_system_counted(made):
    comparison = made[1]
    assert verdict_text(comparison, "100km").startswith(
        "B is better than A: old system's disengagements ("
    )
    said = headline(comparison, "100km")
    assert said.startswith("better: B has ")
    assert "the old system's disengagements per 100 km of A" in said
    looks = comparison.find("legacy_disengagements_per_100km").sequence
    assert looks.decided is not None
    assert comparison.find("interventions_per_100km").sequence is None


def test_our_own_measures_know_nothing_of_imported_drives(made):
    comparison = made[1]
    for name in ("interventions_per_100km", "disengagements_per_hour", "critical_events_per_100km"):
        found = comparison.find(name)
        assert (found.a.value, found.b.value, found.ratio.value) == (None, None, None)
        assert found.a.exposure_h == 0
    share = comparison.find("distance_engaged_fraction")
    assert share.a.value == pytest.approx(1 / 1.2, rel=0.01)


def test_groups_have_their_exposure_and_rates_their_old_counts(made):
    old, _, rates, groups, *_ = made
    for group in groups:
        mine = [row for row in old if row["git_branch"] == group["group_name"]]
        assert group["n_drives"] == group["n_imported_drives"] == len(mine) == 35
        assert group["engaged_km"] == pytest.approx(math.fsum(r["engaged_distance"] for r in mine))
        assert (group["n_engaged_drives"], group["n_engagements"]) == (0, None)
    assert {row["event"] for row in rates} == {"legacy_disengagement", "legacy_steer_intervention"}
    for row in rates:
        name = "intervention_count"
        if row["event"] == "legacy_steer_intervention":
            name = "steer_intervention_count"
        drives = told(old, row["group_name"], name)
        n_events = sum(drive[0][0] for drive in drives)
        assert (row["n_events"], row["n_drives"]) == (n_events, len(drives))
        assert row["per_100km"] == pytest.approx(n_events / sum(drive[0][1] for drive in drives))
        assert row["per_100km_dispersion_source"] == "database"  # of 70 other drives


def test_a_device_without_logs_has_no_zeros_of_ours(made):
    device = made[5]
    assert device["n_imported_drives"] == 105
    names = ("n_disengagements", "n_interventions", "n_lateral_overrides", "lateral_only_s")
    assert [device[name] for name in names] == [None] * 4
    assert device["engaged_km"] > 0
