"""Quantiles against published and scipy's values, and whether intervals of 95 % cover 95 %."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from scipy import stats

from engagement.statistics import normal_quantile, poisson_limits, t_quantile
from engagement.store import schema
from tests import builders

N_GROUPS, N_DRIVES = 3000, 60
MEAN_PER_HOUR = 20.0
DISPERSION = 6.0


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


def poisson_counts(rng, means):
    return rng.poisson(means)


def bursts(rng, means):
    """Counts whose variance is six times their mean, as of events that come several at a time."""
    return rng.poisson(rng.gamma(means / (DISPERSION - 1), DISPERSION - 1))


def drivers(rng, means):
    """Counts of drives that have a rate of their own each, six times as dispersed on average."""
    shape = MEAN_PER_HOUR / (DISPERSION - 1)
    return rng.poisson(means * rng.gamma(shape, 1 / shape, means.shape))


def simulated(counts_of, seed):
    """Groups of drives: engaged hours and counts, (groups, drives) each."""
    rng = np.random.default_rng(seed)
    hours = np.exp(rng.normal(0, 0.7, (N_GROUPS, N_DRIVES)))
    hours /= hours.mean()
    return hours, counts_of(rng, MEAN_PER_HOUR * hours)


def intervals(hours, counts):
    """Lower and upper limits of each group's rate, as sql/public/rates.sql has them."""
    n, exposure = counts.sum(1), hours.sum(1)
    rate = n / exposure
    means = rate[:, None] * hours
    n_degrees = hours.shape[1] - 1
    squares = (counts - means) ** 2
    pearson = (squares / means).sum(1) / n_degrees
    of_the_sum = squares.sum(1) / n * hours.shape[1] / n_degrees
    factor = np.exp(t_quantile(n_degrees) * np.sqrt(np.maximum(pearson, of_the_sum) / n))
    exact = np.array([poisson_limits(count) for count in n]).T / exposure
    is_poisson = pearson < 1.5
    return np.where(is_poisson, exact[0], rate / factor), np.where(
        is_poisson, exact[1], rate * factor
    )


@pytest.mark.parametrize("counts_of", [poisson_counts, bursts, drivers])
def test_intervals_of_rates_cover_what_they_should(counts_of):
    lower, upper = intervals(*simulated(counts_of, seed=11))

    covered = ((lower <= MEAN_PER_HOUR) & (upper >= MEAN_PER_HOUR)).mean()

    assert 0.93 <= covered <= 0.97


def test_an_exact_interval_alone_would_not_cover():
    hours, counts = simulated(bursts, seed=11)
    limits = np.array([poisson_limits(n) for n in counts.sum(1)]) / hours.sum(1)[:, None]

    covered = ((limits[:, 0] <= MEAN_PER_HOUR) & (limits[:, 1] >= MEAN_PER_HOUR)).mean()

    assert covered < 0.7


def drive_tables(hours, counts):
    """Rows of the result tables; a group is the drives of one device."""
    tables = {"drive": [], "segment": [], "result.drive_metrics": [], "result.event_counts": []}
    for drive_id, (group, place) in enumerate(np.ndindex(hours.shape)):
        own = {"drive_id": drive_id}
        engaged_h, n_events = hours[group, place], counts[group, place]
        tables["drive"].append(own | {"dongle_id": f"{group}", "drive": "", "host": ""})
        tables["segment"].append(builders._segment_row(drive_id, 0, "rlog", "ok"))
        exposure = {"engaged_s": engaged_h * 3600, "engaged_km": engaged_h * 100}
        exposure |= {"lateral_only_s": 0.0, "lateral_only_km": 0.0}
        tables["result.drive_metrics"].append(own | exposure)
        if n_events:
            event = {"mode": "engaged", "speed_band": "city", "event": "intervention"}
            tables["result.event_counts"].append(own | event | {"n_events": n_events})
    return tables


@pytest.mark.parametrize("counts_of", [poisson_counts, bursts, drivers])
def test_the_simulated_intervals_are_those_of_the_view(counts_of):
    hours, counts = (part[:8] for part in simulated(counts_of, seed=12))
    with duckdb.connect(config={"threads": 1}) as connection:
        schema.create(connection)
        connection.execute("insert into result.thresholds by name from compute.thresholds")
        builders.insert(connection, drive_tables(hours, counts))
        found = connection.sql(
            "select per_hour_lower, per_hour_upper, per_100km_lower, per_100km_upper from rates "
            "where grouped_by = 'device' and mode = 'engaged' and event = 'intervention' "
            "order by group_name"
        ).fetchall()

    wanted = np.array(intervals(hours, counts)).T
    np.testing.assert_allclose(np.array(found), np.hstack([wanted, wanted]), rtol=1e-6)
