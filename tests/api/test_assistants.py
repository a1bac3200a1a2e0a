"""What assistants are answered: by the official client, over stdio, HTTP and in this process."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import ExitStack
from itertools import combinations

import httpx2
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from engagement.analysis.comparison import compare
from engagement.analysis.grouping import comparable_drives, divide, parse_grouping
from engagement.analysis.ranking import Pair, find_order, rank_groups
from engagement.assistants.server import make_server
from engagement.cli import main
from engagement.store.serving import Limits, Publication
from tests.api.servers import server

TOKEN = "a-token-that-nobody-guesses"  # noqa: S105


@pytest.fixture(scope="module")
def publication(database):
    with ExitStack() as stack:
        publication = Publication(database, Limits(time_limit_s=60))
        stack.callback(publication.close)
        yield publication


@pytest.fixture(scope="module")
def ask(publication):
    """Ask in this process; gives the document, or the words of the refusal."""

    async def call(name, arguments):
        async with Client(make_server(publication, has_sql=True)) as client:
            return await client.call_tool(name, arguments)

    def ask(name, **arguments):
        found = asyncio.run(call(name, arguments))
        return found.content[0].text if found.is_error else found.structured_content

    return ask


async def _conversation(transport):
    async with Client(transport) as client:
        tools = (await client.list_tools()).tools
        drives = await client.call_tool("list_drives", {"limit": 2})
        pages = (await client.list_resources()).resources
        page = await client.read_resource(str(pages[0].uri))
        return {tool.name for tool in tools}, drives.structured_content, page.contents[0].text


def test_a_client_talks_to_a_process_of_its_own(database, reader):
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "engagement", "mcp", "--db", str(database)]
    )
    tools, drives, page = asyncio.run(_conversation(command))
    assert {"list_drives", "compare", "rank", "sql"} <= tools
    assert drives["definitions"] == reader.definitions
    wanted = reader.rows("select drive_id from drives order by started_at desc nulls last limit 2")
    assert [row["drive_id"] for row in drives["rows"]] == [row["drive_id"] for row in wanted]
    assert page.startswith("# Definitions")


def test_over_http_a_token_is_needed_and_sql_is_not_offered(database, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text(TOKEN)
    tokens.chmod(0o600)
    with server(database, "--mcp", "--token-file", str(tokens)) as (_, port):
        url = f"http://127.0.0.1:{port}/mcp"

        async def talk(headers):
            async with httpx2.AsyncClient(headers=headers) as http:
                return await _conversation(streamable_http_client(url, http_client=http))

        tools, drives, _ = asyncio.run(talk({"authorization": f"Bearer {TOKEN}"}))
        assert "sql" not in tools
        assert len(drives["rows"]) == 2
        with httpx2.Client(base_url=url) as http:
            assert http.post("", json={}).status_code == 401
            http.headers["authorization"] = f"Bearer {TOKEN}"
            assert http.get("").status_code == 405
            assert http.post("", content=b"x" * (1 << 17)).status_code == 413
            assert http.post("", content=b"{", headers={"content-type": "text/plain"}).is_error
            assert http.get(f"http://127.0.0.1:{port}/health").status_code == 200


def test_a_server_without_a_token_does_not_begin(database):
    found = CliRunner().invoke(main, ["serve", "--mcp", "--db", str(database)])
    assert found.exit_code == 2
    assert "token" in found.stderr


def test_every_tool_says_that_it_only_reads(publication):
    for tool in asyncio.run(make_server(publication, has_sql=True).list_tools()):
        assert tool.annotations.read_only_hint
        assert tool.description
        assert tool.input_schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("list_drives", {"n_rows": 3}, "n_rows"),
        ("list_drives", {"where": {"brnch": "x"}}, "brnch"),
        ("list_drives", {"columns": ["drve"]}, "drive"),
        ("read_view", {"view": "drivs"}, "did you mean 'drives'"),
        ("read_view", {"view": "drives", "where": {"cause": "x"}}, "cause"),
        ("rates", {"by": "brnch"}, "branch"),
        ("rank", {"by": "branch", "measure": "interventions"}, "interventions_per_"),
        ("rank", {"by": "branch", "groups": ["nobody"]}, "nobody"),
        ("compare", {"by": "branch", "a": "nobody", "b": "x"}, "nobody"),
        ("look_up", {"term": "zzz"}, "zzz"),
        ("find", {"expression": "v_egomps > 2"}, "did you mean 'v_ego_mps'"),
        ("find", {"expression": "engaged", "where": {"cause": "x"}}, "cause"),
        ("find", {"expression": "engaged", "by": "night"}, "whole drives"),
        ("sql", {"query": "drop view drives"}, "only one statement that reads"),
        ("sql", {"query": "select 1; select 2"}, "only one statement that reads"),
        ("sql", {"query": "create or replace table memory.main.drives as select 1"}, "only one"),
        ("sql", {"query": "from read_text('/etc/passwd')"}, "disabled"),
        ("sql", {"query": "select repeat('x', 2_000_000)"}, "bytes"),
        ("nothing", {}, "nothing"),
    ],
)
def test_what_is_wrong_is_said_in_words(ask, name, arguments, said):
    assert said in ask(name, **arguments)


def test_sql_gives_columns_and_rows_and_says_where_it_stopped(ask, reader):
    found = ask("sql", query="select drive_id, drive_id from drives order by 1")
    ids = [[row["drive_id"]] * 2 for row in reader.rows("from drives order by drive_id")]
    assert (found["rows"], found["is_cut"]) == (ids, False)
    assert ask("sql", query="from range(1000000)")["is_cut"]


def test_rates_are_those_of_the_view_in_the_order_of_names(ask, reader):
    rows = ask("rates", by="version")["rows"]
    wanted = reader.rows(
        "from rates where grouped_by = 'version' and mode = 'engaged' order by group_name, event"
    )
    assert rows == json.loads(json.dumps(wanted, default=float))
    assert {"n_events", "exposure_h", "per_hour_lower", "motion_coverage"} <= set(rows[0])


def test_a_comparison_begins_with_the_counts_of_both_groups(ask, reader):
    a, b = (row["group_name"] for row in _versions(reader)[:2])
    found = ask("compare", by="version", a=a, b=b)
    assert found["verdict"]
    assert all({"a", "b", "answer", "sentence"} <= set(one) for one in found["measures"])


def test_moments_come_with_their_hours_and_rates_with_intervals(ask):
    found = ask("find", expression="rises(engaged)", by="version", limit=1)
    assert len(found["moments"]) == 1 < found["n_moments"]
    assert sum(row["n_events"] for row in found["rates"]) == found["n_moments"]
    assert {"exposure_h", "per_hour_lower", "per_hour_upper"} <= found["rates"][0].keys()


def _versions(reader):
    return reader.rows(
        "select group_name from groups where grouped_by = 'version' order by group_name"
    )


@pytest.mark.parametrize(
    ("by", "measure"),
    [("version", "engaged_fraction"), ("speed_band", "interventions_per_100km")],
)
def test_pairs_of_a_ranking_are_comparisons(reader, by, measure):
    drives, grouping = comparable_drives(reader), parse_grouping(by)
    rows = reader.rows(f"select group_name from groups where grouped_by = '{by}'")
    names = sorted(row["group_name"] for row in rows)
    found = rank_groups(reader, grouping, names, measure, drives=drives, others=drives)
    pairs = {(pair.a, pair.b): pair for pair in found.pairs}
    assert list(pairs) == list(combinations(names, 2))
    for (a, b), pair in pairs.items():
        alone = compare(reader, divide(reader, grouping, a, b, drives), others=drives)
        wanted = alone.find(measure)
        assert pair.p_value == wanted.p_value
        assert (found.values[a], found.values[b]) == (wanted.a, wanted.b)


def test_groups_that_cannot_be_told_apart_are_not_ranked(ask):
    found = ask("rank", by="version")
    assert found["order"] is None
    assert found["verdict"].startswith("no order")


@given(st.permutations("abcd"), st.data())
def test_an_order_is_given_only_if_every_pair_is_told(best_first, data):
    pairs = [
        Pair(
            a, b, "worse" if best_first.index(a) < best_first.index(b) else "better", 0.01, 0.01, ""
        )
        for a, b in combinations("abcd", 2)
    ]
    assert find_order(pairs) == tuple(best_first)
    open_one = data.draw(st.integers(0, len(pairs) - 1))
    untold = data.draw(st.sampled_from(["open", "too_few", "speeds_differ", "nothing"]))
    pairs[open_one] = Pair(pairs[open_one].a, pairs[open_one].b, untold, None, None, "")
    assert find_order(pairs) is None


def test_three_that_contradict_have_no_order():
    pairs = [Pair("a", "b", "better", 0.01, 0.01, ""), Pair("a", "c", "worse", 0.01, 0.01, ""),
             Pair("b", "c", "better", 0.01, 0.01, "")]  # fmt: skip
    assert find_order(pairs) is None


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["drives", "version", "interventions_per_100km", "select 1", "-drive_id"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["device", "since", "x"]), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
_NAMES = st.sampled_from([
    "list_views", "describe_view", "look_up", "list_drives", "list_events", "read_view", "rates",
    "compare", "rank", "sql",
])  # fmt: skip
_ARGUMENTS = st.sampled_from([
    "view", "term", "where", "columns", "order_by", "limit", "cursor", "by", "event", "mode", "a",
    "b", "measure", "groups", "query",
])  # fmt: skip


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_NAMES, st.dictionaries(_ARGUMENTS, _VALUES, max_size=5)), max_size=8))
def test_no_arguments_make_a_tool_fail_but_in_words(publication, caplog, calls):
    async def talk():
        async with Client(make_server(publication, has_sql=True)) as client:
            for name, arguments in calls:
                try:
                    await client.call_tool(name, arguments)
                except MCPError:  # no JSON, as a NaN
                    continue

    asyncio.run(talk())
    assert not [record for record in caplog.records if record.exc_info]
