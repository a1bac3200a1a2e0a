"""Ratios of two groups' rates and means, at like speeds; every ratio is B / A."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engagement.analysis.intervals import widening
from engagement.analysis.samples import spread_of_sum
from engagement.statistics import normal_quantile, t_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engagement.analysis.samples import Sample, Spread


@dataclass(frozen=True, slots=True)
class Ratio:
    """B / A with its 95 % interval; None where the drives don't give it, infinite if only A is 0.

    An infinite upper limit is none.
    """

    value: float | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class _Sums:
    """Mantel-Haenszel sums: each group's numerators, weighed by the other's share of the band.

    `variance` is Poisson's of b - a where the rates are equal.
    """

    a: float
    b: float
    variance: float
    weights_a: NDArray[np.float64]
    weights_b: NDArray[np.float64]


def _mantel_haenszel(sample: Sample) -> _Sums:
    a, b = sample.group(is_b=False), sample.group(is_b=True)
    totals = sample.denominators.sum(axis=0)
    totals = np.where(totals > 0, totals, np.inf)
    share_a, share_b = a.denominators.sum(axis=0) / totals, b.denominators.sum(axis=0) / totals
    return _Sums(
        float((a.numerators.sum(axis=0) * share_b).sum()),
        float((b.numerators.sum(axis=0) * share_a).sum()),
        float((sample.numerators.sum(axis=0) * share_a * share_b).sum()),
        share_b,
        share_a,
    )


def rate_ratio(sample: Sample, inflation: Spread | None) -> Ratio:
    """The Mantel-Haenszel ratio of rates over the bands, with a quasi-Poisson score interval.

    The limits are the ratios r for which (b - r a)^2 = q^2 f r v: a and b are the groups' sums, q
    is the quantile, f the inflation, and r v Poisson's variance of b - r a if r were the ratio.
    Around the estimate this is Greenland and Robins' interval (Biometrics 41:55, 1985); where one
    group has no events it still has its one bound.
    """
    sums = _mantel_haenszel(sample)
    if sums.a + sums.b == 0:
        return Ratio()
    value = sums.b / sums.a if sums.a else math.inf
    if inflation is None:
        return Ratio(value)
    # Few drives may by chance differ less than Poisson's events would: never narrower than that.
    squared_width = max(inflation.quantile**2 * inflation.size, normal_quantile(0.975) ** 2)
    slack = squared_width * sums.variance
    root = 2 * sums.a * sums.b + slack + math.sqrt(slack * (slack + 4 * sums.a * sums.b))
    return Ratio(value, 2 * sums.b**2 / root, root / (2 * sums.a**2) if sums.a else math.inf)


def naive_p(sample: Sample) -> float:
    """The two-sided p of equal rates, were every event independent of all others.

    The score test of Poisson counts over the bands, by the normal distribution; 1 without events.
    """
    sums = _mantel_haenszel(sample)
    if not sums.variance:
        return 1.0
    return math.erfc(abs(sums.b - sums.a) / math.sqrt(2 * sums.variance))


def mean_ratio(sample: Sample) -> Ratio:
    """The ratio of means over the bands, with an interval by the spread of the drives.

    It is taken on the logarithm, with Satterthwaite's degrees of freedom; there is none of means
    that are 0, and no ratio of negative ones.
    """
    sums = _mantel_haenszel(sample)
    if sums.a <= 0 or sums.b < 0:
        return Ratio()
    value = sums.b / sums.a
    spread_a = spread_of_sum(sample.group(is_b=False), sums.weights_a)
    spread_b = spread_of_sum(sample.group(is_b=True), sums.weights_b)
    if spread_a is None or spread_b is None or not sums.b:
        return Ratio(value)
    part_a, part_b = spread_a.size / sums.a**2, spread_b.size / sums.b**2
    if not part_a + part_b:
        return Ratio(value, value, value)
    n_degrees = (part_a + part_b) ** 2 / (
        part_a**2 / spread_a.n_degrees + part_b**2 / spread_b.n_degrees
    )
    width = widening(t_quantile(n_degrees) * math.sqrt(part_a + part_b))
    return Ratio(value, value / width, value * width)


def mean_variances(sample: Sample) -> tuple[float, float] | None:
    """What the variance of each group's log mean is times its exposure; of a sample without bands.

    None where a group has fewer than two drives or a mean of 0.
    """
    found = []
    for group in (sample.group(is_b=False), sample.group(is_b=True)):
        total = float(group.numerators.sum())
        spread = spread_of_sum(group, np.ones(1))
        if spread is None or not total:
            return None
        found.append(spread.size / total**2 * float(group.denominators.sum()))
    return found[0], found[1]
