"""No spreadsheet runs a cell of CSV that people open, and no terminal obeys one."""

from __future__ import annotations

import csv
import io
import re

import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from engagement.cli import main
from engagement.csv_cells import as_written, inert
from engagement.export.csv_tables import inert_table
from engagement.extract.segment import ReadOptions
from engagement.logs.schema import load_schema
from engagement.logs.writer import EventBuilder
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from tests.support.terminal import shown_in_terminal

RUN = "=+-@\t\r\n"
ATTACK = '=HYPERLINK("http://x")\x1b[2J'
EXPORT = ["export", "csv", "drives"]
HIDDEN = ["", " ", "\xa0", "\ufeff", "\u200b", "\x00", "\x0b", "\u3000", "'", ";", "x;", "\n"]
CELLS = st.text() | st.lists(st.sampled_from([*RUN, *HIDDEN, "\uff1d", "1", "x"]), max_size=8).map(
    "".join
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\uff1d1", "'\uff1d1"),
        ("'=1", "''=1"),
        ("\xa0=1", "'\xa0=1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("\u200b\x00 @A1", "'\u200b\x00 @A1"),
        ("\u2212A1", "'\u2212A1"),
        ("\ufe66A1", "'\ufe66A1"),
        ("x;=1;y", "x;'=1;y"),
        ("x;\n\xa0+A1", "x;\n'\xa0+A1"),
        ("x,=1; y = 2", "x,=1; y = 2"),
        ("-12.5", "-12.5"),
        ("+3e-4", "+3e-4"),
        ("release3", "release3"),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_runs_is_text(text, expected):
    assert inert(text) == expected


@given(st.lists(CELLS, max_size=5))
def test_cells_are_inert_alike_and_can_be_read_back(texts):
    cells = [inert(text) for text in texts]

    table = inert_table(pa.table({"a": pa.array(texts, pa.string()), "b": range(len(texts))}))

    assert table["a"].to_pylist() == cells
    assert [as_written(cell) for cell in cells] == texts
    for cell in cells:
        is_number = cell.strip("+-0123456789.eE") == ""
        for part in re.split("[;\t\r\n]", cell):
            assert is_number or not part.strip("".join(HIDDEN[1:8])).startswith(tuple(RUN))


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Of a drive whose branch is a formula that clears the screen."""
    folder = tmp_path_factory.mktemp("formula")
    log = folder / "a1b2c3d4e5f60718" / "00000001--0123456789--0" / "rlog"
    log.parent.mkdir(parents=True)
    builder = EventBuilder(load_schema())
    states = [
        builder.event("carState", 10**9 + 10**7 * n, {"vEgo": 1.0, "cruiseState": {}})
        for n in range(100)
    ]
    log.write_bytes(builder.event("initData", 10**9, {"gitBranch": ATTACK}) + b"".join(states))
    ingest([folder], folder / "x.duckdb", IngestOptions(ReadOptions(), jobs=1))
    return folder / "x.duckdb"


def branches(text):
    return [row["git_branch"] for row in csv.DictReader(io.StringIO(text))]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["drives", "--csv"], f"'{ATTACK}"),
        (["drives", "--csv-exact"], ATTACK),
        (["sql", "select git_branch from drives", "--csv"], f"'{ATTACK}"),
        ([*EXPORT, "--out", "-"], f"'{ATTACK}"),
        ([*EXPORT, "--out", "-", "--exact"], ATTACK),
    ],
)
def test_a_formula_of_a_log_is_text_unless_wanted(database, command, expected):
    result = CliRunner().invoke(main, ["--db", str(database), *command])

    assert result.exit_code == 0
    assert branches(result.stdout) == [expected]


@pytest.mark.parametrize(
    "command",
    [["drives", "--csv"], [*EXPORT, "--out", "-"], ["read", "LOG", "initData.gitBranch"]],
)
def test_a_terminal_is_shown_csv_and_obeys_nothing(database, command):
    (log,) = database.parent.rglob("rlog")
    words = [log if word == "LOG" else word for word in command]
    shown = shown_in_terminal("--db", database, *words)

    assert "\x1b[2J" not in shown
    assert "\\x1b[2J" in shown
