"""Modes look the same everywhere: one colour each, and one order of how much they stand out."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "engagement" / "api" / "static"
COLORS = (STATIC / "colors.css").read_text(encoding="utf-8")
ORDER = ("engaged", "lateral", "pre", "manual", "unknown")
VARIABLES = {
    "engaged": "--engaged", "lateral_only": "--lateral", "pre_enabled": "--pre",
    "manual": "--manual", "unknown": "--unknown",
}  # fmt: skip


def luminance(color: str) -> float:
    """Of sRGB, as WCAG 2 defines it."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(color: str, ground: str) -> float:
    low, high = sorted((luminance(color), luminance(ground)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_a_mode_stands_out_the_more_openpilot_does(theme):
    found = re.findall(r"--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\)", COLORS)
    colors = {name: both[theme] for name, *both in found}

    contrasts = [contrast(colors[name], colors["raised"]) for name in ORDER]

    assert all(before > after * 1.2 for before, after in pairwise(contrasts)), contrasts


def test_timelines_tracks_and_plots_have_the_same_colours():
    charts = (STATIC / "charts.css").read_text(encoding="utf-8")
    hatched = {"lateral_only": "hatch-lateral", "unknown": "hatch-unknown"}
    for mode, variable in VARIABLES.items():
        fill = f"url(#{hatched[mode]})" if mode in hatched else f"var({variable})"
        assert f".mode.{mode} {{ fill: {fill}; }}" in charts
    assert ".lateral-ground { fill: var(--lateral); }" in charts
    assert ".hatch-ground { fill: var(--unknown); }" in charts
    for mode in ("engaged", "lateral_only", "pre_enabled"):
        assert f".track.{mode} {{ stroke: var({VARIABLES[mode]});" in charts
    plots = (STATIC / "plots.js").read_text(encoding="utf-8")
    drawn = re.search(r"const MODES = \{ (.*?) \};", plots)[1]
    assert dict(re.findall(r'(\w+): "(--\w+)"', drawn)) == VARIABLES
