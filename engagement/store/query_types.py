"""Types of what is asked of a database: limits, columns, and what a query sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from engagement.errors import OtherDefinitionsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa


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
class Limits:
    """Limits of one query, and of all queries together.

    Attributes:
        memory_limit: Of all queries, in DuckDB's notation.
        n_threads: Of one query; one is the fastest if many queries run at once.
        time_limit_s: Of one query; in a server, of all queries of a request together.
        result_bytes: Of one query's rows, as Arrow has them.
    """

    memory_limit: str = "512MB"
    n_threads: int = 1
    time_limit_s: float = 10.0
    result_bytes: int = 256 << 20


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
        condition: On drives.
        parameters: Of the condition.
        labels: Of the events that are to be counted; None for all events, labelled or not.
    """

    condition: str
    parameters: Mapping[str, Any]
    labels: Sequence[str] | None = None


# What each public view holds, and its columns by name, in its order.
Described = tuple[dict[str, str], dict[str, dict[str, Column]]]
