"""Rates of labelled events alone, against the oracle of rates over the events that have a label."""

from __future__ import annotations

from datetime import datetime
from random import Random

import pytest

from engagement.analysis.labels import Tally, count_labelled, parse_labels, tally
from engagement.analysis.measures import read_measures
from engagement.errors import InputError, NotFoundError
from engagement.store.reader import Reader
from tests import builders
from tests.computing import differences
from tests.group_tables import SECOND_NS, random_tables
from tests.oracles import group_counts
from tests.oracles import rates as oracle
from tests.sql.test_rates import COMPUTED, KEYS, LIMITS
from tests.support.empty_store import new_store

WORDS = (None, None, "true", "false", "planned", "own-word")
THEN = datetime(2026, 1, 1)  # noqa: DTZ001 - UTC, as in the table


def labelled_tables(seed, n_drives):
    """Random drives; half of their events are labelled, some labels have lost their event."""
    rng = Random(seed)
    tables = random_tables(rng, n_drives)
    drives = {row["drive_id"]: row for row in tables["drive"]}
    tables["store.event_label"] = []
    for name, column in (
        ("result.events", "mono_ns"),
        ("result.interventions", "event_mono_ns"),
        ("result.intervention_inputs", "event_mono_ns"),
    ):
        for row in tables[name]:
            row[column] *= 10
    for event in tables["result.events"]:
        event["word"] = rng.choice(WORDS)
        drive = drives[event["drive_id"]]
        name = {"dongle_id": drive["dongle_id"], "drive": drive["drive"], "kind": event["kind"]}
        said = {"labelled_at_utc": THEN, "label": event["word"] or "true"}
        lost_ns = 5 * SECOND_NS if event["word"] is None else rng.randrange(-SECOND_NS, SECOND_NS)
        if event["word"] or rng.random() < 0.1:
            label = name | said | {"mono_ns": event["mono_ns"] + lost_ns}
            tables["store.event_label"].append(label)
    return tables


def counting(tables, labels):
    """The tables with the events that count."""
    counted = [row for row in tables["result.events"] if row["word"] in labels]
    return tables | {"result.events": counted}


def expected_rates(tables, labels):
    """As if the other events had not been; the exposure is that of all."""
    cells = group_counts.part_groups(tables, *((name,) for name in group_counts.SINGLE))
    counts = group_counts.event_counts(counting(tables, labels))
    own = [row for row in group_counts.drive_groups(cells) if not row["is_imported"]]
    return {"rates": oracle.rates(cells, own, counts, [], [])}


@pytest.fixture
def make(tmp_path):
    def make(tables):
        path = tmp_path / "engagement.duckdb"
        plain = [
            {name: value for name, value in row.items() if name != "word"}
            for row in tables["result.events"]
        ]
        with new_store(path) as connection:
            builders.insert(connection, tables | {"result.events": plain})
            for name in COMPUTED:
                connection.execute(f"insert into result.{name} by name from compute.{name}")
        return path

    return make


@pytest.mark.parametrize(("seed", "labels"), [(1, ["true"]), (2, ["true", "own-word"])])
def test_only_events_with_one_of_the_labels_count(make, seed, labels):
    tables = labelled_tables(seed, 25)
    with Reader(make(tables)) as reader:
        everything = reader.rows("from rates")
        counted = tally(reader, count_labelled(reader, labels))
        rates = reader.rows("from rates")
        counts = reader.rows("from event_counts")
    assert differences({"rates": rates}, expected_rates(tables, labels), KEYS, LIMITS) == []
    wanted = oracle.event_counts(counting(tables, labels))
    names = ("drive_id", "mode", "speed_band", "event", "n_events")
    assert {tuple(row[name] for name in names) for row in counts} == {
        tuple(row[name] for name in names) for row in wanted
    }
    assert 0 < sum(row["n_events"] for row in rates) < sum(row["n_events"] for row in everything)
    moments = [row for row in tables["result.events"] if row.get("cause") != "end_of_drive"]
    words = [row["word"] for row in moments]
    assert counted == Tally(
        tuple(labels),
        n_counted=sum(word in labels for word in words),
        n_otherwise=sum(word is not None and word not in labels for word in words),
        n_unlabelled=words.count(None),
    )


def test_a_label_that_nothing_has_counts_nothing_and_keeps_the_exposure(make):
    with Reader(make(labelled_tables(3, 12))) as reader:
        before = reader.rows("from rates order by all")
        count_labelled(reader, ["unsure"])
        after = reader.rows("from rates order by all")
    exposure = (
        "grouped_by",
        "group_name",
        "event",
        "mode",
        "n_drives",
        "exposure_h",
        "exposure_km",
    )
    assert {tuple(row[name] for name in exposure) for row in after} == {
        tuple(row[name] for name in exposure) for row in before
    }
    assert {row["n_events"] for row in after} == {0}


def test_drives_that_are_left_out_are_in_neither(make):
    tables = labelled_tables(4, 20)
    own = {row["drive_id"] for row in tables["drive"] if row["dongle_id"] == "a"}
    kept = {
        name: [row for row in rows if row.get("drive_id", 0) in own]
        for name, rows in tables.items()
        if name != "store.event_label"
    }
    with Reader(make(tables)) as reader:
        reader.narrow("dongle_id = $device", {"device": "a"})
        counted = tally(reader, count_labelled(reader, ["true"]))
        of_none = tally(reader, ["true"], [])
        rates = reader.rows("from rates")
    assert differences({"rates": rates}, expected_rates(kept, ["true"]), KEYS, LIMITS) == []
    words = [r["word"] for r in kept["result.events"] if r.get("cause") != "end_of_drive"]
    assert (counted.n_counted, counted.n_unlabelled) == (words.count("true"), words.count(None))
    assert of_none == Tally(("true",), 0, 0, 0)


def test_the_measures_of_a_comparison_count_the_same(make):
    tables = labelled_tables(5, 15)
    drives = sorted(group_counts.drive_facts(tables))
    with Reader(make(tables)) as reader:
        count_labelled(reader, ["planned"])
        found = {measure.name: measure for measure in read_measures(reader, drives)}
    wanted = group_counts.event_counts(counting(tables, ["planned"]))
    for event, name in (("intervention", "interventions"), ("critical_event", "critical_events")):
        n_events = sum(
            row["n_events"]
            for row in wanted
            if row["event"] == event and row["mode"] == "engaged" and row["drive_id"] in drives
        )
        assert found[f"{name}_per_hour"].numerators.sum() == n_events > 0


def test_labels_are_a_list_with_commas():
    assert parse_labels("true, Critical,,true") == ("true", "critical")
    with pytest.raises(InputError, match="names no label"):
        parse_labels(" ,")


def test_a_label_that_there_is_not_is_told(make):
    with (
        Reader(make(labelled_tables(6, 5))) as reader,
        pytest.raises(NotFoundError, match="'tru'; did you mean 'true'"),
    ):
        count_labelled(reader, ["tru"])
