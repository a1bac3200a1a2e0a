"""Expressions over ticks, read and interpreted by brute force: moments and exposure of a drive."""

from __future__ import annotations

import math
import operator
from typing import Any

from engagement.moments.expressions import (
    Arithmetic,
    Comparison,
    Edge,
    Junction,
    Lasting,
    Negative,
    Not,
    Number,
    Signal,
    Text,
)

Ticks = dict[int, dict[str, Any]]  # what `samples` says, by the number of the tick
STEP_S = 0.1
_OPERATORS = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def moments(pattern: Any, ticks: Ticks) -> tuple[list[tuple[int, int]], int]:
    """The moments of an expression, as ticks from and until, and the ticks that could be judged."""
    fits = [judge(step.condition, ticks) for step in pattern.steps]
    holds = [judge(condition, ticks) for condition in pattern.conditions]
    n_judged = sum(all(values[tick] is not None for values in (*fits, *holds)) for tick in ticks)
    runs = [runs_of(step, values) for step, values in zip(pattern.steps, fits, strict=True)]
    found = []
    for first in runs[0]:
        until, last = first[1], first
        for before, step, candidates in zip(
            pattern.steps, pattern.steps[1:], runs[1:], strict=False
        ):
            least = max(n_ticks(least_s(before)), 1)
            within = math.floor(round(step.within_s * 1e9) / 1e8)
            fitting = [run for run in candidates if last[0] + least <= run[0] <= last[1] + within]
            if not fitting:
                break
            last = min(fitting)
            until = max(until, last[1])
        else:
            if all(values[first[0]] for values in holds):
                found.append((first[0], until))
    return sorted(found), n_judged


def least_s(step: Any) -> float:
    if step.least_s is not None:
        return float(step.least_s)
    return 0.0 if _has_edge(step.condition) else 0.3


def _has_edge(node: Any) -> bool:
    if isinstance(node, Edge):
        return True
    inner = [getattr(node, name) for name in ("of", "left", "right") if hasattr(node, name)]
    return any(map(_has_edge, inner))


def n_ticks(seconds: float) -> int:
    return math.ceil(round(seconds * 1e9) / 1e8)


def runs_of(step: Any, fits: dict[int, Any]) -> list[tuple[int, int]]:
    """Runs long enough, then those that are near one another as one."""
    long = [run for run in true_runs(fits) if run[1] - run[0] >= n_ticks(least_s(step))]
    merge_s = 1.0 if step.merge_s is None else step.merge_s
    merged: list[tuple[int, int]] = []
    for start, end in long:
        if merged and round((start - merged[-1][1]) * 1e8) < round(merge_s * 1e9):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def true_runs(values: dict[int, Any]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for tick in sorted(values):
        if values[tick]:
            if found and found[-1][1] == tick:
                found[-1] = (found[-1][0], tick + 1)
            else:
                found.append((tick, tick + 1))
    return found


def judge(node: Any, ticks: Ticks) -> dict[int, bool | None]:
    """Whether a condition holds at each tick; None where that is not known."""
    match node:
        case Not(of):
            return {tick: None if v is None else not v for tick, v in judge(of, ticks).items()}
        case Junction(word, left, right):
            both = judge(left, ticks), judge(right, ticks)
            return {tick: _join(word, both[0][tick], both[1][tick]) for tick in ticks}
        case Edge(of, is_rise):
            values = judge(of, ticks)
            return {
                tick: _join(
                    "and", _is(values[tick], is_rise), _is(values.get(tick - 1), not is_rise)
                )
                for tick in ticks
            }
        case Lasting(of, seconds):
            values = judge(of, ticks)
            runs = true_runs(values)
            lasting = {
                tick
                for start, end in runs
                if end - start >= n_ticks(seconds)
                for tick in range(start, end)
            }
            return {tick: tick in lasting if value else value for tick, value in values.items()}
        case _:
            return {tick: _at(node, row) for tick, row in ticks.items()}


def _is(value: bool | None, wanted: bool) -> bool | None:  # noqa: FBT001
    return None if value is None else value is wanted


def _join(word: str, left: bool | None, right: bool | None) -> bool | None:  # noqa: FBT001
    decisive = word == "or"
    if decisive in (left, right):
        return decisive
    return None if None in (left, right) else not decisive


def _at(node: Any, row: dict[str, Any]) -> bool | None:
    if isinstance(node, Signal):
        value = row[node.name]
        return False if value is None and _is_absent([node], row) else value
    assert isinstance(node, Comparison)
    left, right = value_of(node.left, row), value_of(node.right, row)
    if left is None or right is None:
        return False if _is_absent(_signals(node), row) else None
    return bool(_OPERATORS[node.operator](left, right))


_MADE_OF = {
    "lead_ttc_s": ("lead_d_rel_m", "lead_v_rel_mps"),
    "lead_thw_s": ("lead_d_rel_m", "v_ego_mps"),
}


def _is_absent(signals: list[Signal], row: dict[str, Any]) -> bool:
    """Whether one is known to have no value."""
    for signal in signals:
        is_none = signal.name in _MADE_OF and row[signal.name] is None
        if is_none and all(row[name] is not None for name in _MADE_OF[signal.name]):
            return True
        is_of_lead = signal.name == "is_lead_radar" or signal.name.startswith("lead_")
        if is_of_lead and row["is_lead_present"] is False:
            return True
    return False


def _signals(node: Any) -> list[Signal]:
    if isinstance(node, Signal):
        return [node]
    inner = [getattr(node, name) for name in ("of", "left", "right") if hasattr(node, name)]
    return [signal for part in inner for signal in _signals(part)]


def value_of(node: Any, row: dict[str, Any]) -> Any:
    match node:
        case Number(value) | Text(value):
            return value
        case Signal(name):
            return row[name]
        case Negative(of, is_absolute):
            value = value_of(of, row)
            return None if value is None else abs(value) if is_absolute else -value
        case Arithmetic(sign, left, right):
            return _computed(sign, value_of(left, row), value_of(right, row))
    raise AssertionError(node)


def _computed(sign: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None or (sign == "/" and right == 0):
        return None
    try:
        found = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[
            sign
        ](left, right)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
