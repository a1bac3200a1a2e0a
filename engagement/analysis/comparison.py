"""Two groups of drives, and every measure of them compared.

A is the baseline and B the candidate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engagement.analysis.differences import Method
from engagement.analysis.labels import tally
from engagement.analysis.measures import read_measures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.analysis.differences import Difference
    from engagement.analysis.grouping import Division
    from engagement.analysis.labels import Tally
    from engagement.store.query_types import Queryable

N_PERMUTATIONS = 10_000

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
from drives
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
class Comparison:
    """Two groups, and every measure of them; `labels` are A's and B's where only some count."""

    by: str
    a: Group
    b: Group
    seed: int
    n_permutations: int
    differences: tuple[Difference, ...]
    labels: tuple[Tally, Tally] | None = None

    def find(self, name: str) -> Difference:
        """The measure of this name."""
        return next(found for found in self.differences if found.name == name)


def compare(
    reader: Queryable,
    division: Division,
    *,
    seed: int,
    n_permutations: int = N_PERMUTATIONS,
    labels: Sequence[str] | None = None,
) -> Comparison:
    """Compare two groups of drives in every measure.

    Args:
        reader: The database.
        division: The drives of each group.
        seed: Of the permutations.
        n_permutations: How often the drives are dealt to the groups anew, at most.
        labels: What `count_labelled` gave, if only events with a label count for the reader.
    """
    counted = None if labels is None else _tally_groups(reader, labels, division)
    drives = (*division.a_drives, *division.b_drives)
    is_b = np.arange(len(drives)) >= len(division.a_drives)
    method = Method(_read_dispersion_max(reader), n_permutations, seed)
    return Comparison(
        division.by,
        _read_group(reader, division.a, division.a_drives),
        _read_group(reader, division.b, division.b_drives),
        seed,
        n_permutations,
        tuple(method.compare(list(read_measures(reader, drives)), is_b)),
        counted,
    )


def _tally_groups(
    reader: Queryable, labels: Sequence[str], division: Division
) -> tuple[Tally, Tally]:
    return tally(reader, labels, division.a_drives), tally(reader, labels, division.b_drives)


def _read_group(reader: Queryable, name: str, drives: tuple[int, ...]) -> Group:
    row = reader.rows(_GROUP, {"drives": list(drives)})[0]
    return Group(name=name, **(row | {"cars": tuple(row["cars"])}))


def _read_dispersion_max(reader: Queryable) -> float:
    query = "select value from store.parameter where name = 'dispersion_max'"
    return float(reader.rows(query)[0]["value"])
