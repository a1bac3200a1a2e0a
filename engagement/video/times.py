"""When the frames of a segment's video were seen."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engagement.store.query_types import Queryable

FRAME_S = 0.05
"""From one frame to the next: openpilot's cameras take 20 a second."""

_LEAST_S = 1e-3  # between frames, whatever a log says
_MAX_FRAMES = 20_000  # of a segment, which has 1200
_SEGMENT_S = 60.0
_VIDEOS = """
from videos
where drive_id = $drive_id and camera = $camera and time_s is not null
order by segment_num
"""
_FRAMES = """
select frame_num, (min(sof_mono_ns) - $start_mono_ns) / 1e9 as after_s
from log.video_frame
where
    drive_id = $drive_id
    and segment_num = $segment_num
    and sof_mono_ns is not null
    and frame_num between 0 and $most
group by frame_num
order by frame_num
"""


@dataclass(frozen=True, slots=True)
class Footage:
    """A segment's video, and when its frames were seen.

    Attributes:
        segment_num: The segment.
        path: The file.
        size_bytes: Of the file as it was found.
        mtime_ns: Likewise.
        start_s: The first frame, in seconds from the drive's first sample.
        known: Of frames that the log tells of, when each was seen, in seconds from the first.
    """

    segment_num: int
    path: str
    size_bytes: int
    mtime_ns: int
    start_s: float
    known: Mapping[int, float]

    @property
    def name(self) -> str:
        """The file's name, which tells nothing of where it is."""
        return Path(self.path).name

    def frame_at(self, time_s: float) -> int:
        """The last frame that was seen by a time of the drive; 0 before the first."""
        after_s = time_s - self.start_s
        if not self.known:
            return max(int(after_s / FRAME_S + 1e-6), 0)
        numbers = sorted(self.known)
        place = bisect_right(numbers, after_s + 1e-6, key=self.known.__getitem__) - 1
        if place < 0:
            return 0
        last = numbers[place]
        if place + 1 < len(numbers) and numbers[place + 1] == last + 1:
            return last
        return last + max(int((after_s - self.known[last]) / FRAME_S + 1e-6), 0)


def placed(n_frames: int, known: Mapping[int, float]) -> list[float]:
    """When each frame was seen, in seconds from the first, which is at 0; always growing.

    What the log does not tell of follows the frame before at the constant rate.
    """
    found: list[float] = []
    for number in range(n_frames):
        before = found[-1] if found else -FRAME_S
        time_s = known.get(number, before + FRAME_S)
        found.append(max(time_s, before + _LEAST_S) if found else max(time_s, 0.0))
    return found


def read_videos(reader: Queryable, drive_id: int, camera: str = "qcamera") -> list[dict[str, Any]]:
    """The rows of `videos` of a drive's camera by segment, with `end_s`; those with a known time.

    `end_s` is the time of the drive at which the last picture has been shown.
    """
    rows = reader.rows(_VIDEOS, {"drive_id": drive_id, "camera": camera})
    for row, after in zip(rows, [*rows[1:], None], strict=False):
        length_s = _SEGMENT_S if row["n_frames"] is None else row["n_frames"] * FRAME_S
        end_s = row["time_s"] + length_s
        follows = after is not None and after["segment_num"] == row["segment_num"] + 1
        row["end_s"] = max(after["time_s"], row["time_s"]) if after and follows else end_s
    return rows


def read_footage(reader: Queryable, video: Mapping[str, Any]) -> Footage:
    """A row of `videos` with the times of its frames."""
    known: dict[int, float] = {}
    if not video["is_rate_assumed"]:
        names = ("drive_id", "segment_num", "start_mono_ns")
        values = {name: video[name] for name in names} | {"most": _MAX_FRAMES}
        known = {row["frame_num"]: row["after_s"] for row in reader.rows(_FRAMES, values)}
    return Footage(
        video["segment_num"],
        video["path"],
        video["size_bytes"],
        video["mtime_ns"],
        video["time_s"],
        known,
    )


def video_at(videos: Sequence[Mapping[str, Any]], time_s: float) -> Mapping[str, Any] | None:
    """The video that shows a time of the drive; None where there is none."""
    within = [video for video in videos if video["time_s"] <= time_s < video["end_s"]]
    return within[-1] if within else None
