"""Bookmarks that a server knows, where the logs have none: see `engagement.server_marks`.

They are rows of `log.bookmark` with a negative message_num, so that they go where the rows of their
segment go, and are written again after each ingest that replaces these.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engagement.errors import ConfigError
from engagement.server_marks import marks_name, read_marks
from engagement.store.segments import stored_path

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb

    from engagement.logs.find import LogFile
    from engagement.server_marks import Marks

_NOTHING_IN_LOG = """
not exists (
    from log.bookmark
    where drive_id = $drive_id and segment_num = {segment_num} and message_num >= 0
)
"""
_WANTED = f"""
with

told as (
    select segment.segment_num, told.mono_ns
    from (select unnest($segments) as segment_num, unnest($times)::bigint as mono_ns) as told
    inner join log.segment
        on segment.drive_id = $drive_id and told.segment_num = segment.segment_num
    where
        told.mono_ns between
            coalesce(segment.start_mono_ns, told.mono_ns)
            and coalesce(segment.end_mono_ns, told.mono_ns)
        and {_NOTHING_IN_LOG.format(segment_num="told.segment_num")}
),

preserved as (
    select segment_num, start_mono_ns as mono_ns
    from log.segment
    where
        $is_preserved
        and drive_id = $drive_id
        and start_mono_ns is not null
        and not exists (from told)
        and not exists (from log.bookmark where drive_id = $drive_id and message_num >= 0)
    order by segment_num
    limit 1
)

select segment_num, -1::integer as message_num, mono_ns, 'server' as source from told
union
select segment_num, -1::integer as message_num, mono_ns, 'preserved' as source from preserved
order by all
"""
_STORED = """
select segment_num, message_num, mono_ns, source
from log.bookmark
where drive_id = ? and message_num < 0
order by all
"""


@dataclass(slots=True)
class FoundMarks:
    """The files of servers beside some logs.

    Attributes:
        by_logs: What each says, and the stored paths of the logs that it is beside.
        problems: Files that can't be used, each with why.
    """

    by_logs: list[tuple[Marks, list[str]]] = field(default_factory=list)
    problems: list[tuple[Path, str]] = field(default_factory=list)

    def changes(self, connection: duckdb.DuckDBPyConnection) -> dict[int, list[tuple[object, ...]]]:
        """The rows, by drive, of drives whose rows in the database are others."""
        found = {}
        for marks, paths in self.by_logs:
            drives = connection.execute(
                "select distinct drive_id from log.segment"
                " where drive_id > 0 and list_contains(?, path)",
                [paths],
            ).fetchall()
            for (drive_id,) in drives:
                wanted = connection.execute(_WANTED, _values(drive_id, marks)).fetchall()
                if connection.execute(_STORED, [drive_id]).fetchall() != wanted:
                    found[drive_id] = wanted
        return found

    def write(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Bring the database up to date; whether that changes anything."""
        changes = self.changes(connection)
        for drive_id, rows in changes.items():
            connection.execute(
                "delete from log.bookmark where drive_id = ? and message_num < 0", [drive_id]
            )
            for segment_num, message_num, mono_ns, source in rows:
                connection.execute(
                    "insert into log.bookmark (drive_id, segment_num, message_num, mono_ns, source)"
                    " values (?, ?, ?, ?, ?)",
                    [drive_id, segment_num, message_num, mono_ns, source],
                )
        return bool(changes)


def find_marks(logs: Iterable[LogFile]) -> FoundMarks:
    """Find and read the files of servers beside logs that lie as `collect` lays them."""
    found = FoundMarks()
    for file, beside in marks_files(logs).items():
        try:
            marks = read_marks(file)
        except ConfigError as error:
            found.problems.append((file, error.problem))
        else:
            if marks:
                found.by_logs.append((marks, [stored_path(path) for path in beside]))
    return found


def marks_files(logs: Iterable[LogFile]) -> dict[Path, list[Path]]:
    """The files of servers beside some logs, each with those of them that it is beside."""
    found: dict[Path, list[Path]] = {}
    names: dict[Path, frozenset[str]] = {}
    for log in logs:
        if log.name.drive is None:
            continue
        folder, name = log.path.parent.parent, marks_name(log.name.drive)
        if folder not in names:
            names[folder] = _names_in(folder)
        if name in names[folder]:
            found.setdefault(folder / name, []).append(log.path)
    return found


def _names_in(folder: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 - names alone
    except OSError:
        return frozenset()


def _values(drive_id: int, marks: Marks) -> dict[str, object]:
    return {
        "drive_id": drive_id,
        "segments": [one.segment_num for one in marks.bookmarks],
        "times": [one.mono_ns for one in marks.bookmarks],
        "is_preserved": marks.is_preserved,
    }
