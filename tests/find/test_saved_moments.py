"""Saved moments: events are what `find` lists, whichever way the rows came to be.

What has to hold of one, in cars: a driver brakes hard by hand at night, which is a moment and never
an intervention; a car without radar has no rate of close following, not one of 0; after an update
that renamed a column its count is unknown and `status` says so; and a label that somebody gave it
never becomes one of the disengagement beside it.
"""

from __future__ import annotations

import json
import shutil

import duckdb
import pytest
from click.testing import CliRunner

from engagement.analysis.comparison import compare_selected
from engagement.analysis.gate import judge, parse_condition
from engagement.analysis.grouping import parse_grouping
from engagement.api.pages.cells import bounds
from engagement.cli.group import main
from engagement.errors import InputError, NotFoundError
from engagement.filters import Selection
from engagement.moments.shipped import shipped_moments
from engagement.store import saved_moments
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.ingestion import recompute
from engagement.store.moment_book import forget_moment, save_moment
from engagement.store.reader import Reader
from engagement.store.results import refresh
from engagement.store.saved_moments import read_saved

EXPRESSIONS = {  # one is called as failures are, of which `mtbf` is
    "lane_failure": "not assisted and v_ego_mps > 5 for 2s, not planned",
    "closing": "lead_ttc_s < 8 or abs(torque_command) > 0.3, then falls(engaged) within 20s",
}
RESULTS = ("moment_runs", "moment_exposures", "event_moments", "events", "moment_parts",
           "event_counts", "event_totals", "interventions")  # fmt: skip
OTHERS = "from rates where not starts_with(event, 'moment:') order by all"
INTERVENTIONS = "from interventions order by all"


@pytest.fixture(scope="module")
def saved(database, tmp_path_factory):
    """A database with saved moments, and what it said before."""
    path = tmp_path_factory.mktemp("saved") / "engagement.duckdb"
    shutil.copyfile(database, path)
    with Reader(path) as reader:
        before = reader.rows(OTHERS), reader.rows(INTERVENTIONS)
    for name, expression in EXPRESSIONS.items():
        assert save_moment(path, name, expression)
    return path, before


def found_by(path, *words):
    answer = CliRunner().invoke(main, ["find", *words, "--json", "--db", str(path)])
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def results(rows_of, without="nothing"):
    """The rows, but for the last digits of sums, which the order of their terms decides."""
    return {
        name: [row for row in rounded(rows_of(f"from result.{name} order by all"))
               if without not in (row.get("kind"), row.get("event"))]
        for name in RESULTS
    }  # fmt: skip


def rounded(rows):
    return [
        {name: float(f"{x:.9g}") if isinstance(x, float) else x for name, x in row.items()}
        for row in rows
    ]


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_events_are_what_find_lists(saved, name):
    path, _ = saved
    listed = found_by(path, EXPRESSIONS[name])
    assert listed
    with Reader(path) as reader:
        events = reader.rows(f"from events where kind = 'moment:{name}' order by drive_id, mono_ns")
    spans = [(row["drive_id"], row["mono_ns"], round(row["duration_s"], 6)) for row in listed]
    assert spans == [
        (row["drive_id"], row["mono_ns"], round(row["duration_s"], 6)) for row in events
    ]
    assert found_by(path, name) == listed
    words = ["events", "--kind", f"moment:{name}", "--json", "--db", str(path)]
    assert len(json.loads(CliRunner().invoke(main, words).stdout)) == len(listed)
    assert not any(row["is_intervention"] or row["is_critical"] for row in events)


@pytest.mark.parametrize("by", ["all", "branch"])
def test_rates_of_any_mode_are_those_of_find(saved, by):
    path, _ = saved
    rates = found_by(path, "closing", "--rate", "--by", by)
    query = "from rates where event = 'moment:closing' and mode = 'any' and grouped_by = ?"
    with Reader(path) as reader:
        of_view = {row["group_name"]: row for row in reader.rows(query, [by])}
        assert not reader.rows("from mtbf where contains(event, 'moment')")
        assert len(reader.rows("select distinct event from rates where event like 'moment:%'")) == 2
    assert rates
    for rate in rates:
        row = of_view[rate["group_name"]]
        for column in ("n_events", "exposure_h", "per_hour", "per_hour_lower", "per_hour_upper"):
            assert row[column] == pytest.approx(rate[column], rel=1e-9), column


