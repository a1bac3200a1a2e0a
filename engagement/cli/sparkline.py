"""Small plots of a signal, one line high, for terminals."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engagement.logs.arrays import Float, Int, PerValue

_BARS = "▁▂▃▄▅▆▇█"


def resample(
    mono_ns: PerValue[Int], value: PerValue[Float], span_ns: tuple[int, int], n_points: int
) -> PerValue[Float]:
    """The mean of each of `n_points` equal parts of a span, NaN where there is no finite value."""
    start_ns, end_ns = span_ns
    is_finite = np.isfinite(value)
    place = (mono_ns[is_finite] - start_ns) * n_points // max(end_ns - start_ns, 1)
    place = np.clip(place, 0, n_points - 1)
    total = np.bincount(place, value[is_finite], minlength=n_points)
    count = np.bincount(place, minlength=n_points)
    means: PerValue[Float] = np.divide(total, count, out=np.full(n_points, np.nan), where=count > 0)
    return means


def sparkline(points: PerValue[Float]) -> str:
    """A bar a point, the lowest at the bottom, the highest at the top; a blank for NaN."""
    is_there = np.isfinite(points)
    if not is_there.any():
        return " " * len(points)
    low, high = points[is_there].min(), points[is_there].max()
    with np.errstate(all="ignore"):  # floats of a payload may be anything
        span = high - low
        shares = (points[is_there] - low) / span if 0 < span < np.inf else np.zeros(is_there.sum())
    bars = iter(np.minimum((shares * len(_BARS)).astype(int), len(_BARS) - 1).tolist())
    return "".join(_BARS[next(bars)] if here else " " for here in is_there.tolist())


def shows_plots() -> bool:
    """Whether stdout is a terminal that has the characters."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return sys.stdout.isatty() and encoding == "utf8"
