"""Who may ask, by what name of the server, and how often."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import re
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from engagement.api.addresses import client_group
from engagement.api.settings import hash_token

if TYPE_CHECKING:
    from collections.abc import Callable

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?")
_MAX_CLIENTS = 10_000


def is_known_host(header: str, names: frozenset[str]) -> bool:
    """Whether a Host header names this server: an address, localhost, or one of its names.

    A page elsewhere can make a name of its own lead here, and its visitors' browsers then read this
    server for it; it can't do so with an address.
    """
    match = _HOST.fullmatch(header)
    if match is None:
        return False
    host = match[1].strip("[]").lower().rstrip(".")
    if host == "localhost" or "*" in names or host in names:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def has_token(authorization: str, token_hashes: frozenset[bytes]) -> bool:
    """Whether an Authorization header has a token: as Bearer, or as the password that Basic asks.

    Takes as long whichever token it is, and whether it is one or not.
    """
    given = hash_token(_token(authorization))
    matches = [hmac.compare_digest(given, known) for known in token_hashes]
    return any(matches)


def _token(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return decoded.partition(":")[2]


class RateLimit:
    """A bucket per client that fills evenly, and that each request takes one from."""

    def __init__(
        self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str) -> float:
        """Take one for a request of the client; if there is none, say how long until there is."""
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
