"""Configuration files: where they are looked for, and how TOML is read into a typed object."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from engagement.errors import ConfigError
from engagement.resources import resource_dir

if TYPE_CHECKING:
    from pathlib import Path

_Kind = TypeVar("_Kind")


def find_config(name: str, given: Path | None, cwd: Path) -> Path:
    """The file given, else `config/NAME` of the folder, else the shipped one."""
    local = cwd / "config" / name
    return given or (local if local.is_file() else resource_dir("config") / name)


def read_config(path: Path) -> bytes:
    """A file's content.

    Raises:
        ConfigError: If it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(path, f"can't be read: {error.strerror}") from error


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's document; a byte order mark is skipped.

    Raises:
        ConfigError: If it can't be read, or is no TOML.
    """
    content = read_config(path)
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(path, str(error)) from error


def convert(content: object, kind: type[_Kind], path: Path, *, where: str = "") -> _Kind:
    """A document as a typed object.

    Raises:
        ConfigError: If a value has the wrong type or is missing.
    """
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(path, lower_first(str(error)), where=where) from error


def lower_first(text: str) -> str:
    """A message of a library in our style, which starts in lower case."""
    return text[:1].lower() + text[1:]
