"""One published generation, for the threads of a server.

No query can write, read another file, take more memory than the limit, or run longer than its time
limit.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import pyarrow as pa

from engagement.errors import (
    NotFoundError,
    QueryError,
    QueryTimeoutError,
    QueryTooLargeError,
    StoreOutdatedError,
)
from engagement.store.cache import Cache
from engagement.store.limits import (
    Limits,
    Sizes,
    interrupt_all,
    interrupted_after,
    query_deadline,
)
from engagement.store.query_types import Column, Described, Narrowing, require_current
from engagement.store.reader import Reader, hidden_by_labels, unusable
from engagement.store.views import public_views, sql_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from engagement.store.spare import Spare

_BATCH_ROWS = 16_384
_FIRST_ROWS_BYTES = 1 << 20
_VIEW_READS = 3  # about as many as take the time of a copy
_TOO_SLOW_READS = 1000  # before a copy that took too long is tried again
_UNREADABLE = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException)

_Value = TypeVar("_Value")


class Generation:
    """One published state of the database; every query is on a cursor of its own.

    It has the `rows` and `table` of `Queryable`. Which drives a query sees is an argument of the
    query: what `Reader.narrow` does would change the answers of all threads.

    Attributes:
        path: The database.
        limits: Of the queries.
        number: Counts the publications of this database.
        published_at_utc: When it was published, with its time zone.

    Args:
        path: The database.
        limits: Of its queries.
        across: What is cached of this database from one generation to the next.
        spare: Has an instance ready for it.

    Raises:
        StoreError: If the file can't be used; see `Reader`.
    """

    def __init__(
        self, path: Path, limits: Limits, across: Cache | None = None, spare: Spare | None = None
    ) -> None:
        self._reader = Reader(
            path, connection=spare.take() if spare else None, settings=_settings(limits)
        )
        self.path = path
        self.limits = limits
        self._across = across or Cache()
        self._sql_hash = sql_hash()  # replaced by the database's own below
        self._cache = Cache()
        self._n_read: Counter[str] = Counter()
        try:
            self._reader.connection.execute("set lock_configuration = true")
            [state] = self.rows("from store.state")
        except duckdb.Error as error:
            self.close()
            raise unusable(path, error) from error
        except BaseException:
            self.close()
            raise
        self._sql_hash = state["sql_hash"]
        self.definitions = self._reader.definitions
        self.is_current = self._reader.is_current
        self.number: int = state["generation"]
        self.published_at_utc: datetime = state["published_at_utc"].replace(tzinfo=UTC)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def end(self) -> None:
        """Interrupt the queries that run, and refuse others."""
        interrupt_all(self)

    def table(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pa.Table:
        """A query's rows as an Arrow table.

        Raises:
            QueryError: If DuckDB refuses the query.
            QueryTimeoutError: If it takes longer than the limit.
            QueryTooLargeError: If it or its rows take more memory than the limit.
            StoreError: If the file can't be read.
        """
        with self.batches(query, parameters) as batches:
            schema, n_bytes, found = batches.schema, 0, []
            for batch in batches:
                n_bytes += batch.nbytes
                if n_bytes > self.limits.result_bytes:
                    raise QueryTooLargeError(f"more than {self.limits.result_bytes} bytes of rows")
                found.append(batch)
        return pa.Table.from_batches(found, schema)

    def rows(
        self,
        query: str,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
        *,
        narrowing: Narrowing | None = None,
    ) -> list[dict[str, Any]]:
        """A query's rows as dicts; for few rows this takes half as long as a table.

        Args:
            query: Over the public views.
            parameters: Of the query.
            narrowing: What `drives` and others, and every view that reads them, see.

        Raises:
            QueryError: And the others, as `table` does.
        """
        found: list[tuple[Any, ...]] = []
        n_bytes = 0
        with self._running(self.limits.time_limit_s, narrowing) as cursor:
            # `sql` plans a query twice, once to tell the types of its columns.
            cursor.execute(query, parameters or None)
            columns = cursor.description or []
            names = [column[0] for column in columns]
            sizes = Sizes([str(column[1]) for column in columns])
            while batch := cursor.fetchmany(_BATCH_ROWS):
                found += batch
                n_bytes += sizes.sum_bytes(batch)
                if n_bytes > self.limits.result_bytes:
                    raise QueryTooLargeError(f"more than {self.limits.result_bytes} bytes of rows")
        return [dict(zip(names, row, strict=True)) for row in found]

    def first_rows(self, query: str, n_rows: int) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The columns and the first rows of a user's query, which may be one that only reads.

        Raises:
            QueryError: If it is anything else; and the others, as `table` does.
        """
        with self._running(self.limits.time_limit_s) as cursor:
            _require_select(cursor, query)
            cursor.execute(query)
            columns = cursor.description or []
            found = cursor.fetchmany(n_rows)
            sizes = Sizes([str(column[1]) for column in columns])
            if sizes.sum_bytes(found) > _FIRST_ROWS_BYTES:
                raise QueryTooLargeError(f"more than {_FIRST_ROWS_BYTES} bytes of rows")
        return [column[0] for column in columns], found

    @contextmanager
    def batches(
        self,
        query: str,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
        *,
        narrowing: Narrowing | None = None,
        time_limit_s: float | None = None,
    ) -> Iterator[pa.RecordBatchReader]:
        """A query's rows in batches; the time limit is for the whole context."""
        with self._running(time_limit_s or self.limits.time_limit_s, narrowing) as cursor:
            relation = cursor.sql(query, params=parameters or None)
            if relation is None:
                raise QueryError("there is no query in it")
            yield relation.to_arrow_reader(_BATCH_ROWS)

    @contextmanager
    def _running(
        self, limit_s: float, narrowing: Narrowing | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for one query; every error of it is raised as one of `engagement.errors`."""
        hiding = self._hiding(narrowing) if narrowing else []
        deadline = query_deadline(limit_s)
        with self._cursor() as cursor, interrupted_after(cursor, deadline.left_s, self) as is_late:
            try:
                for view, rows, parameters in hiding:
                    cursor.execute(f"create temp table {view} as {rows}", parameters)
                yield cursor
            except duckdb.OutOfMemoryException as error:
                raise QueryTooLargeError("more memory than there is for it") from error
            except _UNREADABLE as error:
                raise unusable(self.path, error) from error
            except (duckdb.BinderException, duckdb.CatalogException) as error:
                # Our query is wrong, or the views are those of another version of engagement.
                if self._sql_hash != sql_hash():
                    raise StoreOutdatedError(self.path) from error
                raise QueryError(str(error)) from error
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                # An error after the first batch is raised by Arrow, as one of its own.
                if is_late.is_set():
                    raise QueryTimeoutError(deadline.limit_s) from error
                if "Out of Memory" in str(error):
                    raise QueryTooLargeError("more memory than there is for it") from error
                raise QueryError(str(error)) from error

    def _hiding(self, narrowing: Narrowing) -> list[tuple[str, str, dict[str, Any]]]:
        """The temporary tables that hide the views of their names until the cursor's end.

        Each has the rows of a query and its parameters; later ones may read those before.
        """
        found: list[tuple[str, str, dict[str, Any]]] = []
        if narrowing.condition:
            kept = f"select * from {self.in_memory('drives')} where {narrowing.condition}"
            found.append(("drives", kept, dict(narrowing.parameters)))
        if narrowing.labels is not None:
            require_current(self, "count by label")
            found += hidden_by_labels(narrowing.labels)
        if narrowing.crossing is not None:
            require_current(self, "group by two dimensions")
            found.append(("part_groups", narrowing.crossing.cells, {}))
        return found

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._reader.connection.cursor()
        try:
            cursor.execute(self._reader.to_find_views)
            yield cursor
        finally:
            cursor.close()

    def cached(self, key: object, make: Callable[[], _Value]) -> _Value:
        """The value of `make`, computed once in this generation's life."""
        return self._cache.get(key, make)

    def cached_across(self, key: object, make: Callable[[], _Value]) -> _Value:
        """The value of `make`, computed once for all generations of this database."""
        return self._across.get(key, make)

    def in_memory(self, view: str) -> str:
        """The name of an in-memory copy of a public view: for views that take long to compute.

        It is the view's own name where there is not enough memory for a copy.

        Raises:
            NotFoundError: If there is no such view.
        """
        if view not in self.views():
            raise NotFoundError("view", view, self.views())

        def copy() -> str:
            name = f'memory.main."{view}"'
            try:
                # An interrupted copy may be there already.
                self.table(f"create or replace table {name} as select * from {_own(view)}")
            except QueryTooLargeError:
                return _own(view)
            return name

        return self.cached(("in memory", view), copy)

    def quickest(self, view: str) -> str:
        """What to read a few rows of a view from: its copy, which pays after several reads."""
        self._n_read[view] += 1
        if self._n_read[view] > _VIEW_READS:
            try:
                return self.in_memory(view)
            except QueryTimeoutError:
                self._n_read[view] = -_TOO_SLOW_READS
        return self._cache.peek(("in memory", view), _own(view))

    def views(self) -> Mapping[str, str]:
        """The public views and what each holds."""
        return self.described().views

    def columns(self, view: str) -> Mapping[str, Column]:
        """The columns of a public view by name, in its order.

        Raises:
            NotFoundError: If there is no such view.
        """
        described = self.described()
        if view not in described.views:
            raise NotFoundError("view", view, described.views)
        return described.columns[view]

    def described(self) -> Described:
        """Views and columns; the same in all generations with the same views."""
        return self.cached_across(("described", self._sql_hash), self._describe)

    def _describe(self) -> Described:
        columns = self._columns()
        keys = {view: _key(view, of_view) for view, of_view in columns.items()}
        return Described(self._reader.views(), columns, keys)

    def _columns(self) -> dict[str, dict[str, Column]]:
        found: dict[str, dict[str, Column]] = {}
        for row in self.rows(
            "select table_name, column_name, data_type, comment from duckdb_columns() "
            "where database_name = 'engagement' and schema_name = 'main' "
            "order by table_name, column_index"
        ):
            name = row["column_name"]
            column = Column(name, row["data_type"], row["comment"] or "")
            found.setdefault(row["table_name"], {})[name] = column
        return found


def _require_select(cursor: duckdb.DuckDBPyConnection, query: str) -> None:
    """Refuse what is not one query: it could change the copies in memory that others read.

    Raises:
        QueryError: If it is none, or several.
    """
    kinds = [statement.type for statement in cursor.extract_statements(query)]
    if kinds != [duckdb.StatementType.SELECT]:
        raise QueryError("only one statement that reads is run: select, from, show or describe")


def _settings(limits: Limits) -> dict[str, str]:
    """Limits for all queries of an instance; it writes nothing to disk."""
    return {
        "memory_limit": f"'{limits.memory_limit}'",
        "threads": str(limits.n_threads),
        "temp_directory": "''",
    }


def _own(view: str) -> str:
    """The full name of a view, which no temporary table of that name hides."""
    return f'engagement.main."{view}"'


def _key(view: str, columns: Mapping[str, Column]) -> Sequence[str]:
    """The columns that identify a row; if they are not known, all that could."""
    named = public_views()[view].key if view in public_views() else ()
    if named and all(name in columns for name in named):
        return named
    return [name for name, column in columns.items() if column.kind != "DOUBLE"]
