"""Drives drawn with known rates: differences that there are not must seldom be told.

Few repetitions, of settings with seeds of their own; `bench/two_groups.py` has many.
"""

from __future__ import annotations

import numpy as np
import pytest

from bench.drawing import Setting, draw
from bench.parts import told_of_parts
from bench.two_groups import draw_amounts, false_looks
from engagement.analysis.score_test import fit_dispersion, score

N_CASES = 800
# Three standard errors above a true 8 %, in so many cases.
MOST = 0.08 + 3 * (0.08 * 0.92 / N_CASES) ** 0.5


def told(seed, setting, n_cases=N_CASES):
    """The share of cases with p < 0.05."""
    groups = draw(np.random.default_rng(seed), setting, n_cases)
    dispersion = fit_dispersion(groups if setting.n_others else groups[:2])
    return float(np.mean(score(groups[0], groups[1], dispersion).p_value < 0.05))


@pytest.mark.parametrize(
    "setting",
    [
        Setting(9, 7, 1, 3, 0.4, "Poisson bursts", 4, 0.8, 60),
        Setting(25, 5, 1, 4, 0.6, "gamma", 5, 1.5, 80),
        Setting(11, 4, 3, 1, 0.3, "log-normal", 4, 1.2, 40),
        Setting(14, 50, 2, 1, 0.8, "gamma and bursts", 5, 0.7, 35),
        Setting(45, 35, 1, 1, 0.5, "bursts", 4, 0.6, 30),
        Setting(20, 20, 1, 6, 0.2, "two kinds", 3, 1.0, 120),
        Setting(12, 12, 1, 2, 0.5, "bursts", 1, 1.0, 50),
    ],
    ids=str,
)
def test_equal_groups_are_told_apart_in_at_most_8_percent(setting):
    assert told(101, setting) < MOST


@pytest.mark.parametrize(
    ("setting", "least"),
    [
        (Setting(15, 15, 1, 1, 0, "bursts", 1, 2, 100, 2.0), 0.75),
        (Setting(30, 6, 1, 5, 0, "bursts", 6, 1, 100, 2.0), 0.20),
        (Setting(40, 40, 1, 1, 0, "gamma", 6, 1, 100, 2.0), 0.24),
    ],
    ids=["Poisson", "bursts", "gamma"],
)
def test_twice_the_rate_is_found(setting, least):
    assert told(102, setting) > least


@pytest.mark.parametrize(("family", "shared"), [("gamma", 1.0), ("gamma", 0.3), ("bursts", 0.0)])
def test_equal_parts_of_the_same_drives_are_told_apart_in_at_most_8_percent(family, shared):
    setting = Setting(25, 25, 1, 0.4, 0.5, family, 5, 1.5, 50)
    assert told_of_parts(np.random.default_rng(105), setting, shared, N_CASES)[0] < MOST


def test_between_parts_of_the_same_drives_more_is_found_than_between_drives():
    setting = Setting(40, 40, 1, 1, 0.3, "gamma", 5, 2, 50, 2.0)
    together, apart = told_of_parts(np.random.default_rng(106), setting, 1.0, N_CASES)
    assert together > apart + 0.2


@pytest.mark.parametrize("kind", ["share", "error", "rare"])
@pytest.mark.parametrize(("n_a", "n_b", "length"), [(9, 9, 3.0), (28, 7, 4.0), (12, 50, 0.3)])
def test_equal_shares_and_means_are_told_apart_in_at_most_8_percent(kind, n_a, n_b, length):
    rng = np.random.default_rng(103)
    groups = draw_amounts(rng, kind, (n_a, n_b, 40), (1.0, length), N_CASES)
    dispersion = fit_dispersion(groups, least_phi=0.0)
    assert np.mean(score(groups[0], groups[1], dispersion).p_value < 0.05) < MOST


@pytest.mark.parametrize(
    "setting",
    [
        Setting(15, 40, 1, 1, 0.4, "gamma", 4, 0.8, 60),
        Setting(10, 40, 1, 3, 0.2, "Poisson bursts", 3, 1.2, 40),
    ],
    ids=str,
)
def test_a_look_after_every_drive_fools_only_who_goes_by_p(setting):
    found = false_looks(np.random.default_rng(104), setting, 300, is_parallel=False)
    most = 0.08 + 3 * (0.08 * 0.92 / 300) ** 0.5
    assert found["e-values"] < most
    assert found["line"] < most
    assert found["p < 0.05"] > 0.08
