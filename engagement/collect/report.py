"""The result of collecting from a device, and the progress meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engagement.collect.faults import BusyError, GoneError, InTheWayError
from engagement.errors import RemoteError, reason_of

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True)
class DeviceReport:
    """The result of collecting from a device.

    Attributes:
        host: As the user wrote it.
        dongle_id: What the device calls itself.
        collected: Files that came.
        to_collect: Files that are still to be fetched.
        size_bytes: Of the files that came.
        n_there: Logs that were here before.
        n_old: Those of them in a folder with another name of the device.
        n_locked: Logs that are still being written.
        n_gone: Logs that the device deleted before they came.
        n_busy: Logs that another collect is fetching.
        n_retries: How often the connection was opened again.
        n_requested: Logs that the device was asked to upload.
        conflicts: Files that are here and differ, each with how.
        failed: Logs that could not be fetched, each with the reason.
        notes: Remarks for the user.
        problem: Why it ended early, if it did.
        duration_s: How long it took.
    """

    host: str
    dongle_id: str | None = None
    collected: list[Path] = field(default_factory=list)
    to_collect: list[Path] = field(default_factory=list)
    size_bytes: int = 0
    n_there: int = 0
    n_old: int = 0
    n_locked: int = 0
    n_gone: int = 0
    n_busy: int = 0
    n_retries: int = 0
    n_requested: int = 0
    conflicts: list[tuple[Path, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problem: str | None = None
    duration_s: float = 0.0

    def add_lost(self, name: str, target: Path, error: RemoteError | OSError) -> None:
        """Report why a log did not come; `target` is its place here."""
        if isinstance(error, GoneError):
            self.n_gone += 1
        elif isinstance(error, BusyError):
            self.n_busy += 1
        elif isinstance(error, InTheWayError):
            self.conflicts.append((target, error.problem))
        else:
            self.failed.append((name, problem_of(error)))

    @property
    def is_good(self) -> bool:
        """Whether all that was wanted and could be had is here."""
        return not (self.problem or self.failed or self.conflicts)


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a device, in bytes as on the device; `file` is being fetched."""

    host: str
    file: str
    n_done: int
    n_total: int
    done_bytes: int
    total_bytes: int


def problem_of(error: RemoteError | OSError) -> str:
    """What went wrong, there or on this system, without where."""
    if isinstance(error, RemoteError):
        return error.problem
    return reason_of(error).lower()
