"""The test of two groups that have parts of the same drives, as of day and night.

What makes drives differ may be of whole drives, as the road, or of their parts.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bench.drawing import Setting, draw_parts
from bench.output import print_table
from bench.two_groups import summary
from engagement.analysis.score_test import fit_dispersion, score

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

    from bench.runs import Setting as Run


def run(run: Run) -> None:
    """Simulate and print."""
    n_cases = 300 if run.is_quick else 2000
    print(f"{n_cases} cases a setting")
    _print(n_cases)


def told_of_parts(
    rng: Generator, setting: Setting, shared: float, n_cases: int
) -> tuple[float, float]:
    """The share of cases with p < 0.05, as the test goes and with parts taken for drives."""
    a, b, others = draw_parts(rng, setting, shared, n_cases)
    dispersion = fit_dispersion([a, b, others])
    found = [score(a, b, dispersion, n_shared=n) for n in (setting.n_a, 0)]
    together, apart = (float(np.mean(one.p_value < 0.05)) for one in found)
    return together, apart


def settings(n_others: int) -> Iterator[Setting]:
    """Drives that are in both groups, as by night and by day."""
    for n_drives, length, (family, phi), mean in itertools.product(
        (8, 15, 40, 80), (1.0, 0.2), (("bursts", 3.0), ("bursts", 6.0), ("gamma", 3.0),
        ("gamma", 6.0)), (0.5, 1.0, 2.0),
    ):  # fmt: skip
        yield Setting(n_drives, n_drives, 1.0, length, 0.7, family, phi, mean, n_others)


def _print(n_cases: int) -> None:
    rows = []
    for (words, shared), n_others in itertools.product(
        (("differ as wholes", 1.0), ("half so", 0.5), ("part by part", 0.0)), (100, 30)
    ):
        rng = np.random.default_rng(6)
        alarms = [told_of_parts(rng, one, shared, n_cases) for one in settings(n_others)]
        power = [
            told_of_parts(rng, replace(one, ratio=2.0), shared, n_cases // 4)
            for one in settings(n_others)
        ]
        for number, rule in enumerate(("drives", "parts")):
            name = f"{words}, {n_others} others: {rule}"
            found = [one[number] for one in alarms]
            told = 100 * np.mean([one[number] for one in power])
            rows.append((name, str(len(alarms)), *summary(found), f"{told:.1f}"))
    head = ("rates", "settings", "mean", "90 % below", "max", "above 8 %", "power")
    title = "Drives that have parts in both groups: false alarms, and power at a ratio of 2, in %"
    print_table(title, head, rows)
