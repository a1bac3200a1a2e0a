"""Services of different rates side by side: a row each tick, or each message of any of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from engagement.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.logs.arrays import Int, PerRow

MAX_TICKS = 1 << 26
"""Of one table: two weeks at 50 Hz."""

_PERIODS = 3  # a value is held for so many periods of its service
_TICKS = 2  # and for so many ticks at least


@dataclass(frozen=True, slots=True)
class Series:
    """Messages of one service in the order of time: `mono_ns` of each, and its fields."""

    mono_ns: PerRow[Int]
    fields: pa.Table


def join(series: Sequence[Series], *, grid_hz: float | None) -> pa.Table:
    """One table of all, with `mono_ns` before the fields.

    With `grid_hz`, ticks lie at whole multiples of the period from the first message on. A tick has
    the latest value of each service, null where that is older than three of the service's own
    periods (their median) and two ticks: it stopped, or a log is missing. Without it, each message
    is a row, null in the fields of the other services.

    Raises:
        InputError: If the grid is too fine.
    """
    if grid_hz is None:
        return _by_message(series)
    times = [each.mono_ns for each in series if len(each.mono_ns)]
    first = min((int(each[0]) for each in times), default=0)
    last = max((int(each[-1]) for each in times), default=-1)
    period_ns = 1e9 / grid_hz
    n_ticks = int((last - first) / period_ns) + 1 if times else 0
    if n_ticks > MAX_TICKS:
        raise InputError(f"a grid of {n_ticks:,} ticks is too fine; at most {MAX_TICKS:,} are made")
    ticks = first + np.round(np.arange(n_ticks) * period_ns).astype(np.int64)
    rows = [_latest(each.mono_ns, ticks, _TICKS * period_ns) for each in series]
    return _table(ticks, series, rows)


def _latest(mono_ns: PerRow[Int], ticks: PerRow[Int], least_ns: float) -> PerRow[Int]:
    """The row of the latest message at each tick, -1 where it is too old or there is none."""
    rows = np.searchsorted(mono_ns, ticks, side="right") - 1
    if len(mono_ns) > 1:
        held_ns = max(_PERIODS * float(np.median(np.diff(mono_ns))), least_ns)
        rows[ticks - mono_ns[np.maximum(rows, 0)] > held_ns] = -1
    return rows


def _by_message(series: Sequence[Series]) -> pa.Table:
    if len(series) == 1:
        return _table(series[0].mono_ns, series, [None])
    times = np.concatenate([each.mono_ns for each in series])
    order = np.argsort(times, kind="stable")
    bounds = np.cumsum([0, *(len(each.mono_ns) for each in series)])
    rows = [
        np.where((order >= start) & (order < stop), order - start, -1)
        for start, stop in pairwise(bounds.tolist())
    ]
    return _table(times[order], series, rows)


def _table(
    mono_ns: PerRow[Int], series: Sequence[Series], rows: Sequence[PerRow[Int] | None]
) -> pa.Table:
    columns: dict[str, Any] = {"mono_ns": pa.array(mono_ns)}
    for each, places in zip(series, rows, strict=True):
        taken = each.fields
        if places is not None:
            chosen: pa.Array[Any] = pa.array(np.maximum(places, 0), mask=places < 0)
            taken = taken.take(chosen)
        columns |= dict(zip(taken.column_names, taken.columns, strict=True))
    return pa.table(columns)
