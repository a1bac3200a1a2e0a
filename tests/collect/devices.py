"""A folder that looks like a comma device, and a proxy that makes its network a bad one."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engagement.collect.collect_options import CollectOptions
from engagement.collect.collector import collect
from engagement.collect.connection import Timeouts
from engagement.collect.hosts import parse_host
from engagement.collect.pace import Patience
from engagement.collect.plan import WantedLogs
from engagement.collect.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engagement.collect.report import DeviceReport

DONGLE_ID = "0123456789abcdef"
DRIVE = "2025-07-31--10-20-30"
OPTIONS = CollectOptions(
    timeouts=Timeouts(5.0, 5.0, 5.0), patience=Patience(retries=2, first_wait_s=0.01)
)
_RECORDED_AT_S = 1_753_900_000


@dataclass(frozen=True, slots=True)
class FakeDevice:
    """A folder with `params/DongleId` and `realdata/<drive>--<n>/` in it."""

    folder: Path

    @property
    def logs(self) -> Path:
        return self.folder / "realdata"

    @property
    def settings(self) -> Settings:
        return Settings(logs=str(self.logs), params=str(self.folder / "params"))

    def add(self, path: str, content: bytes = b"log") -> Path:
        """Add a file, a minute younger than the one added before."""
        file = self.logs / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        n_files = sum(1 for found in self.logs.rglob("*") if found.is_file())
        os.utime(file, (_RECORDED_AT_S + 60 * n_files,) * 2)
        return file

    def state(self) -> dict[str, tuple[int, int, str]]:
        """Everything there is: times, modes and contents."""
        found = {}
        for path in (self.folder, *sorted(self.folder.rglob("*"))):
            status = path.lstat()
            is_file = path.is_file() and not path.is_symlink()
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if is_file else ""
            found[str(path)] = (status.st_mtime_ns, status.st_mode, digest)
        return found


def make_device(folder: Path, dongle_id: str | None = DONGLE_ID) -> FakeDevice:
    device = FakeDevice(folder)
    device.logs.mkdir(parents=True)
    if dongle_id:
        (folder / "params").mkdir()
        (folder / "params" / "DongleId").write_text(dongle_id)
    return device


def run_collect(
    device: FakeDevice,
    folder: Path,
    *names: str,
    kind: str = "both",
    options: CollectOptions = OPTIONS,
    **changes: object,
) -> DeviceReport:
    """Collect from one host, by default `device`; what it has must stay as it is."""
    options = replace(
        options, **{"settings": device.settings, "wanted": WantedLogs(kind)} | changes
    )
    before = device.state()
    hosts = [parse_host(name) for name in names or ("device",)]
    reports = collect(hosts, folder, options)
    assert device.state() == before
    return reports[0]


def tree(folder: Path) -> dict[str, bytes]:
    """The files below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


class Proxy:
    """Passes connections on to a port of this machine, and cuts some after so many bytes."""

    def __init__(self, port: int, budgets: list[int], lag_s: float) -> None:
        self._port = port
        self._lag_s = lag_s
        self._budgets = budgets
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = [self._listener]
        self.port: int = self._listener.getsockname()[1]
        self.n_cut = 0
        self.n_bytes = 0

    def run(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self._port))
                self._sockets += [client, server]
                budget = self._budgets.pop(0) if self._budgets else None
                self._start(self._pass, server, client, budget)
                self._start(self._pass, client, server, None)

    def _start(self, function: object, *arguments: object) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _pass(self, source: socket.socket, sink: socket.socket, budget: int | None) -> None:
        with suppress(OSError):
            while piece := source.recv(1 << 14):
                is_from_server = budget is not None or source.getpeername()[1] == self._port
                if budget is not None and len(piece) >= budget:
                    sink.sendall(piece[:budget])
                    time.sleep(self._lag_s)
                    self.n_cut += 1
                    break
                budget = None if budget is None else budget - len(piece)
                self.n_bytes += len(piece) if is_from_server else 0
                sink.sendall(piece)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join(5)


@contextmanager
def proxied(port: int, budgets: list[int] | None = None, lag_s: float = 0) -> Iterator[Proxy]:
    """Run a proxy; the first connections end after as many bytes as the budgets say.

    With a lag, the client has the time to take what came before.
    """
    proxy = Proxy(port, list(budgets or []), lag_s)
    thread = threading.Thread(target=proxy.run, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(5)


def random_bytes(n_bytes: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(n_bytes)
