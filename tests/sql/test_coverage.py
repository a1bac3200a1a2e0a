"""Whether 95 % intervals hold the true value: few settings of `bench/`, with seeds of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench import lengths, one_rate

DRIVES = one_rate.Drives(8, 6.0, 1.0, "bursts", 0.8, n_others=40, other_dispersion=6.0)


@pytest.fixture(scope="module")
def store():
    with one_rate.store() as connection:
        yield connection


@pytest.mark.parametrize("family", ["bursts", "differ", "two kinds"])
@pytest.mark.parametrize("n_drives", [5, 25])
def test_intervals_of_rates_cover_with_few_drives_that_differ(store, family, n_drives):
    drives = replace(DRIVES, n_drives=n_drives, family=family)
    [found] = one_rate.measure(store, [drives], 1000)
    assert found.covered >= 0.93
    assert found.known > 0.99


def test_intervals_are_hardly_wider_than_exact_ones_where_drives_are_a_poisson_process(store):
    alike = replace(DRIVES, dispersion=1.0, other_dispersion=1.0, n_drives=20)
    [known] = one_rate.measure(store, [alike], 500)
    [shipped] = one_rate.measure(store, [alike], 500, has_others=False)
    assert known.covered >= 0.93
    assert known.width < 1.2
    assert shipped.width > 1.5
    assert shipped.known == 0


def test_limits_of_the_median_engagement_cover(store):
    drives = lengths.Drives(n_drives=10, n_engagements=4.0, log_sd=0.7, censoring=0.4)
    covered, _ = lengths.coverage(store, drives, 300, seed=201)
    assert 0.9 <= covered <= 0.98
