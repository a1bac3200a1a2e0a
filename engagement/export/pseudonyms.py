"""Names in place of names: the same for the same key, and nothing to be learnt without it."""

from __future__ import annotations

import hmac
import os
import re
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from engagement.errors import ConfigError
from engagement.files import read_secret

if TYPE_CHECKING:
    from pathlib import Path

_KEY_BYTES = 32
_KEY = re.compile(rf"[0-9a-f]{{{2 * _KEY_BYTES}}}\s*")
_DIGITS = 16  # as many as a dongle id has
_MAX_SHIFT_S = 183 * 86_400


class Pseudonyms:
    """Keyed HMAC-SHA256 of values, and of clocks."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def name(self, kind: str, *parts: object) -> str:
        """The name of a value among those of its kind."""
        return self._digest(kind, *parts).hex()[:_DIGITS]

    def shifted(self, device: str, time: datetime) -> datetime | None:
        """A time by a clock that is set wrong, for each device by another span up to half a year.

        None of a time that can't be told then.
        """
        number = int.from_bytes(self._digest("clock", device)[:8], "big")
        shift_s = number % (2 * _MAX_SHIFT_S + 1) - _MAX_SHIFT_S
        try:
            return time + timedelta(seconds=shift_s)
        except OverflowError:
            return None

    def _digest(self, *parts: object) -> bytes:
        message = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, sha256).digest()


def load_key(path: Path) -> tuple[bytes, bool]:
    """The key of a file, which is made if there is none; only its owner may read it.

    Returns:
        The key, and whether it is a new one.

    Raises:
        ConfigError: If the file holds no key, is readable for others, or can't be made.
    """
    try:
        is_new = _create(path)
        content = read_secret(path, "this key", max_bytes=_KEY_BYTES * 4)
    except OSError as error:
        raise ConfigError(path, f"can't be used as key: {error.strerror}") from error
    text = content.decode("ascii", "replace")
    if not _KEY.fullmatch(text):
        raise ConfigError(path, f"it holds no key, which is {2 * _KEY_BYTES} hexadecimal digits")
    return bytes.fromhex(text.strip()), is_new


def _create(path: Path) -> bool:
    """Make a key, whole or not at all, unless there is a file."""
    if path.exists():
        return False
    staged = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(staged, path)
    except FileExistsError:  # another process was quicker
        return False
    finally:
        staged.unlink()
    return True