def test_parts_and_modes_of_drives_add_up(saved):
    path, _ = saved
    query = """
    select event, mode, grouped_by, sum(n_events) as n_events, sum(exposure_h) as exposure_h
    from rates
    where starts_with(event, 'moment:') and grouped_by in ('all', 'night', 'device', 'mode')
    group by all
    """
    with Reader(path) as reader:
        sums = {(r["event"], r["mode"], r["grouped_by"]): r for r in reader.rows(query)}
    assert sums
    for (event, mode, _), row in sums.items():
        whole = sums[event, mode, "all"]
        assert row["n_events"] == whole["n_events"]
        assert row["exposure_h"] == pytest.approx(whole["exposure_h"])
    event = "moment:closing"
    parts = [sums[key] for key in sums if key[0] == event and key[2] == "all"
             and key[1] in ("engaged", "lateral_only")]  # fmt: skip
    assert sum(row["n_events"] for row in parts) == sums[event, "assisted", "all"]["n_events"]


def test_who_reverses_takes_no_distance_back(saved, tmp_path):
    path, _ = saved
    copy = tmp_path / "engagement.duckdb"
    shutil.copyfile(path, copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute("update log.car_state set v_ego_mps = -1 where segment_num = 0")
    recompute(copy)
    with Reader(copy) as reader:
        assert not reader.rows("from moment_exposures where distance_km < 0")
        assert reader.rows("from moment_exposures where distance_km > 0 limit 1")


def test_a_drive_has_exposure_where_its_logs_tell(saved):
    path, _ = saved
    with Reader(path) as reader:
        told = reader.rows(
            "select drive_id, sum(exposure_s) as s from moment_exposures "
            "where event = 'moment:closing' group by drive_id"
        )
        with_radar = {r["drive_id"] for r in reader.rows("select distinct drive_id from log.lead")}
    assert told
    assert {row["drive_id"] for row in told} <= with_radar
    by_find = found_by(path, "closing", "--rate")[0]["exposure_h"]
    assert sum(row["s"] for row in told) / 3600 == pytest.approx(by_find)


def test_comparisons_and_their_gate_know_it(saved):
    path, _ = saved
    of_groups = "select group_name from groups where grouped_by = 'version' order by group_name"
    of_rates = (
        "from rates where event = 'moment:closing' and mode = 'engaged' "
        "and grouped_by = 'version' and group_name = ?"
    )
    with Reader(path) as reader:
        names = [row["group_name"] for row in reader.rows(of_groups)][:2]
        found = compare_selected(reader, Selection({}), parse_grouping("version"), tuple(names))
        counts = [sum(r["n_events"] for r in reader.rows(of_rates, [name])) for name in names]
    measure = found.find("moment:closing_per_hour")
    assert [measure.a.n_events, measure.b.n_events] == counts
    assert judge(parse_condition("moment:closing_per_hour ratio > 1000"), found).state
    with pytest.raises(NotFoundError, match="moment:nobody_per_hour"):
        judge(parse_condition("moment:nobody_per_hour ratio > 2"), found)


@pytest.mark.parametrize(
    ("name", "expression", "kind"),
    [
        ("engaged", "v_ego_mps > 3", InputError),
        ("Drop Table", "v_ego_mps > 3", InputError),
        ("", "v_ego_mps > 3", InputError),
        ("x" * 41, "v_ego_mps > 3", InputError),
        ("hard_braking", "v_ego_mps > 3", InputError),
        ("fine", "v_egomps > 3", NotFoundError),
        ("fine", "gear = '\x1b[31m'", InputError),
        ("fine", "1 < 2", InputError),
    ],
)
def test_what_can_not_be_saved_is_refused(saved, name, expression, kind):
    path, _ = saved
    with pytest.raises(kind):
        save_moment(path, name, expression)


def test_what_is_shared_of_events_has_no_word_of_the_user(saved, tmp_path):
    path, _ = saved
    out = tmp_path / "shared.json"
    words = ["events", "redact", "--out", str(out), "--key-file", str(tmp_path / "key")]
    shared = CliRunner().invoke(main, [*words, "--db", str(path)])
    assert shared.exit_code == 0, shared.output
    text = out.read_text(encoding="utf-8")
    assert "disengagement" in text
    assert "lane_failure" not in text
    assert "moment:" not in text


def test_each_is_counted_in_the_cell_that_it_happened_in(saved):
    path, _ = saved
    with Reader(path) as reader:
        rows = reader.rows("from moment_places")
        placed = reader.rows(
            "select kind, drive_id, latitude, longitude from events "
            "where starts_with(kind, 'moment:') and latitude is not null"
        )
        cells = {(r["cell_row"], r["cell_column"]): r for r in reader.rows("from places")}
    assert placed
    assert sum(row["n_moments"] for row in rows) == len(placed)
    for row in rows:
        cell = cells[row["cell_row"], row["cell_column"]]
        assert (row["latitude"], row["n_drives"]) == (cell["latitude"], cell["n_drives"])
        assert row["longitude"] == pytest.approx(cell["longitude"])
        edges = bounds(cell)
        inside = [
            one["drive_id"]
            for one in placed
            if one["kind"] == row["event"]
            and edges["cell_south"] <= one["latitude"] < edges["cell_north"]
            and edges["cell_west"] <= one["longitude"] < edges["cell_east"]
        ]
        assert (row["n_moments"], row["n_drives_with_moment"]) == (len(inside), len({*inside}))
        assert 0 < row["moment_fraction_lower"] <= row["moment_fraction"] <= 1


def test_a_misspelt_one_is_answered_with_the_nearest(saved):
    path, _ = saved
    words = ["events", "--kind", "moment:closng", "--db", str(path)]
    assert "did you mean 'moment:closing'" in CliRunner().invoke(main, words).stderr


def test_one_that_ships_changes_with_what_ships(saved, tmp_path, monkeypatch):
    path, _ = saved
    copy = tmp_path / "engagement.duckdb"
    shutil.copyfile(path, copy)
    ships = shipped_moments()["hard_braking"].find
    assert save_moment(copy, "hard_braking", ships)
    assert not save_moment(copy, "hard_braking", "hard_braking")
    with Reader(copy) as reader:
        kept = {one.name: one.expression for one in read_saved(reader.rows)}
        assert kept == EXPRESSIONS | {"hard_braking": ships}
        monkeypatch.setattr(
            saved_moments,
            "expression_of",
            lambda text: "v_ego_mps > 3" if text == "hard_braking" else text,
        )
        kept = {one.name: one.expression for one in read_saved(reader.rows)}
        assert kept == EXPRESSIONS | {"hard_braking": "v_ego_mps > 3"}


def test_saving_the_same_again_changes_nothing(saved):
    path, _ = saved
    assert not save_moment(path, "closing", EXPRESSIONS["closing"])
    names = {row["name"] for row in found_by(path, "--names") if row["is_saved"]}
    assert names == set(EXPRESSIONS)


def test_rows_are_the_same_whichever_way_they_came_and_gone_when_forgotten(saved, tmp_path):
    path, (rates, interventions) = saved
    copy = tmp_path / "engagement.duckdb"
    shutil.copyfile(path, copy)
    with Reader(path) as reader:
        assert reader.rows(OTHERS) == rates
        assert reader.rows(INTERVENTIONS) == interventions
        wanted, others = results(reader.rows), results(reader.rows, "moment:closing")
    with writer_lock(copy), Writer(copy) as writer:  # each drive alone
        for (drive_id,) in writer.connection.execute("select drive_id from log.drive").fetchall():
            refresh(writer.connection, [drive_id])
        assert results(lambda query: writer.connection.sql(query).to_arrow_table().to_pylist()) == (
            wanted
        )
        writer.connection.execute(
            "update store.saved_moment set expression = 'v_egomps > 3' where name = 'closing'"
        )
        writer.publish()
    recompute(copy)
    with Reader(copy) as reader:  # what names a column that there is not is unknown, not 0
        [closing] = [one for one in read_saved(reader.rows) if one.problem]
        assert "v_ego_mps" in closing.problem
        assert results(reader.rows) | {"moment_parts": None} == others | {"moment_parts": None}
    said = CliRunner().invoke(main, ["status", "--db", str(copy)]).stdout
    assert "Saved moments that can't be told" in said
    forget_moment(copy, "closing")
    forget_moment(copy, "lane_failure")
    with Reader(copy) as reader:
        assert rounded(reader.rows("from rates order by all")) == rounded(rates)
        assert not reader.rows("from events where starts_with(kind, 'moment:')")
    with pytest.raises(NotFoundError):
        forget_moment(copy, "closing")


def test_labels_of_moments_and_of_other_events_never_change_places(saved, tmp_path):
    path, _ = saved
    copy = tmp_path / "engagement.duckdb"
    shutil.copyfile(path, copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute("delete from store.event_label")
        connection.execute(
            "insert into store.event_label select dongle_id, drive, "
            "case when kind = 'disengagement' then 'moment:x' else 'disengagement' end, mono_ns, "
            "'true', null, timestamp '2026-01-01' from events "
            "where kind in ('disengagement', 'moment:lane_failure')"
        )
        connection.execute("delete from result.events where kind not like 'moment:%'")
        left = connection.execute("select kind, event_kind from event_labels").fetchall()
    assert {kind for kind, _ in left} == {"disengagement", "moment:x"}
    assert {event_kind for _, event_kind in left} == {None}
