"""`engagement serve`: whom it listens to, and that it goes on while the database changes."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from click.testing import CliRunner

from bench.load import Load
from engagement.api.settings import hash_token, is_loopback, read_tokens
from engagement.cli import main
from engagement.cli.serve import LAG_S, listen
from engagement.errors import ConfigError
from engagement.extract.segment import ReadOptions
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader
from tests.api.servers import server
from tests.store.processes import child

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

SOAK_PER_S = 50
ROUND_S = 1.0
MIN_ROUNDS, MAX_ROUNDS = 3, 200
WAITED_S = 20.0  # a process may have to wait for a core: what counts is that it catches up
PUBLISH_EVERY_S = 0.3
CAUGHT_UP_S = 60.0


def get(port: int, path: str, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104
def test_other_machines_are_let_in_only_with_tokens_or_when_told_so(host):
    result = CliRunner().invoke(main, ["serve", "--host", host, "--port", "0"])

    assert result.exit_code == 2
    assert "--token-file" in result.output
    assert "--public" in result.output


@pytest.mark.parametrize(
    ("host", "wanted"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("localhost.evil.com", False),  # noqa: S104
     ("", False)],
)  # fmt: skip
def test_loopback_is_what_no_other_machine_can_reach(host, wanted):
    assert is_loopback(host) == wanted


def test_tokens_are_the_lines_of_a_file(tmp_path):
    file = tmp_path / "tokens"
    file.write_text("# mine\n\n  0123456789abcdef  \nanother-token-here\n")
    file.chmod(0o640)

    assert read_tokens(file) == {hash_token("0123456789abcdef"), hash_token("another-token-here")}


@pytest.mark.parametrize(
    "content",
    [b"", b"# nothing\n", b"short\n", "tökentökentökentöken".encode(), b"\xff\xfe",
     b"0123456789abcde\t0"],
)  # fmt: skip
def test_a_file_without_a_good_token_is_refused(tmp_path, content):
    file = tmp_path / "tokens"
    file.write_bytes(content)
    file.chmod(0o600)

    with pytest.raises(ConfigError, match=r"token in it|has 16 letters|can't read the tokens"):
        read_tokens(file)


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o620, 0o666, 0o601])
def test_a_file_of_tokens_that_others_may_read_is_refused(tmp_path, mode):
    file = tmp_path / "tokens"
    file.write_text("0123456789abcdef\n")
    file.chmod(mode)

    with pytest.raises(ConfigError, match="others may read these tokens; run `chmod"):
        read_tokens(file)


@pytest.mark.parametrize(
    ("options", "is_open"),
    [
        (("--host", "0.0.0.0", "--public"), True),  # noqa: S104
        (("--host", "0.0.0.0", "--token-file", "tokens"), False),  # noqa: S104
        (("--public",), False),
    ],
)
def test_a_server_that_shows_everybody_positions_says_so(database, tmp_path, options, is_open):
    tokens = tmp_path / "tokens"
    tokens.write_text("0123456789abcdef\n")
    tokens.chmod(0o600)
    words = [str(tokens) if word == "tokens" else word for word in options]
    with server(database, *words) as (process, port):
        get(port, "/health")  # from then on it is the server that takes the signal
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        lines = [*process.lines, said]
    assert port
    assert any("can read every drive" in line for line in lines) == is_open


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.1, 0.3])
def test_an_early_ctrl_c_ends_it(database, after_s):
    """From the line that names the address on, whatever is being started."""
    command = [sys.executable, "-m", "engagement", "serve", "--port", "0", "--db", database]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(after_s)
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("content", [None, b"no database", b""])
def test_what_is_said_of_a_database_that_cant_be_read_names_no_path(tmp_path, content):
    path = tmp_path / "jane-doe" / "drives.duckdb"
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)
    with server(path) as (_, port):
        for asked in ("/ready", "/", "/api/v1/drives", "/devices", "/drive/x", "/stats"):
            status, body = get(port, asked)
            assert status == 503, asked
            assert b"jane-doe" not in body
            assert b".duckdb" not in body
        status, body = get(port, "/health")
    assert (status, json.loads(body)) == (200, {"status": "ok", "last_loaded": None})


def test_ready_is_200_where_there_is_a_database_and_needs_no_token(database, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("0123456789abcdef\n")
    tokens.chmod(0o600)
    with server(database, "--token-file", str(tokens)) as (_, port):
        assert get(port, "/ready") == (200, b'{"status":"ready"}')
        assert get(port, "/devices")[0] == 401


def test_a_port_that_is_taken_is_an_error_of_one_line(database):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(main, ["serve", "--db", str(database), "--port", str(port)])

    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert str(port) in result.output


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_answers_do_not_wait_for_the_clients_acknowledgement(host):
    with listen(host, 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            # What asyncio looks at before it turns Nagle's algorithm off.
            assert accepted.proto == socket.IPPROTO_TCP


def test_a_server_asks_for_tokens_logs_and_ends_well(database, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("0123456789abcdef\n")
    tokens.chmod(0o600)
    log = tmp_path / "access.jsonl"
    options = ["--host", "0.0.0.0", "--token-file", str(tokens), "--access-log", str(log)]  # noqa: S104

    with server(database, *options, "--allowed-host", "Drives.example") as (process, port):
        statuses = [
            get(port, "/health")[0],
            get(port, "/devices")[0],
            get(port, "/devices", authorization="Bearer 0123456789abcdef")[0],
            get(port, "/health", host="drives.example")[0],
            get(port, "/health", host="other.example")[0],
            get(port, "/../../../etc/passwd", authorization="Bearer 0123456789abcdef")[0],
            get(port, "/static/../../../etc/passwd", authorization="Bearer 0123456789abcdef")[0],
            get(port, "/vendor/%2e%2e/app.py", authorization="Bearer 0123456789abcdef")[0],
        ]

    assert statuses == [200, 401, 200, 200, 400, 404, 404, 404]
    assert process.returncode == 0
    assert [json.loads(line)["status"] for line in log.read_text().splitlines()] == statuses


def test_a_terminated_server_ends_at_once_and_a_database_may_come_later(database, tmp_path):
    path = tmp_path / "later.duckdb"
    with server(path) as (process, port):
        before = get(port, "/api/v1/drives")
        shutil.copyfile(database, tmp_path / "new.duckdb")
        (tmp_path / "new.duckdb").replace(path)
        after = get(port, "/api/v1/drives")
        started_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)

    assert before[0] == 503
    assert json.loads(before[1])["type"] == "urn:engagement:store-missing"
    assert after[0] == 200
    assert time.monotonic() - started_s < 5


@pytest.mark.parametrize("path", ["/api/v1/views/tuning", "/api/v1/views/tuning/csv"])
def test_a_terminated_server_waits_for_no_long_query_and_no_client(database, tmp_path, path):
    slow = tmp_path / "slow.duckdb"
    shutil.copyfile(database, slow)
    with duckdb.connect(str(slow)) as connection:
        connection.execute(
            "create or replace view tuning as select 1 as drive_id, "
            "(select count(*) from range(100000000000) as many(n) where hash(n) = 42) as speed_band"
        )
    with server(slow, "--time-limit", "60") as (process, port), ExitStack() as stack:
        for sent in (
            b"",
            b"GET /hea",
            b"GET %s HTTP/1.1\r\nhost: localhost\r\n\r\n" % path.encode(),
        ):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(sent)
        time.sleep(0.5)
        started_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    assert time.monotonic() - started_s < 5


def test_help_and_other_commands_do_not_import_the_server():
    code = (
        "import sys; from engagement.cli import main; main(['devices', '--help'], "
        "standalone_mode=False); print([m for m in ('litestar', 'uvicorn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def publish_on(pipe: Connection, logs: Path, database: Path) -> None:
    """Ingest a segment again and again; each publication's number goes up the pipe."""
    folder = min(path for path in logs.glob("*/*") if path.is_dir())
    while not pipe.poll(PUBLISH_EVERY_S):
        ingest([folder], database, IngestOptions(read=ReadOptions(), jobs=1, reprocess=True))
        with Reader(database) as reader:
            [row] = reader.rows("select generation from store.state")
        pipe.send(row["generation"])


