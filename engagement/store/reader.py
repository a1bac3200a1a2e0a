"""Read-only access to the newest published generation.

Each reader is a DuckDB instance of its own in memory with the file attached read-only: in one
process a second `connect` to a path would give the generation that is already open.
"""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

import duckdb
import pyarrow as pa

from engagement.definitions import DEFINITIONS, OtherDefinitionsWarning
from engagement.errors import (
    NotFoundError,
    QueryError,
    QueryTimeoutError,
    StoreError,
    StoreLockedError,
    StoreVersionError,
)
from engagement.store.database_path import existing_database, foreign_format
from engagement.store.lake_file import attach_lake, names_lake, read_lake_file
from engagement.store.limits import interrupted_after
from engagement.store.older import show_older
from engagement.store.query_types import require_current
from engagement.store.schema import (
    latest_version,
    quoted,
    said_of_columns,
    stored_definitions,
    stored_version,
)
from engagement.store.views import public_views

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from engagement.groupings import Crossing

_BATCH_ROWS = 65_536

# How DuckDB says that another process has a file open for writing; who, not on every system.
_LOCKED = "Could not set lock on file"
_HOLDER = re.compile(r"held in (.*?) ?\(PID (\d+)\)")

# The view `event_counts`, of the events that have one of $labels; an intervention has those of its
# inputs.
LABELLED_COUNTS = """
with labelled as (
    select drive_id, dongle_id, drive, event_kind as kind, mono_ns
    from engagement.main.event_labels
    where list_contains($labels, label)
),

moments as (
    select *, kind as event_kind, mono_ns as event_mono_ns from labelled
    union
    select labelled.*, interventions.event_kind, interventions.event_mono_ns
    from labelled
    inner join engagement.result.intervention_inputs as inputs
        on labelled.drive_id = inputs.drive_id
        and labelled.kind = inputs.kind
        and labelled.mono_ns = inputs.event_mono_ns
    inner join engagement.result.interventions as interventions
        on inputs.drive_id = interventions.drive_id
        and inputs.intervention_num = interventions.intervention_num
)

select
    counted.drive_id,
    moments.dongle_id,
    moments.drive,
    counted.part_num,
    counted.mode,
    counted.speed_band,
    counted.event,
    count(distinct (counted.kind, counted.mono_ns))::bigint as n_events
from engagement.staging.counted_events as counted
inner join moments
    on counted.drive_id = moments.drive_id
    and counted.kind = moments.event_kind
    and counted.mono_ns = moments.event_mono_ns
where
    counted.event in ('intervention', 'unplanned_intervention')
    or (moments.kind = moments.event_kind and moments.mono_ns = moments.event_mono_ns)
group by all
"""

# These are of all events, and nobody labels those of the old system.
_UNLABELLED = ("event_totals", "legacy_counts")


def hidden_by_labels(labels: Sequence[str]) -> list[tuple[str, str, dict[str, Any]]]:
    """The views that are others where only events with these labels count: query and parameters."""
    counted = "event_counts", LABELLED_COUNTS, {"labels": list(labels)}
    empty = "select * from engagement.main.{} limit 0"
    return [counted, *((view, empty.format(view), {}) for view in _UNLABELLED)]


def new_instance() -> duckdb.DuckDBPyConnection:
    """An empty DuckDB instance in memory that loads no extension by itself."""
    return duckdb.connect(
        config={"autoload_known_extensions": False, "autoinstall_known_extensions": False}
    )


