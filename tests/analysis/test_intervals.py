"""Limits that two odd drives give."""

from __future__ import annotations

import math

import numpy as np

from engagement.analysis.intervals import mean_interval, share_interval
from engagement.analysis.samples import Sample


def group(numerators, denominators):
    tables = (np.array(values, dtype=float)[:, None] for values in (numerators, denominators))
    return Sample(*tables, np.zeros(len(numerators), dtype=bool))


def test_two_drives_that_say_nothing_have_finite_limits():
    means = mean_interval(group([1e-9, 1e6], [1e3, 1e-3]))
    assert math.isfinite(means.upper)
    shares = share_interval(group([0, 1e-12], [1e6, 1e-12]))
    assert 0 <= shares.lower <= shares.value <= shares.upper <= 1
