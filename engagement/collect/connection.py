"""An open SSH connection whose operations all have timeouts; `way` opens it.

Commands are lists of words, which arrive unchanged whatever shell the other side has.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import paramiko

from engagement.collect.shell import command_line
from engagement.config_files import lower_first
from engagement.errors import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engagement.collect.hosts import Host

_CHUNK_BYTES = 1 << 19  # what is left of more would be moved in memory at each read
_MAX_OUTPUT_BYTES = 1 << 28  # of a command that `run` collects
_LOST = (EOFError, OSError, paramiko.SSHException)

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else it writes to stderr


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to log in, and that the other side may be silent."""

    connect_s: float = 15.0
    login_s: float = 20.0
    silence_s: float = 30.0


DEFAULT_TIMEOUTS = Timeouts()


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a command: its exit status, -1 if it was killed, and its output."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def problem(self) -> str:
        """The last line of stderr, else the status."""
        lines = self.stderr.decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else f"exit status {self.status}"


class Stream:
    """The output of a running command."""

    def __init__(self, channel: paramiko.Channel, host: Host, timeouts: Timeouts) -> None:
        self._channel = channel
        self._host = host
        self._timeouts = timeouts

    def __iter__(self) -> Iterator[bytes]:
        """Yield stdout in pieces of up to 256 kB."""
        with lost_connections(self._host):
            while piece := self._channel.recv(_CHUNK_BYTES):
                yield piece

    def finish(self) -> Answer:
        """Wait for the end; the answer has what was not yet read of stdout, up to a limit.

        Raises:
            ConnectionLostError: If the connection is lost before the exit status comes.
        """
        with lost_connections(self._host):
            stdout = b"".join(_drain(self._channel.recv))
            stderr = b"".join(_drain(self._channel.recv_stderr))
            if not self._channel.status_event.wait(self._timeouts.silence_s):
                raise TimeoutError("no answer")
            status = self._channel.exit_status
            transport = self._channel.get_transport()
            if status == -1 and not (transport and transport.is_active()):
                raise EOFError("the connection was cut")
        return Answer(status, stdout, stderr)


def _drain(receive: Callable[[int], bytes]) -> Iterator[bytes]:
    n_bytes = 0
    while piece := receive(_CHUNK_BYTES):
        n_bytes += len(piece)
        if n_bytes > _MAX_OUTPUT_BYTES:
            raise paramiko.SSHException("it sends more than a command should")
        yield piece


class Connection:
    """An open connection; `connect` opens and closes it."""

    def __init__(
        self, host: Host, transport: paramiko.Transport, timeouts: Timeouts, notes: Sequence[str]
    ) -> None:
        self.host = host
        self.notes = notes
        """What happened on the way here that the user should know."""
        self._transport = transport
        self._timeouts = timeouts
        self._sftp: paramiko.SFTPClient | None = None

    def start(self, argv: Sequence[str], silence_s: float | None = None) -> paramiko.Channel:
        """Start a command, whatever shell it is given to; reads and writes of it time out.

        Raises:
            OSError, EOFError, paramiko.SSHException: If the other side does not answer.
        """
        channel = self._open_channel(silence_s or self._timeouts.silence_s)
        try:
            channel.exec_command(command_line(argv))
        except _LOST:
            channel.close()
            raise
        return channel

    def _open_channel(self, silence_s: float) -> paramiko.Channel:
        channel = self._transport.open_session(timeout=silence_s)
        channel.in_window_threshold = channel.in_window_size // 4  # fewer messages up
        channel.settimeout(silence_s)
        return channel

    def open_line(self, host: Host) -> paramiko.Channel:
        """A channel that leads to another host, as ProxyJump wants it.

        Raises:
            OSError, EOFError, paramiko.SSHException: If this host can't reach it.
        """
        return self._transport.open_channel(
            "direct-tcpip",
            (host.hostname, host.port),
            ("127.0.0.1", 0),
            timeout=self._timeouts.connect_s,
        )

    @contextmanager
    def stream(self, argv: Sequence[str]) -> Iterator[Stream]:
        """Run a command and read what it prints while it runs; leaving stops listening.

        Raises:
            ConnectionLostError: If the other side goes away or is silent for too long.
        """
        with lost_connections(self.host):
            channel = self.start(argv)
        try:
            with lost_connections(self.host):
                channel.shutdown_write()
            yield Stream(channel, self.host, self._timeouts)
        finally:
            with suppress(*_LOST):  # a lost connection can't be closed properly
                channel.close()

    def run(self, argv: Sequence[str]) -> Answer:
        """Run a command to its end.

        Raises:
            ConnectionLostError: If the other side goes away or is silent for too long.
        """
        with self.stream(argv) as stream:
            return stream.finish()

    def sftp(self) -> paramiko.SFTPClient:
        """The connection's SFTP session, opened when first asked for.

        Its methods raise paramiko's errors; `lost_connections` converts them.

        Raises:
            ConnectionLostError: If the other side does not answer.
        """
        if self._sftp is None:
            with lost_connections(self.host):
                channel = self._open_channel(self._timeouts.silence_s)
                channel.invoke_subsystem("sftp")
                self._sftp = paramiko.SFTPClient(channel)
        return self._sftp

    @property
    def is_alive(self) -> bool:
        """Whether it is open, as far as this side knows."""
        return self._transport.is_active()

    def close(self) -> None:
        """Close the connection at once, also while another thread reads from it."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def lost_connections(host: Host) -> Iterator[None]:
    """Convert errors of the network and of paramiko into errors that name the host.

    Raises:
        ConnectionLostError: Whatever went wrong.
    """
    try:
        yield
    except _LOST as error:
        raise ConnectionLostError(host.name, _reason(error)) from error


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, EOFError):
        return "the connection was cut"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    text = str(error).strip()
    return lower_first(text) if text else "the connection was cut"
