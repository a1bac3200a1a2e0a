"""config/viewer.toml: with what events are looked at.

The shipped file has every key, so that no program's name and no path stands in the code; a file of
the user's is laid over it.
"""

from __future__ import annotations

import os
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import msgspec

from engagement.config_files import convert, find_config, read_toml
from engagement.errors import ConfigError
from engagement.resources import resource_dir

_NAME = "viewer.toml"
_LONGEST_S = 600.0
_STARTED = {  # programs, and what they run
    "plotjuggler": ("command", "openpilot", "layout", "rlog_layout"),
    "docker": ("command", "image", "plotjuggler", "mounts", "arguments"),
    "mcap": ("commands",),
    "cabana": ("command",),
    "jotpluggler": ("command",),
    "video": ("players",),
}

Viewer = Literal["plotjuggler", "browser", "mcap", "cabana", "jotpluggler"]
Feed = Literal["csv", "parquet", "raw", "log"]


class PlotJuggler(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which PlotJuggler, and what it is given."""

    way: Literal["auto", "openpilot", "local", "docker"]
    openpilot: str
    command: list[str]
    feed: Feed
    layout: str
    rlog_layout: str


class Docker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A PlotJuggler in a container."""

    command: list[str]
    image: str
    plotjuggler: list[str]
    folder: str
    mounts: list[str]
    display: str
    arguments: list[str]


class Browser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the dashboard is."""

    url: str


class Mcap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What opens an MCAP file."""

    commands: list[list[str]]


class Tool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one of openpilot's viewers of logs is started."""

    command: list[str]


class Player(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A player of videos: its command, and what it is told of files without times."""

    command: list[str]
    hevc: list[str] = []


class Video(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where video lies, and what plays it."""

    trees: list[str]
    folders: list[str]
    files: list[str]
    before_s: float
    players: list[Player]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"viewer": "with"}):
    """The file's content."""

    viewer: Viewer
    before_s: float
    after_s: float
    folder: str
    plotjuggler: PlotJuggler
    docker: Docker
    browser: Browser
    mcap: Mcap
    cabana: Tool
    jotpluggler: Tool
    video: Video


def load_settings(path: Path | None, cwd: Path) -> Settings:
    """Load the file given, else `config/viewer.toml` of `cwd`; what it leaves out is as shipped.

    Raises:
        ConfigError: If it can't be read or does not hold, or names programs and was not given.
    """
    shipped = resource_dir("config") / _NAME
    file = find_config(_NAME, path, cwd)
    content = read_toml(shipped)
    if file != shipped:
        own = read_toml(file)
        if path is None:
            _refuse_programs(own, content, file)
        content = _laid_over(content, own)
    settings = convert(content, Settings, file)
    _check(settings, file)
    return settings


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """The values of `above`, and what they leave out from `below`, table by table."""
    merged = dict(below)
    for key, value in above.items():
        old = below.get(key)
        both = isinstance(value, dict) and isinstance(old, dict)
        merged[key] = _laid_over(below[key], value) if both else value
    return merged


def _refuse_programs(own: dict[str, Any], shipped: dict[str, Any], file: Path) -> None:
    """Refuse other programs than the shipped: who unpacks a folder has not chosen them."""
    for table, keys in _STARTED.items():
        values = own.get(table)
        if not isinstance(values, dict):
            continue
        for key in keys:
            if key in values and values[key] != shipped[table][key]:
                problem = (
                    "says what is started, which a file that lies in the current folder may not; "
                    f"if you trust it, name it: --config {file}"
                )
                raise ConfigError(file, problem, where=f"{table}.{key}")


def _check(settings: Settings, file: Path) -> None:
    """Refuse what types can't say."""
    for key in ("before_s", "after_s"):
        if not 0 < getattr(settings, key) <= _LONGEST_S:
            raise ConfigError(file, f"{key}: must be over 0 and at most {_LONGEST_S:g} s")
    if not (isfinite(settings.video.before_s) and settings.video.before_s >= 0):
        raise ConfigError(file, "must be a number from 0 on", where="video.before_s")
    if not settings.docker.folder.startswith("/"):
        raise ConfigError(file, "must be an absolute path", where="docker.folder")
    commands = {
        "plotjuggler.command": settings.plotjuggler.command,
        "docker.command": settings.docker.command,
        "docker.plotjuggler": settings.docker.plotjuggler,
        "cabana.command": settings.cabana.command,
        "jotpluggler.command": settings.jotpluggler.command,
        **{f"mcap.commands[{i}]": words for i, words in enumerate(settings.mcap.commands)},
        **{f"video.players[{i}]": p.command for i, p in enumerate(settings.video.players)},
    }
    for where, words in commands.items():
        if not (words and words[0]):
            raise ConfigError(file, "names no program", where=where)


def expanded(path: str) -> Path:
    """A path of the file, absolute; `~` is the user's home, and where there is none a name."""
    return Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 - Path's own raises there
