"""Statistics of a signal over several logs: sums for linear fits, and the times of changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engagement.extract.frames import DbcSignal
    from engagement.logs.arrays import Float, Int, PerEvent, PerValue, ValuesByColumns

LAGS_S = (0.0, 0.02, 0.05, 0.1, 0.2, -0.05, -0.1)
_MAX_CHANGES_HZ = 4.0  # buttons that people press are slower


@dataclass(frozen=True, slots=True)
class Fit:
    """expected = value * scale + offset, and the share of the variance that it explains."""

    share: float
    scale: float
    offset: float


class Tally:
    """One signal on one bus, against several expected columns.

    A run is a stretch of logs without a gap. Each has its own intercept, as its distance starts at
    0; the slope is common. The first value is subtracted, so that sums of large ones stay exact.
    """

    def __init__(self, signal: DbcSignal, bus: int, n_columns: int) -> None:
        self.signal = signal
        self.bus = bus
        self.n_values = self.n_rises = self.n_falls = 0
        self.rise = 0.0
        self.changes_ns: PerEvent[Int] | None = np.zeros(0, dtype=np.int64)
        self._first: float | None = None
        self._last: float | None = None
        self._span_ns = 0
        self._run = _Sums(n_columns)
        self._means = _Sums(n_columns)
        self._xx = 0.0
        self._xy, self._yy = np.zeros(n_columns), np.zeros(n_columns)

    def add(
        self, mono_ns: PerValue[Int], value: PerValue[Float], expected: ValuesByColumns
    ) -> None:
        """Take values in the order of time, and what is expected at each, (values, columns)."""
        if not len(value):
            return
        if self._first is None:
            self._first = float(value[0])
        self.n_values += len(value)
        with np.errstate(all="ignore"):  # floats of a payload may be anything
            self._run.add(value - self._first, expected)
            self._add_steps(mono_ns, value)
        self._last = float(value[-1])

    def _add_steps(self, mono_ns: PerValue[Int], value: PerValue[Float]) -> None:
        previous = value[0] if self._last is None else self._last
        steps = np.diff(value, prepend=previous)
        self.n_rises += int((steps > 0).sum())
        self.n_falls += int((steps < 0).sum())
        self.rise += float(steps[steps > 0].sum())
        self._span_ns += int(mono_ns[-1] - mono_ns[0])
        if self.changes_ns is None:
            return
        self.changes_ns = np.concatenate([self.changes_ns, mono_ns[steps != 0]])
        if len(self.changes_ns) > _MAX_CHANGES_HZ * (self._span_ns / 1e9 + 10):
            self.changes_ns = None

    def close_run(self) -> None:
        """End a stretch without gaps."""
        run = self._run
        if not run.n:
            return
        with np.errstate(all="ignore"):
            self._xx += run.xx - run.x**2 / run.n
            self._xy += run.xy - run.x * run.y / run.n
            self._yy += run.yy - run.y**2 / run.n
        self._means.take(run)
        self._run = _Sums(len(run.y))
        self._last = None

    @property
    def step_share(self) -> float:
        """The share of the variance that comes from rising in steps instead of evenly."""
        if not self.n_rises or not self._xx > 0:
            return 0.0
        step = self.rise / self.n_rises
        return float(self.n_values * step**2 / 12 / self._xx)

    def fit(self, column: int) -> Fit:
        """The line for a column of closed runs; nothing is explained where either is constant."""
        xx, xy, yy = self._xx, float(self._xy[column]), float(self._yy[column])
        if not (np.isfinite(xx * yy) and xx > 0 and yy > 0):
            return Fit(0.0, 0.0, 0.0)
        scale = xy / xx
        mean_x = self._means.x / self._means.n + (self._first or 0.0)
        mean_y = float(self._means.y[column]) / self._means.n
        return Fit(min(xy**2 / (xx * yy), 1.0), scale, mean_y - scale * mean_x)


class _Sums:
    """Sums of values x, of columns y, and of their products."""

    def __init__(self, n_columns: int) -> None:
        self.n = 0
        self.x = self.xx = 0.0
        self.y, self.xy, self.yy = (np.zeros(n_columns) for _ in range(3))

    def add(self, value: PerValue[Float], columns: ValuesByColumns) -> None:
        self.n += len(value)
        self.x += float(value.sum())
        self.xx += float(value @ value)
        self.y += columns.sum(axis=0)
        self.xy += value @ columns
        self.yy += (columns**2).sum(axis=0)

    def take(self, other: _Sums) -> None:
        """Add what another has of the means."""
        self.n += other.n
        self.x += other.x
        self.y += other.y
