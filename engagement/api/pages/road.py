"""The road's video in a page: which segments have one, or in one line why none is shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engagement.errors import VideoError
from engagement.video.jobs import check_as_found, has_extra
from engagement.video.times import read_videos, video_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engagement.store.generation import Generation

_FILMED = "select distinct drive_id from videos where list_contains($drives, drive_id)"
_NONE = "No video: none lies beside the logs."
_NO_EXTRA = "No video here: the server lacks what reads it, pip install 'engagement[video]'."


@dataclass(frozen=True, slots=True)
class RoadSegment:
    """A segment's video: where it is asked for, and from when until before when it is shown."""

    url: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Road:
    """What a page shows of the road.

    Attributes:
        segments: In the order of time; none if nothing can be shown.
        from_s: Where the page's part of the drive begins, in seconds from the first sample.
        to_s: Where it ends.
        at_s: The moment to begin with.
        is_rate_assumed: Whether some pictures are placed by a constant rate.
        lacks: Why there is nothing, in a sentence.
    """

    segments: Sequence[RoadSegment]
    from_s: float
    to_s: float
    at_s: float
    is_rate_assumed: bool = False
    lacks: str = ""

    @property
    def segments_json(self) -> str:
        """The segments for the script."""
        return json.dumps(
            [{"url": one.url, "start": one.start_s, "end": one.end_s} for one in self.segments]
        )

    @property
    def picture_s(self) -> float:
        """The moment of the still picture: that to begin with, if there is a video of it."""
        covered = any(one.start_s <= self.at_s < one.end_s for one in self.segments)
        return self.at_s if covered else self.segments[0].start_s

    @property
    def picture_in_segment_s(self) -> float:
        """The same, from the start of the first segment."""
        return round(max(self.picture_s - self.segments[0].start_s, 0.0), 3)


def read_road(
    generation: Generation, drive_id: int, from_s: float, to_s: float, at_s: float
) -> Road:
    """The road between two times of a drive."""
    videos = read_videos(generation, drive_id)
    near = [one for one in videos if one["time_s"] < to_s and one["end_s"] > from_s]
    lacks = _lacks(near)
    if lacks:
        return Road((), from_s, to_s, at_s, lacks=lacks)
    segments = [
        RoadSegment(
            f"/api/v1/drives/{drive_id}/video/{one['segment_num']}", one["time_s"], one["end_s"]
        )
        for one in near
    ]
    return Road(segments, from_s, to_s, at_s, any(one["is_rate_assumed"] for one in near))


def filmed(generation: Generation, drive_ids: Sequence[int]) -> list[int]:
    """Those of some drives of which videos were found."""
    rows = generation.rows(_FILMED, {"drives": list(drive_ids)})
    return [row["drive_id"] for row in rows]


def pictured(generation: Generation, events: Sequence[dict[str, Any]]) -> set[str]:
    """The events, by their ids, of whose moments there are pictures."""
    drive_ids = filmed(generation, [event["drive_id"] for event in events])
    videos = {drive_id: read_videos(generation, drive_id) for drive_id in drive_ids}
    at = {
        one["event_id"]: video_at(videos.get(one["drive_id"], ()), one["time_s"]) for one in events
    }
    return {event_id for event_id, video in at.items() if video and not _lacks([video])}


def _lacks(videos: Sequence[Mapping[str, Any]]) -> str:
    """Why none of some videos is shown; empty if one of them is."""
    if not videos:
        return _NONE
    if not has_extra():
        return _NO_EXTRA
    problems = []
    for video in videos:
        try:
            check_as_found(video["path"], video["size_bytes"], video["mtime_ns"])
        except VideoError as error:
            problems.append(error.problem)
    if len(problems) < len(videos):
        return ""
    return f"No video: {Path(videos[0]['path']).name}: {problems[0]}."
