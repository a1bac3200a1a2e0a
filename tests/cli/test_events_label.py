"""`engagement events label`, `labels`, and what counts and is listed by them."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import click
import pytest

from engagement.cli import main
from engagement.cli.exit_codes import ExitCode
from engagement.store.database_writer import writer_lock
from engagement.store.reader import Reader


@pytest.fixture
def copied(database, tmp_path):
    return shutil.copy(database, tmp_path / "engagement.duckdb")


@pytest.fixture
def engagement(run_alone, copied):
    """Run a command on a database of one's own; what it prints, or the whole result."""

    def engagement(*words, exit_code=ExitCode.OK):
        result = run_alone(*words, "--db", copied)
        assert result.exit_code == exit_code, result.output
        return result

    return engagement


@pytest.fixture
def listed(engagement):
    return lambda *options: json.loads(engagement("events", "--json", *options).stdout)


@pytest.fixture(scope="module")
def rows(database):
    """The events of the database, none of them labelled."""
    with Reader(database) as reader:
        return reader.rows("from events order by event_id")


def names(text):
    """The first column of a table."""
    lines = [line for line in text.splitlines() if line.strip()]
    start = next(n for n, line in enumerate(lines) if line.startswith("event"))
    return [line.split()[0] for line in lines[start + 1 :]]


def test_every_name_of_the_list_can_be_labelled_and_none_twice(engagement, listed, rows):
    shown = names(engagement("events").stdout)
    assert len(set(shown)) == len(shown) == len(rows)
    result = engagement("events", "label", *shown, "true")
    assert result.stderr == f"labelled {len(rows)} events\n"
    assert {row["label"] for row in listed()} == {"true"}


def test_the_list_shows_labels_and_leaves_out_by_them(engagement, listed, rows):
    ids = [row["event_id"] for row in listed() if row["cause"] != "end_of_drive"]
    engagement("events", "label", *ids[:2], "planned", "--note", "exit ramp")
    engagement("events", "label", ids[2], "false")
    planned = listed("--label", "planned")
    assert [row["event_id"] for row in planned] == ids[:2]
    assert {row["note"] for row in planned} == {"exit ramp"}
    assert len(listed("--label", "planned", "--label", "FALSE")) == 3
    assert len(listed("--unlabelled")) == len(rows) - 3
    assert len(listed("--unlabelled", "--label", "false")) == len(rows) - 2
    table = engagement("events", "--label", "planned").stdout.splitlines()
    assert [line.split().count("planned") for line in table[-2:]] == [1, 1]
    assert "exit ramp" in table[-1]
    result = engagement("events", "--label", "plannd", exit_code=ExitCode.FAILED)
    assert result.stderr == "engagement: no label 'plannd'; did you mean 'planned'?\n"


def test_labels_are_listed_and_brought_back(engagement, listed, rows, tmp_path):
    first, second = rows[0]["event_id"], rows[1]["event_id"]
    engagement("events", "label", first, "true")
    engagement("events", "label", second, "unsure", "--note", 'said "hm", twice')
    exported = tmp_path / "labels.json"
    exported.write_text(engagement("events", "labels", "--json").stdout)
    assert 'said "hm", twice' in engagement("events", "labels").stdout
    before = listed()
    removed = engagement("events", "label", "--remove", first, second)
    assert removed.stderr == "removed 2 labels\n"
    assert "no event is labelled" in engagement("events", "labels").stderr
    assert engagement("events", "label", "--from", exported).stderr == "labelled 2 events\n"
    assert listed() == before


def test_a_label_without_its_event_is_marked_and_can_be_removed(engagement, tmp_path):
    row = {"dongle_id": "ab", "drive": "cd", "kind": "disengagement", "mono_ns": 1, "label": "true"}
    (tmp_path / "labels.json").write_text(json.dumps([row]))
    result = engagement("events", "label", "--from", tmp_path / "labels.json")
    assert result.stderr == (
        "labelled 1 event; no event is there for 1; it gets its label when it comes\n"
    )
    result = engagement("events", "labels")
    assert "ab|cd|disengagement|1\tdisengagement\ttrue\t\t" in result.stdout
    assert result.stdout.endswith("\tyes\n")
    engagement("events", "label", "--remove", "ab|cd|disengagement|1")
    assert engagement("events", "labels").stdout == ""


