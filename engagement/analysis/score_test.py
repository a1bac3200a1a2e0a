"""Do two groups of drives have one rate? The moderated score test, for a p-value and an interval.

A drive is one draw: its events come in clusters, so its variance is not Poisson's but

    phi m + k m^2     of a mean m,

by bursts and by drives that differ. A few drives cannot tell phi and k, nor their own variance; so
phi and k come from all drives of the database, and each group's own variance, HC2's (MacKinnon and
White 1985), is shrunk towards what they expect, with 8 degrees of freedom (Smyth 2004). It counts
less where counts are very skew: a few drives, by chance none, have most of the events. The
statistic is Mantel and Haenszel's difference over speed bands, each drive weighed by its variance;
p is Student's, with Satterthwaite's degrees of freedom. The interval is every ratio that the same
test does not refuse, so it holds 1 just where p is not below 0.05.

A drive may have parts in both groups, as of day and night. It stays one draw: what its parts have
in common, by the covariance of their residuals, is taken off the variance of the difference, shrunk
towards none with as many degrees of freedom.

Quantities other than counts, as seconds, have no Poisson variance: their `least_phi` is 0.

A table is two arrays, amounts and exposures, of shape (..., drives, bands); what is before drives
are cases, computed side by side: measures, looks or simulations. A drive without exposure is none.
`bench/two_groups.py` measures false alarms and power, `docs/statistics.md` has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEVEL = 0.95

_PRIOR_DEGREES = 8.0  # of freedom, that the database's dispersion counts for
_SAME_MEANS = 1e-3  # drives whose means are all alike don't tell phi from k
_MOST_LEVERAGE = 0.999
_LEAST_DEGREES = 1e-3
_LEAST_LEFT = 0.1  # of a variance, whatever the groups have in common
_USUAL_TAILS = 30.0  # an excess kurtosis with which a group's own variance is to be trusted
_TAIL_WEIGHT = 0.2  # of what is beyond that
_LEAST_K = 1e-12  # where there is no least phi: drives that are all alike still have weights
_REACH = 25.0  # limits beyond exp(25) are none
_STEPS = 36  # halvings of it leave 4e-10


@dataclass(frozen=True, slots=True)
class Table:
    """What of each drive and speed band is compared, and over how much: (..., drives, bands)."""

    amounts: Array
    exposures: Array

    def means(self, rates: Array) -> Array:
        """What each drive would have at these rates of the bands: (..., drives)."""
        means: Array = np.matmul(self.exposures, rates[..., None])[..., 0]
        return means

    @property
    def totals(self) -> tuple[Array, Array]:
        """Amount and exposure of each band."""
        return self.amounts.sum(axis=-2), self.exposures.sum(axis=-2)


@dataclass(frozen=True, slots=True)
class Dispersion:
    """The variance of a drive's amount: phi m + k m^2; an array of cases each.

    `phi_alone` and `k_alone` are the most that either could be without the other, the least phi
    aside; where the drives do not tell which it is, the test believes the worse.
    """

    phi: Array
    k: Array
    phi_alone: Array
    k_alone: Array
    least_phi: float

    def where(self, is_this: NDArray[np.bool_], other: Dispersion) -> Dispersion:
        """This in some cases, another one in the rest."""
        return Dispersion(
            np.where(is_this, self.phi, other.phi),
            np.where(is_this, self.k, other.k),
            np.where(is_this, self.phi_alone, other.phi_alone),
            np.where(is_this, self.k_alone, other.k_alone),
            self.least_phi,
        )


def fit_dispersion(groups: Sequence[Table], *, least_phi: float = 1.0) -> Dispersion:
    """Fit phi and k to groups of drives, each about its own rate, by two moments.

    Groups of less than two drives, or without any amount, tell nothing; where all do, phi is the
    least and k is 0.
    """
    totals = [group.totals for group in groups]
    rates = _divide(sum(amount for amount, _ in totals), sum(exposure for _, exposure in totals))
    sums = [_moments(group, rates) for group in groups]
    relative, absolute, n, first, second = (sum(parts) for parts in zip(*sums, strict=True))
    by_drive, by_length = _divide(relative, n), _divide(absolute, first)
    phi_alone = np.maximum(least_phi, np.maximum(by_drive, by_length))
    least_k = 0.0 if least_phi else _LEAST_K
    k_alone = np.maximum(least_k, _divide(absolute - least_phi * first, second))
    determinant = n * second - first**2
    tells = determinant > _SAME_MEANS * n * second
    phi = np.where(tells, _divide(relative * second - absolute * first, determinant), least_phi)
    k = _divide(n * absolute - first * relative, determinant)
    k = np.where(tells, k, _divide(absolute - least_phi * first, second))
    phi = np.where(k < 0, np.maximum(by_drive, by_length), phi)
    k = np.maximum(k, least_k)
    k = np.where(phi < least_phi, k_alone, k)
    return Dispersion(np.maximum(phi, least_phi), k, phi_alone, k_alone, least_phi)


def _moments(group: Table, rates: Array) -> tuple[Array, ...]:
    """Squared residuals by the mean and as they are, drives, and sums of means and their squares.

    Each is 0 of a group that tells nothing. Source: R. W. M. Wedderburn's and the moment
    estimator of a negative binomial's k, solved together.
    """
    means, amounts = group.means(rates), group.amounts.sum(axis=-1)
    means = means * _divide(amounts.sum(axis=-1), means.sum(axis=-1))[..., None]
    n = (means > 0).sum(axis=-1).astype(np.float64)
    n = np.where(n > 1, n, 0.0)
    own = _divide(n, n - 1)
    squares = np.where(means > 0, (amounts - means) ** 2, 0.0)
    return (
        own * _divide(squares, means).sum(axis=-1),
        own * squares.sum(axis=-1),
        n,
        np.where(n > 0, means.sum(axis=-1), 0.0),
        np.where(n > 0, (means**2).sum(axis=-1), 0.0),
    )


@dataclass(frozen=True, slots=True)
class Score:
    """The test of one ratio: `t` is above 0 where B has more than that; arrays of cases.

    The variances are those of the groups' weighed sums, which are `expected` in each group if the
    ratio is right: a group's part of the variance of the log ratio is variance / expected^2.
    """

    t: Array
    n_degrees: Array
    expected: Array
    variance_a: Array
    variance_b: Array

    @property
    def p_value(self) -> Array:
        """The probability of so great a difference, either way, if the ratio is right."""
        from engagement.statistics import t_probability  # noqa: PLC0415 - scipy is slow to import

        return t_probability(self.t, self.n_degrees)


def score(
    a: Table,
    b: Table,
    dispersion: Dispersion,
    log_ratio: Array | float = 0.0,
    *,
    n_shared: int = 0,
) -> Score:
    """Test whether B's rates are exp(log_ratio) times A's, in every band.

    The first `n_shared` drives of A and of B are the same, with parts of theirs in each group.
    """
    factor = np.exp(np.asarray(log_ratio, dtype=np.float64))[..., None, None]
    sides = (a, Table(b.amounts, b.exposures * factor))
    rates = _common_rates(sides, [np.ones(()) for _ in sides])
    weights = [_weights(side, rates, dispersion) for side in sides]
    rates = _common_rates(sides, weights)
    weights = [_weights(side, rates, dispersion) for side in sides]
    weighed = [np.matmul(w[..., None, :], s.exposures)[..., 0, :]
               for w, s in zip(weights, sides, strict=True)]  # fmt: skip
    both = weighed[0] + weighed[1]
    found = [
        _side(side, weight, _divide(other, both), rates, dispersion)
        for side, weight, other in zip(sides, weights, weighed[::-1], strict=True)
    ]
    apart = found[0].variance + found[1].variance
    n_degrees = _divide(
        apart**2,
        sum(one.variance**2 / (one.n_degrees + _PRIOR_DEGREES) for one in found),
    )
    least = np.maximum(found[0].least_variance + found[1].least_variance, _LEAST_LEFT * apart)
    variance = np.maximum(apart - 2 * _covariance(found[0], found[1], n_shared), least)
    shrinking = _divide(variance, apart)
    return Score(
        _divide(found[1].total - found[0].total, np.sqrt(variance)),
        np.where(variance > 0, n_degrees, 1.0),
        found[0].expected,
        found[0].variance * shrinking,
        found[1].variance * shrinking,
    )


def _common_rates(sides: Sequence[Table], weights: Sequence[Array]) -> Array:
    """The rate of each band over both groups, drives weighed."""
    amounts, exposures = (
        sum((w[..., None] * values).sum(axis=-2) for w, values in zip(weights, both, strict=True))
        for both in ([s.amounts for s in sides], [s.exposures for s in sides])
    )
    return _divide(amounts, exposures)


def _weights(side: Table, rates: Array, dispersion: Dispersion) -> Array:
    """What each drive counts: less the more it varies for its length."""
    means = side.means(rates)
    return _divide(1.0, dispersion.phi[..., None] + dispersion.k[..., None] * means)


@dataclass(frozen=True, slots=True)
class _Side:
    """A group's weighed sum; by drive, `residuals`, and `poisson`: their variance for phi = 1."""

    total: Array
    expected: Array
    variance: Array
    least_variance: Array
    n_degrees: Array
    residuals: Array
    poisson: Array


