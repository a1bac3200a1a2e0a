"""Quantiles against published and scipy's values."""

from __future__ import annotations

import pytest
from scipy import stats

from engagement.statistics import normal_quantile, poisson_limits, t_quantile


@pytest.mark.parametrize(
    ("n_events", "lower", "upper"),
    [
        (0, 0.0, 3.689),
        (1, 0.0253, 5.572),
        (2, 0.242, 7.225),
        (10, 4.795, 18.39),
        (50, 37.11, 65.92),
    ],
)
def test_poisson_limits_are_those_of_garwoods_table(n_events, lower, upper):
    assert poisson_limits(n_events) == pytest.approx((lower, upper), rel=1e-3)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
@pytest.mark.parametrize("n_events", [1, 3, 40, 1000, 10**6])
def test_at_its_limits_a_count_is_as_unlikely_as_the_level_says(n_events, level):
    lower, upper = poisson_limits(n_events, level)

    assert stats.poisson.sf(n_events - 1, lower) == pytest.approx((1 - level) / 2)
    assert stats.poisson.cdf(n_events, upper) == pytest.approx((1 - level) / 2)


def test_quantiles_are_those_of_the_tables():
    assert [round(t_quantile(n), 3) for n in (1, 2, 10, 30)] == [12.706, 4.303, 2.228, 2.042]
    assert t_quantile(4.5, 0.9) == pytest.approx(stats.t.ppf(0.95, 4.5))
    assert t_quantile(1e9) == pytest.approx(normal_quantile(0.975)) == pytest.approx(1.9599640)
    assert normal_quantile(0.5) == 0
