"""A log in a device's listing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.names import parse_log_path

if TYPE_CHECKING:
    from pathlib import PurePosixPath

    from engagement.names import LogName

VIDEO = "qcamera"
QCAMERA = f"{VIDEO}.ts"
"""The small video of a segment, which devices upload beside the qlog."""
SUFFIXES = ("", ".bz2", ".zst")
"""Of logs."""
_LOG_NAMES = {f"{kind}{suffix}" for kind in ("rlog", "qlog") for suffix in SUFFIXES}


@dataclass(frozen=True, slots=True)
class RemoteLog:
    """A log on a device.

    Attributes:
        path: Absolute, there.
        dongle_id: The device that recorded it, if the path says.
        drive: The log id.
        segment_num: Number of the segment.
        kind: `rlog`, `qlog`, or `qcamera`, which is no log but lies beside them.
        suffix: `.bz2`, `.zst` or nothing; `.ts` of the video.
        size_bytes: On the device.
        mtime_ns: Time of the last change, nanoseconds since 1970.
    """

    path: str
    dongle_id: str | None
    drive: str
    segment_num: int
    kind: str
    suffix: str
    size_bytes: int
    mtime_ns: int

    @property
    def segment(self) -> str:
        """The name of its segment, which is that of its folder here."""
        return f"{self.drive}--{self.segment_num}"

    @property
    def name(self) -> str:
        """Its short name, for messages."""
        return f"{self.segment}/{self.kind}{self.suffix}"


def parse_remote_path(path: PurePosixPath) -> tuple[LogName, str] | None:
    """What the path of a log or small video says, and its kind; None for other files."""
    is_video = path.name == QCAMERA
    if not (is_video or path.name in _LOG_NAMES):
        return None
    name = parse_log_path(path.with_name("qlog") if is_video else path)
    return None if name is None else (name, VIDEO if is_video else name.log_kind)
