"""Addresses of machines: whom they count for, and which of them are a proxy's."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Self

_NETWORKS_OF_ANY = ("0.0.0.0/0", "::/0")
_IPV4 = 4
_MAPPED_BITS = 96  # of an IPv6 address before the one of IPv4 that it stands for
_CLIENT_BITS = 64  # of an IPv6 address: who has one has all that begin alike


@dataclass(frozen=True, slots=True)
class Addresses:
    """Some addresses of machines, as networks."""

    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Addresses and networks with commas, as 127.0.0.1,172.16.0.0/12; * is any.

        Raises:
            ValueError: Saying what is none.
        """
        parts = [part.strip() for part in text.split(",") if part.strip()]
        names = _NETWORKS_OF_ANY if "*" in parts else parts
        return cls(tuple(ipaddress.ip_network(name) for name in names))

    def spellings(self) -> list[str]:
        """Each network, and as addresses of it look to a server that listens to IPv6 as well."""
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
    """Whom an address counts for: itself, or of IPv6 the network that one client has whole."""
    try:
        found = _parsed(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(ipaddress.IPv6Network((found, _CLIENT_BITS), strict=False))


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address; one of IPv4 that is written as one of IPv6 is one of IPv4."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found
