"""Videos that an ingest found, as rows of `log.video`: those of segments that it knows.

A row goes where its segment's rows go, and is written again after an ingest that replaces these. A
video that is gone later keeps its row: who asks for it is told that it was there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from engagement.names import full_dongle_ids, is_short_for
from engagement.store.device_aliases import read_aliases
from engagement.store.segments import stored_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

    from engagement.logs.video_files import VideoFile
    from engagement.store.segments import Key, KnownSegment

_COLUMNS = ("drive_id", "segment_num", "camera", "path", "size_bytes", "mtime_ns")
# A segment that is set aside as a copy has the negative number of its drive.
_NEWS = """
select segment.drive_id, found.* exclude (drive_id)
from found_videos as found
inner join log.segment
    on found.drive_id = abs(segment.drive_id) and found.segment_num = segment.segment_num
except
from log.video
"""

_Row = tuple[int, int, str, str, int, int]


@dataclass(slots=True)
class FoundVideos:
    """The videos below some folders."""

    videos: Sequence[VideoFile]

    def changes(
        self, connection: duckdb.DuckDBPyConnection, known: Mapping[Key, KnownSegment]
    ) -> list[_Row]:
        """The rows that the database has not, or has otherwise."""
        rows = _rows(self.videos, known, read_aliases(connection)) if self.videos else []
        if not rows:
            return []
        columns = dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
        connection.register("found_videos", pa.table(columns))
        try:
            news: list[_Row] = connection.execute(_NEWS).fetchall()
            return news
        finally:
            connection.unregister("found_videos")

    def write(
        self, connection: duckdb.DuckDBPyConnection, known: Mapping[Key, KnownSegment]
    ) -> int:
        """Bring the database up to date; how many rows are new."""
        rows = self.changes(connection, known)
        for row in rows:
            connection.execute(
                "delete from log.video"
                " where abs(drive_id) = abs(?) and segment_num = ? and camera = ?",
                row[:3],
            )
            connection.execute("insert into log.video values (?, ?, ?, ?, ?, ?)", row)
        return len(rows)


def _rows(
    videos: Sequence[VideoFile], known: Mapping[Key, KnownSegment], aliases: Mapping[str, str]
) -> list[_Row]:
    """One row for a segment's camera: the video beside its log if there is one, else the first."""
    found: dict[tuple[int, int, str], _Row] = {}
    by_number = _by_number(known.values())
    named = {video.name.dongle_id for video in videos if video.name.dongle_id}
    devices = full_dongle_ids(named, aliases)
    for video in videos:
        segment = _segment_of(video, by_number, devices)
        if segment is None:
            continue
        path = stored_path(video.path)
        key = segment.drive_id, segment.segment_num, video.camera
        if key not in found or _folder(path) == _folder(segment.path):
            found[key] = (*key, path, video.size_bytes, video.mtime_ns)
    return [*found.values()]


def _by_number(
    segments: Iterable[KnownSegment],
) -> dict[tuple[str, int] | str, list[KnownSegment]]:
    """Segments by drive and number, and by the folder of their log."""
    found: dict[tuple[str, int] | str, list[KnownSegment]] = {}
    for segment in segments:
        for key in ((segment.drive, segment.segment_num), _folder(segment.path)):
            found.setdefault(key, []).append(segment)
    return found


def _segment_of(
    video: VideoFile,
    segments: Mapping[tuple[str, int] | str, list[KnownSegment]],
    devices: Mapping[str, str],
) -> KnownSegment | None:
    """The one segment that a video can be of; None where there is none, or more than one."""
    name = video.name
    if name.drive is None or name.segment_num is None:
        alike = segments.get(_folder(stored_path(video.path)), [])
    else:
        alike = [
            segment
            for segment in segments.get((name.drive, name.segment_num), [])
            if devices.get(name.dongle_id or "", name.dongle_id) in (None, segment.dongle_id)
            or is_short_for(name.dongle_id, segment.dongle_id)
        ]
    return alike[0] if len(alike) == 1 else None


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
