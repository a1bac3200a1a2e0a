"""Profiles into the file that keeps them, one JSON document for all of a folder's cars.

Everything else in the file stays as it is, keys that nothing here knows included; only blank space
may move.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.errors import ConfigError, InputError
from engagement.extract.profiles import SignalEntry, Transform
from engagement.files import replacing
from engagement.resources import resource_dir

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FILE_NAME = "vehicle_profiles.json"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class NewProfile:
    """A profile to be written; `dbc_file` as it shall stand in the file."""

    name: str
    dbc_file: str
    signals: Mapping[str, Sequence[SignalEntry]]
    description: str = ""


def find_profiles(given: Path | None, cwd: Path) -> Path:
    """The file of profiles that is read: the one given, the folder's own, or the shipped one."""
    if given is not None:
        return given
    local = cwd / "config" / FILE_NAME
    return local if local.is_file() else resource_dir("config") / FILE_NAME


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
        InputError: If there is one of that name, which may not be replaced.
        ConfigError: If the file does not hold; it stays as it is.
        OSError: If it can't be written; it stays as it is.
    """
    document = read_profiles(path)
    profiles = document.setdefault("profiles", {})
    if profile.name in profiles and not may_replace:
        raise InputError(f"{path}: there is a profile {profile.name!r} already")
    profiles[profile.name] = _document(profile)
    if is_default:
        document["default_profile"] = profile.name
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(_encode(document))


def _encode(document: dict[str, Any]) -> bytes:
    """JSON for people to read; what UTF-8 can't say is written as escapes."""
    try:
        return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n".encode()
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
