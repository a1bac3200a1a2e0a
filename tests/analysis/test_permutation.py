from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.analysis.permutation import permutation_tests, relabel, score_statistics


def permutation_test(counts, exposures, is_b, relabellings):
    """The test of one table."""
    return permutation_tests([(counts, exposures)], is_b, relabellings)[0]


def draw(rng, n_drives, n_bands):
    """Counts in clusters, over drives of different lengths."""
    exposures = rng.lognormal(0, 0.8, (n_drives, n_bands))
    counts = rng.poisson(exposures * rng.gamma(1, 3, (n_drives, 1)))
    return counts.astype(float), exposures


def statistic_by_loops(counts, exposures, is_b):
    """The definition, drive by drive and band by band."""
    n_drives, n_bands = counts.shape
    contributions = [0.0] * n_drives
    score = 0.0
    for band in range(n_bands):
        total = sum(exposures[i][band] for i in range(n_drives))
        if total == 0:
            continue
        rate = sum(counts[i][band] for i in range(n_drives)) / total
        share_b = sum(exposures[i][band] for i in range(n_drives) if is_b[i]) / total
        for i in range(n_drives):
            residual = counts[i][band] - rate * exposures[i][band]
            contributions[i] += residual * ((1 - share_b) if is_b[i] else -share_b)
            score += residual if is_b[i] else 0.0
    variance = sum(contribution**2 for contribution in contributions)
    return score / math.sqrt(variance) if variance > 1e-18 else 0.0


@pytest.mark.parametrize("n_bands", [1, 3])
def test_p_is_that_of_every_relabelling_by_loops(n_bands):
    rng = np.random.default_rng(3)
    for n_drives, n_b in [(6, 3), (7, 2), (8, 1)]:
        counts, exposures = draw(rng, n_drives, n_bands)
        is_b = np.arange(n_drives) >= n_drives - n_b
        found = permutation_test(
            counts, exposures, is_b, relabel(is_b, n_permutations=1000, seed=1)
        )

        observed = abs(statistic_by_loops(counts, exposures, is_b))
        ways = list(combinations(range(n_drives), n_b))
        others = [
            abs(statistic_by_loops(counts, exposures, [i in way for i in range(n_drives)]))
            for way in ways
        ]
        expected = sum(other >= observed - 1e-9 for other in others) / len(ways)
        assert found.is_exact
        assert found.n_relabellings == math.comb(n_drives, n_b)
        assert found.p_value == pytest.approx(expected)


def test_statistics_are_the_definitions_also_over_many_rows():
    counts, exposures = draw(np.random.default_rng(4), 15, 3)
    is_b = np.arange(15) >= 9
    labels = relabel(is_b, n_permutations=3000, seed=1).labels
    found = score_statistics(labels, [(counts, exposures)])[0]
    for row in (0, 1, 2047, 2048, 2999):
        expected = statistic_by_loops(counts, exposures, labels[row])
        assert found[row] == pytest.approx(expected, abs=1e-9)


def test_tables_together_are_tested_as_each_alone():
    rng = np.random.default_rng(8)
    tables = [draw(rng, 12, n_bands) for n_bands in (1, 3, 2, 3)]
    is_b = np.arange(12) >= 5
    relabellings = relabel(is_b, n_permutations=300, seed=1)
    together = permutation_tests(tables, is_b, relabellings)
    assert together == [permutation_test(*table, is_b, relabellings) for table in tables]


def test_few_relabellings_are_all_of_them_once():
    is_b = np.array([False, True, False, True, False])
    found = relabel(is_b, n_permutations=10, seed=1)
    assert found.is_exact
    assert len({row.tobytes() for row in found.labels}) == 10
    assert set(found.labels.sum(axis=1)) == {2}
    assert not relabel(is_b, n_permutations=9, seed=1).is_exact


