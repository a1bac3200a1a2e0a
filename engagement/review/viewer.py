"""Which PlotJuggler there is, and how it is started.

Three ways: openpilot's own script, a program on this machine, or one in a container. Each gets
files of our naming in a folder of ours, so that no name from a log is a word of a command.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, field
from shlex import quote
from typing import TYPE_CHECKING

from engagement.errors import EngagementError
from engagement.review.settings import expanded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from engagement.review.settings import Settings

_SCRIPTS = ("tools/plotjuggler/juggle.py", "openpilot/tools/plotjuggler/juggle.py")
_REMEDY = """\
get PlotJuggler in one of these ways:
  local      install it (https://github.com/PlotJuggler/PlotJuggler), so that `plotjuggler` starts
  docker     have an image with it, and name it in a file for --config: [docker] image
  openpilot  have a checkout of openpilot, and name it there: [plotjuggler] openpilot
or look at events in the dashboard: --with browser"""


class NoViewerError(EngagementError):
    """No PlotJuggler by any of the ways that were tried."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(f"no PlotJuggler: {'; '.join(problems)}\n{_REMEDY}")
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Start:
    """How a program is started.

    Attributes:
        command: Its words.
        environment: What it gets beside ours.
        last: What is run when it has ended.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    last: tuple[str, ...] = ()


class WayError(Exception):
    """Why a way is none here."""


def choose_way(settings: Settings) -> str:
    """The way to a PlotJuggler: openpilot, local or docker.

    Raises:
        NoViewerError: If there is none, or not by the way of the settings.
    """
    wanted = settings.plotjuggler.way
    problems = []
    for way in _CHECKS if wanted == "auto" else (wanted,):
        try:
            _CHECKS[way](settings)
        except WayError as error:
            problems.append(f"{way}: {error}")
        else:
            return way
    raise NoViewerError(problems)


def start_openpilot(settings: Settings, clip: Path, layout: Path) -> Start:
    """Start openpilot's script on a clip of messages; it hands the layout's name to a shell."""
    script = _find_script(settings)
    root = expanded(settings.plotjuggler.openpilot)
    own = root / ".venv" / "bin" / "python"
    python = str(own) if own.is_file() else shutil.which("python3") or sys.executable
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    return Start(
        (python, str(script), str(clip), "--layout", quote(str(layout))),
        {"PYTHONPATH": os.pathsep.join(paths)},
    )


def start_local(settings: Settings, files: Sequence[str]) -> Start:
    """Start the PlotJuggler of this machine; `files` is what it is told of them."""
    return Start((*_program(settings.plotjuggler.command), *files))


def start_docker(settings: Settings, folder: Path, name: str, files: Sequence[str]) -> Start:
    """Start a PlotJuggler in a container that sees a folder.

    Args:
        settings: How.
        folder: What it sees, and can't write to.
        name: The container's, by which it is ended.
        files: Arguments of PlotJuggler, paths as the container has them.
    """
    docker = settings.docker
    client = _program(docker.command)
    source, target = _field(f"source={folder}"), _field(f"target={docker.folder}")
    mounts = [word for mount in docker.mounts for word in ("--volume", mount)]
    command = (
        *client, "run", "--rm", "--init", "--name", name,
        "--env", f"DISPLAY={docker.display or os.environ.get('DISPLAY', '')}",
        *mounts,
        "--mount", f"type=bind,{source},{target},readonly",
        *docker.arguments, docker.image, *docker.plotjuggler, *files,
    )  # fmt: skip
    return Start(command, last=(*client, "rm", "--force", name))


def file_words(clip: str | None, layout: str) -> tuple[str, ...]:
    """What PlotJuggler is told of its files; `clip` is None where the layout names it."""
    return (*(() if clip is None else ("-d", clip)), "-l", layout)


def find_program(words: Sequence[str]) -> list[str] | None:
    """A command with its program as an absolute path; None where it is not installed."""
    program = shutil.which(os.path.expanduser(words[0]))  # noqa: PTH111 - a word, not a path
    return None if program is None else [program, *words[1:]]


def _field(text: str) -> str:
    """A field of --mount, which is CSV."""
    is_plain = not set(text) & {",", '"'}
    return text if is_plain else '"' + text.replace('"', '""') + '"'


def _program(words: Sequence[str]) -> list[str]:
    return find_program(words) or list(words)


def _find_script(settings: Settings) -> Path:
    name = settings.plotjuggler.openpilot
    if not name:
        raise WayError("no checkout is named")
    root = expanded(name)
    script = next((root / part for part in _SCRIPTS if (root / part).is_file()), None)
    if script is None:
        raise WayError(f"{root} has no {_SCRIPTS[0]}")
    return script


def _check_local(settings: Settings) -> None:
    words = settings.plotjuggler.command
    if find_program(words) is None:
        raise WayError(f"{words[0]} is not installed")


def _check_docker(settings: Settings) -> None:
    docker = settings.docker
    if not docker.image:
        raise WayError("no image is named")
    if find_program(docker.command) is None:
        raise WayError(f"{docker.command[0]} is not installed")
    if not (docker.display or os.environ.get("DISPLAY")):
        raise WayError("there is no display: DISPLAY is not set")


_CHECKS: Mapping[str, Callable[[Settings], object]] = {
    "openpilot": _find_script,
    "local": _check_local,
    "docker": _check_docker,
}
