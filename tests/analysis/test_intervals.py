"""Limits that two odd drives give."""

from __future__ import annotations

import math

import numpy as np

from engagement.analysis.intervals import mean_interval, rate_interval, share_interval
from engagement.analysis.samples import Sample


def group(numerators, denominators):
    tables = (np.array(values, dtype=float)[:, None] for values in (numerators, denominators))
    return Sample(*tables, np.zeros(len(numerators), dtype=bool))


def test_two_drives_that_say_nothing_have_finite_limits():
    """Two hours without an event, and two seconds with one."""
    found = rate_interval(group([0, 1], [2.0, 2 / 3600]), dispersion_max=1.5)
    assert found.kind == "quasi_poisson"
    assert math.isfinite(found.upper)
    assert found.upper > 1e9 * found.value
    assert 0 <= found.lower < 1e-9 * found.value
    means = mean_interval(group([1e-9, 1e6], [1e3, 1e-3]))
    assert math.isfinite(means.upper)
    shares = share_interval(group([0, 1e-12], [1e6, 1e-12]))
    assert 0 <= shares.lower <= shares.value <= shares.upper <= 1
