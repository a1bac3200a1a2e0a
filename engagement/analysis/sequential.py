"""A comparison that may be looked at after every drive, without being fooled by looking often.

A p-value is right for one look. Who looks after every drive and stops at the first p < 0.05 finds a
difference between groups that have none in 17 to 32 % of cases. Here each look takes only the
drives that had begun by then, and the decision is the first look that tells: so nothing needs to be
remembered, and more drives never undo it.

Without a planned end: the e-value of a normal mixture over log ratios with a standard deviation of
ln 2 (Robbins 1970), on the score test; it tells from 20 on. With one: O'Brien and Fleming's line
(1979), z x sqrt(information by now / information at the end) of at least 2.43.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from engagement.analysis.ratios import fit, is_too_few, tables
from engagement.analysis.score_test import ratio_limits, score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engagement.analysis.samples import Sample
    from engagement.analysis.score_test import Array, Score

    Method = Literal["e-value", "line"]

E_LIMIT = 20.0
LINE_LIMIT = 2.43  # of 4 (1 - Phi(limit)) = 0.03, as the statistic is only nearly normal

_PRIOR_VARIANCE = math.log(2) ** 2  # of the log ratio
_LEAST_DRIVES = 3  # of each group, before the first look
_EVERY_DRIVE = 100  # up to so many drives, then each time that there are 2 % more
_GROWTH = 1.02
_MOST_LOG = 700.0  # exp of more is infinite


@dataclass(frozen=True, slots=True)
class Look:
    """What the drives told that had begun by then; `evidence` is an e-value, or on the line."""

    n_a: int
    n_b: int
    evidence: float
    is_too_few: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """Looks in order of time, up to now.

    Attributes:
        method: Whether looks have e-values, or a place towards O'Brien and Fleming's line.
        limit: What evidence must reach.
        until_drives: Drives of B at the planned end, with a line.
        looks: All of them.
        decided: Which look was the first to tell; None while it is open.
        is_higher: Whether B was higher than A at that look.
        ratio: B / A at that look.
    """

    method: Method
    limit: float
    until_drives: int | None
    looks: tuple[Look, ...]
    decided: int | None
    is_higher: bool | None
    ratio: float | None

    @property
    def is_over(self) -> bool:
        """Whether no later drive can change it: decided, or at its planned end."""
        if self.decided is not None:
            return True
        return self.until_drives is not None and any(
            look.n_b >= self.until_drives for look in self.looks
        )


def e_values(found: Score) -> Array:
    """The evidence against the tested ratio: how many times likelier a mixture of others is."""
    variance = found.variance_a + found.variance_b
    is_told = variance > 0
    tau = np.where(is_told, found.expected**2, 0.0) / np.where(is_told, variance, 1.0)
    tau = tau * _PRIOR_VARIANCE
    exponent = found.t**2 * tau / (2 * (1 + tau)) - np.log1p(tau) / 2
    values: Array = np.exp(np.minimum(exponent, _MOST_LOG))
    return values


def line_values(found: Score, fraction: Array | float) -> Array:
    """The normal quantile of p, times the root of the planned information's share by now."""
    from engagement.statistics import normal_quantiles  # noqa: PLC0415 - scipy is slow to import

    values: Array = -normal_quantiles(found.p_value / 2) * np.sqrt(fraction)
    return values


def information_fraction(
    exposures: tuple[Array, Array], n_b: int, until_drives: int, *, is_a_complete: bool
) -> Array:
    """The share of the information at the planned end, T_A T_B / (T_A + T_B), that there is now.

    B's further drives are expected to be as long as those before, and A to grow as B does, unless
    it has ended before B began.
    """
    growth = max(until_drives / n_b, 1.0)
    a, b = exposures
    a_end, b_end = a * (1.0 if is_a_complete else growth), b * growth
    end = a_end * b_end / np.where(a_end + b_end > 0, a_end + b_end, 1.0)
    now = a * b / np.where(a + b > 0, a + b, 1.0)
    fraction: Array = np.minimum(now / np.where(end > 0, end, 1.0), 1.0)
    return fraction


