"""Values as people read them; only here do fractions become percent and seconds hours.

Every function takes None, which means not known, and gives a dash.
"""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

UNKNOWN = "-"

_BYTES_PER_UNIT = 1000
_TENTHS_BELOW = 10
_ANY_BEYOND = 100


def text(value: Any) -> str:
    """Text or a count; what a terminal would obey instead of show is written as an escape."""
    if value is None:
        return UNKNOWN
    shown = str(value)
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)


def percent(fraction: float | None) -> str:
    """A fraction as percent, without the sign: the heading has it."""
    return UNKNOWN if fraction is None else f"{fraction * 100:.1f}"


def decimal(number: float | None) -> str:
    """One decimal, which is enough for kilometres and rates."""
    return UNKNOWN if number is None else f"{number:.1f}"


def two_decimals(number: float | None) -> str:
    """Two decimals, for ratios."""
    return UNKNOWN if number is None else f"{number:.2f}"


def five_decimals(number: float | None) -> str:
    """Five decimals, a metre of latitude."""
    return UNKNOWN if number is None else f"{number:.5f}"


def number(value: float | None) -> str:
    """Three digits, more before the point: rates and times of any size."""
    if value is None:
        return UNKNOWN
    n_decimals = max(0, 2 - floor(log10(abs(value)))) if value else 0
    return f"{value:.{n_decimals}f}"


def interval(estimate: tuple[float | None, float | None, float | None] | None) -> str:
    """An estimate with its limits: 1.25 (0.800-1.95); what has no upper one: over 0.800.

    Limits a hundred times apart from the estimate say that the drives are too few to tell.
    """
    value, lower, upper = estimate or (None, None, None)
    if lower is None:
        return number(value)
    if value is None or upper is None:
        return f"over {number(lower)}"
    if upper > _ANY_BEYOND * value > 0:
        return f"{number(value)} (any)"
    return f"{number(value)} ({number(lower)}-{number(upper)})"


def duration(seconds: float | None) -> str:
    """Hours, minutes and seconds: 1:02:03."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def moment(time: datetime | None) -> str:
    """Date and time to the minute."""
    return UNKNOWN if time is None else f"{time:%Y-%m-%d %H:%M}"


def size(n_bytes: int | None) -> str:
    """Bytes in a unit that leaves up to three digits: 61 MB."""
    if n_bytes is None:
        return UNKNOWN
    number = float(n_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if round(number) < _BYTES_PER_UNIT:
            digits = 1 if unit != "bytes" and number < _TENTHS_BELOW else 0
            return f"{number:.{digits}f} {unit}"
        number /= _BYTES_PER_UNIT
    return f"{number:.1f} TB"


def count(number: int, noun: str) -> str:
    """A number of things: 1 drive, 2 drives."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def spans(numbers: list[int]) -> str:
    """Ascending numbers, runs of them shortened: 0, 3-5, 9."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def reading(value: float | None) -> str:
    """A value as a display would show it: up to seven digits."""
    return UNKNOWN if value is None else f"{value:.7g}"


def rounded(value: float | None) -> str:
    """A number that was fitted: four digits say all that it knows."""
    return UNKNOWN if value is None else f"{value:.4g}"
