"""Sends only the changes of a file, by rsync through an open connection.

rsync starts `pipe` instead of `ssh`, so the same keys, jumps and checks apply as for everything
else, and no second connection is opened.
"""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko

from engagement.collect import pipe

if TYPE_CHECKING:
    from typing import BinaryIO

    from engagement.collect.connection import Connection

_CHUNK_BYTES = 1 << 18
_SILENCE_S = 120
_MAX_WORDS_BYTES = 10_000
_DESCRIPTORS = Path("/proc/self/fd")


def can_send() -> bool:
    """Whether there is an rsync here."""
    return shutil.which("rsync") is not None


def send_changes(connection: Connection, source: BinaryIO, target: str) -> int | None:
    """Update a remote file, a copy of an older version of a local one, to the current version.

    The remote file is changed in place, so it must not be one that others read.

    Args:
        connection: Where to.
        source: An open file.
        target: Absolute path of the remote file.

    Returns:
        The bytes that were sent; None if rsync did not come to its end.
    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = _start(source, target, theirs.fileno())
        relay = _Relay(connection, ours)
        relay.start()
        try:
            status = process.wait()
        finally:
            process.kill()
            process.wait()
            relay.finish()
    return None if status else relay.n_bytes


def _start(source: BinaryIO, target: str, descriptor: int) -> subprocess.Popen[bytes]:
    """Start rsync; the file is given by its descriptor, as its name may lead to another by now."""
    inherited = [descriptor]
    name = os.fspath(source.name)
    if _DESCRIPTORS.is_dir():
        name = f"{_DESCRIPTORS}/{source.fileno()}"
        inherited.append(source.fileno())
    shell = shlex.join([sys.executable, "-I", str(Path(pipe.__file__)), str(descriptor)])
    options = ["--inplace", "--no-whole-file", "--ignore-times", "--copy-links"]
    command = ["rsync", *options, "--protect-args", f"--timeout={_SILENCE_S}", f"--rsh={shell}"]
    return subprocess.Popen(
        [*command, "--", name, f"server:{target}"],
        pass_fds=inherited,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class _Relay:
    """Carries bytes between rsync's socket and a channel on which the other rsync runs."""

    def __init__(self, connection: Connection, line: socket.socket) -> None:
        self.n_bytes = 0
        self._connection = connection
        self._line = line
        self._channel: paramiko.Channel | None = None
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def finish(self) -> None:
        """End, now that rsync has."""
        if self._channel is not None:
            self._channel.close()
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _carry(self) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            words = self._read_words()
            if not words:
                return
            self._channel = channel = self._connection.start(words, _SILENCE_S)
            back = threading.Thread(target=self._carry_back, args=(channel,), daemon=True)
            back.start()
            while piece := self._line.recv(_CHUNK_BYTES):
                channel.sendall(piece)
                self.n_bytes += len(piece)
            channel.shutdown_write()
            back.join()

    def _carry_back(self, channel: paramiko.Channel) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            while piece := channel.recv(_CHUNK_BYTES):
                self._line.sendall(piece)
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_WR)

    def _read_words(self) -> list[str]:
        """The command that rsync wants to run there; nothing if it ended before."""
        head = b""
        while not head.endswith(b"\0\0"):
            piece = self._line.recv(1)
            if not piece or len(head) > _MAX_WORDS_BYTES:
                return []
            head += piece
        return [os.fsdecode(word) for word in head[:-2].split(b"\0")]
