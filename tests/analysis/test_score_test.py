from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.analysis.score_test import Table, fit_dispersion, ratio_limits, score
from tests.oracles import two_groups as oracle


def drives(rng, n_drives, n_bands, *, is_count=True, mean=2.0, length=1.0):
    """Drives with events in clusters, some bands without exposure."""
    exposures = length * rng.lognormal(0, 0.8, (n_drives, n_bands))
    exposures *= rng.random((n_drives, n_bands)) < 0.85
    factors = rng.gamma(0.7, 1 / 0.7, (n_drives, 1))
    means = mean * exposures * factors
    amounts = rng.poisson(means).astype(float) if is_count else means * rng.uniform(0.5, 1.5)
    return Table(amounts, exposures)


def listed(table):
    return [
        list(zip(amounts, exposures, strict=True))
        for amounts, exposures in zip(table.amounts.tolist(), table.exposures.tolist(), strict=True)
    ]


def case(seed, *, is_count=True):
    rng = np.random.default_rng(seed)
    n_bands = int(rng.integers(1, 4))
    groups = [
        drives(rng, int(rng.integers(2, 14)), n_bands, is_count=is_count, length=length)
        for length in (1.0, rng.choice([0.3, 1.0, 4.0]))
    ]
    others = drives(rng, int(rng.integers(2, 40)), n_bands, is_count=is_count)
    return (*groups, others)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**6), st.booleans(), st.floats(-2, 2), st.sampled_from([0, 1, 2, 13]))
def test_the_test_is_that_of_plain_loops(seed, is_count, log_ratio, most_shared):
    a, b, others = case(seed, is_count=is_count)
    least = 1.0 if is_count else 0.0
    fit = fit_dispersion([a, b, others], least_phi=least)
    expected = oracle.dispersion([listed(a), listed(b), listed(others)], least)
    assert [float(fit.phi), float(fit.k), float(fit.phi_alone), float(fit.k_alone)] == (
        pytest.approx(expected, rel=1e-9, abs=1e-12)
    )
    n_shared = min(most_shared, len(a.amounts), len(b.amounts))
    found = score(a, b, fit, log_ratio, n_shared=n_shared)
    t, n_degrees, p_value = oracle.score(
        listed(a), listed(b), expected, math.exp(log_ratio), least, n_shared=n_shared
    )
    assert float(found.t) == pytest.approx(t, rel=1e-8, abs=1e-9)
    assert float(found.p_value) == pytest.approx(p_value, rel=1e-7, abs=1e-12)
    if t:
        assert float(found.n_degrees) == pytest.approx(n_degrees, rel=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_is_what_the_oracles_test_does_not_refuse(seed):
    a, b, others = case(seed)
    fit = fit_dispersion([a, b, others])
    value, lower, upper = (float(limit) for limit in ratio_limits(a, b, fit))
    by_loops = oracle.dispersion([listed(a), listed(b), listed(others)])
    low, high = oracle.limits(listed(a), listed(b), by_loops)
    assert lower == pytest.approx(low, rel=0.003)
    assert upper == pytest.approx(high, rel=0.003)
    assert oracle.score(listed(a), listed(b), by_loops, value)[0] == pytest.approx(0, abs=1e-6)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([0.1, 1.0, 5.0]))
def test_the_interval_leaves_out_1_just_where_p_is_below_5_percent(seed, is_count, factor):
    a, b, others = case(seed, is_count=is_count)
    b = Table(np.round(b.amounts * factor) if is_count else b.amounts * factor, b.exposures)
    fit = fit_dispersion([a, b, others], least_phi=float(is_count))
    found = score(a, b, fit)
    value, lower, upper = (float(limit) for limit in ratio_limits(a, b, fit))
    assert lower <= value <= upper
    assert (lower > 1 or upper < 1) == (float(found.p_value) < 0.05)
    if float(found.p_value) < 0.05:
        assert (value > 1) == (float(found.t) > 0)


def test_what_parts_of_a_drive_have_in_common_is_no_difference():
    rng = np.random.default_rng(9)
    exposures = rng.lognormal(0, 0.3, (2, 30, 1))
    amounts = rng.poisson(5 * exposures * rng.gamma(0.5, 2.0, (30, 1))).astype(float)
    a, b = (Table(*side) for side in zip(amounts, exposures, strict=True))
    fit = fit_dispersion([a, b])
    apart, together = (score(a, b, fit, n_shared=n) for n in (0, 30))
    variances = [float(one.variance_a + one.variance_b) for one in (apart, together)]
    assert variances[1] < 0.5 * variances[0]
    assert abs(float(together.t)) > abs(float(apart.t))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6))
