"""Clients: which are proxies, which count as one, how often each may ask, and whose turn it is."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import time
from collections import Counter, OrderedDict, deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_NETWORKS_OF_ANY = ("0.0.0.0/0", "::/0")
_IPV4 = 4
_MAPPED_BITS = 96  # of an IPv4-mapped IPv6 address, before the IPv4 address
_CLIENT_BITS = 64  # of an IPv6 address: a client has all addresses that begin with the same
_MAX_CLIENTS = 10_000
_ALONE_AFTER_S = 10.0  # without a request of another client
_MAX_REST_S = 2.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """A set of addresses, as networks."""

    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Addresses and networks with commas, as 127.0.0.1,172.16.0.0/12; * is any.

        Raises:
            ValueError: If one can't be parsed.
        """
        parts = [part.strip() for part in text.split(",") if part.strip()]
        names = _NETWORKS_OF_ANY if "*" in parts else parts
        return cls(tuple(ipaddress.ip_network(name) for name in names))

    def spellings(self) -> list[str]:
        """Each network, also in IPv4-mapped form, as a server that listens on IPv6 sees it."""
        found = [str(network) for network in self.networks]
        for network in self.networks:
            if network.version == _IPV4:
                bits = _MAPPED_BITS + network.prefixlen
                found.append(f"::ffff:{network.network_address}/{bits}")
        return found

    def __contains__(self, address: str) -> bool:
        try:
            found = _parsed(address)
        except ValueError:
            return False
        return any(found in network for network in self.networks)


def client_group(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 that an IPv6 address is in."""
    try:
        found = _parsed(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(ipaddress.IPv6Network((found, _CLIENT_BITS), strict=False))


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address; an IPv4-mapped IPv6 address as IPv4."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


class RateLimit:
    """A token bucket per client: it fills evenly, and each request takes one token.

    Litestar's own limit counts in fixed windows, so it has no bursts, and takes each of the
    addresses that an IPv6 client has for a client of its own.
    """

    def __init__(
        self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str) -> float:
        """Take a token for a request; without one, the seconds until there is one, else 0."""
        if not self._per_s:
            return 0.0
        now_s, client = self._clock(), client_group(client)
        left, at_s = self._buckets.pop(client, (float(self._burst), now_s))
        left = min(float(self._burst), left + (now_s - at_s) * self._per_s)
        is_allowed = left >= 1
        self._buckets[client] = (left - is_allowed, now_s)
        if len(self._buckets) > _MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if is_allowed else (1 - left) / self._per_s


class Turns:
    """Who may compute an answer now: the clients in turn, of each no more than a few at a time.

    While others ask too, a client whose requests wait rests between two turns, as long as the last
    one took: half of the time is left to the others. A client that is alone does not rest, and has
    more turns at a time. It is used from one event loop alone.

    Args:
        n_at_once: Turns of all clients.
        n_per_client: Turns of one client while others ask too.
        n_alone: Turns of one client that is alone.
        clock: Gives seconds.
    """

    def __init__(
        self,
        n_at_once: int,
        n_per_client: int,
        n_alone: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._n_at_once = n_at_once
        self._n_per_client = n_per_client
        self._n_alone = max(n_alone, n_per_client)
        self._clock = clock
        self._running: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._resting: Counter[str] = Counter()
        self._asked_at_s: OrderedDict[str, float] = OrderedDict()  # the last to ask is at the end

    async def take(self, client: str, wait_s: float) -> bool:
        """Wait for a turn; False if none comes in time. Each that was taken must be given back."""
        self._note(client)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(turn)
        self._begin()
        if not turn.done():
            with suppress(asyncio.CancelledError):  # the server ends: it refuses who waits
                await asyncio.wait([turn], timeout=wait_s)
        if not turn.done():
            self._forget(client, turn)
        return turn.done()

    def give_back(self, client: str, took_s: float = 0.0) -> None:
        """End a turn that took so long, and let those begin that may."""
        self._running[client] -= 1
        if not self._running[client]:
            del self._running[client]
        if took_s and client in self._waiting and not self._is_alone(client):
            self._resting[client] += 1
            rest_s = min(took_s, _MAX_REST_S)
            asyncio.get_running_loop().call_later(rest_s, self._end_rest, client)
        self._begin()

    def _end_rest(self, client: str) -> None:
        self._resting[client] -= 1
        if not self._resting[client]:
            del self._resting[client]
        self._begin()

    def _begin(self) -> None:
        """Begin the turns that may; a client that has got one comes after the others."""
        while (following := next(filter(self._has_turn, self._waiting), None)) is not None:
            turn = self._waiting[following][0]
            self._forget(following, turn)
            if following in self._waiting:
                self._waiting.move_to_end(following)
            self._running[following] += 1
            turn.set_result(None)

    def _has_turn(self, client: str) -> bool:
        n_taken = self._running[client] + self._resting[client]
        n_of_one = self._n_alone if self._is_alone(client) else self._n_per_client
        return self._running.total() < self._n_at_once and n_taken < n_of_one

    def _note(self, client: str) -> None:
        now_s = self._clock()
        self._asked_at_s[client] = now_s
        self._asked_at_s.move_to_end(client)
        while next(iter(self._asked_at_s.values())) < now_s - _ALONE_AFTER_S:
            self._asked_at_s.popitem(last=False)

    def _is_alone(self, client: str) -> bool:
        """Whether no other has asked of late; the last of the others is among the last two."""
        last_two = itertools.islice(reversed(self._asked_at_s.items()), 2)
        since_s = self._clock() - _ALONE_AFTER_S
        return all(one == client or at_s < since_s for one, at_s in last_two)

    def _forget(self, client: str, turn: asyncio.Future[None]) -> None:
        waiting = self._waiting[client]
        waiting.remove(turn)
        if not waiting:
            del self._waiting[client]
