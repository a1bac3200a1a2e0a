"""Types of what is asked of a database: columns, and what a query sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from engagement.errors import OtherDefinitionsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from engagement.groupings import Crossing


class Queryable(Protocol):
    """A database to read from: a `Reader`, or a `Generation` that many threads read.

    Both raise QueryError for a query that DuckDB refuses, and StoreError if the file can't be
    read; a `Generation` also refuses queries that go beyond its limits. `is_current` says whether
    its numbers are such as this program computes, `definitions` of which definitions they are.
    """

    path: Path
    definitions: int
    is_current: bool

    def rows(
        self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[dict[str, Any]]:
        """A query's rows as dicts."""

    def table(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pa.Table:
        """A query's rows as an Arrow table."""


def require_current(database: Queryable, wanted: str) -> None:
    """Refuse what would take numbers of two sets of definitions together.

    Raises:
        OtherDefinitionsError: If the database's numbers are not such as this program computes.
    """
    if not database.is_current:
        raise OtherDefinitionsError(database.path, wanted, database.definitions)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a public view: its DuckDB type, and what it means."""

    name: str
    kind: str
    comment: str


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What some views are computed over in one query.

    Attributes:
        condition: On drives; empty for all of them.
        parameters: Of the condition.
        labels: Of the events that are to be counted; None for all events, labelled or not.
        crossing: The groups that views of groups have; None for those by each dimension.
    """

    condition: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    labels: Sequence[str] | None = None
    crossing: Crossing | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """The public views of a database.

    Attributes:
        views: What each holds.
        columns: Of each, by name, in its order.
        keys: The columns that identify a row of each; if they are not known, all that could.
    """

    views: Mapping[str, str]
    columns: Mapping[str, Mapping[str, Column]]
    keys: Mapping[str, Sequence[str]]
