"""Clients that hold connections and ask for nothing, over real sockets of a real server."""

from __future__ import annotations

import asyncio
import select
import socket
import time
from contextlib import ExitStack, suppress
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from engagement.api.clients import Addresses, client_group
from engagement.api.settings import ConnectionLimits, Settings
from engagement.cli.serve import make_server
from tests.api.servers import running, server
from tests.api.test_serve import get

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 10
HEAD_S = 0.4
REQUEST = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connect(
    stack: ExitStack, port: int, number: int = 1, *, address: str = "127.0.0.1"
) -> list[socket.socket]:
    """Connections from an address of this machine."""
    return [
        stack.enter_context(
            socket.create_connection(("127.0.0.1", port), WAIT_S, source_address=(address, 0))
        )
        for _ in range(number)
    ]


def is_answered(connection: socket.socket) -> bool:
    try:
        connection.sendall(REQUEST)
        response = HTTPResponse(connection)
        response.begin()
        return bool(response.read()) and response.status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False


def is_closed(connection: socket.socket) -> bool:
    """Whether the server closes it, within the time that the socket waits."""
    try:
        return connection.recv(65536) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nhost: local"])
def test_a_connection_without_a_whole_request_is_closed_in_time(database, stack, sent):
    limits = ConnectionLimits(head_s=HEAD_S)
    with running(database, connections=limits) as port:
        [connection] = connect(stack, port)
        connection.sendall(sent)
        began_s = time.monotonic()
        assert is_closed(connection)

    assert HEAD_S * 0.9 < time.monotonic() - began_s < HEAD_S + 3


@pytest.mark.parametrize("answered", [False, True])
def test_a_head_that_comes_letter_by_letter_gains_no_time(database, stack, answered):
    limits = ConnectionLimits(head_s=HEAD_S)
    with running(database, connections=limits) as port:
        [connection] = connect(stack, port)
        if answered:
            assert is_answered(connection)
        began_s = time.monotonic()
        connection.sendall(b"GET /health HTTP/1.1\r\n")
        with suppress(ConnectionError):
            while time.monotonic() - began_s < WAIT_S:
                connection.sendall(b"x: y\r\n")
                time.sleep(0.02)

    assert time.monotonic() - began_s < HEAD_S + 3


def test_a_body_that_comes_letter_by_letter_gains_none_either(database, stack):
    limits = ConnectionLimits(head_s=HEAD_S)
    with running(database, connections=limits) as port:
        [connection] = connect(stack, port)
        connection.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\ncontent-length: 60000\r\n\r\n"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        began_s = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - began_s < WAIT_S:
                connection.sendall(b"x")
                time.sleep(0.02)

    assert time.monotonic() - began_s < HEAD_S + 3


def test_one_connection_may_ask_again_and_again(database, stack):
    limits = ConnectionLimits(head_s=HEAD_S)
    with running(database, connections=limits, requests_per_s=0) as port:
        [connection] = connect(stack, port)
        began_s = time.monotonic()
        while time.monotonic() - began_s < HEAD_S * 3:
            assert is_answered(connection)
            time.sleep(HEAD_S / 8)


def test_idle_connections_leave_room_for_others_even_if_a_proxy_has_them(database, stack):
    with server(database, "--connections", "100") as (_, port):
        idle = connect(stack, port, 300)
        statuses = [get(port, "/health")[0] for _ in range(20)]
        active = connect(stack, port)[0]
        assert is_answered(active)
        connect(stack, port, 90)
        assert is_answered(active)
        for connection in idle:
            connection.settimeout(0)

        n_closed = 0
        for connection in idle:
            with suppress(BlockingIOError):
                n_closed += is_closed(connection)
    assert statuses == [200] * 20
    assert n_closed >= 200


