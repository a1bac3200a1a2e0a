"""What a server says of a drive beside its logs: a small JSON file of ours in the device's folder.

    DONGLE/DRIVE--server.json    {"is_preserved": true, "bookmarks": [{"segment_num", "mono_ns"}]}

`collect` writes it where there is something to say, and `ingest` takes bookmarks from it. It holds
times and nothing else of the drive.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Annotated

import msgspec

from engagement.errors import ConfigError
from engagement.files import replacing
from engagement.names import MAX_SEGMENT_NUM

if TYPE_CHECKING:
    from pathlib import Path

_MAX_BYTES = 1 << 20
MAX_BOOKMARKS = 10_000  # of a drive; a line of the file has some 50 bytes

MonoNs = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]


class Bookmark(msgspec.Struct, frozen=True, order=True):
    """A moment that the driver bookmarked, as the server tells it."""

    segment_num: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEGMENT_NUM)]
    mono_ns: MonoNs


class Marks(msgspec.Struct, frozen=True):
    """What a server says of a drive."""

    is_preserved: bool = False
    bookmarks: Annotated[tuple[Bookmark, ...], msgspec.Meta(max_length=MAX_BOOKMARKS)] = ()

    def with_segments(
        self, segments: set[int], told: list[Bookmark], *, is_preserved: bool
    ) -> Marks:
        """The same after the server has told of some segments again."""
        others = [one for one in self.bookmarks if one.segment_num not in segments]
        return Marks(is_preserved, tuple(sorted({*others, *told})[:MAX_BOOKMARKS]))


def marks_name(drive: str) -> str:
    """The name of a drive's file."""
    return f"{drive}--server.json"


def read_marks(path: Path) -> Marks | None:
    """Read a file; None if there is none.

    Raises:
        ConfigError: If it can't be read, or holds something else.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(path, "is no file")
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(path, (error.strerror or str(error)).lower()) from error
    if len(text) > _MAX_BYTES:
        raise ConfigError(path, f"has over {_MAX_BYTES >> 20} MB")
    try:
        return msgspec.json.decode(text, type=Marks)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(path, f"can't be understood: {error}") from error


def write_marks(path: Path, marks: Marks) -> None:
    """Write a file, whole or not at all.

    Raises:
        OSError: If it can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(msgspec.json.encode(marks) + b"\n")