def look_sizes(n_drives: int, *, is_sparse: bool) -> Iterator[int]:
    """After how many drives of both groups there is a look: each one, if sparse later fewer.

    They are the same for any `n_drives`, so that a look that was never moves.
    """
    size = 2 * _LEAST_DRIVES
    while size <= n_drives:
        yield size
        grown = math.ceil(size * _GROWTH) if is_sparse and size >= _EVERY_DRIVE else 0
        size = max(size + 1, grown)


@dataclass(frozen=True, slots=True)
class Timed:
    """Drives in order of time: a sample without the band of unknown speeds, and when each began.

    A drive of which nobody knows when it began is in no look.
    """

    sample: Sample
    starts: Array

    @classmethod
    def of(cls, sample: Sample, starts: Array) -> Timed:
        """The drives that have exposure and a start, sorted."""
        ids = np.zeros(len(starts)) if sample.drive_ids is None else sample.drive_ids
        order = np.lexsort((ids, starts))
        order = order[~np.isnan(starts[order]) & (sample.denominators[order].sum(axis=1) > 0)]
        return cls(sample.take(order), starts[order])

    def splits_drive(self, size: int) -> bool:
        """Whether the first so many end between the two groups' parts of one drive."""
        ids = self.sample.drive_ids
        if ids is None or size == self.sample.n_drives:
            return False
        return bool(np.isin(ids[size - 1], ids[size:]))

    def until(self, start: float) -> Sample:
        """The drives begun by then."""
        return self.sample.take(np.arange(np.searchsorted(self.starts, start, side="right")))


def follow(
    drives: Timed, others: Timed, *, is_rate: bool, until_drives: int | None = None
) -> Sequence:
    """Look after every drive of A and B, each time at what had begun by then."""
    is_line = until_drives is not None
    limit = LINE_LIMIT if is_line else E_LIMIT
    looks: list[Look] = []
    decided, is_higher, ratio = None, None, None
    for size in look_sizes(drives.sample.n_drives, is_sparse=not is_line):
        sample = drives.sample.take(np.arange(size))
        n_b = int(sample.is_b.sum())
        if min(size - n_b, n_b) < _LEAST_DRIVES:
            continue
        if until_drives is not None and n_b > until_drives:
            break
        if drives.splits_drive(size):
            continue
        known = others.until(float(drives.starts[size - 1]))
        found = _look(sample, known, is_rate=is_rate, until_drives=until_drives)
        evidence, estimate = found or (0.0, lambda: 1.0)
        looks.append(Look(size - n_b, n_b, evidence, is_too_few=found is None))
        if decided is None and evidence >= limit:
            decided, ratio = len(looks) - 1, estimate()
            is_higher = ratio > 1
    method: Method = "line" if is_line else "e-value"
    return Sequence(method, limit, until_drives, tuple(looks), decided, is_higher, ratio)


def _look(
    sample: Sample, others: Sample, *, is_rate: bool, until_drives: int | None
) -> tuple[float, Callable[[], float]] | None:
    """The evidence at one look, and how to get the ratio; None of too few drives."""
    bands = sample.common_bands()
    like = sample.take_bands(bands)
    if like is None:
        return None
    dispersion, basis = fit(like, others.take_bands(bands) or others, least_phi=float(is_rate))
    if basis == "drives" and is_too_few(like, is_rate=is_rate):
        return None
    a, b, n_shared = tables([like])
    found = score(a, b, dispersion, n_shared=n_shared)

    def ratio() -> float:
        return float(ratio_limits(a, b, dispersion, n_shared=n_shared)[0][0])

    if until_drives is None:
        return float(e_values(found)[0]), ratio
    fraction = information_fraction(
        (a.exposures.sum(), b.exposures.sum()),
        int(sample.is_b.sum()),
        until_drives,
        is_a_complete=not (~sample.is_b[np.argmax(sample.is_b) :]).any(),
    )
    return float(line_values(found, fraction)[0]), ratio
