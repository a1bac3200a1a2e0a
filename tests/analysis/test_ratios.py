from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engagement.analysis.ratios import mean_ratio, naive_p, rate_ratio
from engagement.analysis.samples import Sample, Spread, dispersion, inflation

# Doll and Hill's doctors: deaths and person-years of smokers and of others, by age; Breslow and
# Day, Statistical methods in cancer research II; Stata's manual gives the estimates (`ir`).
SMOKERS = [(32, 52407), (104, 43248), (206, 28612), (186, 12663), (102, 5317)]
OTHERS = [(2, 18790), (12, 10673), (28, 5710), (28, 2585), (31, 1462)]

# Walker's users of clozapine, current and past: deaths and person-years by age; Rothman,
# Greenland and Lash, Modern epidemiology, chapter 15.
CURRENT = [(196, 62119), (167, 6085)]
PAST = [(111, 15763), (157, 2780)]

POISSON = Spread(1.0, 1e9)  # no inflation, the normal quantile


def two_drives(a, b):
    """A sample in which each group is one drive."""
    table = np.array([a, b], dtype=float)
    return Sample(table[:, :, 0], table[:, :, 1], np.array([False, True]))


def random_sample(seed, *, n_drives=14, n_bands=3, mean=3.0):
    rng = np.random.default_rng(seed)
    exposures = rng.lognormal(0, 0.7, (n_drives, n_bands))
    counts = rng.poisson(mean * exposures * rng.gamma(1, 1, (n_drives, 1)))
    return Sample(counts.astype(float), exposures, np.arange(n_drives) >= n_drives // 2)


@pytest.mark.parametrize(
    ("candidate", "baseline", "ratio", "lower", "upper"),
    [(SMOKERS, OTHERS, 1.424682, 1.154703, 1.757784), (CURRENT, PAST, 0.469, 0.400, 0.550)],
)
def test_mantel_haenszel_is_that_of_the_textbooks(candidate, baseline, ratio, lower, upper):
    found = rate_ratio(two_drives(baseline, candidate), POISSON)
    assert found.value == pytest.approx(ratio, rel=1e-3, abs=5e-4)
    # The textbooks' limits are those of Greenland and Robins, which the score limits are close to.
    assert found.lower == pytest.approx(lower, rel=0.01)
    assert found.upper == pytest.approx(upper, rel=0.01)


def test_the_crude_ratio_is_that_of_the_textbook():
    crude = two_drives(OTHERS, SMOKERS).crude()
    assert rate_ratio(crude, POISSON).value == pytest.approx(1.719823, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_limits_are_where_the_score_is_the_quantile(seed):
    sample = random_sample(seed)
    extra = Spread(2.5, 9.0)
    found = rate_ratio(sample, extra)
    events, exposures, is_b = sample.numerators, sample.denominators, sample.is_b
    sum_a = sum_b = variance = 0.0
    for band in range(3):
        total_a, total_b = exposures[~is_b, band].sum(), exposures[is_b, band].sum()
        total = total_a + total_b
        sum_a += events[~is_b, band].sum() * total_b / total
        sum_b += events[is_b, band].sum() * total_a / total
        variance += events[:, band].sum() * total_a * total_b / total**2
    assert found.value == pytest.approx(sum_b / sum_a)
    quantile = stats.t.ppf(0.975, 9)
    for limit in (found.lower, found.upper):
        score = (sum_b - limit * sum_a) / math.sqrt(2.5 * limit * variance)
        assert abs(score) == pytest.approx(quantile)
    assert found.lower < found.value < found.upper


def test_near_the_estimate_the_interval_is_greenland_and_robins():
    sample = two_drives([(4000, 900.0), (3000, 200.0)], [(4400, 1000.0), (2500, 180.0)])
    found = rate_ratio(sample, POISSON)
    a, b = [(4000, 900.0), (3000, 200.0)], [(4400, 1000.0), (2500, 180.0)]
    top = sum(y * t / (t + u) for (y, u), (_, t) in zip(b, a, strict=True))
    bottom = sum(x * u / (t + u) for (x, t), (_, u) in zip(a, b, strict=True))
    spread = sum((x + y) * t * u / (t + u) ** 2 for (x, t), (y, u) in zip(a, b, strict=True)) / (
        top * bottom
    )
    width = math.exp(stats.norm.ppf(0.975) * math.sqrt(spread))
    assert found.lower == pytest.approx(top / bottom / width, rel=1e-4)
    assert found.upper == pytest.approx(top / bottom * width, rel=1e-4)


def test_without_events_in_one_group_one_bound_stands():
    none_in_b = rate_ratio(two_drives([(6, 10.0)], [(0, 10.0)]), POISSON)
    none_in_a = rate_ratio(two_drives([(0, 10.0)], [(6, 10.0)]), POISSON)
    assert (none_in_b.value, none_in_b.lower) == (0, 0)
    # (0 - 6r/2)^2 = 1.96^2 r 6/4 where one group has half of the exposure
    assert none_in_b.upper == pytest.approx(stats.norm.ppf(0.975) ** 2 / 6)
    assert (none_in_a.value, none_in_a.upper) == (math.inf, math.inf)
    assert none_in_a.lower == pytest.approx(1 / none_in_b.upper)


def test_without_any_events_there_is_no_ratio():
    found = rate_ratio(two_drives([(0, 10.0)], [(0, 10.0)]), POISSON)
    assert (found.value, found.lower, found.upper) == (None, None, None)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_exchanging_the_groups_inverts_ratio_and_limits(seed):
    sample = random_sample(seed)
    other = Sample(sample.numerators, sample.denominators, ~sample.is_b)
    for estimate in (lambda s: rate_ratio(s, inflation(s)), mean_ratio):
        plain, swapped = estimate(sample), estimate(other)
        if plain.value and not math.isinf(plain.value):
            assert swapped.value == pytest.approx(1 / plain.value)
            assert swapped.lower == pytest.approx(1 / plain.upper)
            assert swapped.upper == pytest.approx(1 / plain.lower)


def test_equal_groups_have_the_ratio_one_and_naive_p_one():
    sample = random_sample(1)
    twice = Sample(
        np.vstack([sample.numerators] * 2),
        np.vstack([sample.denominators] * 2),
        np.repeat([False, True], 14),
    )
    assert rate_ratio(twice, inflation(twice)).value == pytest.approx(1)
    assert mean_ratio(twice).value == pytest.approx(1)
    assert naive_p(twice) == pytest.approx(1)


def test_naive_p_is_the_score_test_of_two_poisson_counts():
    # 30 and 50 events in equal exposure: chi2 = (50 - 30)^2 / 80 = 5
    assert naive_p(two_drives([(30, 7.0)], [(50, 7.0)])) == pytest.approx(stats.chi2.sf(5, 1))
    assert naive_p(two_drives([(0, 7.0)], [(0, 7.0)])) == 1


def test_dispersion_is_pearsons_chi2_by_its_degrees_of_freedom():
    counts, exposures, is_b = [3, 0, 8, 2, 9], [1.0, 2.0, 3.0, 1.0, 4.0], [0, 0, 0, 1, 1]
    sample = Sample(
        np.array(counts, dtype=float)[:, None], np.array(exposures)[:, None], np.array(is_b) == 1
    )
    rate_a, rate_b = 11 / 6, 11 / 5
    chi2 = sum(
        (n - rate * t) ** 2 / (rate * t)
        for n, t, rate in zip(counts, exposures, [rate_a] * 3 + [rate_b] * 2, strict=True)
    )
    assert dispersion(sample) == pytest.approx(chi2 / 3)


def test_drives_without_exposure_tell_nothing_of_dispersion():
    sample = random_sample(2)
    more = Sample(
        np.vstack([sample.numerators, np.zeros((4, 3))]),
        np.vstack([sample.denominators, np.zeros((4, 3))]),
        np.append(sample.is_b, [True, True, False, False]),
    )
    assert dispersion(more) == pytest.approx(dispersion(sample))
    assert inflation(more) == inflation(sample)


def test_too_few_drives_or_events_give_no_dispersion():
    one_each = two_drives([(3, 1.0)], [(5, 1.0)])
    none = two_drives([(0, 1.0)], [(0, 1.0)])
    assert dispersion(one_each) is None
    assert inflation(one_each) is None
    assert dispersion(none) is None
    assert rate_ratio(one_each, None).value == pytest.approx(5 / 3)
    assert rate_ratio(one_each, None).lower is None


def test_inflation_is_the_dispersion_if_drives_are_of_one_length():
    counts = np.array([[1.0], [9], [4], [22], [0]])
    sample = Sample(counts, np.ones((5, 1)), np.zeros(5, dtype=bool))
    found = inflation(sample)
    assert found.size == pytest.approx(dispersion(sample))
    assert found.n_degrees == pytest.approx(4)


def test_inflation_weighs_drives_by_length():
    # One long drive with a surplus, which the short ones lack.
    counts = np.array([[40.0], [0], [0], [0], [0]])
    lengths = np.array([[10.0], [2.5], [2.5], [2.5], [2.5]])
    sample = Sample(counts, lengths, np.zeros(5, dtype=bool))
    assert inflation(sample).size > dispersion(sample)
    assert inflation(sample).n_degrees == pytest.approx(20**2 / (100 + 4 * 6.25) - 1)


def test_drives_that_are_all_alike_give_no_interval():
    even = Sample(np.full((6, 1), 4.0), np.ones((6, 1)), np.arange(6) >= 3)
    assert inflation(even) is None
    found = rate_ratio(even, inflation(even))
    assert (found.value, found.lower, found.upper) == (1, None, None)


def test_the_ratio_of_means_and_its_limits_by_loops():
    sample = random_sample(3, n_bands=1)
    found = mean_ratio(sample)
    means, parts = [], []
    for group in (~sample.is_b, sample.is_b):
        y, t = sample.numerators[group, 0], sample.denominators[group, 0]
        mean = y.sum() / t.sum()
        variance = sum((a - mean * b) ** 2 / (1 - b / t.sum()) for a, b in zip(y, t, strict=True))
        means.append(mean)
        parts.append((variance / y.sum() ** 2, t.sum() ** 2 / (t**2).sum() - 1))
    n_degrees = sum(v for v, _ in parts) ** 2 / sum(v**2 / d for v, d in parts)
    width = math.exp(stats.t.ppf(0.975, n_degrees) * math.sqrt(sum(v for v, _ in parts)))
    assert found.value == pytest.approx(means[1] / means[0])
    assert found.upper == pytest.approx(found.value * width)
    assert found.lower == pytest.approx(found.value / width)


def test_means_of_one_drive_have_no_interval():
    found = mean_ratio(two_drives([(3, 2.0)], [(4, 2.0)]))
    assert found.value == pytest.approx(4 / 3)
    assert found.lower is None


def test_only_bands_of_both_groups_are_comparable():
    events = np.array([[1.0, 5, 2], [2, 0, 3]])
    exposures = np.array([[1.0, 4, 0], [2, 0, 5]])
    sample = Sample(events, exposures, np.array([False, True]))
    like = sample.comparable()
    assert like.numerators.tolist() == [[1], [2]]
    nothing = Sample(events[:, 1:], exposures[:, 1:], sample.is_b)
    assert nothing.comparable() is None


def test_limits_are_never_narrower_than_those_of_independent_events():
    sample = two_drives([(40, 10.0)], [(60, 10.0)])
    narrow, poisson = (rate_ratio(sample, Spread(size, 1e9)) for size in (0.01, 1.0))
    assert (narrow.lower, narrow.upper) == pytest.approx((poisson.lower, poisson.upper))
    wide = rate_ratio(sample, Spread(4.0, 1e9))
    assert wide.lower < poisson.lower < poisson.upper < wide.upper
