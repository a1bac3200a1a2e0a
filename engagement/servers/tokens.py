"""The token that lets into an account on a server; it is in no message, file or command line.

It comes from a file that is named, from the environment, from the settings of the server, or, for
comma's own server alone, from where openpilot's tools keep it: a token is never sent to a server
that it was not made for.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from engagement.errors import ConfigError
from engagement.files import ALL_BUT_OWNER, read_secret

VARIABLE = "ENGAGEMENT_SERVER_TOKEN"
_MAX_BYTES = 16_384


class _AuthFile(msgspec.Struct):
    access_token: str


class _Claims(msgspec.Struct):
    exp: float


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and where it is from, for messages."""

    text: str = field(repr=False)
    source: str

    @property
    def expires_at_utc(self) -> datetime | None:
        """When it stops to hold, if it says so."""
        parts = self.text.split(".")
        if len(parts) != 3:  # noqa: PLR2004 - header, claims and signature of a JWT
            return None
        try:
            claims = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
            return datetime.fromtimestamp(msgspec.json.decode(claims, type=_Claims).exp, UTC)
        except (binascii.Error, msgspec.MsgspecError, OverflowError, OSError, ValueError):
            return None

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        until = self.expires_at_utc
        return until is not None and until <= datetime.now(UTC)


def find_token(
    given: Path | None, *, setting: str = "", has_openpilot_tools: bool = False
) -> Token | None:
    """Find the token for a server; None if there is none, which public routes don't need.

    Args:
        given: The file on the command line.
        setting: The file in the settings of the server.
        has_openpilot_tools: Whether the file of openpilot's tools is for this server.

    Raises:
        ConfigError: If a file can't be read, holds no token, or may be read by other users.
    """
    if given:
        return _read(given)
    if os.environ.get(VARIABLE):
        return _token(os.environ[VARIABLE], VARIABLE, VARIABLE)
    if setting:
        return _read(Path(setting).expanduser())
    theirs = openpilot_file()
    if has_openpilot_tools and theirs.is_file():
        return _read(theirs, is_ours=False)
    return None


def openpilot_file() -> Path:
    """Where the tools of openpilot keep the token for comma's server."""
    prefix = os.environ.get("OPENPILOT_PREFIX", "")
    return Path.home() / f".comma{prefix}" / "auth.json"


def _read(path: Path, *, is_ours: bool = True) -> Token:
    """The token in a file, as text or as openpilot's tools write it."""
    # openpilot's tools leave their file readable, and it is theirs.
    forbidden = ALL_BUT_OWNER if is_ours else 0
    try:
        content = read_secret(path, "this token", max_bytes=_MAX_BYTES + 1, forbidden=forbidden)
    except OSError as error:
        raise ConfigError(path, f"can't be read: {error.strerror}") from error
    try:
        text = msgspec.json.decode(content, type=_AuthFile).access_token
    except msgspec.MsgspecError:
        text = content.decode("ascii", errors="replace")
    return _token(text, path, str(path))


def _token(text: str, where: Path | str, source: str) -> Token:
    text = text.strip()
    is_token = text.isascii() and text.isprintable() and " " not in text
    if not text or not is_token or len(text) > _MAX_BYTES or "{" in text:
        raise ConfigError(where, "holds no token")
    return Token(text, source)
