"""Imported events of the old system, made events of a database of their own where logs are there.

An old event says its log and the time in it. The logs around it are ingested into a database that
lives as long as the review, and the event becomes one of its `events`, at its moment: a viewer then
shows it like any other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engagement.names import parse_log_path
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engagement.store.ingest_options import IngestOptions

    Row = dict[str, Any]

_MAX_IN_SEGMENT_S = 120.0  # what is later is the time since boot, as it was without controlsState
# The old times count from the first controlsState in the log.
_MARK = """
insert into result.events (drive_id, kind, mono_ns, segment_num)
select
    segment.drive_id,
    $event_type,
    round($time_s * 1e9)::bigint + case
        when $time_s > $most_s then 0
        else coalesce(arg_min(controls.mono_ns, controls.message_num), 0)
    end as mono_ns,
    segment.segment_num
from log.segment
inner join log.drive on segment.drive_id = drive.drive_id
left join log.controls_state as controls
    on segment.drive_id = controls.drive_id and segment.segment_num = controls.segment_num
where
    drive.drive = $drive
    and segment.segment_num = $segment_num
    and segment.path = $path
    and segment.start_mono_ns is not null
group by all
"""


def make_database(
    database: Path, events: Sequence[Mapping[str, Any]], logs: Path | None, options: IngestOptions
) -> tuple[list[Row], list[str]]:
    """Ingest the logs around old events, and make these events of the database.

    Args:
        database: The file to make.
        events: Rows of `legacy_debug_events`.
        logs: The folder of the devices' folders; None where the paths of the events are right.
        options: How to ingest.

    Returns:
        The rows of `events`, in their order, and the paths of logs that are not there.
    """
    found = [(event, _segment_folder(event, logs)) for event in events]
    missing = [str(event["rlog_path"]) for event, folder in found if folder is None]
    there = [(event, folder) for event, folder in found if folder is not None]
    folders = {near for _, folder in there for near in _around(folder)}
    if not there:
        return [], missing
    ingest(sorted(folders), database, options)
    with writer_lock(database), Writer(database) as writer:
        kinds = set()
        for event, folder in there:
            paths = writer.connection.execute(
                "select path from log.segment where starts_with(path, ?)", [f"{folder}/"]
            ).fetchall()
            kinds.add(event["event_type"])
            for (path,) in paths:  # an rlog, as its qlog gives way to it
                writer.connection.execute(_MARK, _values(event, path))
        writer.publish()
    with Reader(database) as reader:
        query = (
            "from events where list_contains($kinds, kind) order by dongle_id, drive, mono_ns, kind"
        )
        return reader.rows(query, {"kinds": sorted(kinds)}), missing


def _values(event: Mapping[str, Any], path: str) -> dict[str, Any]:
    return {
        "event_type": event["event_type"],
        "time_s": event["time_in_segment_s"],
        "most_s": _MAX_IN_SEGMENT_S,
        "drive": event["drive"],
        "segment_num": event["segment_num"],
        "path": path,
    }


def _segment_folder(event: Mapping[str, Any], logs: Path | None) -> Path | None:
    """The folder of an event's log, where the old path or the folder of logs has it."""
    path = Path(event["rlog_path"])
    name = parse_log_path(path)
    if name is None or (name.drive, name.segment_num) != (event["drive"], event["segment_num"]):
        return None
    folder = path.parent if logs is None else logs / path.parent.parent.name / path.parent.name
    return folder.absolute() if folder.is_dir() else None


def _around(folder: Path) -> list[Path]:
    """The folder of a segment, and those of the segments before and after it."""
    stem, _, number = folder.name.rpartition("--")
    if not number.isdecimal():
        return [folder]
    near = (folder.with_name(f"{stem}--{int(number) + step}") for step in (-1, 0, 1))
    return [one for one in near if one.is_dir()]
