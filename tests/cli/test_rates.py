from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from engagement.analysis.rates import shipped_note
from engagement.cli import columns
from engagement.cli.exit_codes import ExitCode
from engagement.extract.segment import ReadOptions
from engagement.groupings import DIMENSIONS, parse_crossing
from engagement.simulate import fleet
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader

NEO, TICI = fleet.NEO.dongle_id, fleet.TICI.dongle_id
GROUPINGS = ("all", *(one.option for one in DIMENSIONS.values()), "model,night", "mode,car")


def document_of(run, *options):
    return rounded(run("rates", "--json", *options).stdout)


def rounded(text):
    """A document without the last digits of its numbers, which depend on the order of sums."""
    return json.loads(text, parse_float=lambda number: float(f"{float(number):.9g}"))


EVENTS = ("intervention", "unplanned_intervention", "disengagement_counted")


@pytest.mark.parametrize("by", GROUPINGS)
def test_json_holds_the_rows_of_the_views(run, database, by):
    document = document_of(run, "--by", by)
    crossing = parse_crossing(by)
    mode = "assisted" if crossing.has("mode") else "engaged"
    with Reader(database) as reader:
        if len(crossing.dimensions) > 1:
            reader.group_by(crossing)
        for view in ("rates", "groups", "mtbf"):
            wanted = f"from {view} where grouped_by = '{crossing.name}'"
            wanted += f" and mode = '{mode}'" if view == "rates" else ""
            rows = rounded(json.dumps(reader.rows(wanted)))
            assert sorted(map(str, document[view])) == sorted(map(str, rows))
            assert document[view] or (by, view) == ("speed-band", "mtbf")


@pytest.mark.parametrize(
    ("options", "drives"),
    [
        (["--device", NEO], f"{NEO}/*"),
        (["--since", "2021-01-01", "--until", "2022-01-01"], f"{TICI}/2021-*"),
    ],
)
def test_narrowed_it_says_what_a_database_of_those_drives_alone_does(run, logs, options, drives):
    alone = ("--db", "alone.duckdb")
    paths = sorted(logs.glob(drives))
    ingest(paths, Path(alone[1]), IngestOptions(read=ReadOptions(), jobs=1))

    for by in ("all", "version", "speed-band"):
        narrowed = document_of(run, "--by", by, *options)
        assert narrowed["groups"]
        assert narrowed == document_of(run, "--by", by, *alone)
        assert narrowed != document_of(run, "--by", by)


def test_a_group_has_a_line_with_rates_and_their_intervals(run):
    result = run("rates", "--by", "device")
    rows = [line.split() for line in result.stdout.splitlines()]
    groups = {row["group_name"]: row for row in document_of(run, "--by", "device")["groups"]}
    assert [row[0] for row in rows[-2:]] == sorted(groups)
    assert rows[-1][0] == TICI
    assert f"{groups[TICI]['engaged_fraction'] * 100:.1f}" in rows[-1]
    assert result.stdout.count("(") == 2 * 4


def test_a_dispersion_that_is_shipped_is_said(run):
    result = run("rates", "--by", "device")
    assert result.stdout.splitlines()[0].endswith("\tdispersion from")
    assert [line.split("\t")[-1] for line in result.stdout.splitlines()[1:]] == ["shipped"] * 2
    assert "intervals rest on the shipped dispersion, of public drives: fewer than 30" in (
        result.stderr
    )


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ([("a", "database"), ("b", "database"), ("c", None)], None),
        ([("a", "shipped"), ("b", "database"), ("c", None)], "intervals of 1 of 2 groups rest on"),
        ([("a", "shipped"), ("b", "shipped"), ("c", None)], "intervals rest on the shipped"),
    ],
)
def test_of_how_many_groups_it_is_shipped_is_said(sources, said):
    rows = [{"group_name": name, "per_hour_dispersion_source": source} for name, source in sources]
    note = shipped_note(rows, ["per_hour"])
    assert note is None if said is None else note.startswith(said)


