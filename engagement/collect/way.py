"""Connects to a host: through jumps, with a check of its key, and the login.

The user's keys come from the agent or from files; passwords are not supported.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paramiko

from engagement.collect.connection import (
    DEFAULT_TIMEOUTS,
    Connection,
    Timeouts,
    lost_connections,
)
from engagement.collect.known_hosts import HostKey, check_host_key, known_key_types
from engagement.collect.login import log_in
from engagement.collect.pace import Stop
from engagement.collect.proxy import run_proxy_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engagement.collect.hosts import Host

_KEEPALIVE_S = 15
_FIRST_CIPHERS = (  # twice as fast here as the others with their checksums
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
)


@contextmanager
def connect(
    host: Host,
    *,
    accept_new: bool = False,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
    stop: Stop | None = None,
) -> Iterator[Connection]:
    """Connect to a host through its jumps, and close the connection in the end.

    Args:
        host: Where to.
        accept_new: Accept the key of an unknown host, and add it to known_hosts.
        timeouts: How long to wait.
        stop: Cuts the connection, also while it is being opened.

    Raises:
        ConnectionLostError: If it can't be reached, or was cut by `stop`.
        HostKeyError: If its key is not accepted.
        RemoteError: If the login is refused.
    """
    with ExitStack() as stack:
        yield _Way(stack, timeouts, stop or Stop(), accept_new=accept_new).lead_to(host)


class _Way:
    """The sockets and connections to a host, which are closed with the stack."""

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
        """The transport: a TCP socket, one of a command, or a channel of the jump host."""
        if host.jump is not None:
            before = self.lead_to(host.jump)
            with lost_connections(host):
                return before.open_line(host)
        if host.proxy_command is not None:
            return run_proxy_command(host.proxy_command, self._stack)
        with lost_connections(host):
            return self._dial(host)

    def _dial(self, host: Host) -> socket.socket:
        """A TCP connection to the first of the host's addresses that accepts it."""
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
