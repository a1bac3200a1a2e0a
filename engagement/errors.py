"""Every error a user can meet, in one tree: facts in, message out.

    EngagementError              exit 1
    ├─ InputError                exit 2   a wrong name, option or file of settings
    │  └─ ConfigError            exit 2   a configuration file that does not hold
    ├─ LogError                  exit 3   a log that can't be read
    ├─ StoreError                exit 4   the database can't be used
    │  ├─ StoreBusyError         exit 4   another process writes to it
    │  │  └─ StoreLockedError    exit 4   another program has it open for writing
    │  ├─ StoreMissingError      exit 4   there is no database yet
    │  ├─ StoreVersionError      exit 4   made by another version of engagement
    │  ├─ StoreOutdatedError     exit 4   its views were
    │  ├─ OtherDefinitionsError  exit 4   its numbers are of other definitions, where they can't be
    │  ├─ LakeExtraError         exit 2   what reads and writes lakes is not installed
    │  └─ ViewError              exit 4   a view that does not load
    ├─ QueryError                exit 2   a query that DuckDB refuses
    │  ├─ QueryTimeoutError      exit 2   one that takes longer than it may
    │  └─ QueryTooLargeError     exit 2   one that takes more memory than it may
    ├─ VideoError                exit 1   a video that is gone, or can't be read
    │  └─ VideoExtraError        exit 2   what reads videos is not installed
    ├─ ServerBusyError           exit 1   a server that has enough to do
    └─ NotFoundError             exit 1   no such device, drive, view or column

A message says what, which one and what to do; it starts in lower case and has no full stop.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

from engagement.definitions import other_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class EngagementError(Exception):
    """Base of all: `str()` of it is the whole message for the user."""

    exit_code: ClassVar[int] = 1

    def __reduce__(self) -> tuple[object, ...]:
        # Pickle would call __init__ with the message, but it takes the facts.
        return _unpickled, (type(self), self.args, self.__dict__)


def _unpickled(
    kind: type[EngagementError], args: tuple[object, ...], facts: dict[str, object]
) -> EngagementError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


class InputError(EngagementError):
    """Something the user typed or wrote is wrong."""

    exit_code = 2


class ConfigError(InputError):
    """A configuration file, DBC or schema that does not hold; `where` narrows it down."""

    def __init__(self, path: Path | str, problem: str, *, where: str = "") -> None:
        super().__init__(f"{path}: {where + ': ' if where else ''}{problem}")
        self.path = path
        self.problem = problem
        self.where = where


class LogError(EngagementError):
    """A log that can't be read."""

    exit_code = 3

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class StoreError(EngagementError):
    """The database can't be used."""

    exit_code = 4


class StoreBusyError(StoreError):
    """Another process holds the writer's lock."""

    def __init__(self, path: Path | str, holder: str) -> None:
        super().__init__(
            f"{path}: {holder} is writing to this database; wait for it to end, then try again"
        )
        self.path = path
        self.holder = holder


class StoreLockedError(StoreBusyError):
    """Another program than this one has the database open for writing, as DuckDB's own shell."""

    def __init__(self, path: Path | str, holder: str) -> None:
        super().__init__(path, holder)
        message = (
            f"{path}: {holder} has it open for writing, and DuckDB lets nobody else in meanwhile; "
            "the database is sound: close it there, or open it there for reading "
            f"(`duckdb -readonly {path}`), then try again"
        )
        self.args = (message,)


class StoreMissingError(StoreError):
    """There is no database at the path."""

    def __init__(self, path: Path | str) -> None:
        make = "lake init" if str(path).endswith(".toml") else "ingest FOLDER"
        super().__init__(
            f"{path}: there is no such database; make it with `engagement {make}`, "
            "or name another with --db"
        )
        self.path = path


class StoreVersionError(StoreError):
    """The database was made by an older or a newer engagement."""

    def __init__(self, path: Path | str, found: int, wanted: int) -> None:
        remedy = (
            "bring it up to date with `engagement recompute`"
            if found < wanted
            else "update engagement"
        )
        super().__init__(f"{path}: the database is at version {found}, this is {wanted}; {remedy}")
        self.path = path
        self.found = found
        self.wanted = wanted


class StoreOutdatedError(StoreError):
    """The tables are as they should be, but the views over them are another engagement's."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(
            f"{path}: its views were made by another engagement; "
            "bring them up to date with `engagement recompute`"
        )
        self.path = path


class OtherDefinitionsError(StoreError):
    """Numbers of other definitions than this program's, where only its own will do."""

    def __init__(self, path: Path | str, refused: str, found: int) -> None:
        super().__init__(f"{path}: no {refused}, as {other_numbers(found)}")
        self.path = path
        self.refused = refused
        self.found = found


class ViewError(StoreError):
    """A file of sql/ or migrations/ that DuckDB refuses."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name
        self.problem = problem


class LakeExtraError(StoreError):
    """DuckDB's extensions for lakes are not installed, or are for another version of it."""

    exit_code = 2

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}; a lake needs `pip install 'engagement[fleet]'`")
        self.problem = problem


class QueryError(EngagementError):
    """A query that DuckDB refuses; the message is DuckDB's own."""

    exit_code = 2


class QueryTimeoutError(QueryError):
    """A query that was stopped because its time was up."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"it took longer than {limit_s:g} s; ask for less at a time")
        self.limit_s = limit_s


class QueryTooLargeError(QueryError):
    """A query that was stopped because of the memory that it or its rows take."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"it takes {problem}; ask for less at a time")
        self.problem = problem


class VideoError(EngagementError):
    """A video that can't be shown; of its path only the file's name is told."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file = file
        self.problem = problem


class VideoExtraError(VideoError):
    """PyAV is not installed."""

    exit_code = 2

    def __init__(self) -> None:
        super().__init__("video", "this needs PyAV: `pip install 'engagement[video]'`")


class ServerBusyError(EngagementError):
    """A server that does as much as it may already."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}; try again in a moment")
        self.problem = problem


class NotFoundError(EngagementError):
    """No such device, drive, view or column; suggests the nearest of `known`."""

    def __init__(self, kind: str, name: str, known: Iterable[str] = ()) -> None:
        super().__init__(f"no {kind} {name!r}{suggestion(name, known)}")
        self.kind = kind
        self.name = name


class RemoteError(EngagementError):
    """Something failed on another machine, or on the way to it."""

    def __init__(self, host: str, problem: str) -> None:
        super().__init__(f"{host}: {problem}")
        self.host = host
        self.problem = problem


class ConnectionLostError(RemoteError):
    """No answer, or no more: the same may work in a moment."""


class HostKeyError(RemoteError):
    """The key of a host is unknown, revoked or not the one that it had."""


def reason_of(error: OSError) -> str:
    """What the system says went wrong, without the file."""
    return error.strerror or str(error)


def suggestion(name: str, known: Iterable[str]) -> str:
    """The tail of a message: the nearest known name in any case, else the first few names."""
    names = sorted(set(known))
    by_letters = {one.casefold(): one for one in reversed(names)}
    near = difflib.get_close_matches(name.casefold(), by_letters, n=1)
    if near:
        return f"; did you mean {by_letters[near[0]]!r}?"
    if names:
        shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")  # noqa: PLR2004
        return f"; there is {shown}"
    return ""