class Reader:
    """An open generation; queries see it unchanged until `close`.

    A database may be a stranger's, so before the first query nothing but its file can be read any
    more: no other file, no extension, no service, whatever its views say.

    `any_version` is for the writer, which updates an older database itself; `connection` is one of
    `new_instance`, if the caller has made one before; `settings` are for it, in SQL.

    `definitions` are those of its results; `is_current` if they and the tables are this program's,
    else that is warned of. A file of older tables is shown as `store.older` says; a lake of them
    is refused.
    `to_find_views` is what a cursor executes to find the views by their names alone.

    Raises:
        StoreMissingError: If there is no database.
        StoreVersionError: If a newer engagement made it, or none.
        StoreError: If DuckDB can't read it.
    """

    def __init__(
        self,
        path: Path,
        *,
        any_version: bool = False,
        connection: duckdb.DuckDBPyConnection | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        real = existing_database(path)
        self.path = path
        self.is_lake = names_lake(path)
        self.connection = connection or new_instance()
        self.to_find_views = _search("engagement.main")
        try:
            self._open(real, settings or {}, any_version=any_version)
        except duckdb.Error as error:
            self.connection.close()
            raise unusable(path, error) from error
        except BaseException:
            self.connection.close()
            raise
        if not self.is_current and not any_version:
            warnings.warn(OtherDefinitionsWarning(path, self.definitions), stacklevel=2)

    def _open(self, real: Path, settings: Mapping[str, str], *, any_version: bool) -> None:
        file = quoted(str(real))
        if self.is_lake:
            lake = read_lake_file(self.path)
            attach_lake(self.connection, lake)
            allowed = {"allowed_directories": f"[{quoted(str(lake.data))}]"}
        else:
            self._attach(real)
            # An older file is attached once more, under another name.
            allowed = {"allowed_paths": f"[{file}]"}
        for name, value in {**settings, **allowed, "enable_external_access": "false"}.items():
            self.connection.execute(f"set {name} = {value}")
        self.connection.execute(self.to_find_views)
        found = stored_version(self.connection)
        definitions = stored_definitions(self.connection)
        self.definitions = definitions or DEFINITIONS
        self.is_current = found == latest_version() and self.definitions == DEFINITIONS
        if found == latest_version() or any_version:
            return
        if found > latest_version() or definitions is None or self.is_lake:
            raise StoreVersionError(self.path, found, latest_version())
        self.to_find_views = _search(show_older(self.connection, file))
        self.connection.execute(self.to_find_views)
        self.definitions = stored_definitions(self.connection) or DEFINITIONS

    def _attach(self, real: Path) -> None:
        """Attach the newest generation.

        One that was replaced between the search for its name and DuckDB's lock on it may be in the
        hands of the next writer by then.
        """
        file = quoted(str(real))
        while True:
            inode = real.stat().st_ino
            try:
                self.connection.execute(f"attach {file} as engagement (read_only, type duckdb)")
            except duckdb.IOException as error:
                if _LOCKED not in str(error) or real.stat().st_ino == inode:
                    raise
            else:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def table(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pa.Table:
        """A query's rows as an Arrow table.

        Raises:
            QueryError: If DuckDB refuses the query.
            StoreError: If the file can't be read.
        """
        with self._translating():
            relation = self.connection.sql(query, params=parameters or None)
            if relation is None:
                raise QueryError("there is no query in it")
            # Ctrl-C reaches a batch reader, but not `to_arrow_table`.
            table: pa.Table = relation.to_arrow_reader(_BATCH_ROWS).read_all()
        return table

    @contextmanager
    def _translating(self) -> Iterator[None]:
        """Tell what is wrong with the file from what is wrong with a query."""
        try:
            yield
        except (duckdb.IOException, duckdb.FatalException, duckdb.InternalException) as error:
            raise unusable(self.path, error) from error
        except duckdb.Error as error:
            raise QueryError(str(error)) from error

    @contextmanager
    def limited(self, limit_s: float) -> Iterator[None]:
        """Stop what is read within when it takes longer than so many seconds.

        Raises:
            QueryTimeoutError: If it does.
        """
        with interrupted_after(self.connection, limit_s, self) as is_late:
            try:
                yield
            except (QueryError, duckdb.Error, pa.ArrowException, OSError, RuntimeError):
                if is_late.is_set():  # DuckDB's error would look like a Ctrl-C
                    raise QueryTimeoutError(limit_s) from None
                raise

    def ends(self, query: str, n_rows: int) -> tuple[pa.Table, int]:
        """The first and the last rows of a query, up to so many of each, and how many it has.

        No more of them are in memory at a time than some batches.

        Raises:
            QueryError: If DuckDB refuses the query.
            StoreError: If the file can't be read.
        """
        with self._translating():
            relation = self.connection.sql(query)
            if relation is None:
                raise QueryError("there is no query in it")
            reader = relation.to_arrow_reader(_BATCH_ROWS)
            first = last = reader.schema.empty_table()
            n_found = 0
            for batch in reader:
                table = pa.Table.from_batches([batch])
                n_found += table.num_rows
                first = pa.concat_tables([first, table.slice(0, n_rows - first.num_rows)])
                last = pa.concat_tables([last, table.slice(max(table.num_rows - n_rows, 0))])
                last = last.slice(max(last.num_rows - n_rows, 0))
        n_more = max(n_found - first.num_rows, 0)
        last = last.slice(max(last.num_rows - n_more, 0))
        return pa.concat_tables([first, last]), n_found

    def rows(
        self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[dict[str, Any]]:
        """A query's rows as dicts."""
        rows: list[dict[str, Any]] = self.table(query, parameters).to_pylist()
        return rows

    def narrow(self, condition: str, parameters: Mapping[str, Any]) -> None:
        """Let `drives`, and every view that reads it, see only the drives that fit a condition.

        A temporary table hides the view of its name, also from the other views.

        Raises:
            StoreError: If the file can't be read.
        """
        narrowed = f"select * from engagement.main.drives where {condition}"
        self._shadow("drives", narrowed, parameters)

    def count_labelled(self, labels: Sequence[str]) -> None:
        """Let `event_counts`, and every view that reads it, count only events with these labels.

        Raises:
            OtherDefinitionsError: If its numbers are of other definitions.
            StoreError: If the file can't be read.
        """
        require_current(self, "count by label")
        for view, query, parameters in hidden_by_labels(labels):
            self._shadow(view, query, parameters)

    def group_by(self, crossing: Crossing) -> None:
        """Let every view of groups have the groups of this crossing, and no others.

        A file of an older engagement keeps all that it has, of one dimension each.

        Raises:
            OtherDefinitionsError: If an older file is to be grouped by two dimensions.
            StoreError: If the file can't be read.
        """
        if len(crossing.dimensions) > 1:
            require_current(self, "group by two dimensions")
        if self.is_current:
            self._shadow("part_groups", crossing.cells, {})

    def _shadow(self, view: str, query: str, parameters: Mapping[str, Any]) -> None:
        """Hide a view by a temporary table of a query's rows, for this reader alone."""
        try:
            self.connection.execute(f"create or replace temp table {view} as {query}", parameters)
        except (duckdb.IOException, duckdb.FatalException, duckdb.InternalException) as error:
            raise unusable(self.path, error) from error

    def comments(self, view: str) -> dict[str, str]:
        """What each column of a public view means, in the view's order.

        Raises:
            NotFoundError: If there is no such view.
        """
        found = self.rows(
            "select column_name, comment from duckdb_columns() where database_name = 'engagement' "
            "and schema_name = 'main' and table_name = ? order by column_index",
            [view],
        )
        if view not in self.views():
            raise NotFoundError("view", view, self.views())
        said = self._said_in_lake(view) if self.is_lake else {}
        return {
            row["column_name"]: row["comment"] or said.get(row["column_name"], "") for row in found
        }

    def _said_in_lake(self, view: str) -> dict[str, str]:
        """What columns mean, where the database can't keep it: as this program has it."""
        known = public_views().get(view)
        values = {row["name"]: row["value"] for row in self.rows("from store.parameter")}
        return said_of_columns(known, values) if known else {}

    def views(self) -> dict[str, str]:
        """The public views and what each holds."""
        found = self.rows(
            "select view_name, comment from duckdb_views() where database_name = 'engagement' "
            "and schema_name = 'main' and not internal order by view_name"
        )
        return {row["view_name"]: row["comment"] or "" for row in found}


def _search(schemas: str) -> str:
    return f"set search_path = '{schemas}'"


def unusable(path: Path, error: duckdb.Error) -> StoreError:
    """The error for a file that DuckDB can't use."""
    if _LOCKED in str(error):
        found = _HOLDER.search(str(error))
        holder = f"process {found[2]} ({PurePath(found[1]).name})" if found else "another program"
        return StoreLockedError(path, holder)
    foreign = foreign_format(path)
    if foreign:
        return StoreError(f"{path}: {foreign}")
    reason = str(error).split("\n", 1)[0]
    return StoreError(
        f"{path}: DuckDB can't use it: {reason}; ingest into a new file, or restore it"
    )
