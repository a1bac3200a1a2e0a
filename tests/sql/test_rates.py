"""The views of groups against the oracle, over random rows of the result tables."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from engagement.groupings import parse_crossing
from engagement.store import results
from engagement.store.reader import Reader
from tests import builders
from tests.computing import Tables, compute, differences, is_same, rows
from tests.group_tables import drives_with, random_tables
from tests.oracles import rates as oracle
from tests.oracles.group_counts import EVENTS, LEGACY_EVENTS, SUMS
from tests.support.empty_store import new_store

if TYPE_CHECKING:
    import duckdb

KEYS = {
    "event_counts": ("drive_id", "part_num", "mode", "speed_band", "event"),
    "speed_bands": ("drive_id", "speed_band"),
    "drive_groups": ("drive_id", "grouped_by", "group_name"),
    "rates": ("grouped_by", "group_name", "mode", "event"),
    "mtbf": ("grouped_by", "group_name", "event"),
    "engagement_lengths": ("grouped_by", "group_name", "duration_s"),
    "groups": ("grouped_by", "group_name"),
}
OF_GROUPS = ("drive_groups", "rates", "mtbf", "engagement_lengths", "groups")
COMPUTED = (
    "thresholds", "moment_parts", "event_counts", "speed_bands", "part_bands", "drive_parts",
    "failure_counts", "event_totals",
)  # fmt: skip
# Quantiles are approximations.
LIMITS = dict.fromkeys(
    ("per_hour_lower", "per_hour_upper", "per_100km_lower", "per_100km_upper", "er_h"), 5e-6
)


def computed(store: duckdb.DuckDBPyConnection, tables: Tables, names=tuple(KEYS)) -> Tables:
    """What the views say of these rows, in an otherwise empty store."""
    store.execute("begin")
    builders.insert(store, tables)
    for name in COMPUTED:
        store.execute(f"insert into result.{name} by name select * from compute.{name}")
    found = {name: store.sql(f"from {name}").to_arrow_table().to_pylist() for name in names}
    store.execute("rollback")
    return found


@pytest.mark.parametrize("seed", range(8))
def test_views_say_what_the_oracle_says(store, seed):
    rng = Random(seed)
    tables = random_tables(rng, rng.choice((1, 2, 5, 12, 80)))

    assert differences(computed(store, tables), oracle.compute(tables), KEYS, LIMITS) == []


def test_an_empty_database_has_no_groups(store):
    assert computed(store, {}) == {name: [] for name in KEYS}


def test_the_random_drives_reach_both_sources_of_dispersion_and_every_event(store):
    found = [computed(store, random_tables(Random(seed), 80)) for seed in range(3)]
    rates = [row for views in found for row in views["rates"] if row["n_events"]]
    units = ("per_hour", "per_100km")
    sources = {row[f"{unit}_dispersion_source"] for row in rates for unit in units}

    assert sources == {None, "database", "shipped"}
    failures = [row for views in found for row in views["mtbf"]]
    assert {row["dispersion_source"] for row in failures} == {None, "database", "shipped"}
    assert {row["event"] for row in rates} == {*EVENTS, *LEGACY_EVENTS}
    assert {row["group_name"] for row in rates} >= {"unknown", "0.9.10", "2026-01", "highway"}
    groups = [row for views in found for row in views["groups"]]
    for name in ("engagement_median_upper_s", "longitudinal_fraction", "clean_drive_fraction"):
        assert {row[name] is None for row in groups} == {True, False}


def test_rates_are_the_same_to_the_digit_in_whichever_order_drives_come(store):
    rng = Random(7)
    tables = random_tables(rng, 60)
    counted = computed(store, tables, ("rates",))["rates"]
    assert any(row["per_hour_dispersion"] for row in counted)

    for _ in range(3):
        shuffled = {name: rng.sample(rows, len(rows)) for name, rows in tables.items()}
        again = computed(store, shuffled, ("rates",))["rates"]
        assert sorted(map(repr, again)) == sorted(map(repr, counted))


@pytest.mark.parametrize("mean", [0.0, 0.9, 30.0])
@pytest.mark.parametrize("spread", [1, 8])
def test_rates_of_many_drives(store, mean, spread):
    rng = Random(5)
    exposures_s = [rng.uniform(100, 5000) for _ in range(1300)]
    counts = [round(rng.expovariate(1 / mean) * spread) if mean else 0 for _ in exposures_s]
    tables = drives_with(exposures_s, counts)
    for drive_id, identity in enumerate(tables["result.drive_identity"]):
        identity["git_branch"] = "small" if drive_id < 12 else "large"

    views = computed(store, tables, ("rates",))

    pairs = [(x, s / 3600) for x, s in zip(counts, exposures_s, strict=True)]
    groups = {"all": (pairs, []), "small": (pairs[:12], pairs[12:])}
    rates = {
        row["group_name"]: row
        for row in views["rates"]
        if (row["mode"], row["event"]) == ("engaged", "intervention")
    }
    for name, (drives, others) in groups.items():
        for part, value in oracle.rate_of(drives, others).items():
            found = rates[name][f"per_hour{part}"]
            assert is_same(found, value, rel_tol=LIMITS["er_h"]), part


def test_the_curve_of_a_published_trial(store):
    """Freireich et al., Blood 21 (1963): weeks in remission with 6-mercaptopurine, a + censored."""
    ended = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    tables = drives_with([3600.0], [0])
    tables["result.engagements"] = [
        {
            "drive_id": 1,
            "mode": "engaged",
            "start_kind": "engaged",
            "duration_s": weeks,
            "end_kind": kind,
        }
        for kind, lengths in (("disengagement", ended), ("gap", censored))
        for weeks in lengths
    ]

    views = computed(store, tables, ("engagement_lengths", "groups"))

    curve = {
        row["duration_s"]: round(row["survival_fraction"], 3)
        for row in views["engagement_lengths"]
        if row["grouped_by"] == "all"
    }
    assert curve == {
        6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448,
    }  # fmt: skip
    [group] = [row for row in views["groups"] if row["grouped_by"] == "all"]
    assert group["engagement_median_s"] == 23
    assert group["engagement_median_lower_s"] is None
    assert group["engagement_median_upper_s"] is None


def test_narrowing_leaves_only_those_drives_but_the_dispersion_of_all(tmp_path):
    tables = random_tables(Random(8), 150)
    path = tmp_path / "engagement.duckdb"
    with new_store(path) as connection:
        builders.insert(connection, tables)
        for name in COMPUTED:
            connection.execute(f"insert into result.{name} by name from compute.{name}")
    own = {row["drive_id"] for row in tables["drive"] if row["dongle_id"] == "a"}
    kept = {name: [row for row in rows if row["drive_id"] in own] for name, rows in tables.items()}
    of_groups = [name for name in KEYS if name not in COMPUTED]

    with Reader(path) as reader:
        reader.narrow("dongle_id = $device", {"device": "a"})
        views = {name: reader.rows(f"from {name}") for name in of_groups}
        n_drives = reader.rows("select n_drives from devices")
    with Reader(path) as reader:
        assert len(reader.rows("from drives")) == 150

    assert 0 < len(own) < 150
    assert n_drives == [{"n_drives": len(own)}]
    assert differences(views, oracle.compute(kept, others=tables), KEYS, LIMITS) == []
    sources = {
        row["per_hour_dispersion_source"] for row in views["rates"] if row["grouped_by"] == "all"
    }
    assert sources == {"database", "shipped"}


def test_counts_of_events_are_those_of_the_drives(store):
    drives = [builders.random_drive(Random(seed), seed) for seed in range(801, 821)]
    store.execute("begin")
    builders.insert(store, builders.merge(drives))
    results.refresh(store, range(801, 821))
    counted = store.sql(
        "pivot (select drive_id, event, n_events from event_counts where mode = 'engaged') "
        "on event using sum(n_events) group by drive_id"
    ).to_arrow_table()
    wanted = {row["drive_id"]: row for row in store.sql("from drives").to_arrow_table().to_pylist()}
    store.execute("rollback")

    names = {
        "intervention": "n_interventions",
        "unplanned_intervention": "n_unplanned_interventions",
        "disengagement": "n_disengagements",
        "disengagement_counted": "n_disengagements_counted",
        "lateral_override": "n_lateral_overrides",
        "longitudinal_override": "n_longitudinal_overrides",
    }
    found = {row["drive_id"]: row for row in counted.to_pylist()}
    for drive_id, drive in wanted.items():
        row = found.get(drive_id, {})
        assert {event: row.get(event) or 0 for event in names} == {
            event: drive[name] for event, name in names.items()
        }
    assert len(found) > 10


CROSSED = (
    ("model", "night"), ("car", "hour"), ("speed_band", "version"), ("experimental", "speed_band"),
    ("mode", "night"), ("weekday", "mode"), ("mode", "speed_band"), ("device", "month"),
    ("hour",), ("log_kind",), ("mode",), ("speed_band",), ("all",),
)  # fmt: skip


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """Random drives, and a database of them."""
    tables = random_tables(Random(11), 40)
    path = tmp_path_factory.mktemp("crossed") / "engagement.duckdb"
    with new_store(path) as connection:
        builders.insert(connection, tables)
        for name in COMPUTED:
            connection.execute(f"insert into result.{name} by name from compute.{name}")
    return tables, path


@pytest.mark.parametrize("names", CROSSED, ids=",".join)
def test_groups_by_one_dimension_or_two_are_what_the_oracle_says(fleet, names):
    tables, path = fleet
    with Reader(path) as reader:
        reader.group_by(parse_crossing(",".join(names)))
        views = {name: reader.rows(f"from {name}") for name in OF_GROUPS}
    assert len({row["group_name"] for row in views["groups"]}) >= (1 if names == ("all",) else 2)
    assert differences(views, oracle.compute(tables, names), KEYS, LIMITS) == []


def test_the_parts_of_a_drive_add_up_to_it_and_a_crossed_grouping_to_either(store):
    drives = [builders.random_drive(Random(seed), seed) for seed in range(1, 16)]
    store.execute("begin")
    compute(store, builders.merge(drives), "drives", "part_groups")
    wanted = {row["drive_id"]: row for row in rows(store, "from drives")}
    for names in (("model",), ("hour",), ("night", "personality"), ("mode",), ("mode", "model")):
        sums = ", ".join(f"sum({name}) as {name}" for name in SUMS if name != "speed_known_s")
        crossing = parse_crossing(",".join(names)).cells.replace("engagement.staging", "staging")
        for row in rows(store, f"select drive_id, {sums} from ({crossing}) group by drive_id"):
            drive = wanted[row["drive_id"]]
            skipped = {"moving_s", "longitudinal_s", "distance_km"} if "mode" in names else set()
            assert {
                name: (row[name], drive[name])
                for name in row.keys() - skipped
                if not is_same(float(row[name] or 0), float(drive[name] or 0))
            } == {}
    store.execute("rollback")
