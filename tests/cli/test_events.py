from __future__ import annotations

import csv
import io
import json
import re
import sys

import pytest

from engagement import formats
from engagement.cli import columns, render
from engagement.cli.events import named
from engagement.cli.exit_codes import ExitCode
from engagement.simulate import fleet
from engagement.store.causes import load_causes
from engagement.store.reader import Reader

NEO, TICI = fleet.NEO.dongle_id, fleet.TICI.dongle_id


@pytest.fixture
def listed(run):
    """The events of a command line, from its JSON."""

    def listed(*options):
        result = run("events", "--json", *options)
        assert result.exit_code == ExitCode.OK, result.output
        return json.loads(result.stdout)

    return listed


def test_json_and_csv_are_the_view(run, listed, database):
    with Reader(database) as reader:
        names = [*reader.comments("events"), "definitions"]
        ids = {row["event_id"] for row in reader.rows("from events")}
    rows = listed()
    assert {row["event_id"] for row in rows} == ids
    assert list(rows[0]) == names
    text = run("events", "--csv").stdout
    assert [row["event_id"] for row in csv.DictReader(io.StringIO(text))] == [
        row["event_id"] for row in rows
    ]


def test_newest_drives_come_first_and_events_in_the_order_of_time(listed):
    rows = listed()
    assert [row["drive"] for row in rows] == sorted((r["drive"] for r in rows), reverse=True)
    for drive in {row["drive"] for row in rows}:
        times = [row["time_s"] for row in rows if row["drive"] == drive]
        assert times == sorted(times)


def test_the_worst_are_critical_first_then_by_severity_without_ends_of_drives(listed):
    worst = listed("--worst", "1000")
    everything = [row for row in listed() if row["cause"] != "end_of_drive"]
    assert {row["event_id"] for row in worst} == {row["event_id"] for row in everything}
    keys = [(bool(row["is_critical"]), row["severity"] or 0) for row in worst]
    assert keys == sorted(keys, reverse=True)
    assert listed("--worst", "2") == worst[:2]


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        (["--critical"], lambda row: row["is_critical"]),
        (["--kind", "lateral_override"], lambda row: row["kind"] == "lateral_override"),
        (["--cause", "driver_gas"], lambda row: row["cause"] == "driver_gas"),
        (["--cause", "driver"], lambda row: (row["cause"] or "").startswith("driver_")),
        (
            ["--cause", "system", "--cause", "end_of_drive"],
            lambda row: (row["cause"] or "").startswith(("system_", "end_of_drive")),
        ),
        (["--device", NEO[:4]], lambda row: row["dongle_id"] == NEO),
        (["--drive", "2023"], lambda row: row["drive"].startswith("2023")),
        (["--since", "2022-01-01"], lambda row: row["drive"].startswith("2023")),
        (["--until", "2019-12-31"], lambda row: row["drive"].startswith("2019")),
    ],
)
def test_a_filter_leaves_what_fits(listed, options, fits):
    expected = [row for row in listed() if fits(row)]
    assert listed(*options) == expected
    assert 0 < len(expected) < len(listed())


def test_ends_of_drives_are_not_critical(listed):
    ends = [row for row in listed() if row["cause"] == "end_of_drive"]
    assert ends
    assert {row["is_critical"] for row in ends} == {None}


def test_a_table_says_of_how_many_the_worst_are(run, listed):
    result = run("events", "--worst", "3")
    lines = [line for line in result.stdout.splitlines() if line.strip()]
    names = [f"{row['drive']}@{row['time_s']:.1f}" for row in listed("--worst", "3")]
    assert [line.split()[0] for line in lines[-3:]] == names
    assert f"the worst of {len(listed())} events" in result.stderr


def test_a_name_is_as_long_as_it_must_be():
    rows = [
        {"event_id": f"{device}|d|{kind}|{ns}", "drive": "d", "kind": kind, "time_s": ns / 1e9}
        for device, kind, ns in [
            ("a", "disengagement", 1_040_000_000),
            ("a", "disengagement", 2_000_000_000),
            ("a", "lateral_override", 2_010_000_000),
            ("a", "lateral_override", 3_000_000_000),
            ("b", "lateral_override", 3_000_000_000),
        ]
    ]
    assert [row["event"] for row in named(rows)] == [
        "d@1.0",
        "d@2.0/disengagement",
        "d@2.0/lateral_override",
        "a|d|lateral_override|3000000000",
        "b|d|lateral_override|3000000000",
    ]


def test_every_cause_of_the_view_can_be_asked_for(listed):
    assert {row["cause"] for row in listed()} - {None} <= set(load_causes())


@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        (["--cause", "sytem"], ExitCode.USAGE, "no cause 'sytem'"),
        (["--drive", "1999"], ExitCode.FAILED, "no drive '1999'"),
        (["--worst", "0"], ExitCode.USAGE, "is not in the range"),
        (["--kind", "crash"], ExitCode.USAGE, "'crash' is not one of"),
        (["--kind", "moment:typo"], ExitCode.FAILED, "no kind of event 'moment:typo'; there is"),
    ],
)
def test_what_there_is_not_is_said(run, options, exit_code, message):
    result = run("events", *options)
    assert result.exit_code == exit_code
    assert message in result.stderr
    assert result.stdout == ""


def test_no_event_is_no_error(run):
    result = run("events", "--until", "2000-01-01")
    assert result.exit_code == ExitCode.OK
    assert "no event fits" in result.stderr


def test_a_narrow_table_keeps_name_cause_and_severity_of_every_kind(database, capsys, monkeypatch):
    """At 80 columns the longest kind and cause fit."""
    with Reader(database) as reader:
        rows = named(reader.rows("from events order by all"))
    assert {"lateral_override", "longitudinal_override"} < {row["kind"] for row in rows}
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    render.print_rows(columns.EVENTS, rows)
    table = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    lines = [line for line in table.splitlines() if "@" in line]
    assert max(map(len, lines)) <= 80
    for row, line in zip(rows, lines, strict=True):
        why = f"({row['exempt_by'].replace('_', ' ')})" if row["exempt_by"] else ""
        words = [row["event"], row["kind"], row["cause"], why]
        words.append(formats.two_decimals(row["severity"]))
        assert line.split() == " ".join(word for word in words if word).split()


def test_a_place_has_latitude_and_longitude(run, listed):
    row = next(row for row in listed() if row["latitude"] is not None)
    assert f"{row['latitude']:.5f}, {row['longitude']:.5f}" in run("events").stdout