def test_random_relabellings_keep_the_sizes_and_follow_the_seed():
    is_b = np.arange(40) < 13
    labels = relabel(is_b, n_permutations=500, seed=7).labels
    assert set(labels.sum(axis=1)) == {13}
    assert np.array_equal(labels, relabel(is_b, n_permutations=500, seed=7).labels)
    assert not np.array_equal(labels, relabel(is_b, n_permutations=500, seed=8).labels)
    # Each drive is B in 13 of 40 relabellings, give or take four standard errors.
    assert np.abs(labels.mean(axis=0) - 13 / 40).max() < 4 * math.sqrt(0.325 * 0.675 / 500)


def test_random_relabellings_estimate_the_exact_p():
    counts, exposures = draw(np.random.default_rng(5), 12, 3)
    is_b = np.arange(12) >= 6
    exact = permutation_test(counts, exposures, is_b, relabel(is_b, n_permutations=924, seed=1))
    some = permutation_test(counts, exposures, is_b, relabel(is_b, n_permutations=923, seed=1))
    assert exact.is_exact
    assert not some.is_exact
    error = math.sqrt(exact.p_value * (1 - exact.p_value) / 923)
    assert some.p_value == pytest.approx(exact.p_value, abs=4 * error + 1 / 924)


def test_the_exact_p_is_below_any_level_in_no_more_than_that_share_of_relabellings():
    counts, exposures = draw(np.random.default_rng(6), 9, 3)
    is_b = np.arange(9) >= 5
    relabellings = relabel(is_b, n_permutations=126, seed=1)
    p_values = np.array(
        [
            permutation_test(counts, exposures, labels, relabellings).p_value
            for labels in relabellings.labels
        ]
    )
    for level in (0.01, 0.05, 0.1, 0.25, 0.5, 0.9):
        assert np.mean(p_values <= level) <= level
    # Without ties each p occurs once: they are 1/126, 2/126, ...
    assert np.allclose(np.sort(p_values), np.arange(1, 127) / 126)


def test_p_is_uniform_when_the_groups_are_alike():
    rng = np.random.default_rng(7)
    p_values = []
    for seed in range(600):
        counts, exposures = draw(rng, 16, 1)
        is_b = np.arange(16) >= 8
        relabellings = relabel(is_b, n_permutations=199, seed=seed)
        p_values.append(permutation_test(counts, exposures, is_b, relabellings).p_value)
    shares = np.histogram(p_values, bins=5, range=(0, 1))[0] / 600
    assert np.abs(shares - 0.2).max() < 4 * math.sqrt(0.16 / 600)


def test_random_p_is_never_zero():
    exposures = np.ones((40, 1))
    is_b = np.arange(40) >= 20
    counts = np.where(is_b, 100.0, 0.0)[:, None] + np.arange(40)[:, None]
    found = permutation_test(counts, exposures, is_b, relabel(is_b, n_permutations=99, seed=1))
    assert found.p_value == 1 / 100


def test_without_events_there_is_no_difference():
    is_b = np.arange(30) >= 15
    relabellings = relabel(is_b, n_permutations=200, seed=1)
    found = permutation_test(np.zeros((30, 3)), np.ones((30, 3)), is_b, relabellings)
    assert found.p_value == 1


def test_a_group_without_events_differs_from_one_with_many():
    is_b = np.arange(12) >= 6
    counts = np.where(is_b, 5.0, 0.0)[:, None]
    relabellings = relabel(is_b, n_permutations=1000, seed=1)
    found = permutation_test(counts, np.ones((12, 1)), is_b, relabellings)
    assert found.p_value == pytest.approx(2 / 924)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), n_drives=st.integers(4, 9), unit=st.floats(1e-3, 1e3))
def test_neither_units_nor_order_nor_names_matter(seed, n_drives, unit):
    rng = np.random.default_rng(seed)
    counts, exposures = draw(rng, n_drives, 2)
    is_b = np.arange(n_drives) >= n_drives // 2
    order = rng.permutation(n_drives)

    def p_value(counts, exposures, is_b):
        relabellings = relabel(is_b, n_permutations=1000, seed=1)
        return permutation_test(counts, exposures, is_b, relabellings).p_value

    plain = p_value(counts, exposures, is_b)
    assert p_value(counts, exposures * unit, is_b) == plain
    assert p_value(counts, exposures, ~is_b) == plain
    assert p_value(counts[order], exposures[order], is_b[order]) == plain
