"""Groups in the order of a measure, if the drives tell them apart; else none.

Every two groups are compared as `comparison` does it, and the false discovery rate over all pairs
is held at 5 %. Where one pair stays open there is no order of all, only the pairs that are told:
point estimates of groups that can't be told apart are in an order of chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from engagement.analysis.differences import SIGNIFICANT, compare_measures
from engagement.analysis.grouping import find_groups
from engagement.analysis.intervals import rate_intervals
from engagement.analysis.measures import PartOf, join_measures, measure_names, read_measures
from engagement.analysis.verdict import false_discovery_rates
from engagement.analysis.wording import sentence
from engagement.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from engagement.analysis.differences import Answer, Difference, GroupValue
    from engagement.analysis.grouping import Grouping
    from engagement.analysis.intervals import Interval
    from engagement.analysis.measures import Measure
    from engagement.store.query_types import Queryable

MAX_GROUPS = 8
_TOLD = ("better", "worse")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two groups compared.

    Attributes:
        a: One of them.
        b: The other.
        answer: Of `b` against `a`; `open` where false discoveries are not held.
        p_value: Of their ratio being 1.
        q_value: The least false discovery rate over all pairs at which it would be told.
        sentence: What the comparison says.
    """

    a: str
    b: str
    answer: Answer
    p_value: float | None
    q_value: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """What is told of the order of some groups.

    Attributes:
        measure: By which they would be ordered.
        verdict: The order, or why there is none, in a sentence.
        order: The best first; None unless all pairs are told apart.
        values: The measure of each group, with its interval, in the order of their names.
        pairs: Every two of them.
    """

    measure: str
    verdict: str
    order: tuple[str, ...] | None
    values: dict[str, GroupValue]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    drives: tuple[int, ...]
    measure: Measure
    interval: Interval | None


def rank_groups(
    reader: Queryable,
    grouping: Grouping,
    names: Collection[str],
    measure: str,
    *,
    drives: Collection[int],
    others: Collection[int],
) -> Ranking:
    """Compare every two groups in one measure.

    Args:
        reader: The database.
        grouping: What the groups differ in.
        names: Of the groups.
        measure: As `measure_names` has it.
        drives: Those that are selected.
        others: All drives of the database.

    Raises:
        NotFoundError: If there is no such measure, or no such group.
        InputError: If there are too few groups or too many.
    """
    if measure not in measure_names():
        raise NotFoundError("measure", measure, measure_names())
    found = find_groups(reader, grouping, names, drives)
    if not 1 < len(found) <= MAX_GROUPS:
        raise InputError(f"between 2 and {MAX_GROUPS} groups can be ranked, not {len(found)}")
    whole_drives = sorted({*others}.union(*found.values()))
    whole = _read(reader, measure, whole_drives)
    groups = _groups(reader, grouping, found, whole, whole_drives)
    differences = {
        (a, b): _compare(
            groups[a], groups[b], whole, whole_drives, is_of_parts=_has_parts(grouping)
        )
        for a, b in combinations(sorted(groups), 2)
    }
    pairs = _pairs(differences)
    order = find_order(pairs)
    values: dict[str, GroupValue] = {}
    for (a, b), one in differences.items():
        values |= {a: one.a, b: one.b}
    return Ranking(measure, _say(pairs, order), order, dict(sorted(values.items())), pairs)


def _has_parts(grouping: Grouping) -> bool:
    return grouping.crossing is not None and grouping.crossing.is_of_parts


def _read(
    reader: Queryable, name: str, drives: Sequence[int], part: PartOf | None = None
) -> Measure:
    return next(one for one in read_measures(reader, drives, part) if one.name == name)


def _groups(
    reader: Queryable,
    grouping: Grouping,
    drives_by_name: Mapping[str, tuple[int, ...]],
    whole: Measure,
    whole_drives: Sequence[int],
) -> dict[str, _Group]:
    """Each group with its own part of its drives, and the interval that `rates` has of it."""
    found, intervals = {}, {}
    for name, drives in drives_by_name.items():
        all_of_them = whole.at(np.searchsorted(whole_drives, drives))
        own = all_of_them
        if _has_parts(grouping) and grouping.crossing is not None:
            own = _read(reader, whole.name, drives, PartOf(grouping.crossing, name))
        if own.kind == "rate":
            everyone = [np.arange(len(drives))]
            [[intervals[name]]] = rate_intervals(reader, [own], everyone, whole=[all_of_them])
        found[name] = _Group(drives, own, intervals.get(name))
    return found


def _compare(
    a: _Group, b: _Group, whole: Measure, whole_drives: Sequence[int], *, is_of_parts: bool
) -> Difference:
    drives = np.array((*a.drives, *b.drives), dtype=np.int64)
    rest = np.flatnonzero(~np.isin(whole_drives, drives))
    is_b = np.arange(len(drives)) >= len(a.drives)
    limits = (
        {} if a.interval is None or b.interval is None else {whole.name: (a.interval, b.interval)}
    )
    measure = join_measures([a.measure, b.measure, whole.at(rest)])
    [found] = compare_measures([measure], is_b, limits, drives if is_of_parts else None)
    return found


def _pairs(differences: Mapping[tuple[str, str], Difference]) -> tuple[Pair, ...]:
    rates = false_discovery_rates(
        {pair: one.p_value for pair, one in differences.items() if one.p_value is not None}
    )
    return tuple(
        Pair(
            *pair,
            "open" if one.answer in _TOLD and rates[pair] >= SIGNIFICANT else one.answer,
            one.p_value,
            rates.get(pair),
            sentence(one),
        )
        for pair, one in differences.items()
    )


def find_order(pairs: Sequence[Pair]) -> tuple[str, ...] | None:
    """The groups, the best first, if all pairs are told and no three of them contradict."""
    n_beaten = dict.fromkeys((name for pair in pairs for name in (pair.a, pair.b)), 0)
    for pair in pairs:
        if pair.answer not in _TOLD:
            return None
        n_beaten[pair.b if pair.answer == "better" else pair.a] += 1
    is_order = len({*n_beaten.values()}) == len(n_beaten)
    return tuple(sorted(n_beaten, key=lambda name: -n_beaten[name])) if is_order else None


def _say(pairs: Sequence[Pair], order: tuple[str, ...] | None) -> str:
    if order is not None:
        return f"the best first: {', '.join(order)}"
    told = [f"{pair.b} is {pair.answer} than {pair.a}" for pair in pairs if pair.answer in _TOLD]
    if not told:
        return "no order: the drives tell no two of them apart"
    untold = [f"{pair.a} and {pair.b}" for pair in pairs if pair.answer not in _TOLD]
    why = f"the drives do not tell apart {'; '.join(untold)}" if untold else "three contradict"
    return f"no order: {why}; what is told: {'; '.join(told)}"
