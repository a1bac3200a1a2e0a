"""A measure of one group with its 95 % interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engagement.analysis.rate_limits import Counted, read_rate_limits
from engagement.analysis.samples import spread_of_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from engagement.analysis.measures import Measure
    from engagement.analysis.samples import Sample
    from engagement.store.query_types import Queryable


_MAX_LOG_ERROR = 300.0  # beyond any number that is not nothing or everything


@dataclass(frozen=True, slots=True)
class Interval:
    """A value, its limits and what they rest on; None where the drives don't give it.

    `kind` is `database` or `shipped`, which a rate's dispersion is shrunk to, or `drives`: the
    spread of the drives about their mean.
    """

    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    kind: str | None = None


def rate_intervals(
    reader: Queryable,
    measures: Sequence[Measure],
    groups: Sequence[NDArray[np.intp]],
    *,
    whole: Sequence[Measure],
) -> list[list[Interval]]:
    """The interval that the view `rates` has of each group of drives, for each rate in turn.

    `whole` are the same measures of the same drives, but of all of each where only parts of them
    are in the groups.
    """
    own, all_of_them = (_count(each, groups) for each in (measures, whole))
    found = [
        Interval(one.rate, one.rate_lower, one.rate_upper, one.dispersion_source)
        for one in read_rate_limits(reader, own, all_of_them)
    ]
    return [found[start : start + len(groups)] for start in range(0, len(found), len(groups))]


def _count(measures: Sequence[Measure], groups: Sequence[NDArray[np.intp]]) -> list[Counted]:
    return [
        Counted(
            measure.event,
            "hour" if measure.exposure_unit == "h" else "100km",
            measure.numerators[drives].sum(axis=1),
            measure.denominators[drives].sum(axis=1),
        )
        for measure in measures
        for drives in groups
    ]


def mean_interval(group: Sample) -> Interval:
    """The mean, with an interval on its logarithm, as no measure is below 0."""
    found = _mean_and_error(group)
    if found is None:
        return Interval()
    mean, error = found
    if error is None or mean <= 0:
        return Interval(mean)
    width = widening(error / mean)
    return Interval(mean, mean / width, mean * width, "drives")


def share_interval(group: Sample) -> Interval:
    """The share, with an interval on the log odds, so that it stays between 0 and 1."""
    found = _mean_and_error(group)
    if found is None:
        return Interval()
    share, error = found
    if error is None or not 0 < share < 1:
        return Interval(share)
    odds = share / (1 - share)
    width = widening(error / (share * (1 - share)))
    lower, upper = odds / width, odds * width
    return Interval(share, lower / (1 + lower), upper / (1 + upper), "drives")


def widening(log_error: float) -> float:
    """What limits on the logarithm multiply and divide by, finite however wide they are."""
    return math.exp(min(log_error, _MAX_LOG_ERROR))


def _mean_and_error(group: Sample) -> tuple[float, float | None] | None:
    """The mean and what to add and subtract for 95 %."""
    exposure = float(group.denominators.sum())
    if not exposure:
        return None
    drives = group.crude()
    mean = float(drives.numerators.sum()) / exposure
    spread = spread_of_sum(drives, np.ones(1))
    if spread is None:
        return mean, None
    return mean, spread.quantile * math.sqrt(spread.size) / exposure
