"""Video files by their names: which camera of which segment a path is of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.names import parse_log_path

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.names import LogName

CAMERAS = {
    "qcamera.ts": "qcamera",
    "fcamera.hevc": "fcamera",
    "ecamera.hevc": "ecamera",
    "dcamera.hevc": "dcamera",
    "narrow_road.hevc": "fcamera",
    "wide_road.hevc": "ecamera",
    "cabin.hevc": "dcamera",
}
"""The camera of each file's name. openpilot renames its full-size files, so they have two names."""


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A segment's video of one camera, on disk.

    Attributes:
        path: Absolute, as reached: links in it are not resolved.
        name: What the path says of its segment.
        camera: `qcamera` is the small picture of the road, `fcamera` the road, `ecamera` the road
            through the wide lens, `dcamera` the driver.
        size_bytes: Of the file.
        mtime_ns: Time of the last change, nanoseconds since 1970.
    """

    path: Path
    name: LogName
    camera: str
    size_bytes: int
    mtime_ns: int


def parse_video_path(path: Path) -> tuple[LogName, str] | None:
    """What the path of a video says of its segment, and its camera; None for other files.

    A video is named as a log would be in its place.
    """
    for file, camera in CAMERAS.items():
        if path.name == file or path.name.endswith(f"--{file}"):
            name = parse_log_path(path.with_name(path.name.removesuffix(file) + "rlog"))
            return None if name is None else (name, camera)
    return None
