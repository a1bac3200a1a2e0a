"""The unit of work: a drive's logs in, files of its rows out, in any process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engagement.lake.manifests import Manifest, digest_of, write_files
from engagement.lake.workspace import workspace
from engagement.store.found_videos import FoundVideos
from engagement.store.ingest_options import IngestReport
from engagement.store.ingest_plan import Known, Plan
from engagement.store.ingest_run import IngestRun
from engagement.store.lake_file import attach_lake
from engagement.store.reader import new_instance
from engagement.store.results import refresh_in_groups
from engagement.store.segments import known_segments
from engagement.store.server_bookmarks import find_marks

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from engagement.lake.workspace import Workspace
    from engagement.logs.find import LogFile
    from engagement.logs.video_files import VideoFile
    from engagement.store.ingest_options import IngestOptions
    from engagement.store.lake_file import LakeFile


@dataclass(frozen=True, slots=True)
class Unit:
    """A drive, and logs of it that the lake has not.

    Attributes:
        drive: The row of `log.drive` that it has, or is to have.
        groups: The logs of each segment, the best first.
        videos: What lies beside them.
        full_ids: The dongle ids of devices that folders name by 8 characters of them.
        options: How to read them; of the memory, what one unit may take.
        parameters: The rows of the lake's `store.parameter`.
        lake: The lake.
        digest: Of the rows that it has of the drive, None if it has none.
    """

    drive: tuple[int, str, str, str]
    groups: tuple[tuple[LogFile, ...], ...]
    videos: tuple[VideoFile, ...]
    full_ids: Mapping[str, str]
    options: IngestOptions
    parameters: pa.Table
    lake: LakeFile
    digest: str | None = None

    @property
    def size_bytes(self) -> int:
        """Size on disk of the first log of each group."""
        return sum(group[0].size_bytes for group in self.groups)


def compute(unit: Unit) -> Manifest:
    """Read a drive's logs, compute its results, and write all its rows to files."""
    space = workspace()
    space.begin(unit.drive, unit.parameters)
    if unit.digest:
        _load(space, unit)
    report = IngestReport()
    logs = [log for group in unit.groups for log in group]
    run = IngestRun(
        space,
        replace(unit.options, jobs=1),
        Known(known_segments(space.connection)),
        report,
        marks=find_marks(logs),
        videos=FoundVideos(unit.videos),
    )
    run.ingest(Plan(list(unit.groups), dict(unit.full_ids)))
    if unit.digest == digest_of(space):
        return Manifest(unit.drive, unit.digest, report=report)
    if unit.digest:  # the run computes nothing anew where only paths have changed
        refresh_in_groups(space.connection, [unit.drive[0]])
    return finish(space, unit.drive, unit.lake, report)


def _load(space: Workspace, unit: Unit) -> None:
    with new_instance() as connection:
        attach_lake(connection, unit.lake)
        connection.execute("use engagement")
        space.load(connection, unit.drive[0])


def finish(
    space: Workspace, drive: tuple[int, str, str, str], lake: LakeFile, report: IngestReport
) -> Manifest:
    """Write the rows that a workspace has of a drive to files, and list them."""
    digest = digest_of(space)
    folder = lake.data / "units" / str(drive[0])
    return Manifest(drive, digest, write_files(space, folder, digest), report)