def test_csv_of_labels_has_every_column(engagement, rows):
    engagement("events", "label", rows[0]["event_id"], "true")
    [row] = csv.DictReader(io.StringIO(engagement("events", "labels", "--csv").stdout))
    [same] = json.loads(engagement("events", "labels", "--json").stdout)
    assert list(row) == list(same)
    assert row["event_id"] == same["event_id"] == rows[0]["event_id"]


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        ([], ExitCode.USAGE, "label what? write ID... LABEL"),
        (["true"], ExitCode.USAGE, "which events are true?"),
        (["a@1"], ExitCode.USAGE, "a@1 is an event: the label stands last"),
        (["a@1", "b@2"], ExitCode.USAGE, "b@2 is an event: the label stands last"),
        (["nothing@1", "true"], ExitCode.FAILED, "no drive 'nothing'"),
        (["nothing", "true"], ExitCode.FAILED, "no event 'nothing'"),
        (["--remove"], ExitCode.USAGE, "--remove takes ID..."),
        (["--remove", "a@1", "--note", "x"], ExitCode.USAGE, "--remove takes ID..."),
        (["--from", "nothing.csv"], ExitCode.USAGE, "does not exist"),
        (["{first}", "tru"], ExitCode.USAGE, "no label 'tru'; did you mean 'true'? If it is meant"),
        (["{first}", "two words"], ExitCode.USAGE, "'two words' is no label"),
        (["{first}", "\x1b[2J"], ExitCode.USAGE, "is no label"),
        (["{first}", "true", "--note", "x" * 2001], ExitCode.USAGE, "up to 2000 characters"),
        (["{first}", "true", "--note", "\udcff"], ExitCode.USAGE, "a note is text"),
        (["--remove", "{first}"], ExitCode.FAILED, "no label of"),
    ],
)
def test_what_can_t_be_done_is_told_and_nothing_is_written(
    engagement, rows, words, exit_code, message
):
    first = rows[0]["event_id"]
    before = Path("engagement.duckdb").read_bytes()
    result = engagement(
        "events", "label", *(word.format(first=first) for word in words), exit_code=exit_code
    )
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert "\x1b" not in result.stderr
    assert Path("engagement.duckdb").read_bytes() == before


def test_a_file_stands_alone(engagement, tmp_path):
    (tmp_path / "labels.json").write_text("[]")
    result = engagement(
        "events", "label", "--from", tmp_path / "labels.json", "true", exit_code=ExitCode.USAGE
    )
    assert "--from stands alone" in result.stderr


def test_a_busy_database_is_told(engagement, rows, copied):
    first = rows[0]["event_id"]
    with writer_lock(copied):
        result = engagement("events", "label", first, "true", exit_code=ExitCode.DATABASE)
    assert "is writing to this database; wait" in result.stderr


def test_rates_of_labelled_events_say_how_many_are_unlabelled(engagement, rows):
    ids = [row["event_id"] for row in rows if row["is_intervention"]]
    engagement("events", "label", *ids[:3], "true")
    engagement("events", "label", ids[3], "planned")
    document = json.loads(engagement("rates", "--json", "--labels", "true").stdout)
    n_events = {row["event"]: row["n_events"] for row in document["rates"]}
    assert n_events["intervention"] == 3
    n_moments = sum(row["cause"] != "end_of_drive" for row in rows)
    assert document["labels"] == {
        "labels": ["true"],
        "n_counted": 3,
        "n_otherwise": 1,
        "n_unlabelled": n_moments - 4,
    }
    assert list(document) == ["rates", "labels", "definitions"]
    table = engagement("rates", "--labels", "true,planned", "--event", "intervention")
    assert "4" in table.stdout.splitlines()[-1].split()
    assert f"and {n_moments - 4} not at all, so rates may be too low" in table.stderr
    text = engagement("rates", "--csv", "--labels", "true").stdout
    assert len(list(csv.DictReader(io.StringIO(text)))) == len(document["rates"])
    result = engagement("rates", "--labels", "tru", exit_code=ExitCode.FAILED)
    assert "no label 'tru'; did you mean 'true'?" in result.stderr
    result = engagement("rates", "--labels", "true", "--event", "any", exit_code=ExitCode.FAILED)
    assert "no event 'any'" in result.stderr


def test_a_comparison_counts_labelled_events_of_each_group(engagement, rows):
    devices = sorted({row["dongle_id"] for row in rows})
    mine = [row for row in rows if row["dongle_id"] == devices[0] and row["is_intervention"]]
    engagement("events", "label", mine[0]["event_id"], "true")
    words = ("compare", "--by", "device", *devices[:2])
    document = json.loads(engagement(*words, "--json", "--labels", "true").stdout)
    assert [tally["n_counted"] for tally in document["labels"]] == [1, 0]
    [measure] = [m for m in document["measures"] if m["name"] == "interventions_per_hour"]
    assert (measure["a"]["n_events"], measure["b"]["n_events"]) == (1, 0)
    assert document["warnings"][0].startswith("of A only events labelled true count: 1 of ")
    assert "labels" not in json.loads(engagement(*words, "--json").stdout)
    markdown = engagement(*words, "--markdown", "--labels", "true").stdout
    assert "of A only events labelled true count: 1 of " in markdown.replace("Of A", "of A")


@pytest.mark.parametrize("words", [["--critical", "labels"], ["--json", "label", "a@1", "true"]])
def test_options_of_the_list_do_not_go_with_a_command(run, words):
    result = run("events", *words)
    assert result.exit_code == ExitCode.USAGE
    assert f"{words[0]} is of the list; what {words[1]} takes stands after it" in result.stderr


def test_the_nearest_command_is_named(run):
    result = run("events", "lable")
    assert result.exit_code == ExitCode.USAGE
    assert "no command 'lable'; did you mean 'label'?" in result.stderr


@pytest.mark.parametrize("name", ["label", "labels", "redact"])
def test_commands_of_events_have_help_with_an_example(name):
    context = click.Context(main)
    group = main.get_command(context, "events")
    command = group.get_command(click.Context(group, parent=context), name)
    text = command.get_help(click.Context(command, info_name=name))
    assert "Example:" in text
    assert f"engagement events {name}" in text
    assert all(option.help for option in command.params if isinstance(option, click.Option))
