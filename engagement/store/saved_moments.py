"""Moments that somebody described and saved: their expressions, and their rows in the results.

Expressions are read by the language of `engagement find`. All that are saved are judged over one
grid, which is laid once for each group of drives. One that can't be read, as it names a column that
there no longer is, has no rows and no exposure: how often it happened is then unknown, not 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.errors import EngagementError
from engagement.moments.compiling import compiled
from engagement.moments.grid import STEP_NS, grid_of
from engagement.moments.shipped import expression_of
from engagement.moments.signals import known_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import duckdb

    from engagement.moments.compiling import Query
    from engagement.moments.expressions import Pattern, Signal

    Rows = Callable[[str], list[dict[str, Any]]]

# The second one needs the grid of the first.
MADE_OF_EXPRESSIONS = ("result.moment_runs", "result.moment_exposures")
_KIND = "moment:"
_GRID = "temp.moment_grid"
_SAVED = "select name, expression from store.saved_moment order by name"
_ALWAYS = ("mode", "v_ego_mps")  # of each moment, and of each tick of exposure
_MAKE_GRID = """
create or replace temp table moment_grid as
with

ticks as ({ticks}),

placed as (
    select
        ticks.*,
        spans.part_num as part_num
    from ticks
    asof left join (select * from result.part_spans where {drives}) as spans
        on ticks.drive_id = spans.drive_id and ticks.mono_ns >= spans.start_mono_ns
)

select
    *,
    coalesce(part_num, 0) as own_part_num,
    coalesce(mode, 'unknown') as own_mode,
    speed_band(v_ego_mps::double) as own_speed_band
from placed
"""
_RUNS = """
insert into result.moment_runs by name
select
    runs.drive_id,
    $kind as kind,
    runs.start_mono_ns as mono_ns,
    runs.end_mono_ns,
    ticks.own_mode as mode
from ({runs}) as runs
inner join temp.moment_grid as ticks
    on runs.drive_id = ticks.drive_id and runs.start_mono_ns = ticks.mono_ns
"""
_EXPOSURES = f"""
insert into result.moment_exposures by name
select
    ticks.drive_id,
    ticks.own_part_num as part_num,
    ticks.own_mode as mode,
    ticks.own_speed_band as speed_band,
    $kind as event,
    count(*) * {STEP_NS} / 1e9 as exposure_s,
    coalesce(sum(exact(greatest(ticks.v_ego_mps, 0)))::double, 0) * {STEP_NS} / 1e12 as distance_km
from ({{known}}) as known
inner join temp.moment_grid as ticks using (drive_id, tick_num)
group by all
"""


@dataclass(frozen=True, slots=True)
class Saved:
    """A moment that was saved.

    Attributes:
        name: What it is called.
        expression: What was described; of one that ships what that is now.
        pattern: The expression as it was read; None if it can't be.
        problem: Why it can't be told; empty if it can.
    """

    name: str
    expression: str
    pattern: Pattern | None = None
    problem: str = ""

    @property
    def kind(self) -> str:
        """As events have it."""
        return _KIND + self.name


def read_saved(read_rows: Rows) -> list[Saved]:
    """All that are saved, by name, with why one can't be told."""
    rows = read_rows(_SAVED)
    if not rows:
        return []
    from engagement.moments.grammar import parse  # noqa: PLC0415 - for who has saved one

    signals = known_signals(read_rows)
    found = []
    for row in rows:
        name, expression = row["name"], expression_of(row["expression"])
        try:
            pattern = parse(expression, signals)
        except EngagementError as error:
            found.append(Saved(name, expression, problem=str(error)))
        else:
            found.append(Saved(name, expression, pattern))
    return found


def make_rows(connection: duckdb.DuckDBPyConnection, result: str, is_wanted: str = "true") -> None:
    """Write the rows of all saved moments for some drives; those that were there are gone.

    Args:
        connection: Of the writer.
        result: One of `MADE_OF_EXPRESSIONS`; first the first, for the same drives.
        is_wanted: A condition on drives.
    """
    queries = _queries(connection)
    if not queries:
        return
    is_first = result == MADE_OF_EXPRESSIONS[0]
    if is_first:
        _make_grid(connection, {one for _, of in queries.values() for one in of}, is_wanted)
    for kind, (query, _) in queries.items():
        text = _RUNS.format(runs=query.runs) if is_first else _EXPOSURES.format(known=query.known)
        connection.execute(text, query.parameters | {"kind": kind})
    if not is_first:
        connection.execute(f"drop table {_GRID}")


def _queries(
    connection: duckdb.DuckDBPyConnection,
) -> Mapping[str, tuple[Query, frozenset[Signal]]]:
    """The query of each saved moment that can be told, and the columns that it needs, by kind."""
    read_rows = _asking(connection)
    patterns = {one.kind: one.pattern for one in read_saved(read_rows) if one.pattern}
    if not patterns:
        return {}
    signals = known_signals(read_rows)
    always = frozenset(signals[name] for name in _ALWAYS if name in signals)
    return {
        kind: (compiled(pattern, _GRID), pattern.signals | always)
        for kind, pattern in patterns.items()
    }


def _make_grid(connection: duckdb.DuckDBPyConnection, signals: set[Signal], is_wanted: str) -> None:
    ticks = grid_of(signals, ["mono_ns"])
    text = _MAKE_GRID.replace("{ticks}", ticks).replace("{drives}", is_wanted)
    connection.execute(text)


def _asking(connection: duckdb.DuckDBPyConnection) -> Rows:
    def read_rows(query: str) -> list[dict[str, Any]]:
        found = connection.execute(query)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    return read_rows
