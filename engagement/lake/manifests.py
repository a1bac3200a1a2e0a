"""A drive's rows as files that a lake can take: one for each table, and a manifest of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import uuid4

from engagement.definitions import DEFINITIONS
from engagement.lake.workspace import ZONES
from engagement.store.ingest_options import IngestReport
from engagement.store.views import sql_hash

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.lake.workspace import Workspace

# What a drive's rows follow from: the logs that they are of, which of these count, the parameters.
_CONTENT = """
select columns(* exclude (ingested_at_utc)) from log.segment order by drive_id, segment_num
"""
_PARAMETERS = "select name, value from store.parameter order by name"


@dataclass(frozen=True, slots=True)
class RowFile:
    """The rows that a table has of a drive, as a Parquet file."""

    table: str
    path: Path
    n_rows: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A drive's rows, which nobody sees before a lake has taken them.

    Attributes:
        drive: The row of `log.drive`.
        digest: Of what the rows follow from; the same logs and definitions give the same.
        files: One for each table that has rows of it; none if the lake has these rows already.
        report: What became of its logs.
    """

    drive: tuple[int, str, str, str]
    digest: str
    files: tuple[RowFile, ...] = ()
    report: IngestReport = field(default_factory=IngestReport)

    @property
    def drive_id(self) -> int:
        """The number of the drive."""
        return self.drive[0]


def digest_of(workspace: Workspace) -> str:
    """One hash of what the rows in a workspace follow from."""
    made_of = [sql_hash(), str(DEFINITIONS)]
    for query in (_PARAMETERS, _CONTENT):
        made_of += map(repr, workspace.connection.execute(query).fetchall())
    return sha256("\n".join(made_of).encode()).hexdigest()


def write_files(workspace: Workspace, folder: Path, digest: str) -> tuple[RowFile, ...]:
    """Write the rows of each table to a file in a new folder, whose name begins with the digest.

    No file is written twice: what a killed process left belongs to no manifest.
    """
    tables = (*workspace.tables, ZONES)
    counted = " union all ".join(f"select '{table}', count(*) from {table}" for table in tables)
    counts = workspace.connection.execute(counted).fetchall()
    place = folder / f"{digest[:16]}-{uuid4().hex[:8]}"
    place.mkdir(parents=True)
    return tuple(
        _write(workspace, table, place / f"{table}.parquet", n_rows)
        for table, n_rows in counts
        if n_rows
    )


def _write(workspace: Workspace, table: str, path: Path, n_rows: int) -> RowFile:
    target = str(path).replace("'", "''")
    workspace.connection.execute(f"copy {table} to '{target}' (format parquet, compression zstd)")
    return RowFile(table, path, n_rows)


_COUNTS = (
    "n_ingested",
    "n_partial",
    "n_failed",
    "n_unchanged",
    "n_superseded",
    "n_filtered",
    "size_bytes",
    "raw_size_bytes",
    "n_new_videos",
)


def merge_report(report: IngestReport, part: IngestReport) -> None:
    """Add what the ingest of one drive did to the report of all."""
    for name in _COUNTS:
        setattr(report, name, getattr(report, name) + getattr(part, name))
    report.problems += part.problems
    report.named += part.named
    report.drives |= part.drives
    report.unknown_cars |= part.unknown_cars
