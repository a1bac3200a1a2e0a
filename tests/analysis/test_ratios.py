from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engagement.analysis.ratios import (
    LEAST_OTHERS,
    compare_amounts,
    compare_groups,
    crude_ratio,
    naive_p,
    tables,
)
from engagement.analysis.samples import Sample, dispersion


def two_drives(a, b):
    """A sample in which each group is one drive."""
    table = np.array([a, b], dtype=float)
    return Sample(table[:, :, 0], table[:, :, 1], np.array([False, True]))


def random_sample(seed, *, n_drives=14, n_bands=3, mean=3.0, n_a=None):
    rng = np.random.default_rng(seed)
    exposures = rng.lognormal(0, 0.7, (n_drives, n_bands))
    counts = rng.poisson(mean * exposures * rng.gamma(1, 1, (n_drives, 1)))
    n_a = n_drives // 2 if n_a is None else n_a
    return Sample(counts.astype(float), exposures, np.arange(n_drives) >= n_a)


def others(seed, n_drives, n_bands=3):
    return random_sample(seed, n_drives=n_drives, n_bands=n_bands, n_a=n_drives)


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 10_000), st.integers(16, 40), st.sampled_from([0, 40]), st.booleans())
def test_no_interval_contradicts_its_p(seed, n_drives, n_others, is_rate):
    sample, rest = random_sample(seed, n_drives=n_drives), others(seed + 1, n_others)
    outcome = compare_groups([sample], [rest])[0] if is_rate else compare_amounts(sample, rest)
    if outcome.p_value is None:
        assert outcome.is_too_few
        assert (outcome.ratio.lower, outcome.ratio.upper) == (None, None)
        return
    ratio = outcome.ratio
    assert ratio.lower <= ratio.value <= ratio.upper
    assert (ratio.lower > 1 or ratio.upper < 1) == (outcome.p_value < 0.05)


def test_with_thirty_other_drives_the_database_is_the_basis():
    sample = random_sample(1, n_drives=6)
    few = compare_groups([sample], [others(2, LEAST_OTHERS - 1)])[0]
    enough = compare_groups([sample], [others(2, LEAST_OTHERS)])[0]
    assert (few.basis, few.is_too_few, few.p_value) == ("drives", True, None)
    assert few.ratio.value is not None
    assert (enough.basis, enough.is_too_few) == ("database", False)
    assert enough.p_value is not None


def test_below_thirty_others_the_answer_is_of_these_drives_alone():
    sample = random_sample(1, n_drives=40)
    alone, with_some = (compare_groups([sample], [others(2, n)])[0] for n in (0, LEAST_OTHERS - 1))
    assert alone == with_some
    assert not alone.is_too_few


def test_other_drives_without_any_event_tell_nothing():
    sample, rest = random_sample(1, n_drives=40), others(2, 50)
    quiet = Sample(np.zeros_like(rest.numerators), rest.denominators, rest.is_b)
    assert compare_groups([sample], [quiet])[0].basis == "drives"


@pytest.mark.parametrize(
    ("n_a", "n_b", "lengths", "mean", "is_few"),
    [
        (8, 8, 1.0, 3.0, False),
        (8, 7, 1.0, 3.0, True),
        (10, 10, [20.0] + [1.0] * 9, 3.0, True),  # one long drive among short ones is not many
        (20, 20, 1.0, 0.2, True),  # four events expected a side
        (20, 20, 1.0, 0.3, False),
    ],
)
def test_alone_it_takes_eight_drives_and_five_events_a_side(n_a, n_b, lengths, mean, is_few):
    n_drives = n_a + n_b
    exposures = np.ones((n_drives, 1))
    exposures[:n_a, 0] = lengths
    total = mean * exposures.sum()
    counts = np.zeros((n_drives, 1))
    counts[n_a, 0] = round(total)  # wherever they are: expected ones count
    sample = Sample(counts, exposures, np.arange(n_drives) >= n_a)
    assert compare_groups([sample], [others(1, 0, n_bands=1)])[0].is_too_few is is_few


def test_a_drop_to_no_event_is_told():
    """Expected events are counted, not those seen, else a cure would be too few to tell."""
    counts = np.concatenate([np.full((20, 1), 3.0), np.zeros((20, 1))])
    sample = Sample(counts, np.ones((40, 1)), np.arange(40) >= 20)
    outcome = compare_groups([sample], [others(1, 0, n_bands=1)])[0]
    assert (outcome.ratio.value, outcome.ratio.lower) == (0, 0)
    assert outcome.p_value < 0.001


def test_without_any_events_there_is_no_ratio():
    sample = Sample(np.zeros((40, 1)), np.ones((40, 1)), np.arange(40) >= 20)
    outcome = compare_groups([sample], [others(1, 40, n_bands=1)])[0]
    assert (outcome.ratio.value, outcome.ratio.lower, outcome.ratio.upper) == (None, None, None)
    assert outcome.needed is None


def test_drives_that_are_all_alike_differ_as_soon_as_the_groups_do():
    amounts = np.where(np.arange(20) >= 10, 0.6, 0.5)[:, None]
    sample = Sample(amounts, np.ones((20, 1)), np.arange(20) >= 10)
    outcome = compare_amounts(sample, others(1, 0, n_bands=1))
    assert outcome.ratio.value == pytest.approx(1.2)
    assert outcome.p_value < 0.05


def test_crude_ratios_are_of_sums():
    sample = random_sample(4)
    a, b = sample.group(is_b=False), sample.group(is_b=True)
    rates = [group.numerators.sum() / group.denominators.sum() for group in (a, b)]
    assert crude_ratio(sample) == pytest.approx(rates[1] / rates[0])
    assert crude_ratio(two_drives([(0, 1.0)], [(2, 1.0)])) == math.inf
    assert crude_ratio(two_drives([(0, 1.0)], [(0, 1.0)])) is None
    assert crude_ratio(two_drives([(0, 0.0)], [(2, 1.0)])) is None


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


def test_too_few_drives_or_events_give_no_dispersion():
    assert dispersion(two_drives([(3, 1.0)], [(5, 1.0)])) is None
    assert dispersion(two_drives([(0, 1.0)], [(0, 1.0)])) is None


def test_only_bands_of_both_groups_are_comparable():
    events = np.array([[1.0, 5, 2], [2, 0, 3]])
    exposures = np.array([[1.0, 4, 0], [2, 0, 5]])
    sample = Sample(events, exposures, np.array([False, True]))
    like = sample.take_bands(sample.common_bands())
    assert like.numerators.tolist() == [[1], [2]]
    nothing = Sample(events[:, 1:], exposures[:, 1:], sample.is_b)
    assert nothing.take_bands(nothing.common_bands()) is None


def test_drives_with_parts_in_both_groups_are_found_by_their_numbers():
    sample, rest = random_sample(7, n_drives=30, mean=6.0), others(8, 40)
    ids = np.where(sample.is_b, np.arange(30) - 10, np.arange(30))  # 5 to 14 are in both
    plain = replace(sample, drive_ids=ids)
    order = np.random.default_rng(7).permutation(30)
    found, shuffled, apart = (
        compare_groups([one], [rest])[0] for one in (plain, plain.take(order), sample)
    )
    a, b, n_shared = tables([plain.take(order)])
    assert n_shared == 10
    np.testing.assert_array_equal(a.amounts[0, :10], sample.numerators[5:15])
    np.testing.assert_array_equal(b.amounts[0, :10], sample.numerators[15:25])
    assert found.p_value == pytest.approx(shuffled.p_value)
    assert found.p_value != pytest.approx(apart.p_value)
