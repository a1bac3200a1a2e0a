"""`engagement.open`: the views of a database for Python, read-only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from engagement.errors import NotFoundError
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    import duckdb
    import pyarrow as pa

    Parameters = Sequence[Any] | Mapping[str, Any]


class Database:
    """An open database: one generation, that stays as it is until `close` whoever writes meanwhile.

    No query can write, or read another file. Use it as a context manager, or close it.

    Attributes:
        path: The file.
        definitions: The number of the definitions that its results follow.
    """

    def __init__(self, path: Path) -> None:
        self._reader = Reader(path)
        self.path = path
        self.definitions = self._reader.definitions

    def views(self) -> dict[str, str]:
        """The public views by name, and what each holds."""
        return self._reader.views()

    def columns(self, view: str) -> dict[str, str]:
        """The columns of a view by name, and what each means.

        Raises:
            NotFoundError: If there is no such view.
        """
        return self._reader.comments(view)

    def view(self, name: str) -> duckdb.DuckDBPyRelation:
        """A view as a relation, which reads nothing yet.

        Its `filter`, `project`, `order` narrow it; `to_arrow_table()`, `pl()` and `df()` read it as
        an Arrow table, a polars or a pandas data frame.

        Raises:
            NotFoundError: If there is no such view.
        """
        if name not in self.views():
            raise NotFoundError("view", name, self.views())
        return self._reader.connection.view(f"engagement.main.{name}")

    def sql(self, query: str, parameters: Parameters = ()) -> duckdb.DuckDBPyRelation:
        """A query over the views as a relation; `?` and `$name` in it are the parameters.

        Raises:
            duckdb.Error: If DuckDB refuses the query.
        """
        return self._reader.connection.sql(query, params=parameters or None)

    def table(self, query: str, parameters: Parameters = ()) -> pa.Table:
        """A query's rows as an Arrow table.

        Raises:
            QueryError: If DuckDB refuses the query.
            StoreError: If the file can't be read.
        """
        return self._reader.table(query, parameters)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_database(path: str | PathLike[str] = "engagement.duckdb") -> Database:
    """Open a database for reading.

    Raises:
        StoreMissingError: If there is none.
        StoreError: If it can't be read, or a newer engagement made it.
    """
    return Database(Path(path))
