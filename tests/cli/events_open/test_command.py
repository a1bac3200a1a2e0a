from __future__ import annotations

import csv
import json

import duckdb
import pytest

from engagement.api.addresses import event_url
from engagement.cli.exit_codes import ExitCode
from engagement.export.channels import _TABLES
from engagement.export.clip_table import event_window, write_clip
from engagement.resources import resource_dir
from engagement.review.layout import curves
from engagement.review.server import page_path
from engagement.store.reader import Reader

LAYOUT = resource_dir("config") / "plotjuggler_layout.xml"


def test_without_a_terminal_nothing_is_opened(run, programs, worst):
    program = programs.install("plotjuggler")
    result = run("events", "open", "--worst", 2, "--video", "--json")
    assert result.exit_code == ExitCode.OK
    first, second = json.loads(result.stdout)
    assert [first["event_id"], second["event_id"]] == [event["event_id"] for event in worst[:2]]
    assert first["way"] == "local"
    assert first["command"] == [str(program), "-n", "-l", "CLIP_FOLDER/layout.xml"]
    assert first["files"] == ["clip.csv", "layout.xml"]
    assert first["video"]["files"] == []
    assert first["video"]["missing"][0] == "fcamera.hevc"
    plain = run("events", "open", "--worst", 2, "--video")
    assert f"  {program} -n -l CLIP_FOLDER/layout.xml\n" in plain.stdout
    assert "  video command: -\n" in plain.stdout
    assert plain.stderr == "no terminal: nothing was opened\n"
    assert programs.started() == []


def test_no_event_is_an_empty_list(run, programs):
    programs.install("plotjuggler")
    assert json.loads(run("events", "open", "--label", "true", "--json").stdout) == []


def test_an_id_names_events_in_their_order(run, programs, worst):
    programs.install("plotjuggler")
    names = [event["event_id"] for event in (worst[1], worst[0])]
    result = run("events", "open", *names, "--json")
    assert [document["event_id"] for document in json.loads(result.stdout)] == names


def test_the_url_of_a_page_is_printed(run, worst):
    words = ("--with", "browser", "--url", "http://example.org/drives/")
    result = run("events", "open", worst[0]["event_id"], *words, "--json")
    [document] = json.loads(result.stdout)
    assert document["url"] == f"http://example.org/drives{event_url(worst[0])}"


def test_without_plotjuggler_the_browser_is_used_and_one_line_says_so(run, programs, worst):
    result = run("events", "open", "--worst", 1)
    assert result.exit_code == ExitCode.OK
    assert result.stderr.splitlines() == [
        "no PlotJuggler is here: the browser is used; `--with plotjuggler` says more",
        "no terminal: nothing was opened",
    ]
    assert result.stdout.splitlines()[1].endswith(event_url(worst[0]))
    [plan] = json.loads(run("events", "open", "--worst", 1, "--json").stdout)
    assert plan["way"] == "browser"
    assert programs.started() == []


def test_without_a_viewer_that_is_asked_for_there_is_one_clear_message(run, programs):
    result = run("events", "open", "--worst", 1, "--with", "plotjuggler")
    assert programs.started() == []
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr.startswith("engagement: no PlotJuggler: openpilot: no checkout is named; ")
    assert "--with browser" in result.stderr


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        ([], ExitCode.USAGE, "name events by ID, or choose some"),
        (["x", "--worst", "1"], ExitCode.USAGE, "an ID stands alone"),
        (
            ["--critical", "--url", "http://a"],
            ExitCode.USAGE,
            "--url is for --with browser, not plot",
        ),
        (["nothing@1"], ExitCode.FAILED, "no drive 'nothing'"),
        (["--drive", "nothing"], ExitCode.FAILED, "no drive 'nothing'"),
        (["--cause", "drive"], ExitCode.USAGE, "no cause 'drive'"),
        (["--worst", "1", "--config", "none.toml"], ExitCode.USAGE, "none.toml"),
        (["--label", "true"], ExitCode.OK, "no event fits --label true; without it there would be"),
        (
            ["--worst", "1", "--with", "browser", "--url", "file:///etc"],
            ExitCode.USAGE,
            "'file:///etc' is no URL of a server",
        ),
    ],
)
@pytest.mark.usefixtures("programs")
def test_what_is_wrong_is_said(run, words, exit_code, message):
    result = run("events", "open", *words)
    assert result.exit_code == exit_code
    assert message in result.stderr


def test_the_page_is_the_dashboards_own(worst):
    assert page_path(worst[0]) == event_url(worst[0])
    hostile = {"event_id": "a|../../b?c#d%2e|e"}
    assert page_path(hostile).count("/") == 2


def test_every_curve_of_the_layout_is_a_column_of_a_clip(database, worst, tmp_path):
    columns, texts = set(), set()
    with Reader(database) as reader:
        for event in {event["drive"]: event for event in worst}.values():
            clip = tmp_path / "clip.csv"
            write_clip(reader, event_window(reader, event), clip)
            for row in _rows(clip):
                columns |= row.keys()
                texts |= {name for name, value in row.items() if value and not _is_number(value)}
    of_eras = _columns_of_tables(database)
    for curve in curves(LAYOUT):
        table, _, column = curve.rpartition("/")
        is_of_era = (table.partition("/")[0], column) in of_eras
        assert curve in columns or is_of_era, curve
        assert curve not in texts, f"{curve} is no number: PlotJuggler can't plot it"
    # Most are in these drives; the others are of eras that none of them is of.
    assert len(columns & set(curves(LAYOUT))) > 20


def _rows(file):
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def _columns_of_tables(database):
    """Table and column of all that a clip may hold."""
    query = (
        "select table_name, column_name from duckdb_columns() "
        "where schema_name = 'log' and table_name in ?"
    )
    with duckdb.connect(str(database), read_only=True) as connection:
        return set(connection.execute(query, [list(_TABLES)]).fetchall())


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
