"""Drives drawn with known rates: what is said of them must be right as often as it claims to be."""

from __future__ import annotations

import numpy as np
import pytest

from engagement.analysis.permutation import permutation_tests, relabel
from engagement.analysis.ratios import mean_ratio, naive_p, rate_ratio
from engagement.analysis.samples import Sample, dispersion, inflation

BAND_RATES = np.array([3.0, 1.0, 0.4])


class Drives:
    """Draws two groups; events come in clusters of one of two shapes.

    With `constant` the variance of each drive's count is `phi` times its mean; with `growing` each
    drive has a rate of its own, so that long drives are the more dispersed; `phi` is then that of
    a drive of mean length.
    """

    def __init__(self, seed, *, phi=6.0, mean=8.0, spread=0.8, clusters="constant", n_bands=3):
        self.rng = np.random.default_rng(seed)
        self.phi, self.mean, self.spread, self.n_bands = phi, mean, spread, n_bands
        self.clusters = clusters

    def group(self, n_drives, ratio=1.0, length=1.0):
        rng = self.rng
        lengths = rng.lognormal(-(self.spread**2) / 2, self.spread, n_drives)
        shares = rng.dirichlet(np.full(self.n_bands, 3.0), n_drives)
        exposures = length * lengths[:, None] * shares
        means = self.mean * ratio * exposures * BAND_RATES[: self.n_bands] / BAND_RATES[0]
        totals = means.sum(axis=1)
        if self.phi > 1:
            excess = self.phi - 1
            weights = totals if self.clusters == "constant" else np.full(n_drives, self.mean)
            factors = rng.gamma(weights / excess, excess / weights)
            means = means * factors[:, None]
        return rng.poisson(means).astype(float), exposures

    def pair(self, n_a, n_b, ratio=1.0, length_b=1.0):
        a, b = self.group(n_a), self.group(n_b, ratio, length_b)
        return Sample(np.vstack([a[0], b[0]]), np.vstack([a[1], b[1]]), np.arange(n_a + n_b) >= n_a)


def p_value(sample, seed):
    relabellings = relabel(sample.is_b, n_permutations=499, seed=seed)
    table = (sample.numerators, sample.denominators)
    return permutation_tests([table], sample.is_b, relabellings)[0].p_value


def test_equal_groups_of_clustered_drives_are_told_apart_as_often_as_p_says():
    drives = Drives(1)
    permuted, naive, dispersions = [], [], []
    for seed in range(1000):
        sample = drives.pair(15, 15)
        permuted.append(p_value(sample, seed))
        naive.append(naive_p(sample))
        dispersions.append(dispersion(sample))
    assert np.mean(dispersions) == pytest.approx(6, rel=0.1)
    assert 0.03 < np.mean(np.array(permuted) < 0.05) < 0.07
    assert np.mean(np.array(naive) < 0.05) > 0.20


@pytest.mark.parametrize(
    ("n_a", "n_b", "ratio", "options"),
    [
        (12, 12, 1.0, {}),
        (12, 12, 1.0, {"spread": 0.0, "n_bands": 1}),
        (30, 30, 1.5, {"clusters": "growing"}),
        (8, 30, 1.0, {"clusters": "growing"}),
        (5, 5, 1.0, {}),
        (40, 40, 2.0, {"phi": 1.0, "mean": 0.5}),
        (10, 10, 1.0, {"phi": 1.0, "mean": 2.0}),
        (20, 60, 0.6, {"phi": 3.0, "mean": 3.0}),
    ],
)
def test_intervals_of_rate_ratios_cover_the_truth_as_often_as_they_say(n_a, n_b, ratio, options):
    drives = Drives(2, **options)
    covered = []
    while len(covered) < 1000:
        sample = drives.pair(n_a, n_b, ratio)
        found = rate_ratio(sample, inflation(sample))
        if found.lower is not None:
            covered.append(found.lower <= ratio <= found.upper)
    assert 0.93 <= np.mean(covered) <= 0.97


def test_pearsons_dispersion_alone_would_give_intervals_that_are_too_narrow():
    """Why intervals weigh drives by length."""
    drives = Drives(3, clusters="growing")
    covered = []
    for _ in range(500):
        sample = drives.pair(30, 30)
        extra = inflation(sample)
        plain = type(extra)(dispersion(sample), 58)
        found = rate_ratio(sample, plain)
        covered.append(found.lower <= 1 <= found.upper)
    assert np.mean(covered) < 0.92


@pytest.mark.parametrize(("n_a", "n_b", "ratio"), [(20, 20, 1.0), (10, 30, 1.4)])
def test_intervals_of_mean_ratios_cover_the_truth_as_often_as_they_say(n_a, n_b, ratio):
    rng = np.random.default_rng(4)
    covered = []
    for _ in range(1000):
        is_b = np.arange(n_a + n_b) >= n_a
        seconds = rng.lognormal(6, 0.6, (n_a + n_b, 3))
        drive = rng.lognormal(0, 0.3, (n_a + n_b, 1))
        means = np.array([0.5, 0.3, 0.2]) * drive * rng.lognormal(0, 0.2, seconds.shape)
        means[is_b] *= ratio
        found = mean_ratio(Sample(means * seconds, seconds, is_b))
        covered.append(found.lower <= ratio <= found.upper)
    assert 0.93 <= np.mean(covered) <= 0.97


def test_longer_drives_in_one_group_are_no_difference():
    """The studentised score keeps its level where the labels are more than names."""
    drives = Drives(5, clusters="growing")
    p_values = []
    for seed in range(600):
        sample = drives.pair(30, 15, length_b=2.5)
        p_values.append(p_value(sample, seed))
    assert np.mean(np.array(p_values) < 0.05) < 0.08
