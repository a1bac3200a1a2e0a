"""Writes profiles into their file, one JSON document for all cars of a folder.

Everything else in the file stays as it is, unknown keys too; only white space may change.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.errors import ConfigError, InputError
from engagement.extract.profiles import MAX_ENTRIES, SignalEntry, Transform
from engagement.files import replacing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class NewProfile:
    """A profile to be written; `dbc_file` as it shall stand in the file."""

    name: str
    dbc_file: str
    signals: Mapping[str, Sequence[SignalEntry]]
    description: str = ""


def read_profiles(path: Path) -> dict[str, Any]:
    """The document of a file of profiles; an empty one where there is no file.

    Raises:
        ConfigError: If it can't be read, or is no such document.
    """
    try:
        content = path.read_bytes().removeprefix(_BYTE_ORDER_MARK)
    except FileNotFoundError:
        return {"default_profile": "", "remote_device": "", "profiles": {}}
    except OSError as error:
        raise ConfigError(path, f"can't be read: {error.strerror}") from error
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ConfigError(path, f"is no JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("profiles", {}), dict):
        raise ConfigError(path, "is no file of profiles: `profiles` is to be an object")
    return document


def save_profile(
    path: Path, profile: NewProfile, *, may_replace: bool = False, is_default: bool = False
) -> None:
    """Add a profile to a file, which is made if need be, or replace the one of that name.

    Raises:
        InputError: If there is one of that name, which may not be replaced, or what was given
            could not be loaded.
        ConfigError: If the file does not hold; it stays as it is.
        OSError: If it can't be written; it stays as it is.
    """
    document = read_profiles(path)
    profiles = document.setdefault("profiles", {})
    check_name(path, profile.name, profiles, may_replace=may_replace)
    for key, entries in profile.signals.items():
        if not 0 < len(entries) <= MAX_ENTRIES:
            raise InputError(f"{key}: {len(entries)} signals; a key takes 1 to {MAX_ENTRIES}")
    profiles[profile.name] = _document(profile)
    if is_default:
        document["default_profile"] = profile.name
    content = _encode(path, document)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(content)


def check_name(path: Path, name: str, taken: Collection[str], *, may_replace: bool) -> None:
    """See whether a profile of a file may have a name.

    Raises:
        InputError: If it is none, or one of the file's has it and may not be replaced.
    """
    if not name.strip():
        raise InputError("the profile needs a name")
    if name in taken and not may_replace:
        raise InputError(f"{path}: there is a profile {name!r} already; --replace replaces it")


def _encode(path: Path, document: dict[str, Any]) -> bytes:
    """JSON for people to read; what UTF-8 can't say is written as escapes."""
    try:
        written = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise ConfigError(path, "it has a number that is too large to be kept") from error
    try:
        return f"{written}\n".encode()
    except UnicodeEncodeError:
        return f"{json.dumps(document, indent=2)}\n".encode()


def _document(profile: NewProfile) -> dict[str, Any]:
    """One entry of a key stands by itself, several are a list."""
    signals: dict[str, Any] = {}
    for key, entries in profile.signals.items():
        items = [_entry(entry) for entry in entries]
        signals[key] = items[0] if len(items) == 1 else items
    return {
        "description": profile.description,
        "dbc_file": profile.dbc_file,
        "signals": signals,
    }


def _entry(entry: SignalEntry) -> dict[str, Any]:
    document: dict[str, Any] = {"message": entry.message, "signal": entry.signal}
    if entry.source is not None:
        document["source"] = entry.source
    if entry.transform != Transform():
        transform = entry.transform
        document["transform"] = {"scale": transform.scale, "offset": transform.offset}
    return document
