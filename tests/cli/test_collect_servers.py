"""`engagement collect` from servers: what is typed, printed and returned."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from engagement.names import parse_log_path
from engagement.servers.tokens import VARIABLE
from tests.collect.conftest import device, running_server  # noqa: F401 - fixtures
from tests.collect.conftest import server as ssh_server  # noqa: F401 - a fixture
from tests.servers.conftest import server  # noqa: F401 - a fixture
from tests.servers.stand_in import TOKEN, Fault, Route, StandIn

DONGLE_ID = "0123456789abcdef"
DRIVE = "2025-07-31--10-20-30"
ROUTE = f"{DONGLE_ID}|{DRIVE}"


@pytest.fixture
def car(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:  # noqa: F811
    """A server with a drive, whose token is in the environment."""
    server.add(Route(DONGLE_ID, DRIVE, {0: {"qlog": b"first"}, 1: {"qlog": b"second"}}))
    monkeypatch.setenv(VARIABLE, TOKEN)
    return server


def test_a_line_a_device_and_no_secret(car, run_alone):
    result = run_alone("collect", "connect", "--server", car.api)

    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"connect:{DONGLE_ID} ({DONGLE_ID}): collected 2 logs, 11 bytes in ")
    assert Path(f"rlogs/{DONGLE_ID}/{DRIVE}--1/qlog").read_bytes() == b"second"


def test_a_second_run_has_nothing_to_do(car, run_alone):
    run_alone("collect", ROUTE, "--server", car.api)
    result = run_alone("collect", ROUTE, "--server", car.api, "--json")

    (found,) = json.loads(result.stdout)["devices"]
    assert (found["n_collected"], found["n_there"], found["problem"]) == (0, 2, None)
    assert TOKEN not in result.output


def test_several_addresses_in_a_file_or_on_stdin(car, run_alone):
    lines = f"# mine\n{ROUTE}/0\n\n{ROUTE}/1 # the last\n"
    Path("list.txt").write_text(lines)
    by_file = run_alone("collect", "--list", "list.txt", "--server", car.api, "--to", "a")
    by_stdin = run_alone("collect", "--list", "-", "--server", car.api, "--to", "b", input=lines)

    assert (by_file.exit_code, by_stdin.exit_code) == (0, 0), by_file.output
    assert len(by_file.stderr.splitlines()) == 2
    for folder in ("a", "b"):
        assert len([*Path(folder).rglob("qlog")]) == 2


def test_what_failed_is_named_and_the_exit_status_says_so(car, run_alone):
    car.faults = [Fault("/1/qlog", 9, status=418)]
    result = run_alone("collect", ROUTE, "--server", car.api)

    assert result.exit_code == 1
    assert f"failed: {ROUTE}: {ROUTE}/1/qlog: the server refuses it (418)" in result.stderr
    assert "collected 1 log (1 failed)" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([f"{DONGLE_ID}|x"], "is no route"),
        (["connect", "--server", "konick"], "did you mean 'konik'"),
        (["connect", "--server", "http://example.org"], "https alone"),
        (["connect:1234"], "16 hex digits"),
        (["connect", "--token-file", "readable"], "chmod 600"),
        (["--list", "missing"], "can't be read"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_asked(car, run_alone, words, said):
    Path("readable").write_text(TOKEN)
    Path("readable").chmod(0o644)
    result = run_alone("collect", *words)

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert TOKEN not in result.output
    assert not car.requests


def rows_of(database: Path) -> dict[str, list[str]]:
    """All rows of logs, but for when they were read, and of results, but for their last digits."""
    with duckdb.connect(database, read_only=True) as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_schema in ('log', 'result') and table_type = 'BASE TABLE'"
        ).fetchall()
        return {
            f"{schema}.{name}": sorted(
                repr([_kept(value, is_result=schema == "result") for value in row])
                for row in _rows(connection, schema, name)
            )
            for schema, name in names
        }


def _rows(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> list[tuple[Any, ...]]:
    left_out = "exclude (mtime_ns, ingested_at_utc)" if name == "segment" else ""
    return connection.execute(f"select * {left_out} from {schema}.{name}").fetchall()


def _kept(value: object, *, is_result: bool) -> object:
    """A value; sums over rows differ in their last digits each time that they are made."""
    return f"{value:.9g}" if is_result and isinstance(value, float) else value


def test_the_same_drives_by_ssh_from_a_server_and_in_a_folder_are_one_database(
    car,
    device,  # noqa: F811
    logs,
    run_alone,
    request,
):
    """Each way of getting logs gives the same rows, to the bit."""
    request.getfixturevalue("ssh_server")  # after the other server, as both have a home
    car.routes.clear()
    routes: dict[tuple[str, str], Route] = {}
    for file in (path for path in logs.rglob("*log*") if path.is_file()):
        name = parse_log_path(file)
        assert name is not None
        route = routes.setdefault(
            (name.dongle_id, name.drive), Route(name.dongle_id, name.drive, {})
        )
        route.files.setdefault(name.segment_num, {})[file.name] = file.read_bytes()
        target = device.logs / file.relative_to(logs)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
    for route in routes.values():
        car.add(route)
    Path("config").mkdir()
    Path("config/collect.toml").write_text(f'logs = "{device.logs}"\n')
    ways = {
        "folder": lambda: shutil.copytree(logs, "rlogs"),
        "ssh": lambda: run_alone("collect", "device", "--kind", "both"),
        "server": lambda: run_alone(
            "collect", "connect", "--server", car.api, "--kind", "both", "--json"
        ),
    }
    found = {}
    for way, get in ways.items():
        get()
        result = run_alone("--db", f"{way}.duckdb", "ingest", "rlogs")
        assert result.exit_code == 0, result.output
        found[way] = rows_of(Path(f"{way}.duckdb"))
        shutil.rmtree("rlogs")

    assert sum(map(len, found["folder"].values())) > 1000
    assert found["ssh"] == found["folder"]
    assert found["server"] == found["folder"]
