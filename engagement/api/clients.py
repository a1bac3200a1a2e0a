"""Clients by their address: which are proxies, which count as one, how often each may ask."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_NETWORKS_OF_ANY = ("0.0.0.0/0", "::/0")
_IPV4 = 4
_MAPPED_BITS = 96  # of an IPv4-mapped IPv6 address, before the IPv4 address
_CLIENT_BITS = 64  # of an IPv6 address: a client has all addresses that begin with the same
_MAX_CLIENTS = 10_000


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