def test_a_client_has_so_many_connections_and_another_is_not_hit(database, stack):
    limits = ConnectionLimits(n_per_client=5)
    with running(database, connections=limits, requests_per_s=0) as port:
        first = connect(stack, port, 5, address="127.0.0.2")
        time.sleep(0.1)
        refused = connect(stack, port, 3, address="127.0.0.2")
        for connection in refused:
            assert connection.recv(65536).startswith(b"HTTP/1.1 503")
        assert all(map(is_answered, first))
        assert is_answered(*connect(stack, port, address="127.0.0.3"))
        assert all(map(is_answered, connect(stack, port, 20)))
        first.pop().close()
        time.sleep(0.1)
        assert is_answered(*connect(stack, port, address="127.0.0.2"))


def test_who_does_not_read_an_answer_is_cut_off(database, stack):
    limits = ConnectionLimits(stall_s=HEAD_S)
    with running(database, connections=limits, requests_per_s=0) as port:
        [connection] = connect(stack, port)
        connection.settimeout(HEAD_S / 2)
        url = b"GET /api/v1/drives/1/samples?raw=true HTTP/1.1\r\nhost: localhost\r\n\r\n"
        with pytest.raises(TimeoutError):  # the server reads no more, as nobody reads it
            connection.sendall(url * 1_000_000)

        watched = select.poll()
        watched.register(connection, 0)
        assert watched.poll(WAIT_S * 1000)[0][1] & select.POLLHUP


@pytest.mark.parametrize(
    ("text", "address", "wanted"),
    [("127.0.0.1,::1", "127.0.0.1", True), ("127.0.0.1,::1", "::1", True),
     ("127.0.0.1", "127.0.0.2", False), ("127.0.0.1", "::ffff:127.0.0.1", True),
     ("172.16.0.0/12", "172.31.9.1", True), ("172.16.0.0/12", "172.32.0.1", False),
     ("*", "192.0.2.1", True), ("*", "2001:db8::1", True), ("", "127.0.0.1", False),
     ("*", "", False), ("127.0.0.1", "testclient", False)],
)  # fmt: skip
def test_proxies_are_addresses_and_networks(text, address, wanted):
    assert (address in Addresses.parse(text)) == wanted


@pytest.mark.parametrize("text", ["localhost", "127.0.0.1/8", "1.2.3", "127.0.0.1 ::1"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match=r"appear|host bits"):
        Addresses.parse(text)


@given(st.ip_addresses(v=4))
@settings(max_examples=50, deadline=None)
def test_an_address_counts_for_itself_however_it_is_written(address):
    assert client_group(str(address)) == client_group(f"::ffff:{address}") == str(address)


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
@settings(max_examples=50, deadline=None)
def test_who_has_one_address_of_ipv6_has_its_network(address, host):
    if address.ipv4_mapped is None:
        other = type(address)(int(address) >> 64 << 64 | host)
        if other.ipv4_mapped is None:
            assert client_group(str(address)) == client_group(str(other))


@pytest.mark.parametrize(
    ("proxies", "address", "wanted"),
    [("127.0.0.1,::1", "127.0.0.1", "192.0.2.7"), ("127.0.0.1,::1", "::1", "192.0.2.7"),
     ("127.0.0.1,::1", "::ffff:127.0.0.1", "192.0.2.7"),
     ("172.16.0.0/12", "::ffff:172.31.0.9", "192.0.2.7"), ("*", "::ffff:10.1.1.1", "192.0.2.7"),
     ("172.16.0.0/12", "::ffff:172.32.0.9", "::ffff:172.32.0.9"),
     ("::1", "::ffff:127.0.0.1", "::ffff:127.0.0.1")],
)  # fmt: skip
def test_a_proxy_is_believed_however_its_address_is_written(database, proxies, address, wanted):
    limits = ConnectionLimits(proxies=Addresses.parse(proxies))
    trusted = make_server(database, Settings(connections=limits)).config.forwarded_allow_ips
    seen: list[str] = []

    async def note(scope, _receive, _send):
        seen.append(scope["client"][0])

    scope = {
        "type": "http",
        "client": (address, 1),
        "headers": [(b"x-forwarded-for", b"192.0.2.7")],
    }
    asyncio.run(ProxyHeadersMiddleware(note, trusted)(scope, None, None))

    assert seen == [wanted]