def test_qlogs_are_told(run, shown):
    assert "some of these drives were read from qlogs" in run("rates").stderr
    assert "3 ~" in shown("rates")
    assert "1 ~" in shown("rates", "--device", NEO)
    assert "qlogs" not in run("rates", "--device", TICI).output
    assert "~" not in shown("rates", "--device", TICI)


def test_an_event_is_shown_with_all_that_its_rate_is_of(run):
    output = run("rates", "--event", "lateral_override", "--event", "any").stdout
    document = document_of(run, "--event", "lateral_override", "--event", "any")
    [rate], [mtbf] = document["rates"], document["mtbf"]
    [line] = [line for line in output.splitlines() if "lateral_override" in line]
    assert str(rate["n_events"]) in line.split()
    assert rate["per_hour_dispersion_source"] == "shipped"
    assert "shipped" in line.split()
    assert f"({rate['per_hour_lower']:.3g}"[:5] in line
    assert "hours between" in output
    assert mtbf["event"] == "any"


def test_csv_is_of_the_groups_or_of_the_rates_of_an_event(run, database):
    with Reader(database) as reader:
        names = {view: [*reader.comments(view), "definitions"] for view in ("groups", "rates")}
    groups = list(csv.DictReader(io.StringIO(run("rates", "--csv").stdout)))
    assert [list(row) for row in groups] == [names["groups"]]
    options = ("--by", "version", "--event", "intervention")
    rates = list(csv.DictReader(io.StringIO(run("rates", "--csv", *options).stdout)))
    assert [list(row) for row in rates] == [names["rates"]] * 3
    assert {row["event"] for row in rates} == {"intervention"}


def test_an_unknown_event_names_the_nearest(run):
    result = run("rates", "--event", "lateral_overide")
    assert result.exit_code == ExitCode.FAILED
    assert "no event 'lateral_overide'" in result.stderr
    assert "lateral_override" in result.stderr


def test_no_drive_at_all_is_said_and_no_error(run):
    result = run("rates", "--since", "2030-01-01", "--event", "intervention")
    assert result.exit_code == ExitCode.OK
    assert result.stdout == ""
    assert "no drive fits" in result.stderr


def test_groups_stand_in_the_order_that_people_give_them(run):
    bands = [row["group_name"] for row in document_of(run, "--by", "speed-band")["groups"]]
    assert bands == [band for band in ("city", "road", "highway") if band in bands]
    months = [row["group_name"] for row in document_of(run, "--by", "month")["groups"]]
    assert months == sorted(months)


def test_every_column_of_the_tables_is_one_of_its_view(database):
    with Reader(database) as reader:
        known = {view: set(reader.comments(view)) for view in ("groups", "rates", "mtbf")}
    rates = {f"{event}_per_100km" for event in EVENTS}
    assert {column.name for column in columns.GROUPS} <= known["groups"] | rates | {
        "dispersion_sources"
    }
    assert {column.name for column in columns.RATES} <= known["rates"]
    assert {column.name for column in columns.MTBF} <= known["mtbf"]


@pytest.mark.parametrize("mode", ["engaged", "lateral_only", "assisted"])
def test_a_mode_has_its_own_events_and_exposure(run, database, mode):
    document = document_of(run, "--mode", mode)
    with Reader(database) as reader:
        wanted = reader.rows("from rates where grouped_by = 'all' and mode = ?", [mode])
    assert sorted(map(str, document["rates"])) == sorted(map(str, rounded(json.dumps(wanted))))
    assert {row["mode"] for row in document["rates"]} == {mode}
    assert "lateral_override" in run("rates", "--mode", "lateral_only").stdout


def test_csv_of_a_failure_is_of_the_times_between_failures(run):
    lines = run("rates", "--event", "any", "--csv").stdout.splitlines()
    assert lines[0].startswith("grouped_by,group_name,event,n_qlog_drives,n_failures")
    assert len(lines) == 2
