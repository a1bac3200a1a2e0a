from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.analysis.power import needed_exposure

MOST = (math.log(1.3) / (1.959964 + 0.841621)) ** 2


def count_variances(rate, factor):
    """Of counts whose variance is `factor` times their mean, at a ratio of 1.3."""
    return factor / rate, factor / (rate * 1.3)


@pytest.mark.parametrize(("rate", "factor"), [(5.0, 1.0), (5.0, 6.0), (0.4, 3.0)])
def test_what_is_needed_shows_the_difference_in_four_of_five(rate, factor):
    """Groups with that much driving and that dispersion, by simulation."""
    exposure = needed_exposure(count_variances(rate, factor), (0.0, 0.0)).a
    rng = np.random.default_rng(11)
    n_drives, n_pairs = 50, 1500

    def totals(mean):
        means = np.full((n_pairs, n_drives), mean * exposure / n_drives)
        if factor > 1:  # a gamma mixture of variance factor x mean
            means = rng.gamma(means / (factor - 1), factor - 1)
        return rng.poisson(means).sum(axis=1)

    a, b = totals(rate), totals(1.3 * rate)
    z = np.log(b / a) / np.sqrt(factor * (1 / a + 1 / b))
    assert np.mean(np.abs(z) > 1.959964) == pytest.approx(0.8, abs=0.04)


@settings(deadline=None, max_examples=200)
@given(
    variances=st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)),
    exposures=st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)),
)
def test_with_what_is_needed_there_is_just_enough(variances, exposures):
    needed = needed_exposure(variances, exposures)
    assert needed.a >= 0
    assert needed.b >= 0
    reached = [e + n for e, n in zip(exposures, (needed.a, needed.b), strict=True)]
    spread = sum(v / e if e else math.inf for v, e in zip(variances, reached, strict=True))
    assert spread <= MOST * (1 + 1e-5)
    if not needed.is_enough:
        assert spread == pytest.approx(MOST, rel=1e-5)


def test_enough_is_enough():
    assert needed_exposure((1.0, 1.0), (1e5, 1e5)).is_enough


def test_a_group_with_much_helps_the_other():
    variances = (1.0, 1.0)
    equal = needed_exposure(variances, (0.0, 0.0))
    helped = needed_exposure(variances, (1e6, 0.0))
    assert equal.a == equal.b == pytest.approx(2 / MOST, rel=1e-5)
    assert helped.a == 0
    assert helped.b == pytest.approx(1 / MOST, rel=1e-2)
