"""The servers that are known by name: those of config/collect.toml, and any by its address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engagement.errors import InputError, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement.collect.settings import ServerSettings

COMMA = "comma"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Server:
    """A server.

    Attributes:
        name: For messages.
        api: Where its API is, without a slash at the end.
        devices: Where requests for a device go, with `{dongle_id}` in it; empty for nowhere.
        token_file: Of the settings.
        has_openpilot_tools: Whether openpilot's tools keep a token for it.
    """

    name: str
    api: str
    devices: str = ""
    token_file: str = ""
    has_openpilot_tools: bool = False


def find_server(name: str | None, site: str | None, known: Mapping[str, ServerSettings]) -> Server:
    """Find the server that is meant: by name or address, else by the site of a pasted address.

    Raises:
        InputError: If there is none of that name, or the address is not safe.
    """
    if name and "://" in name:
        url = checked_url(name)
        return Server(urlsplit(url).hostname or url, url)
    if name is None:
        by_site = [one for one, its in known.items() if site and site in its.sites]
        name = by_site[0] if by_site else COMMA
    if name not in known:
        hint = suggestion(name, known)
        raise InputError(f"no server is named {name!r}{hint}; or give its address, https://...")
    found = known[name]
    devices = found.devices and checked_url(found.devices.replace("{dongle_id}", "0"))
    return Server(
        name,
        checked_url(found.api),
        found.devices if devices else "",
        found.token_file,
        has_openpilot_tools=name == COMMA,
    )


def checked_url(url: str) -> str:
    """An address that a token may be sent to, without a slash at the end.

    Raises:
        InputError: If it is not HTTPS, but for this machine, or has what it should not.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise InputError(f"{url!r} is no address of a server: {error}") from error
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not host or parts.username or parts.query or parts.fragment or not url.isprintable():
        raise InputError(
            f"{url!r} is no address of a server; write it like https://api.example.org"
        )
    if not is_safe:
        raise InputError(f"{url!r}: a server is reached by https alone, as a token goes there")
    return url.rstrip("/")
