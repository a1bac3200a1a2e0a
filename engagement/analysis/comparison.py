"""Two groups of drives, and every measure of them compared.

A is the baseline and B the candidate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engagement.analysis.differences import compare_measures
from engagement.analysis.grouping import ALL_DRIVES, comparable_drives, divide
from engagement.analysis.intervals import rate_intervals
from engagement.analysis.labels import count_labelled, parse_labels, tally
from engagement.analysis.measures import PartOf, join_measures, read_measures
from engagement.analysis.samples import Sample
from engagement.analysis.selection import select
from engagement.analysis.sequential import Timed, follow
from engagement.analysis.verdict import headline_of
from engagement.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from engagement.analysis.differences import Difference
    from engagement.analysis.grouping import Division, Grouping
    from engagement.analysis.labels import Tally
    from engagement.analysis.measures import Measure
    from engagement.analysis.sequential import Sequence as Looks
    from engagement.analysis.verdict import Per
    from engagement.filters import Selection
    from engagement.store.query_types import Queryable
    from engagement.store.reader import Reader

_GROUP = """
select
    count(*) as n_drives,
    count(*) filter (where engaged_s > 0) as n_engaged_drives,
    count(*) filter (where log_kind <> 'rlog') as n_qlog_drives,
    coalesce(list(distinct car_fingerprint order by car_fingerprint)
        filter (where car_fingerprint is not null), []) as cars,
    coalesce(fsum(known_s), 0) / 3600 as known_h,
    coalesce(fsum(engaged_s), 0) / 3600 as engaged_h,
    coalesce(fsum(distance_km), 0) as distance_km,
    coalesce(fsum(engaged_km), 0) as engaged_km
from {source}
where drive_id in (select unnest($drives))
"""
_PARTS = """(
    select
        drives.drive_id,
        drives.log_kind,
        drives.car_fingerprint,
        sum(cells.known_s) as known_s,
        sum(cells.engaged_s) as engaged_s,
        sum(cells.distance_km) as distance_km,
        sum(cells.engaged_km) as engaged_km
    from ({cells}) as cells
    inner join drives on cells.drive_id = drives.drive_id
    where cells.group_name = $group
    group by drives.drive_id, drives.log_kind, drives.car_fingerprint
)"""
_STARTS = """
select drive_id, epoch(started_at) as started_s
from engagement.main.drives
where drive_id in (select unnest($drives))
"""


@dataclass(frozen=True, slots=True)
class Group:
    """One side of a comparison; `n_qlog_drives` counts drives that are not of rlogs alone."""

    name: str
    n_drives: int
    n_engaged_drives: int
    n_qlog_drives: int
    cars: tuple[str, ...]
    known_h: float
    engaged_h: float
    distance_km: float
    engaged_km: float


@dataclass(frozen=True, slots=True)
class Watch:
    """Which measures are looked at after every drive; `until_drives` of B if an end is planned.

    With `headline_per` also the one that is spoken of first, by distance or by time.
    """

    measures: frozenset[str] = frozenset()
    until_drives: int | None = None
    headline_per: Per | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two groups, and every measure of them; `labels` are A's and B's where only some count.

    `n_others` are the other drives of the database, whose dispersion the test relies on.
    """

    by: str
    a: Group
    b: Group
    n_others: int
    differences: tuple[Difference, ...]
    labels: tuple[Tally, Tally] | None = None

    def find(self, name: str) -> Difference:
        """The measure of this name.

        Raises:
            NotFoundError: If there is none, as no moment of its name is saved.
        """
        for found in self.differences:
            if found.name == name:
                return found
        raise NotFoundError("measure", name, [found.name for found in self.differences])


def compare_selected(
    reader: Reader,
    selection: Selection,
    grouping: Grouping,
    names: tuple[str, str],
    *,
    labels: str | None = None,
    watch: Watch | None = None,
) -> Comparison:
    """Compare two groups of some drives; what others tell of how drives vary is of all.

    Args:
        reader: The database, which has only these drives in `drives` afterwards.
        selection: Of which drives.
        grouping: What the groups differ in.
        names: A's and B's, as users type them.
        labels: Count only events with one of these, with commas.
        watch: What to look at after every drive.

    Raises:
        NotFoundError: If there is no such group, drive, device and so on.
        InputError: If the groups are the same or overlap, or labels are none.
    """
    select(reader, selection)
    division = divide(reader, grouping, *names, comparable_drives(reader))
    return compare(
        reader,
        division,
        others=comparable_drives(reader, ALL_DRIVES),
        labels=None if labels is None else count_labelled(reader, parse_labels(labels)),
        watch=watch,
    )


