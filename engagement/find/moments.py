"""Finds the moments of an expression in some drives, a bounded amount of them at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engagement.errors import QueryError, QueryTooLargeError
from engagement.moments.compiling import compiled
from engagement.moments.grammar import parse
from engagement.moments.grid import OUT_OF_ORDER, as_logged
from engagement.moments.shipped import expression_of
from engagement.moments.signals import known_signals
from engagement.store.query_types import require_current
from engagement.store.saved_moments import read_saved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from engagement.moments.compiling import Query
    from engagement.store.query_types import Queryable

    Row = dict[str, Any]

MAX_MOMENTS = 100_000
_BATCH_S = 25 * 3600.0  # of driving at a time: some million ticks
_DRIVES = """
select drive_id, coalesce(duration_s, 0) as duration_s from drives
where not is_imported order by drive_id
"""
_NAMED = """
with

moments as (
    select
        unnest($drive_ids) as drive_id,
        unnest($starts) as mono_ns,
        unnest($ends) as end_mono_ns
),

fixes as (
    select drive_id, mono_ns, latitude, longitude from engagement.main.gps_samples where {drives}
),

placed as (
    select
        moments.*,
        case when moments.mono_ns - fixes.mono_ns <= max_age.position_max_age_ns
            then fixes.latitude end as latitude,
        case when moments.mono_ns - fixes.mono_ns <= max_age.position_max_age_ns
            then fixes.longitude end as longitude
    from moments
    asof left join fixes
        on moments.drive_id = fixes.drive_id and moments.mono_ns >= fixes.mono_ns
    cross join (select position_max_age_ns from engagement.result.thresholds) as max_age
)

select
    drives.drive || '@' || format('{{:.1f}}', (placed.mono_ns - facts.first_mono_ns) / 1e9)
        as moment,
    placed.drive_id,
    drives.dongle_id,
    drives.drive,
    placed.mono_ns,
    placed.end_mono_ns,
    (placed.mono_ns - facts.first_mono_ns) / 1e9 as time_s,
    (placed.end_mono_ns - placed.mono_ns) / 1e9 as duration_s,
    wall_time(drives.started_at_utc, facts.first_mono_ns, placed.mono_ns) as at_utc,
    drives.car_fingerprint,
    drives.git_branch,
    drives.version,
    placed.latitude,
    placed.longitude
from placed
inner join drives on placed.drive_id = drives.drive_id
inner join engagement.result.drive_facts as facts on placed.drive_id = facts.drive_id
order by placed.drive_id, placed.mono_ns
"""


@dataclass(slots=True)
class Found:
    """Moments, as rows that name them, and for each drive the time in which they could be told."""

    moments: list[Row] = field(default_factory=list)
    exposures_s: dict[int, float] = field(default_factory=dict)

    @property
    def counts(self) -> dict[int, int]:
        """How many each drive has."""
        counts: dict[int, int] = {}
        for row in self.moments:
            counts[row["drive_id"]] = counts.get(row["drive_id"], 0) + 1
        return counts


def read_expression(reader: Queryable, text: str) -> Query:
    """Make the query of an expression.

    Raises:
        InputError: If it can't be read.
        NotFoundError: If it names what `samples` does not have.
        OtherDefinitionsError: If the database is of an older engagement.
    """
    require_current(reader, "find moments")
    return compiled(parse(text, known_signals(reader.rows)))


def named_expression(reader: Queryable, text: str) -> str:
    """The expression of a name that is saved or ships; any other text is one itself."""
    saved = {one.name: one.expression for one in read_saved(reader.rows)}
    return saved.get(text.strip().lower()) or expression_of(text)


def find_moments(
    reader: Queryable,
    query: Query,
    max_moments: int = MAX_MOMENTS,
    on_progress: Callable[[int, int], None] | None = None,
) -> Found:
    """The moments in the drives that `drives` shows, by drive and time.

    Args:
        reader: The database.
        query: Of the expression.
        max_moments: No more than these.
        on_progress: Called with the drives that are done, and all, before each batch of them.

    Raises:
        QueryTooLargeError: If there are more than so many.
    """
    found = Found()
    drives, n_done = reader.rows(_DRIVES), 0
    for drive_ids in _batches(drives):
        if on_progress:
            on_progress(n_done, len(drives))
        n_done += len(drive_ids)
        condition = _within(drive_ids)
        rows = _judged(reader, query, condition)
        found.exposures_s |= {
            row["drive_id"]: row["exposure_s"] for row in rows if row["exposure_s"] is not None
        }
        moments = [row for row in rows if row["exposure_s"] is None]
        if len(found.moments) + len(moments) > max_moments:
            raise QueryTooLargeError(f"more than {max_moments} moments; say more of them")
        if moments:
            found.moments += _named(reader, moments)
    return found


def _judged(reader: Queryable, query: Query, condition: str) -> list[Row]:
    """Runs and exposures of some drives: sorted only where samples do not lie in order."""
    text = query.text.replace("{drives}", condition)
    try:
        return reader.rows(as_logged(text), query.parameters)
    except QueryError as error:
        if OUT_OF_ORDER not in str(error):
            raise
    return reader.rows(text, query.parameters)


def _batches(drives: Iterable[Row]) -> Iterator[list[int]]:
    drive_ids: list[int] = []
    so_far_s = 0.0
    for row in drives:
        if drive_ids and so_far_s + row["duration_s"] > _BATCH_S:
            yield drive_ids
            drive_ids, so_far_s = [], 0.0
        drive_ids.append(row["drive_id"])
        so_far_s += row["duration_s"]
    if drive_ids:
        yield drive_ids


def _within(drive_ids: Sequence[int]) -> str:
    """A condition on drives: DuckDB carries a range down to all that is read, a list not."""
    if drive_ids[-1] - drive_ids[0] == len(drive_ids) - 1:  # each of the range, which is quicker
        return f"drive_id between {drive_ids[0]} and {drive_ids[-1]}"
    listed = ", ".join(map(str, drive_ids))
    return f"drive_id between {drive_ids[0]} and {drive_ids[-1]} and drive_id in ({listed})"


def _named(reader: Queryable, moments: list[Row]) -> list[Row]:
    drive_ids = [row["drive_id"] for row in moments]
    return reader.rows(
        _NAMED.format(drives=_within(sorted(set(drive_ids)))),
        {
            "drive_ids": drive_ids,
            "starts": [row["start_mono_ns"] for row in moments],
            "ends": [row["end_mono_ns"] for row in moments],
        },
    )
