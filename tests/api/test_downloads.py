"""Files that clients ask for and do not read, over real sockets of a real server."""

from __future__ import annotations

import errno
import io
import socket
import tempfile
import threading
import time
from contextlib import ExitStack
from http.client import HTTPResponse
from pathlib import Path
from typing import Self

import duckdb
import pyarrow as pa
import pytest

from engagement.api import downloads
from engagement.api.downloads import ConcurrencyLimit
from engagement.api.settings import ConnectionLimits
from engagement.errors import ServerBusyError
from tests.api.servers import running
from tests.api.test_serve import get

WAIT_S = 20
STALL_S = 1.0
N_ROWS, ROW_BYTES = 4000, 2000
LARGE = "/api/v1/views/segments/arrow"
SMALL = "/api/v1/views/drives/arrow"


@pytest.fixture(scope="module")
def large(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database one of whose views is more than sockets hold: it reads a table of our own."""
    path = tmp_path_factory.mktemp("large") / "engagement.duckdb"
    path.write_bytes(database.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into log.segment by name "
            "select segment.* replace (1000 + range as segment_num, repeat('x', ?) as path) "
            "from (from log.segment limit 1) as segment, range(?)",
            [ROW_BYTES, N_ROWS],
        )
    return path


class Client:
    """Asks for files, and reads no more of them than told; at the end all is closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def ask(self, url: str) -> socket.socket:
        asked = self._stack.enter_context(socket.socket())
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asked.settimeout(WAIT_S)
        asked.connect(("127.0.0.1", self._port))
        asked.sendall(f"GET {url} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        return asked


def status(asked: socket.socket) -> int:
    """What the answer begins with; nothing else of it is read."""
    return int(asked.recv(12)[-3:])


def read_all(asked: socket.socket) -> None:
    while asked.recv(1 << 20):
        pass


def n_files() -> int:
    """How many of this process' files have no name, as those have that are being sent."""
    found = 0
    for path in Path("/proc/self/fd").iterdir():
        try:
            found += "deleted" in str(path.readlink()) and path.stat().st_size > 1 << 20
        except OSError:  # closed meanwhile
            continue
    return found


def test_clients_that_do_not_read_hold_no_place_of_those_who_do(large):
    with running(large, requests_per_s=0, max_downloads=2) as port, Client(port) as client:
        for _ in range(4):
            assert status(client.ask(LARGE)) == 200
        refused = client.ask(LARGE)
        other = get(port, SMALL, **{"x-forwarded-for": "192.0.2.1"})
        assert n_files() == 4
        assert status(refused) == 503
    assert other[0] == 200
    assert pa.ipc.open_stream(io.BytesIO(other[1])).read_all().num_rows == 3


def test_who_reads_nothing_is_cut_off_and_the_file_is_gone(large):
    limits = ConnectionLimits(stall_s=STALL_S)
    with running(large, connections=limits, requests_per_s=0) as port, Client(port) as client:
        stalled = client.ask(LARGE)
        assert status(stalled) == 200
        assert n_files() == 1
        due_s = time.monotonic() + WAIT_S
        while n_files():
            assert time.monotonic() < due_s
            time.sleep(0.05)
        with pytest.raises(ConnectionError):
            read_all(stalled)
        assert get(port, SMALL)[0] == 200


def test_who_reads_slowly_but_reads_gets_all(large):
    limits = ConnectionLimits(stall_s=STALL_S)
    with running(large, connections=limits, requests_per_s=0) as port, Client(port) as client:
        whole = get(port, LARGE)[1]
        asked = client.ask(LARGE)
        response = HTTPResponse(asked)
        response.begin()
        began_s, found = time.monotonic(), b""
        while piece := response.read(len(whole) // 20):
            found += piece
            time.sleep(STALL_S / 8)

    assert time.monotonic() - began_s > 2 * STALL_S
    assert found == whole


def test_a_client_that_goes_away_leaves_nothing(large):
    with running(large, requests_per_s=0) as port, Client(port) as client:
        for _ in range(8):
            asked = client.ask(LARGE)
            assert status(asked) == 200
            asked.close()
            due_s = time.monotonic() + WAIT_S
            while n_files():
                assert time.monotonic() < due_s
                time.sleep(0.02)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"max_unsent": 2}, "too many files"), ({"max_unsent_per_client": 2}, "you asked for"),
     ({"unsent_bytes": 5 * N_ROWS * ROW_BYTES // 2}, "no room")],
)  # fmt: skip
def test_files_that_wait_to_be_read_are_bounded(large, settings, reason):
    with running(large, requests_per_s=0, **settings) as port, Client(port) as client:
        stalled = [client.ask(LARGE) for _ in range(2)]
        assert [status(asked) for asked in stalled] == [200] * 2
        refused = get(port, LARGE)
        assert refused[0] == 503
        assert reason in refused[1].decode()
        for asked in stalled:
            asked.close()
        due_s = time.monotonic() + WAIT_S
        while get(port, LARGE)[0] != 200:
            assert time.monotonic() < due_s
            time.sleep(0.05)


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("operation", ["write", "flush"])
def test_a_full_disk_is_a_503_and_no_fault_of_the_query(serve, monkeypatch, operation, encoding):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    client = serve()
    with monkeypatch.context() as patched:
        patched.setattr(tempfile.SpooledTemporaryFile, operation, full)
        url = SMALL.replace("arrow", "csv")
        refused = client.get(url, headers={"accept-encoding": encoding})

    assert refused.status_code == 503
    assert "no room on the disk" in refused.json()["detail"]
    assert client.get(SMALL).status_code == 200


def test_one_client_has_half_of_the_turns_and_each_waits_a_little(monkeypatch):
    monkeypatch.setattr(downloads, "_WAIT_S", 0.2)
    limit = ConcurrencyLimit(4)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(limit.slot("one"))
        with pytest.raises(ServerBusyError), limit.slot("one"):
            pass
        last = ExitStack()
        for _ in range(2):
            last.enter_context(limit.slot("other"))
        with pytest.raises(ServerBusyError), limit.slot("third"):
            pass
        monkeypatch.setattr(downloads, "_WAIT_S", 10)
        threading.Timer(0.1, last.close).start()
        with limit.slot("third"), limit.slot("other"):
            pass
    with limit.slot("one"), limit.slot("one"), pytest.raises(KeyError), limit.slot("two"):
        raise KeyError