def _side(side: Table, weights: Array, shares: Array, rates: Array, fit: Dispersion) -> _Side:
    """A group's weighed sum and its variance, the bands weighed by the other group's shares."""
    amounts = np.matmul(side.amounts, shares[..., None])[..., 0]
    means = side.means(shares * rates)
    squares = weights**2
    poisson = squares * side.means(shares**2 * rates)  # variance for phi = 1, weighed
    mixed = squares * means**2  # and for k = 1
    sum_poisson, sum_mixed = poisson.sum(axis=-1), mixed.sum(axis=-1)
    total, expected = (weights * amounts).sum(axis=-1), (weights * means).sum(axis=-1)

    def model(ratio: Array | float) -> Array:
        both = fit.phi * ratio * sum_poisson + fit.k * ratio**2 * sum_mixed
        phi_alone = fit.phi_alone * ratio * sum_poisson
        k_alone = fit.least_phi * ratio * sum_poisson + fit.k_alone * ratio**2 * sum_mixed
        greatest: Array = np.maximum(np.maximum(both, phi_alone), k_alone)
        return greatest

    own = _divide(total, expected)
    leverages = np.minimum(_divide(weights * means, expected[..., None]), _MOST_LEVERAGE)
    residuals = weights * (amounts - own[..., None] * means) / np.sqrt(1 - leverages)
    parts = fit.phi[..., None] * poisson + fit.k[..., None] * mixed
    n_degrees = _divide(parts.sum(axis=-1) ** 2, (parts**2).sum(axis=-1)) - 1
    if fit.least_phi:
        tails = _divide((parts**2 * _excess_kurtosis(side.means(rates), fit)).sum(axis=-1),
                        (parts**2).sum(axis=-1))  # fmt: skip
        n_degrees *= 2 / (2 + _TAIL_WEIGHT * np.maximum(tails - _USUAL_TAILS, 0.0))
    n_degrees = np.maximum(n_degrees, _LEAST_DEGREES)
    at_own = model(own)
    seen = np.where(at_own > 0, _divide((residuals**2).sum(axis=-1), at_own), 1.0)
    shrunk = (n_degrees * seen + _PRIOR_DEGREES) / (n_degrees + _PRIOR_DEGREES)
    least = fit.least_phi * sum_poisson
    variance = np.maximum(shrunk * model(1.0), least)
    return _Side(total, expected, variance, least, n_degrees, residuals, poisson)


