"""Settings of a server: from `engagement serve`, or a test."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, TextIO

from engagement.api.clients import Addresses
from engagement.errors import ConfigError
from engagement.files import ALL_BUT_GROUP, read_secret
from engagement.store.serving import Limits

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = Addresses.parse("127.0.0.1,::1")
_MIN_TOKEN_LENGTH = 16


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits on the number of connections, and on how long each may idle.

    Attributes:
        n_at_once: All of them together.
        n_per_client: Of one address, or of one /64 of IPv6.
        proxies: Addresses without a limit, as they forward the requests of others.
        head_s: Until a request's head is complete, from the start of the connection or the last
            answer on.
        stall_s: Until the client has read 16 KiB of what is sent.
    """

    n_at_once: int = 500
    n_per_client: int = 64
    proxies: Addresses = LOOPBACK
    head_s: float = 10.0
    stall_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a server.

    Attributes:
        limits: Of the queries behind the answers.
        connections: Their limits.
        token_hashes: SHA-256 of each valid token; without any, no token is needed.
        hosts: Host names of the server, besides localhost and addresses; `*` for any.
        cors_origins: Other sites whose pages may read the answers in a browser.
        has_old_cors: Let pages of any site read what the old server's addresses answer, as it did.
        requests_per_s: Of one client, on average; 0 sets no limit.
        burst: How many requests a client may make at once.
        n_at_once: Answers that are computed at once, of all clients.
        n_per_client: The same, of one client while others ask too.
        n_alone: The same, of a client that is alone.
        max_downloads: Files that are made at once, at most; half as many for one client.
        max_unsent: Files that are made and not sent yet, of all clients.
        max_unsent_per_client: The same, of one.
        unsent_bytes: Of all files that are made or sent.
        download_bytes: Size of one file.
        download_time_limit_s: For the query behind one file.
        lag_s: How long a generation that was replaced may answer while the common answers of the
            newer one are made; 0 has the next request wait for them.
        allow_labels: Whether labels of events may be written through the API.
        units: Of pages, for who has chosen none; None for those of the devices.
        access_log: Where to write a line of JSON for each request; None for nowhere.
    """

    limits: Limits = field(default_factory=Limits)
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)
    token_hashes: frozenset[bytes] = frozenset()
    hosts: frozenset[str] = frozenset()
    cors_origins: frozenset[str] = frozenset()
    has_old_cors: bool = False
    requests_per_s: float = 300.0
    burst: int = 600
    n_at_once: int = 24
    n_per_client: int = field(default_factory=lambda: max((os.cpu_count() or 1) // 2, 1))
    n_alone: int = 4
    max_downloads: int = 4
    max_unsent: int = 32
    max_unsent_per_client: int = 4
    unsent_bytes: int = 1 << 30
    download_bytes: int = 512 << 20
    download_time_limit_s: float = 60.0
    lag_s: float = 0.0
    allow_labels: bool = False
    units: str | None = None
    access_log: TextIO | None = None


def hash_token(token: str) -> bytes:
    """The hash of a token; the token itself is not stored."""
    return sha256(token.encode()).digest()


def read_tokens(path: Path) -> frozenset[bytes]:
    """The tokens of a file, one a line; empty lines and those that start with # are none.

    Raises:
        ConfigError: If there is no token in it, or one that could be guessed; or if the file is
            readable for others than its owner and its group.
    """
    try:
        content = read_secret(path, "these tokens", forbidden=ALL_BUT_GROUP)
        lines = content.decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(path, f"can't read the tokens: {error}") from error
    found = set()
    for number, line in enumerate(lines, start=1):
        token = line.strip()
        if not token or token.startswith("#"):
            continue
        if len(token) < _MIN_TOKEN_LENGTH or not (token.isascii() and token.isprintable()):
            problem = f"a token has {_MIN_TOKEN_LENGTH} letters or more, without accents"
            raise ConfigError(path, problem, where=f"line {number}")
        found.add(hash_token(token))
    if not found:
        raise ConfigError(path, "there is no token in it; write one on a line of its own")
    return frozenset(found)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