def compare(
    reader: Queryable,
    division: Division,
    *,
    others: Collection[int] = (),
    labels: Sequence[str] | None = None,
    watch: Watch | None = None,
) -> Comparison:
    """Compare two groups of drives in every measure.

    Args:
        reader: The database.
        division: The drives of each group.
        others: All drives of the database, or all but these.
        labels: What `count_labelled` gave, if only events with a label count for the reader.
        watch: What to look at after every drive.
    """
    counted = None if labels is None else _tally_groups(reader, labels, division)
    drives = (*division.a_drives, *division.b_drives)
    is_b = np.arange(len(drives)) >= len(division.a_drives)
    drive_ids = None if division.parts is None else np.array(drives, dtype=np.int64)
    rest = sorted(set(others).difference(drives))
    measures = _read_measures(reader, division, rest)
    rates = [one for one in measures if one.kind == "rate"]
    groups = (np.flatnonzero(~is_b), np.flatnonzero(is_b))
    whole = rates if division.parts is None else _read_whole_rates(reader, division)
    limits = rate_intervals(reader, rates, groups, whole=whole)
    intervals = {one.name: both for one, both in zip(rates, limits, strict=True)}
    found = compare_measures(measures, is_b, intervals, drive_ids)
    if watch:
        starts = _read_starts(reader, [*drives, *rest])
        watched = set(watch.measures)
        if watch.headline_per:
            watched.add(headline_of(found, watch.headline_per).name)
        found = [
            replace(one, sequence=_look_again(measure, is_b, drive_ids, starts, watch.until_drives))
            if one.name in watched
            else one
            for one, measure in zip(found, measures, strict=True)
        ]
    return Comparison(
        division.by,
        _read_group(reader, division, division.a, division.a_drives),
        _read_group(reader, division, division.b, division.b_drives),
        len(rest),
        tuple(found),
        counted,
    )


def _read_measures(reader: Queryable, division: Division, rest: Sequence[int]) -> list[Measure]:
    """Every measure of A's drives, then B's, then the rest.

    A drive whose parts are in both groups is in each with these parts, and in none with the whole.
    """
    if division.parts is None:
        return list(read_measures(reader, [*division.a_drives, *division.b_drives, *rest]))
    sides = (
        read_measures(reader, division.a_drives, PartOf(division.parts, division.a)),
        read_measures(reader, division.b_drives, PartOf(division.parts, division.b)),
        read_measures(reader, rest),
    )
    return [join_measures(each) for each in zip(*sides, strict=True)]


def _read_whole_rates(reader: Queryable, division: Division) -> list[Measure]:
    """The rates of A's drives, then B's, whatever part of each is in the group."""
    sides = (read_measures(reader, drives) for drives in (division.a_drives, division.b_drives))
    return [join_measures(both) for both in zip(*sides, strict=True) if both[0].kind == "rate"]


def _look_again(
    measure: Measure,
    is_b: NDArray[np.bool_],
    drive_ids: NDArray[np.int64] | None,
    starts: NDArray[np.float64],
    until: int | None,
) -> Looks:
    known = slice(-1) if measure.is_banded else slice(None)  # speeds
    tops, bottoms = measure.numerators[:, known], measure.denominators[:, known]
    n_drives = len(is_b)
    nobody = np.zeros(len(tops) - n_drives, dtype=np.bool_)
    return follow(
        Timed.of(Sample(tops[:n_drives], bottoms[:n_drives], is_b, drive_ids), starts[:n_drives]),
        Timed.of(Sample(tops[n_drives:], bottoms[n_drives:], nobody), starts[n_drives:]),
        is_rate=measure.kind == "rate",
        until_drives=until,
    )


def _read_starts(reader: Queryable, drives: Sequence[int]) -> NDArray[np.float64]:
    """When each drive started, in seconds since 1970; not a number where nobody knows."""
    rows = reader.rows(_STARTS, {"drives": list(drives)})
    start_by_drive = {row["drive_id"]: row["started_s"] for row in rows}
    starts = [start_by_drive.get(drive) for drive in drives]
    return np.array([np.nan if start is None else start for start in starts], dtype=np.float64)


def _tally_groups(
    reader: Queryable, labels: Sequence[str], division: Division
) -> tuple[Tally, Tally]:
    return tally(reader, labels, division.a_drives), tally(reader, labels, division.b_drives)


def _read_group(reader: Queryable, division: Division, name: str, drives: tuple[int, ...]) -> Group:
    parameters: dict[str, Any] = {"drives": list(drives)}
    source = "drives"
    if division.parts is not None:
        parameters["group"] = name
        source = _PARTS.format(cells=division.parts.cells)
    row = reader.rows(_GROUP.format(source=source), parameters)[0]
    return Group(name=name, **(row | {"cars": tuple(row["cars"])}))