def _excess_kurtosis(means: Array, fit: Dispersion) -> Array:
    """That of counts with these means, as of a process with their dispersion."""
    dispersions = fit.phi[..., None] + fit.k[..., None] * means
    return _divide(6 * (dispersions - 1), means) + _divide(1.0, means * dispersions)


def _covariance(a: _Side, b: _Side, n_shared: int) -> Array:
    """What the groups' sums have in common by the drives that are in both, shrunk towards none."""
    if n_shared == 0:
        return np.zeros(())
    shared = slice(n_shared)
    seen = (a.residuals[..., shared] * b.residuals[..., shared]).sum(axis=-1)
    parts = np.sqrt(a.poisson[..., shared] * b.poisson[..., shared])
    n_degrees = np.maximum(_divide(parts.sum(axis=-1) ** 2, (parts**2).sum(axis=-1)) - 1, 0.0)
    shrunk: Array = seen * n_degrees / (n_degrees + _PRIOR_DEGREES)
    return shrunk


def ratio_limits(
    a: Table, b: Table, dispersion: Dispersion, *, n_shared: int = 0
) -> tuple[Array, Array, Array]:
    """The ratio at which t is 0, and the least and the greatest one with p of at least 0.05.

    Each is 0 or infinite where no ratio is small or great enough. All are found by halving, which
    begins at 1: so a limit lies on the side of 1 that p says.
    """
    signs = np.array([0.0, 1.0, -1.0])  # of t at the estimate, the lower and the upper limit
    signs = signs.reshape((3,) + (1,) * (a.amounts.ndim - 2))
    shape = np.broadcast_shapes(signs.shape, a.amounts.shape[:-2])
    low, high, middle = np.full(shape, -_REACH), np.full(shape, _REACH), np.zeros(shape)
    for _ in range(_STEPS):
        found = score(a, b, dispersion, middle, n_shared=n_shared)
        is_told = found.p_value < 1 - LEVEL
        is_lower, is_upper = is_told & (found.t > 0), ~is_told | (found.t > 0)
        is_above = np.where(signs > 0, is_lower, np.where(signs < 0, is_upper, found.t > 0))
        low, high = np.where(is_above, middle, low), np.where(is_above, high, middle)
        middle = (low + high) / 2
    ratios = np.where(low == -_REACH, 0.0, np.where(high == _REACH, np.inf, np.exp(middle)))
    return ratios[0], ratios[1], ratios[2]


def _divide(top: Array | float, bottom: Array | float) -> Array:
    """Their ratio, 0 where the lower one is 0."""
    top, bottom = np.broadcast_arrays(top, bottom)
    result: Array = np.divide(top, bottom, out=np.zeros(top.shape), where=bottom != 0)
    return result
