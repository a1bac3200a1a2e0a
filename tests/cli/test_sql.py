from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.cli.exit_codes import ExitCode
from engagement.cli.queries import SHOWN_ROWS
from engagement.store.reader import Reader

# One value of every type that is hard to write.
HARD = """select 1.5 as "decimal", 12345678901234567890::hugeint as huge, 'nan'::double as n,
    null as "null", true as flag, date '2025-07-31' as day,
    timestamp '2025-07-31 01:02:03.5' as moment, time '12:00' as "time", [1, null] as list,
    {'a': 'x'} as struct, 'a"b,c' || chr(10) || 'd' as "text", 'x'::blob as "blob"
"""


def test_a_query_prints_its_rows(run):
    lines = run("sql", "select 1 as a, null as b, true as c").stdout.split("\n")
    assert [line.split() for line in lines] == [["a", "b", "c"], ["1", "NULL", "true"], []]


@pytest.mark.parametrize("words", [["sql"], ["sql", "-"]])
def test_a_query_comes_from_stdin_too(run, words):
    assert run(*words, input="select 42 as answer").stdout == "answer\n42\n"


def test_json_keeps_values_and_their_types(run):
    row = json.loads(run("sql", "--json", HARD).stdout)[0]
    assert row == {
        "decimal": 1.5, "huge": 12345678901234567890, "n": None, "null": None, "flag": True,
        "day": "2025-07-31", "moment": "2025-07-31T01:02:03.500000", "time": "12:00:00",
        "list": [1, None], "struct": {"a": "x"}, "text": 'a"b,c\nd', "blob": "eA==",
    }  # fmt: skip


def test_csv_is_read_back_by_a_csv_reader(run):
    row = next(csv.DictReader(io.StringIO(run("sql", "--csv", HARD).stdout)))
    assert row["decimal"] == "1.5"
    assert row["text"] == 'a"b,c\nd'
    assert row["null"] == ""
    assert row["flag"] == "true"
    assert row["moment"] == "2025-07-31T01:02:03.500000"


def test_arrow_is_a_stream(run):
    result = run("sql", "--arrow", "from drives")
    table = pa.ipc.open_stream(result.stdout_bytes).read_all()
    assert table.num_rows == 3
    assert "engaged_fraction" in table.column_names


def test_a_terminal_gets_the_first_and_the_last_rows_a_pipe_gets_all(run, shown):
    query = f"from range({SHOWN_ROWS + 1})"
    _heading, _rule, *rows, footer = filter(None, shown("sql", query).splitlines())
    half = SHOWN_ROWS // 2
    numbers = [str(number) for number in range(SHOWN_ROWS + 1)]
    assert [row.strip() for row in rows] == [*numbers[:half], *"···", *numbers[half + 1 :]]
    assert (
        footer == f"{SHOWN_ROWS + 1} rows ({SHOWN_ROWS} shown), 1 column; --csv and --json have all"
    )
    for output in ([], ["--csv"]):
        assert run("sql", *output, query).stdout.splitlines()[1:] == numbers
    exact = shown("sql", f"from range({SHOWN_ROWS})")
    assert [line.strip() for line in exact.splitlines()[2:]] == numbers[:-1]


@settings(max_examples=10, deadline=None)
@given(n_rows=st.integers(0, 300_000), n_kept=st.integers(1, 50))
def test_the_ends_of_a_query_are_its_first_and_last_rows(database, n_rows, n_kept):
    with Reader(database) as reader:
        table, n_found = reader.ends(f"select range as n from range({n_rows})", n_kept)
    numbers = range(n_rows)
    wanted = [*numbers[:n_kept], *numbers[max(n_kept, n_rows - n_kept) :]]
    assert (table.column("n").to_pylist(), n_found) == (wanted, n_rows)


