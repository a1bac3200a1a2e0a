"""The server on a port: as a process of its own, as users start it, or in a thread."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from engagement.api.settings import Settings
from engagement.cli.serve import listen, make_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ADDRESS = re.compile(r"at http://(\S+):(\d+)/")


@contextmanager
def server(database: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run `engagement serve` on a free port; yields its process and the port."""
    command = [sys.executable, "-m", "engagement", "serve", "--db", str(database), "--port", "0"]
    with subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, _port(process)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _port(process: Any) -> int:
    """The port, from what the server says; it listens by then."""
    lines = process.lines = []
    for line in process.stderr:
        lines.append(line)
        if found := _ADDRESS.search(line):
            return int(found[2])
    raise RuntimeError("".join(lines))


@contextmanager
def running(database: Path, **settings: Any) -> Iterator[int]:
    """Run the server in a thread on a free port, with settings of its own; yields the port."""
    listener = listen("127.0.0.1", 0)
    server = make_server(database, Settings(**settings))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()
        if thread.is_alive():
            raise RuntimeError("the server does not end")
