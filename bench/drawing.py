"""Drives drawn with known rates, lengths and dispersion, many simulations at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from engagement.analysis.score_test import Table

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Family = Literal[
        "bursts",
        "gamma",
        "two kinds",
        "Poisson bursts",
        "log-normal",
        "gamma and bursts",
        "rare bad drives",
    ]

# The rate of the better kind of drives, by the mean.
_LOW = {"two kinds": 0.0, "rare bad drives": 0.25}


@dataclass(frozen=True, slots=True)
class Setting:
    """Two groups and the other drives of the database.

    Attributes:
        n_a: Drives of A.
        n_b: Drives of B.
        length_a: Mean length of A's drives.
        length_b: The same of B's.
        log_sd: Of the lengths in a group, which are log-normal.
        family: How events cluster.
        phi: Variance by mean of the count of a drive of length 1.
        mean: Events of a drive of length 1.
        n_others: Other drives of the database, half as long as A's, half as B's.
        ratio: Of the rates, B by A.
        other_phi: `phi` of the others, if it is another.
    """

    n_a: int
    n_b: int
    length_a: float = 1.0
    length_b: float = 1.0
    log_sd: float = 0.0
    family: Family = "gamma"
    phi: float = 1.0
    mean: float = 1.0
    n_others: int = 100
    ratio: float = 1.0
    other_phi: float | None = None

    def __str__(self) -> str:
        return (
            f"{self.n_a} v {self.n_b}, {self.length_a:.2g}:{self.length_b:.2g}, "
            f"log-sd {self.log_sd:.2g}, {self.family}, phi {self.phi:g}, {self.mean:g} a drive, "
            f"{self.n_others} others{' of another phi' if self.other_phi else ''}"
        )


def draw(rng: Generator, setting: Setting, n_cases: int) -> tuple[Table, Table, Table]:
    """A, B and the others, each (cases, drives, 1)."""
    n_half = setting.n_others // 2
    other_means = np.concatenate(
        [
            np.full(n_half, setting.length_a),
            np.full(setting.n_others - n_half, setting.length_b),
        ]
    )
    groups = (
        (np.full(setting.n_a, setting.length_a), 1.0, setting.phi),
        (np.full(setting.n_b, setting.length_b), setting.ratio, setting.phi),
        (other_means, 1.0, setting.other_phi or setting.phi),
    )
    tables = []
    for means, ratio, phi in groups:
        lengths = draw_lengths(rng, means, setting.log_sd, n_cases)
        expected = setting.mean * ratio * lengths
        counts = draw_counts(rng, expected, setting.family, phi, setting.mean)
        tables.append(Table(counts[..., None], lengths[..., None]))
    return tables[0], tables[1], tables[2]


def draw_parts(
    rng: Generator, setting: Setting, shared: float, n_cases: int
) -> tuple[Table, Table, Table]:
    """A and B that are parts of the same drives, and others as wholes.

    A drive's two parts are each as `draw` has drives, of `length_a` and `length_b`; of what makes
    drives differ, the share `shared` is the same in both.
    """
    n_drives = setting.n_a + setting.n_others
    halves = [
        draw_lengths(rng, np.full(n_drives, length), setting.log_sd, n_cases)
        for length in (setting.length_a, setting.length_b)
    ]
    ratios = np.where(np.arange(n_drives) < setting.n_a, setting.ratio, 1.0)
    common, own = shared * (setting.phi - 1), (1 - shared) * (setting.phi - 1)
    factors = np.ones(halves[0].shape)
    if common:
        factors = rng.gamma(setting.mean / common, common / setting.mean, factors.shape)
    counts = [
        draw_counts(
            rng, setting.mean * factors * length * ratio, setting.family, 1 + own, setting.mean
        )
        for length, ratio in zip(halves, (1.0, ratios), strict=True)
    ]
    own_drives, rest = slice(setting.n_a), slice(setting.n_a, None)
    a, b = (
        Table(count[:, own_drives, None], length[:, own_drives, None])
        for count, length in zip(counts, halves, strict=True)
    )
    return a, b, Table(sum(counts)[:, rest, None], sum(halves)[:, rest, None])


def draw_lengths(rng: Generator, means: Array, log_sd: float, n_cases: int) -> Array:
    """Log-normal lengths of drives, (cases, drives)."""
    shape = (n_cases, len(means))
    return means * np.exp(rng.normal(-(log_sd**2) / 2, log_sd, shape))


def draw_counts(rng: Generator, expected: Array, family: Family, phi: float, mean: float) -> Array:
    """Counts with these means; of a drive that expects `mean` the variance is phi times that.

    With bursts phi is the same for all drives; where drives differ, it grows with their length.
    """
    excess = phi - 1
    if excess == 0:
        return rng.poisson(expected).astype(np.float64)
    k = excess / mean
    if family == "bursts":
        return _bursts(rng, expected, phi)
    if family == "Poisson bursts":  # of 1 + Poisson(s): phi is (1 + 3 s + s^2) / (1 + s)
        s = (excess - 2 + np.sqrt((excess - 2) ** 2 + 4 * excess)) / 2
        n_bursts = rng.poisson(expected / (1 + s))
        return (n_bursts + rng.poisson(n_bursts * s)).astype(np.float64)
    if family == "gamma and bursts":
        return _bursts(rng, expected * rng.gamma(2 / k, k / 2, expected.shape), 1 + excess / 2)
    return rng.poisson(expected * _factors(rng, family, k, expected.shape)).astype(np.float64)


def _bursts(rng: Generator, expected: Array, phi: float) -> Array:
    """Bursts of geometric sizes."""
    chance = 2 / (phi + 1)
    n_bursts = rng.poisson(expected * chance)
    more = rng.negative_binomial(np.maximum(n_bursts, 1), chance)
    return np.where(n_bursts > 0, n_bursts + more, 0).astype(np.float64)


def _factors(rng: Generator, family: Family, k: float, shape: tuple[int, ...]) -> Array:
    """How much more than others' the rate of each drive is: mean 1, variance k."""
    if family == "gamma":
        return rng.gamma(1 / k, k, shape)
    if family == "log-normal":
        variance = np.log1p(k)
        return np.exp(rng.normal(-variance / 2, np.sqrt(variance), shape))
    low = _LOW[family]
    share = (1 - low) ** 2 / (k + (1 - low) ** 2)  # of drives of the worse kind
    return np.where(rng.random(shape) < share, low + (1 - low) / share, low)
