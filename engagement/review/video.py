"""The video of the segment that an event is in: which files are there, and what plays them.

Nothing is cut or converted. A drive's name comes from a log: one that is no such name names no
folder, and each file is given to the player as one word, an absolute path.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engagement.names import is_drive, parse_dongle_id
from engagement.review.settings import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engagement.review.settings import Video

_LOG_NAME = re.compile(r"(.+--)[rq]log(?:\.(?:bz2|zst))?")


@dataclass(frozen=True, slots=True)
class Found:
    """A segment's video.

    Attributes:
        files: Those that are there, in the order of the settings.
        missing: Names of those that are not.
        folders: Where they were looked for.
        second: The event, in seconds from the segment's start; None where that is not known.
    """

    files: tuple[Path, ...]
    missing: tuple[str, ...]
    folders: tuple[Path, ...]
    second: float | None


def find_video(event: Mapping[str, Any], settings: Video) -> Found:
    """Find the video files of an event's segment; the first folder that has a file gives it."""
    folders = tuple(dict.fromkeys(_folders(event, settings)))
    files, missing = [], []
    for name in settings.files:
        places = (folder / spelling for folder in folders for spelling in _spellings(event, name))
        file = next((place for place in places if _is_whole(place)), None)
        if file is None:
            missing.append(name)
        else:
            files.append(file)
    return Found(tuple(files), tuple(missing), folders, event["segment_time_s"])


def player_command(file: Path, second: float | None, settings: Video) -> list[str] | None:
    """What plays a file from just before the event on; None where no player is installed."""
    seconds = f"{max((second or 0.0) - settings.before_s, 0.0):.2f}"
    for player in settings.players:
        program = shutil.which(player.command[0])
        if program is None:
            continue
        extra = player.hevc if file.suffix == ".hevc" else []
        words = [word.replace("{seconds}", seconds) for word in player.command[1:]]
        return [program, *extra, *(word.replace("{file}", str(file)) for word in words)]
    return None


def _folders(event: Mapping[str, Any], settings: Video) -> Iterator[Path]:
    """Where the segment's video may lie: each pattern whose every name is known."""
    dongle_id = parse_dongle_id(event["dongle_id"] or "")
    drive = event["drive"] if is_drive(event["drive"] or "") else None
    segment = event["segment_num"]
    names = {
        "{log}": str(Path(event["path"]).absolute().parent) if event["path"] else None,
        "{dongle}": dongle_id,
        "{drive}": drive,
        "{segment}": None if segment is None else str(segment),
    }
    for pattern in settings.folders:
        for tree in settings.trees if "{tree}" in pattern else [""]:
            filled = _filled(pattern, names | {"{tree}": tree})
            if filled is not None:
                yield expanded(filled)


def _filled(pattern: str, names: Mapping[str, str | None]) -> str | None:
    """The pattern with its names in place, in one pass; None if one of them is not known."""
    parts = re.split(r"(\{[a-z]+\})", pattern)
    values = [names.get(part, part) if part.startswith("{") else part for part in parts]
    known = [value for value in values if value is not None]
    return "".join(known) if len(known) == len(values) else None


def _spellings(event: Mapping[str, Any], name: str) -> Iterator[str]:
    """A file's name in a segment's folder, and beside others where the name says the segment."""
    yield name
    drive, dongle_id = event["drive"] or "", parse_dongle_id(event["dongle_id"] or "")
    if is_drive(drive):
        yield f"{drive}--{event['segment_num']}--{name}"
        yield from (f"{dongle_id}{bar}{drive}--{event['segment_num']}--{name}" for bar in "_|")
    match = _LOG_NAME.fullmatch(Path(event["path"] or "").name)
    if match:
        yield match[1] + name


def _is_whole(file: Path) -> bool:
    """Whether there is such a file, with something in it."""
    try:
        return file.is_file() and file.stat().st_size > 0
    except OSError:
        return False
