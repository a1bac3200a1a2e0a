"""Two groups compared in one measure: ratio, p and interval come of one test; ratios are B / A."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from engagement.analysis.power import needed_exposure
from engagement.analysis.score_test import Table, fit_dispersion, ratio_limits, score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.analysis.power import Needed
    from engagement.analysis.samples import Sample
    from engagement.analysis.score_test import Array, Dispersion

    Basis = Literal["database", "drives"]

LEAST_OTHERS = 30  # drives of the database, below which their dispersion is not relied on
_LEAST_EFFECTIVE = 8.0  # drives of one length that tell as much
_LEAST_EXPECTED = 5.0  # events


@dataclass(frozen=True, slots=True)
class Ratio:
    """B / A with its 95 % interval; None where the drives don't give it, infinite if only A is 0.

    An infinite upper limit is none.
    """

    value: float | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the test says of one measure.

    Attributes:
        ratio: B / A, at like speeds where there are bands.
        p_value: Of the ratio being 1; below 0.05 just where the interval is on one side of 1.
        basis: What the dispersion rests on: the database, or these drives alone.
        is_too_few: Whether there are too few drives for an answer; p and limits are then None.
        needed: What the groups lack to show a 30 % difference, in exposure; None without amounts.
    """

    ratio: Ratio
    p_value: float | None
    basis: Basis
    is_too_few: bool
    needed: Needed | None


def compare_groups(likes: Sequence[Sample], others: Sequence[Sample]) -> list[Outcome]:
    """Test counts that are over the same exposures of the same drives, all at once."""
    return _compare(likes, others, least_phi=1.0)


def compare_amounts(like: Sample, others: Sample) -> Outcome:
    """Test an amount that is no count, as engaged seconds."""
    return _compare([like], [others], least_phi=0.0)[0]


def fit(like: Sample, others: Sample, *, least_phi: float) -> tuple[Dispersion, Basis]:
    """The dispersion to test with: also of the database's other drives, if they are enough."""
    groups = list(tables([like])[:2])
    if is_enough_others(others):
        return fit_dispersion([*groups, _table([others])], least_phi=least_phi), "database"
    return fit_dispersion(groups, least_phi=least_phi), "drives"


def is_enough_others(others: Sample) -> bool:
    """Whether other drives tell how much drives vary."""
    return others.exposed().n_drives >= LEAST_OTHERS and bool(others.numerators.any())


def tables(samples: Sequence[Sample]) -> tuple[Table, Table, int]:
    """A and B of samples that have the same drives, as the test takes them.

    The drives that are in both, of which there are as many as the number says, are the first.
    """
    ordered = [sample.shared_first() for sample in samples]
    sides = [[sample.group(is_b=is_b) for sample, _ in ordered] for is_b in (False, True)]
    return _table(sides[0]), _table(sides[1]), ordered[0][1]


def _table(samples: Sequence[Sample]) -> Table:
    return Table(np.stack([one.numerators for one in samples]), samples[0].denominators)


def _compare(
    likes: Sequence[Sample], others: Sequence[Sample], *, least_phi: float
) -> list[Outcome]:
    a, b, n_shared = tables(likes)
    own = [a, b]
    own_fit = fit_dispersion(own, least_phi=least_phi)
    whole_fit = fit_dispersion([*own, _table(others)], least_phi=least_phi)
    is_whole = np.array([is_enough_others(other) for other in others])
    dispersion = whole_fit.where(is_whole, own_fit)
    found = score(a, b, dispersion, n_shared=n_shared)
    limits = ratio_limits(a, b, dispersion, n_shared=n_shared)
    ratios = zip(*(limit.tolist() for limit in limits), strict=True)
    exposures = (float(a.exposures.sum()), float(b.exposures.sum()))
    outcomes = []
    for number, (value, lower, upper) in enumerate(ratios):
        expected = float(found.expected[number])
        variances = (float(found.variance_a[number]), float(found.variance_b[number]))
        basis: Basis = "database" if is_whole[number] else "drives"
        is_few = basis == "drives" and is_too_few(likes[number], is_rate=least_phi > 0)
        ratio = Ratio() if expected <= 0 else Ratio(value) if is_few else Ratio(value, lower, upper)
        outcomes.append(
            Outcome(
                ratio,
                None if is_few else float(found.p_value[number]),
                basis,
                is_few,
                _needed(variances, expected, exposures) if expected > 0 else None,
            )
        )
    return outcomes


def _needed(
    variances: tuple[float, float], expected: float, exposures: tuple[float, float]
) -> Needed:
    """The variance of each group's log ratio falls as its exposure grows."""
    scaled = [v / expected**2 * e for v, e in zip(variances, exposures, strict=True)]
    return needed_exposure((scaled[0], scaled[1]), exposures)


def is_too_few(sample: Sample, *, is_rate: bool) -> bool:
    """Whether a group is too small to tell its own dispersion.

    Events are those expected at the common rate: to count them would hide true drops to none.
    """
    lengths = [
        g.denominators.sum(axis=1) for g in (sample.group(is_b=False), sample.group(is_b=True))
    ]
    if any(_n_effective(one) < _LEAST_EFFECTIVE for one in lengths):
        return True
    total = sum(float(one.sum()) for one in lengths)
    rate = float(sample.numerators.sum()) / total
    return is_rate and any(rate * float(one.sum()) < _LEAST_EXPECTED for one in lengths)


def _n_effective(lengths: Array) -> float:
    """How many drives of one length would tell as much as these do."""
    squares = float((lengths**2).sum())
    return float(lengths.sum()) ** 2 / squares if squares else 0.0


def crude_ratio(sample: Sample) -> float | None:
    """B / A whatever the speeds."""
    values = []
    for group in (sample.group(is_b=False), sample.group(is_b=True)):
        exposure = float(group.denominators.sum())
        values.append(float(group.numerators.sum()) / exposure if exposure else None)
    a, b = values
    if a is None or b is None or a == b == 0:
        return None
    return b / a if a else math.inf


def naive_p(sample: Sample) -> float:
    """The two-sided p of equal rates, were every event independent of all others.

    The score test of Poisson counts over the bands, by the normal distribution; 1 without events.
    """
    a, b = sample.group(is_b=False), sample.group(is_b=True)
    totals = sample.denominators.sum(axis=0)
    totals = np.where(totals > 0, totals, np.inf)
    share_a, share_b = a.denominators.sum(axis=0) / totals, b.denominators.sum(axis=0) / totals
    difference = float(
        (b.numerators.sum(axis=0) * share_a - a.numerators.sum(axis=0) * share_b).sum()
    )
    variance = float((sample.numerators.sum(axis=0) * share_a * share_b).sum())
    return math.erfc(abs(difference) / math.sqrt(2 * variance)) if variance else 1.0
