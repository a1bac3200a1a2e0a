"""One measure of two groups of drives, and how much the drives vary about their group.

Drives lie along the first axis of every array, speed bands along the second. Every estimate is of
the form sum(numerators) / sum(denominators).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engagement.statistics import t_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ALMOST_1 = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class Sample:
    """Numerators and denominators of two groups' drives; `is_b` marks those of the candidate.

    A drive with parts in both groups stands there twice; then `drive_ids` say which is which.
    """

    numerators: NDArray[np.float64]
    denominators: NDArray[np.float64]
    is_b: NDArray[np.bool_]
    drive_ids: NDArray[np.int64] | None = None

    @property
    def n_drives(self) -> int:
        """Drives of both groups."""
        return len(self.is_b)

    @property
    def rates(self) -> NDArray[np.float64]:
        """The rate of each band over all drives, 0 in a band without exposure."""
        totals = self.denominators.sum(axis=0)
        rates: NDArray[np.float64] = self.numerators.sum(axis=0) / np.where(
            totals > 0, totals, np.inf
        )
        return rates

    def group(self, *, is_b: bool) -> Sample:
        """The drives of one group."""
        return self.take(self.is_b == is_b)

    def groups(self) -> list[Sample]:
        """The groups that have drives, A first."""
        found = [self.group(is_b=is_b) for is_b in (False, True)]
        return [group for group in found if group.n_drives]

    def exposed(self) -> Sample:
        """The drives that have a denominator."""
        return self.take(self.denominators.sum(axis=1) > 0)

    def crude(self) -> Sample:
        """The same without bands."""
        return Sample(
            self.numerators.sum(axis=1, keepdims=True),
            self.denominators.sum(axis=1, keepdims=True),
            self.is_b,
            self.drive_ids,
        )

    def common_bands(self) -> NDArray[np.bool_]:
        """The bands in which both groups have a denominator."""
        a, b = (self.group(is_b=is_b).denominators.sum(axis=0) > 0 for is_b in (False, True))
        common: NDArray[np.bool_] = a & b
        return common

    def take_bands(self, bands: NDArray[np.bool_]) -> Sample | None:
        """Some bands, and the drives that have a denominator there; None without any band."""
        if not bands.any():
            return None
        return replace(
            self, numerators=self.numerators[:, bands], denominators=self.denominators[:, bands]
        ).exposed()

    def take(self, drives: NDArray[np.bool_] | NDArray[np.intp]) -> Sample:
        """Some drives."""
        return Sample(
            self.numerators[drives],
            self.denominators[drives],
            self.is_b[drives],
            None if self.drive_ids is None else self.drive_ids[drives],
        )

    def shared_first(self) -> tuple[Sample, int]:
        """A's drives, then B's, in each those first that are in both; and how many these are."""
        if self.drive_ids is None:
            return self, 0
        a, b = self.drive_ids[~self.is_b], self.drive_ids[self.is_b]
        shared = np.intersect1d(a, b)
        is_alone = ~np.isin(self.drive_ids, shared)
        return self.take(np.lexsort((self.drive_ids, is_alone, self.is_b))), len(shared)


@dataclass(frozen=True, slots=True)
class Spread:
    """How much drives vary, and on how many degrees of freedom that rests."""

    size: float
    n_degrees: float

    @property
    def quantile(self) -> float:
        """The 97.5 % quantile of Student's t that goes with it."""
        return t_quantile(self.n_degrees)


def dispersion(sample: Sample) -> float | None:
    """Pearson's chi2 by its degrees of freedom over drives with exposure, each by its group's rate.

    None where no events, or no more drives than groups, leave nothing to tell it from.
    """
    groups = sample.crude().exposed().groups()
    n_degrees = sum(group.n_drives - 1 for group in groups)
    if n_degrees < 1 or not any(group.numerators.any() for group in groups):
        return None
    return float(sum(map(_chi2, groups)) / n_degrees)


def _chi2(group: Sample) -> float:
    if not group.numerators.any():
        return 0.0  # nothing is just what is expected
    expected = group.denominators * group.rates
    return float(((group.numerators - expected) ** 2 / expected).sum())


def spread_of_sum(group: Sample, weights: NDArray[np.float64]) -> Spread | None:
    """The variance of a group's sum of numerators, bands weighed, about its rates.

    None of fewer than two drives with exposure.
    """
    drives = group.exposed()
    if drives.n_drives < 2:  # noqa: PLR2004 - one drive shows no spread
        return None
    variance = float((_residuals(drives, weights) ** 2).sum())
    return Spread(variance, max(_n_effective(drives) - 1, 1.0))


def _residuals(group: Sample, weights: NDArray[np.float64] | float = 1.0) -> NDArray[np.float64]:
    """What each drive has beyond its group's rates, enlarged for its own part in these.

    A drive with the share h of the group's exposure pulls the rate towards its own: the square of
    what is left is short by 1 - h.
    """
    expected = group.denominators * group.rates
    totals = group.denominators.sum(axis=0)
    shares = group.denominators / np.where(totals > 0, totals, 1.0)
    parts = np.where(expected.sum(axis=1, keepdims=True) > 0, expected, group.denominators)
    own = np.minimum((parts * shares).sum(axis=1) / parts.sum(axis=1), _ALMOST_1)
    residuals: NDArray[np.float64] = ((group.numerators - expected) * weights).sum(axis=1)
    residuals /= np.sqrt(1 - own)
    return residuals


def _n_effective(group: Sample) -> float:
    """How many drives of one length would tell as much as these do."""
    lengths = group.denominators.sum(axis=1)
    return float(lengths.sum() ** 2 / (lengths**2).sum())