def caught_up(port: int, urls: list[str], generation: int) -> bool:
    """Whether the newest generation answers in the end, when nothing is published any more."""
    until_s = time.monotonic() + CAUGHT_UP_S
    while time.monotonic() < until_s:
        load = Load(port, urls, published=lambda: generation)
        if not any(reply.is_stale for reply in load.run(len(urls), 1.0)):
            return True
    return False


def test_no_request_fails_and_no_answer_is_stale_for_long_while_ingests_publish(
    database, logs, reader, tmp_path
):
    path = tmp_path / "engagement.duckdb"
    shutil.copyfile(database, path)
    [event] = reader.rows("from events order by event_id limit 1")
    urls = [
        "/devices", f"/devices/{event['dongle_id']}", "/api/v1/drives", "/api/v1/drives/1",
        "/api/v1/drives/2/samples", "/api/v1/events?is_critical=true", "/api/v1/views/rates",
        f"/api/v1/events/{event['event_id'].replace('|', '%7C')}", "/stats",
        "/api/v1/views/drives/csv",
    ]  # fmt: skip
    published_at_s = {1: 0.0}

    def listen(pipe: Connection) -> None:
        with suppress(EOFError, OSError):
            while True:
                published_at_s[pipe.recv()] = time.monotonic()

    def known() -> int:
        """What must answer by now: the older generation may do so for a moment."""
        until_s = time.monotonic() - LAG_S - WAITED_S
        return max(number for number, at_s in [*published_at_s.items()] if at_s < until_s)

    with server(path, "--rate", "0") as (_, port), child(publish_on, logs, path) as (_, pipe):
        pipe.poll(20)
        listener = threading.Thread(target=listen, args=(pipe,))
        listener.start()
        rounds, slowest_s = [], 0.0
        met: set[int | None] = set()  # generations; how soon there are more depends on the machine
        while len(rounds) < MIN_ROUNDS or (len(met) <= 2 and len(rounds) < MAX_ROUNDS):
            started_s = time.perf_counter()
            load = Load(port, urls, published=known)
            rounds.append(load.run(SOAK_PER_S, ROUND_S))
            met |= {reply.generation for reply in rounds[-1]}
            slowest_s = max(slowest_s, time.perf_counter() - started_s)
        pipe.send("enough")
        listener.join()
        assert caught_up(port, urls, max(published_at_s))

    replies = [reply for one in rounds for reply in one]
    assert len(replies) == SOAK_PER_S * ROUND_S * len(rounds)
    assert {reply.status for reply in replies} == {200}
    assert not [reply for reply in replies if reply.is_stale]
    assert len(met) > 2
    assert slowest_s < CAUGHT_UP_S  # how quick answers are, benchmarks say