def test_exchanging_the_groups_inverts_ratio_and_limits(seed):
    a, b, others = case(seed)
    fit = fit_dispersion([a, b, others])
    value, lower, upper = (float(limit) for limit in ratio_limits(a, b, fit))
    turned = [float(limit) for limit in ratio_limits(b, a, fit)]
    if not score(a, b, fit).expected:  # nothing to compare: any ratio will do
        assert (value, lower, upper) == (0, 0, math.inf)
        return
    with np.errstate(divide="ignore"):
        expected = [float(1 / np.float64(limit)) for limit in (value, upper, lower)]
    assert turned == pytest.approx(expected, rel=1e-6)
    assert float(score(b, a, fit).p_value) == pytest.approx(float(score(a, b, fit).p_value))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_neither_the_unit_of_exposure_nor_the_order_of_drives_matters(seed, unit):
    a, b, others = case(seed)
    fit = fit_dispersion([a, b, others])
    order = np.random.default_rng(seed).permutation(len(a.amounts))
    scaled = [Table(table.amounts, table.exposures * unit) for table in (a, b, others)]
    scaled[0] = Table(scaled[0].amounts[order], scaled[0].exposures[order])
    other = score(scaled[0], scaled[1], fit_dispersion(scaled))
    assert float(other.t) == pytest.approx(float(score(a, b, fit).t), rel=1e-7, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6))
def test_drives_without_exposure_are_none(seed):
    tables = case(seed)
    more = [
        Table(*(np.vstack([part, np.zeros_like(part)]) for part in (one.amounts, one.exposures)))
        for one in tables
    ]
    plain, padded = (score(one[0], one[1], fit_dispersion(one)) for one in (tables, more))
    assert float(padded.t) == pytest.approx(float(plain.t), rel=1e-9, abs=1e-12)
    assert float(padded.p_value) == pytest.approx(float(plain.p_value), rel=1e-9)


def test_cases_side_by_side_are_each_alone():
    rng = np.random.default_rng(5)
    sides = [[drives(rng, n, 3) for _ in range(4)] for n in (7, 9, 30)]
    stacked = [
        Table(np.stack([one.amounts for one in side]), np.stack([one.exposures for one in side]))
        for side in sides
    ]
    together = ratio_limits(stacked[0], stacked[1], fit_dispersion(stacked))
    for number in range(4):
        a, b, others = (side[number] for side in sides)
        alone = ratio_limits(a, b, fit_dispersion([a, b, others]))
        assert [float(one[number]) for one in together] == pytest.approx([float(x) for x in alone])


def test_without_events_there_is_no_difference():
    nothing = Table(np.zeros((6, 3)), np.ones((6, 3)))
    found = score(nothing, nothing, fit_dispersion([nothing, nothing]))
    assert (float(found.t), float(found.p_value)) == (0, 1)


def test_events_of_one_group_alone_bound_the_ratio():
    some, none = (
        Table(np.full((12, 1), 3.0), np.ones((12, 1))),
        Table(np.zeros((12, 1)), np.ones((12, 1))),
    )
    fit = fit_dispersion([some, none])
    value, lower, upper = (float(limit) for limit in ratio_limits(none, some, fit))
    assert (value, upper) == (math.inf, math.inf)
    assert 1 < lower < math.inf
    value, lower, upper = (float(limit) for limit in ratio_limits(some, none, fit))
    assert (value, lower) == (0, 0)
    assert 0 < upper < 1


def test_many_poisson_events_of_equal_drives_are_tested_as_by_the_normal_score_test():
    rng = np.random.default_rng(9)
    counts = [rng.poisson(mean, (400, 1)).astype(float) for mean in (4.0, 4.3)]
    a, b = (Table(table, np.ones((400, 1))) for table in counts)
    found = score(a, b, fit_dispersion([a, b]))
    total_a, total_b = (float(table.sum()) for table in counts)
    z = (total_b - total_a) / math.sqrt(total_a + total_b)
    assert float(found.t) == pytest.approx(z, rel=0.1)
