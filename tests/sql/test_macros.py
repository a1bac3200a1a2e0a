"""The rules that several views share: what each says, and that it stands in one place."""

from __future__ import annotations

import math
import re
from datetime import datetime, time, timedelta

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from engagement.extract.clocks import is_set
from engagement.resources import resource_dir
from engagement.store import schema
from engagement.store.views import load_grids, load_macros, load_views
from tests.support.empty_store import new_store

MACROS = load_macros() + load_grids()
NAMES = re.findall(r"^create or replace macro (\w+)\(", MACROS, re.MULTILINE)
# What a copy of a rule would have in it.
MARKS = (
    "4294967296",
    "1.95996",
    "clock_earliest_ns from",
    ">= 0.01",
    "city_max_mps from",
    "label_match_ns from",
    "* 18446744073709551616",
    "1.210364646 /",
)
NUMBERS = st.integers(0, 2**31 - 1)


@pytest.fixture(scope="module")
def connection():
    with new_store() as found:
        found.execute("insert into result.thresholds by name from compute.thresholds")
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("macros") / "some.duckdb"
    with new_store(path):
        return path


def test_every_macro_is_called():
    texts = [re.sub(r"create or replace macro \w+\(", "", MACROS)]
    texts += [path.read_text() for path in resource_dir("sql").glob("*/*.sql")]
    texts += [path.read_text() for path in resource_dir("engagement").rglob("*.py")]
    called = set(re.findall(r"\b(\w+)\(", "\n".join(texts)))
    assert [name for name in NAMES if name not in called] == []


@pytest.mark.parametrize("mark", MARKS)
def test_a_rule_stands_in_one_place(mark):
    files = [
        path.name
        for path in resource_dir("sql").rglob("*.sql")
        if mark in path.read_text(encoding="utf-8")
    ]
    assert files == ["macros.sql"]


def test_a_file_attached_under_any_name_has_views_that_bind(file):
    with duckdb.connect() as other:
        other.execute("create macro speed_band(speed_mps) as 'of somebody else'")
        other.execute(f"attach '{file}' as \"any name\" (read_only)")
        for view in load_views():
            schema_name, _, name = view.name.rpartition(".")
            other.execute(f'from "any name"."{schema_name or "main"}"."{name}" limit 0')


def test_macros_that_sql_no_longer_has_are_gone_from_the_database():
    query = (
        "select function_name from duckdb_functions() "
        "where function_type in ('macro', 'table_macro') and not internal"
    )
    with new_store() as own:
        own.execute("create macro old_rule(x) as x; update store.state set sql_hash = ''")
        schema.load_sql(own)
        assert {name for (name,) in own.execute(query).fetchall()} == set(NAMES)


@given(first=st.tuples(NUMBERS, NUMBERS), second=st.tuples(NUMBERS, NUMBERS))
def test_positions_are_in_the_order_of_segments_and_messages(connection, first, second):
    query = "select message_position(?::int, ?::int) < message_position(?::int, ?::int)"
    assert connection.execute(query, [*first, *second]).fetchall() == [(first < second,)]


@given(
    ingested_at=st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - UTC
    ahead=st.sampled_from((None, -1, 0, 1, 2, 3)),
    offset_us=st.integers(-2, 2),
)
def test_a_clock_was_set_in_sql_as_in_python(connection, ingested_at, ahead, offset_us):
    """Around the start of 2018, and of the days about the ingest, to the microsecond."""
    day = datetime.combine(ingested_at.date(), time())
    border = datetime(2018, 1, 1) if ahead is None else day + timedelta(days=ahead)  # noqa: DTZ001
    wall_time = border + timedelta(microseconds=offset_us)
    query = "select clock_was_set(epoch_us(?::timestamp)::hugeint * 1000, ?)"
    found = connection.execute(query, [wall_time, ingested_at]).fetchall()
    assert found == [(is_set(wall_time, ingested_at),)]


@pytest.mark.parametrize(
    ("times_ns", "segments", "holds"),
    [
        ((5, 8), (0, 0), True),
        ((5, 15), (0, 1), True),
        ((5, 16), (0, 0), False),
        ((5, 5), (0, 0), False),
        ((5, 6), (0, 2), False),
        ((5, 6), (2, 1), True),
        ((5, None), (0, None), None),
    ],
)
def test_a_sample_holds_until_the_next_unless_that_is_late_or_a_segment_is_missing(
    connection, times_ns, segments, holds
):
    query = "select holds_until(?::bigint, ?::int, ?::bigint, ?::int, 10)"
    values = [times_ns[0], segments[0], times_ns[1], segments[1]]
    assert connection.execute(query, values).fetchall() == [(holds,)]


def test_a_share_of_none_has_no_limits(connection):
    assert connection.execute("select wilson_lower(0, 0), wilson_upper(0, 0)").fetchall() == [
        (None, None)
    ]


@pytest.mark.parametrize("n", [1, 7, 40, 12345])
def test_a_share_of_nothing_or_everything_has_an_exact_end(connection, n):
    query = "select wilson_lower(0, ?), wilson_upper(?, ?)"
    assert connection.execute(query, [n, n, n]).fetchall() == [(0.0, 1.0)]


def quantiles(connection, macro, values):
    query = f"select {macro}(value) from (select unnest($values) as value)"
    return [row[0] for row in connection.execute(query, {"values": values}).fetchall()]


def test_limits_of_counts_are_the_quantiles_of_the_gamma_distribution(connection):
    """Of counts that are whole or not, from next to nothing to more than any database has."""
    counts = [0.01 * 1.07**power for power in range(300)]
    lower = special.gammaincinv(counts, 0.025).tolist()
    upper = special.gammaincinv([count + 1 for count in counts], 0.975).tolist()
    assert counts[-1] > 1e6
    assert quantiles(connection, "poisson_lower", counts) == pytest.approx(lower, rel=3e-6, abs=0)
    assert quantiles(connection, "poisson_upper", counts) == pytest.approx(upper, rel=1e-8)
    assert quantiles(connection, "poisson_lower", [0]) == [0]
    assert quantiles(connection, "poisson_upper", [0]) == pytest.approx([-math.log(0.025)])


def test_t_is_students(connection):
    degrees = [2 * 1.05**power for power in range(300)]
    wanted = special.stdtrit(degrees, 0.975).tolist()
    assert quantiles(connection, "t_95", degrees) == pytest.approx(wanted, rel=1e-8)
