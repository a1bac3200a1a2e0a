"""An SSH connection that proves who is at the other end, and never waits for ever.

Keys come from the agent or from files; nothing here asks for a password or takes one. Commands
are lists of words, quoted for the shell of the other side.
"""

from __future__ import annotations

import logging
import shlex
import socket
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import paramiko

from engagement.collect.known_hosts import HostKey, check_host_key, known_key_types
from engagement.collect.login import log_in
from engagement.collect.pace import Stop
from engagement.collect.proxy import run_proxy_command
from engagement.errors import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from engagement.collect.hosts import Host

_CHUNK_BYTES = 1 << 18
_MAX_OUTPUT_BYTES = 1 << 28  # of a command that `run` collects
_KEEPALIVE_S = 15
_FIRST_CIPHERS = (  # twice as fast here as the others with their checksums
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
)
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
    """What a command left: its exit status, -1 if it was killed, and its output."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def problem(self) -> str:
        """The last line of stderr, else the status."""
        lines = self.stderr.decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else f"exit status {self.status}"


class Stream:
    """The output of a command that runs, read as it comes."""

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
        """Wait for the end; of stdout only what has not been read, and not much, is in the answer.

        Raises:
            ConnectionLostError: If the other side goes away before it says how it ended.
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
    """A connection that stands; `connect` makes it and closes it."""

    def __init__(
        self, host: Host, transport: paramiko.Transport, timeouts: Timeouts, notes: Sequence[str]
    ) -> None:
        self.host = host
        self.notes = notes
        """What happened on the way here that the user should know."""
        self._transport = transport
        self._timeouts = timeouts
        self._sftp: paramiko.SFTPClient | None = None

    def open_channel(self, silence_s: float | None = None) -> paramiko.Channel:
        """A new channel, on which something can be started; its reads and writes time out.

        Raises:
            OSError, EOFError, paramiko.SSHException: If the other side does not answer.
        """
        silence_s = silence_s or self._timeouts.silence_s
        channel = self._transport.open_session(timeout=silence_s)
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
            channel = self.open_channel()
        try:
            with lost_connections(self.host):
                channel.exec_command(shlex.join(argv).encode(errors="surrogateescape"))
                channel.shutdown_write()
            yield Stream(channel, self.host, self._timeouts)
        finally:
            with suppress(*_LOST):  # what was cut can't be closed properly
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

        Its methods raise what paramiko raises; `lost_connections` sorts that out.

        Raises:
            ConnectionLostError: If the other side does not answer.
        """
        if self._sftp is None:
            with lost_connections(self.host):
                channel = self.open_channel()
                channel.invoke_subsystem("sftp")
                self._sftp = paramiko.SFTPClient(channel)
        return self._sftp

    @property
    def is_alive(self) -> bool:
        """Whether it stands, as far as one can tell from here."""
        return self._transport.is_active()

    def close(self) -> None:
        """Cut the connection, also while another thread reads from it."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@contextmanager
def lost_connections(host: Host) -> Iterator[None]:
    """Turn what a network and paramiko raise into errors that name the host.

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
    return text[:1].lower() + text[1:] if text else "the connection was cut"


@contextmanager
def connect(
    host: Host,
    *,
    accept_new: bool = False,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
    stop: Stop | None = None,
) -> Iterator[Connection]:
    """Connect to a host, through its jumps; it is closed in the end.

    Args:
        host: Where to.
        accept_new: Take the key of a host that is not known yet, and write it down.
        timeouts: How long to wait for what.
        stop: Cuts the connection, also one that is only being made.

    Raises:
        ConnectionLostError: If it can't be reached, or was cut by `stop`.
        HostKeyError: If it does not prove who it is.
        RemoteError: If it does not let us in.
    """
    with ExitStack() as stack:
        yield _Way(stack, timeouts, stop or Stop(), accept_new=accept_new).lead_to(host)


class _Way:
    """The way to a host: the lines and connections that it is made of, closed with the stack."""

    def __init__(
        self, stack: ExitStack, timeouts: Timeouts, stop: Stop, *, accept_new: bool
    ) -> None:
        self._stack = stack
        self._timeouts = timeouts
        self._stop = stop
        self._accept_new = accept_new
        self._notes: list[str] = []

    def lead_to(self, host: Host) -> Connection:
        """Connect, and log in."""
        line = self._line_to(host)
        with lost_connections(host):
            transport = paramiko.Transport(line)
        self._stack.callback(transport.close)
        self._stack.enter_context(self._stop.cutting(transport))
        with lost_connections(host):
            _set_up(transport, host, self._timeouts)
            transport.start_client(timeout=self._timeouts.connect_s)
            shown = transport.get_remote_server_key()
        self._check(host, HostKey(shown.get_name(), shown.asbytes()))
        with lost_connections(host):
            log_in(transport, host)
        transport.set_keepalive(_KEEPALIVE_S)
        return Connection(host, transport, self._timeouts, self._notes)

    def _check(self, host: Host, key: HostKey) -> None:
        path = check_host_key(host, key, accept_new=self._accept_new)
        if path:
            self._notes.append(
                f"the key of {host.key_name} is accepted from now on: {key.fingerprint}, in {path}"
            )

    def _line_to(self, host: Host) -> socket.socket | paramiko.Channel:
        """What bytes go through: a socket, a command's one, or a channel of the host before."""
        if host.jump is not None:
            before = self.lead_to(host.jump)
            with lost_connections(host):
                return before.open_line(host)
        if host.proxy_command is not None:
            return run_proxy_command(host.proxy_command, self._stack)
        with lost_connections(host):
            return self._dial(host)

    def _dial(self, host: Host) -> socket.socket:
        """A TCP connection to the first of the host's addresses that takes it."""
        problem = OSError("it has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host.hostname, host.port, type=socket.SOCK_STREAM
        ):
            line = socket.socket(family, kind, protocol)
            self._stack.callback(line.close)
            try:
                line.settimeout(self._timeouts.connect_s)
                with self._stop.cutting(_Dialling(line)):
                    line.connect(address)
            except OSError as error:
                problem = error
            else:
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                return line
        raise problem


@dataclass(frozen=True, slots=True, eq=False)
class _Dialling:
    """A socket that another thread connects: only a shutdown wakes that up."""

    line: socket.socket

    def close(self) -> None:
        with suppress(OSError):
            self.line.shutdown(socket.SHUT_RDWR)


def _set_up(transport: paramiko.Transport, host: Host, timeouts: Timeouts) -> None:
    transport.banner_timeout = timeouts.connect_s
    transport.handshake_timeout = timeouts.connect_s
    transport.auth_timeout = timeouts.login_s
    transport.channel_timeout = timeouts.silence_s
    options = transport.get_security_options()
    known = known_key_types(host)
    wanted = [name for name in options.key_types if _plain_type(name) in known]
    others = [name for name in options.key_types if name not in wanted]
    options.key_types = [*wanted, *others]
    fast = [name for name in _FIRST_CIPHERS if name in options.ciphers]
    options.ciphers = [*fast, *(name for name in options.ciphers if name not in fast)]


def _plain_type(algorithm: str) -> str:
    """The type of the keys that an algorithm signs with."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm
