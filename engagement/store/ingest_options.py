"""How logs are ingested, and the report of what an ingest did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engagement.filters import Selection
from engagement.store.memory import DEFAULT_MEMORY_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.extract.segment import ReadOptions


@dataclass(frozen=True, slots=True)
class Problem:
    """A log that is damaged or could not be read."""

    path: str
    status: str
    problem: str


@dataclass(slots=True)
class IngestReport:
    """What an ingest did; counts are of logs, but of segments where rows were written.

    `not_taken` are files in folders that look like logs, but are not named like one. `named` are
    logs whose path names no drive, each with the route name that it was given.
    `n_failed_before` of the unchanged ones could not be read when they were first ingested.
    `n_recomputed` drives were computed anew as their numbers were of older definitions, those of
    `definitions_before`. Where an older engagement made the file (`has_older_tables`),
    `n_read_again` segments were read again, unchanged. `unknown_cars` are fingerprints whose DBC
    was looked for and not found. `has_news`: what lies beside the logs, as bookmarks of a server,
    is other than the database knew.
    """

    n_ingested: int = 0
    n_partial: int = 0
    n_failed: int = 0
    n_unchanged: int = 0
    n_superseded: int = 0
    n_filtered: int = 0
    n_failed_before: int = 0
    size_bytes: int = 0
    raw_size_bytes: int = 0
    duration_s: float = 0.0
    drives: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    not_taken: list[str] = field(default_factory=list)
    to_read: list[str] = field(default_factory=list)
    named: list[tuple[str, str]] = field(default_factory=list)
    unknown_cars: set[str] = field(default_factory=set)
    n_recomputed: int = 0
    definitions_before: int | None = None
    has_older_tables: bool = False
    n_read_again: int = 0
    has_news: bool = False
    n_videos: int = 0
    n_new_videos: int = 0

    @property
    def has_failures(self) -> bool:
        """Whether a log could not be read, or a path is not there."""
        return bool(self.n_failed or self.missing)

    def fail(self, path: Path, problem: str) -> None:
        """Count a log of which nothing could be read."""
        self.n_failed += 1
        self.problems.append(Problem(str(path), "failed", problem))

    def damage(self, path: Path, problem: str) -> None:
        """Count a log of which only a part could be read."""
        self.n_partial += 1
        self.problems.append(Problem(str(path), "partial", problem))


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How to ingest; `read` says how logs are decoded.

    `memory_bytes` are for all processes together, `jobs` of which decode (0: one a core).
    """

    read: ReadOptions
    selection: Selection = field(default_factory=Selection)
    reprocess: bool = False
    jobs: int = 0
    memory_bytes: int = DEFAULT_MEMORY_BYTES
    dry_run: bool = False
    parameters_file: Path | None = None
