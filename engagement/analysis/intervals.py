"""A measure of one group with its 95 % interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from engagement.analysis.samples import dispersion, spread_of_sum
from engagement.statistics import poisson_limits, t_quantile

if TYPE_CHECKING:
    from engagement.analysis.samples import Sample

    Kind = Literal["poisson", "quasi_poisson", "drives"]


_MAX_LOG_ERROR = 300.0  # beyond any number that is not nothing or everything


@dataclass(frozen=True, slots=True)
class Interval:
    """A value, its limits and what they rest on; None where the drives don't give it.

    `kind` is poisson, quasi_poisson, or drives: the spread of the drives about their mean.
    """

    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    kind: Kind | None = None


def rate_interval(group: Sample, *, dispersion_max: float) -> Interval:
    """The rate of events, with the interval that the view `rates` has.

    Exact Poisson limits where drives vary little, quasi-Poisson ones else; without events the exact
    upper limit stands.
    """
    exposure = float(group.denominators.sum())
    if not exposure:
        return Interval()
    n_events = int(group.numerators.sum())
    rate, factor = n_events / exposure, dispersion(group)
    if factor is None or factor < dispersion_max:
        lower, upper = poisson_limits(n_events)
        return Interval(rate, lower / exposure, upper / exposure, "poisson")
    drives = group.crude().exposed()
    squares = float(((drives.numerators - rate * drives.denominators) ** 2).sum())
    by_length = squares / n_events * drives.n_drives / (drives.n_drives - 1)
    error = math.sqrt(max(factor, by_length) / n_events)
    width = widening(t_quantile(drives.n_drives - 1) * error)
    return Interval(rate, rate / width, rate * width, "quasi_poisson")


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
