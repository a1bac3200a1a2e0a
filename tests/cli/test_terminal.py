"""What commands show on terminals of 80 and 140 columns, over a fleet of ten drives.

The oracle is the same command in a pipe, where every value stands between two tabs.
"""

from __future__ import annotations

import json
import re
from functools import cache

import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from engagement.cli import main
from engagement.extract.choice import choose_can
from engagement.simulate import simulate
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from tests.support.terminal import ESCAPES, raw_in_terminal, shown_in_terminal

WIDTHS = (80, 140)
DRIVE_TABLES = [
    ["report"], ["report", "--device-stats"], ["report", "--speed-bands"], ["drives"], ["devices"],
    ["report", "--units", "imperial"],
]  # fmt: skip
EVENT_TABLES = [["events"], ["events", "--worst", "10"], ["events", "--critical"]]
RATES = [
    *(["rates", "--by", by] for by in ("all", "device", "car", "commit", "speed-band")),
    ["rates", "--by", "commit", "--event", "intervention"],
]
OTHERS = [
    ["status", "--check"],
    ["glossary", "interventions"],
    ["glossary", "drives"],
    ["compare", "--by", "device", "0c1d", "a1b2"],
    ["events", "labels"],
    ["profile", "list"],
    ["profile", "show", "demo"],
]
ON_LOGS = [
    ["can", "{log}", "--dbc", "demo_car", "--list"],
    ["profile", "check", "{log}", "--profile", "demo"],
    ["profile", "suggest", "{log}", "--dbc", "demo_car"],
]
QUERIES = [
    ["sql", "from drives order by drive_id"],
    ["sql", "from events order by event_id"],
    ["sql", "select * exclude (event_id) from events order by event_id"],
    ["sql", "from segments order by path"],
    ["sql", "select cause, count(*) as n from disengagements group by all order by all"],
]


@pytest.fixture(scope="session")
def fleet_logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet")
    for _ in simulate(folder, drives=10):
        pass
    return folder


@pytest.fixture(scope="session")
def fleet(fleet_logs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet_database")
    path = folder / "e.duckdb"
    read = choose_can(profiles_file=None, name="demo", cwd=folder)
    ingest([fleet_logs], path, IngestOptions(read=read, jobs=1))
    events = json.loads(piped(path, "events", "--json", "--worst", "3"))
    for event, label in zip(events, ("true", "planned", "unsure"), strict=True):
        piped(path, "events", "label", event["event_id"], label, "--note", "an exit (ramp)")
    return path


@cache
def in_pipe(database, *command):
    """What a command writes where there is no terminal."""
    return CliRunner().invoke(main, ["--db", str(database), *map(str, command)])


def piped(database, *command):
    return in_pipe(database, *command).stdout


def filled(command, logs):
    """A command with a log of the car of config/demo_car.dbc, where it takes one."""
    found = [path for path in logs.rglob("*") if path.is_file() and "rlog" in path.name]
    mine = min(path for path in found if "a1b2c3d4e5f60718" in str(path))
    return [mine if word == "{log}" else word for word in command]


def check_lines(text, columns):
    """No line is wider than the terminal, and no bracket stays open."""
    for line in text.splitlines():
        assert cell_len(line) <= columns, line
    open_ones = []
    for letter in text:
        if letter in "([{":
            open_ones.append(letter)
        elif letter in ")]}":
            assert open_ones, text
            assert open_ones.pop() + letter in ("()", "[]", "{}"), text
    assert not open_ones, text


def words_with_digits(text):
    return {word for word in text.split() if re.search(r"\d", word)}


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize(
    "command", [*DRIVE_TABLES, *EVENT_TABLES, *RATES, *OTHERS, *ON_LOGS], ids=" ".join
)
def test_nothing_is_cut(fleet, fleet_logs, command, columns):
    words = filled(command, fleet_logs)
    shown = shown_in_terminal("--db", fleet, *words, columns=columns)
    check_lines(shown, columns)
    assert shown
    whole = words_with_digits(in_pipe(fleet, *words).output)  # footers are on stderr there
    rows = [line for line in shown.splitlines() if not line.startswith("total of ")]
    # Headings have words of their own, as 100 km.
    for word in words_with_digits("\n".join(rows[2:])) - whole:
        assert re.fullmatch(r"\(?95|/?100", word), word


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("command", QUERIES, ids=lambda command: command[1])
def test_a_query_shows_whole_values(fleet, command, columns):
    shown = shown_in_terminal("--db", fleet, *command, columns=columns)
    check_lines(shown, columns)
    table, _, footer = shown.partition("\n\n") if "shown)" in shown else (shown, "", "")
    whole = words_with_digits(piped(fleet, *command))
    assert words_with_digits(table) <= whole
    if "shown)" in footer:
        n_rows = len(piped(fleet, *command).splitlines()) - 1
        assert re.match(rf"{n_rows} rows", footer)


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("command", [*DRIVE_TABLES, *EVENT_TABLES], ids=" ".join)
def test_what_is_typed_on_is_there(fleet, command, columns):
    shown = shown_in_terminal("--db", fleet, *command, columns=columns).split()
    heading, *rows = (line.split("\t") for line in piped(fleet, *command).splitlines())
    first = 1 if "drive" in heading and command[0] == "report" else 0
    for row in rows:
        if len(row) > first and row != [""]:
            assert row[first] in shown


@pytest.mark.parametrize("command", ["report", "drives"])
def test_the_date_of_a_drive_is_the_last_column_to_go(fleet, command):
    titles = []
    for columns in range(140, 60, -13):
        shown = shown_in_terminal("--db", fleet, command, columns=columns)
        rule = next((line for line in shown.splitlines() if line.startswith("──")), None)
        if rule is None:
            break
        titles.append("started" in shown)
    assert titles == [True] * len(titles)
    assert len(titles) > 5


def test_critical_events_and_warnings_are_in_colour_where_somebody_wants_it(fleet):
    def raw(*command, **variables):
        return raw_in_terminal("--db", fleet, *command, columns=140, **variables).decode()

    assert "\x1b[1;31m" in raw("events", "--critical")
    assert "\x1b[33mwarn" in raw("status")
    for command in (["events", "--critical"], ["status"]):
        plain = raw(*command, NO_COLOR="1")
        assert not re.search("\x1b\\[[0-9;]*3[0-9]", plain)
        assert ESCAPES.sub(b"", plain.encode()) == ESCAPES.sub(b"", raw(*command).encode())
        assert "\x1b" not in piped(fleet, *command)


@pytest.mark.parametrize(
    "command",
    [
        ["report", "--device", "ffff"],
        ["events", "--cause", "driver_brak"],
        ["report", "--since", "yesterday"],
        ["sql", "select * from drivess"],
        ["events", "--since", "2099-01-01", "--critical", "--cause", "system"],
        ["ingest", "nowhere"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("columns", [40, 80])
def test_messages_end_their_lines_between_words(fleet, command, columns):
    shown = raw_in_terminal("--db", fleet, *command, columns=columns).decode()
    plain = ESCAPES.sub(b"", shown.encode()).decode().replace("\r\n", "\n")
    said = [line for line in plain.splitlines() if "──" not in line]
    longest = max(map(len, plain.split()))
    assert all(len(line) <= max(columns, longest) for line in said)
    whole = set(in_pipe(fleet, *command).output.replace("\t", " ").split())
    # The program is called `main` there, and needs another time.
    assert {word for word in plain.split() if not re.search(r"engagement|\d", word)} <= whole