def test_columns_in_the_middle_give_way_and_what_is_shown_is_whole(shown, run):
    times = "started_at_utc, started_at_local, time_zone, started_at, device_name"
    drives = f"select * exclude ({times}) from drives"
    table = shown("sql", drives, columns=80)
    heading, _rule, *rows, footer = filter(None, table.splitlines())
    names = run("sql", "--csv", drives).stdout.splitlines()[0].split(",")
    first, last = (part.split() for part in heading.split("…"))
    assert [*first, *last] == [*names[: len(first)], *names[len(names) - len(last) :]]
    assert footer.startswith(f"3 rows, {len(names)} columns ({len(first) + len(last)} shown)")
    values = json.loads(run("sql", "--json", drives).stdout)
    for row, value in zip(rows, values, strict=True):
        assert [value["drive_id"], value["dongle_id"]] == [int(row.split()[0]), row.split()[1]]
        assert float(row.split()[-1]) == pytest.approx(value[names[-1]], rel=1e-15)


def test_order_is_kept(run):
    lines = run("sql", "select range as r from range(1000) order by r desc").stdout.splitlines()
    assert [int(line) for line in lines[1:4]] == [999, 998, 997]


@pytest.mark.parametrize(
    "query", ["show tables", "describe drives", "explain select 1", "from drives;"]
)
def test_what_is_no_plain_select_works_too(run, query):
    result = run("sql", query)
    assert result.exit_code == ExitCode.OK
    assert result.stdout


@pytest.mark.parametrize(
    "query",
    [
        "delete from log.segment",
        "create table x (a integer)",
        "drop view drives",
        "insert into store.parameter values ('a', 1, '', '')",
        "update store.state set generation = 0",
    ],
)
def test_nothing_can_be_written(run, database, query):
    before = database.read_bytes()
    result = run("sql", query)
    assert result.exit_code == ExitCode.USAGE
    assert "read-only" in result.stderr
    assert database.read_bytes() == before


def test_an_error_points_at_the_place(run):
    result = run("sql", "select 1,\n  2 form drives")
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.startswith("engagement: Parser Error")
    assert "^" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", [["sql"], ["shell", "--plain"]])
def test_no_other_file_is_written_or_read(run, tmp_path, command):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    copied = run(*command, input=f"copy (select 1) to '{tmp_path}/out.csv'")
    read = run(*command, input=f"from read_csv('{tmp_path}/secret.csv')")
    assert "Permission Error" in copied.stderr
    assert "Permission Error" in read.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


def test_an_unknown_table_is_answered_with_the_nearest_view(run):
    result = run("sql", "select 1 from drivs")
    assert result.exit_code == ExitCode.USAGE
    assert "Table with name drivs does not exist!; did you mean 'drives'?" in result.stderr
    assert "pg_" not in run("sql", "from nowhere").stderr


@pytest.mark.parametrize("output", [[], ["--json"], ["--csv"], ["--arrow"]])
def test_several_statements_are_refused(run, output):
    result = run("sql", *output, "select 1; select 2")
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert result.stderr == "engagement: one statement at a time: these are 2\n"
    assert run("sql", *output, "select ';' as a; -- ; no more").exit_code == ExitCode.OK


def test_intervals_are_text(run):
    query = "select interval '14 months 3 days -1.5 seconds' as i, [interval 0 days] as l"
    assert json.loads(run("sql", "--json", query).stdout) == [{"i": "P14M3DT-1.5S", "l": ["PT0S"]}]
    assert run("sql", "--csv", query).stdout == "i,l\nP14M3DT-1.5S,[PT0S]\n"
    assert "P14M3DT-1.5S" in run("sql", query).stdout


def test_columns_of_one_name_are_told_apart(run):
    query = "select 1 as a, 2 as a, 3 as a_1"
    assert run("sql", "--csv", query).stdout == "a,a_1,a_1_1\n1,2,3\n"
    assert json.loads(run("sql", "--json", query).stdout) == [{"a": 1, "a_1": 2, "a_1_1": 3}]


@pytest.mark.parametrize("query", ["", "  ;", "-- nothing", "/* nothing */ ;"])
def test_an_empty_query_is_exit_2(run, query):
    result = run("sql", input=query)
    assert result.exit_code == ExitCode.USAGE
    assert "empty" in result.stderr
