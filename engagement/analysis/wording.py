"""What a comparison allows to say, in plain sentences."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from engagement.analysis.ratios import LEAST_OTHERS
from engagement.formats import UNKNOWN, about, count, is_any, percent, ratio_number, two_digits
from engagement.units import METRIC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engagement.analysis.comparison import Comparison, Group
    from engagement.analysis.differences import Answer, Difference, Driving, GroupValue
    from engagement.units import Units

ANSWERS: dict[Answer, str] = {
    "better": "better",
    "worse": "worse",
    "open": "can't tell yet",
    "too_few": "too few to tell",
    "speeds_differ": "speeds differ",
    "nothing": UNKNOWN,
}

NO_DIFFERENCE = "no difference told"

_MOST_COMPARED = 0.95
_MAX_CARS = 4
_ALIKE = 1.25  # what two groups lack is one number if it differs less than this
_PLURAL = re.compile(r"s\b")


def sentence(difference: Difference, units: Units = METRIC) -> str:
    """What the drives allow to say of one measure; no full stop, so that it can go on."""
    what = measure_name(difference, units)
    if difference.a.value is None or difference.b.value is None:
        return f"nothing can be said of {what}: {_missing(difference)}"
    if difference.ratio.value is None:
        return _no_ratio(difference, what, units)
    return f"{_told(difference, units)}: {_first_clause(difference, what)}"


def ratio_sentence(difference: Difference, units: Units = METRIC) -> str:
    """The ratio alone, if there is one, where what it tells stands already."""
    if difference.answer not in ("open", "too_few"):
        return sentence(difference, units)
    return _first_clause(difference, measure_name(difference, units))


def _told(difference: Difference, units: Units) -> str:
    """What the answer is, and what it takes if there is none."""
    answer = ANSWERS[difference.answer]
    if difference.answer == "too_few":
        return f"{answer} from these drives alone"
    if difference.answer != "open" or difference.needed_a is None or difference.needed_b is None:
        return answer
    if difference.is_enough:
        return f"{NO_DIFFERENCE}, though one of 30 % would mostly show"
    return f"{answer}, about {needed_text(difference, units)} would show a 30 % difference"


def measure_name(difference: Difference, units: Units = METRIC) -> str:
    """The measure in a sentence: interventions per 100 km."""
    is_rate = difference.kind == "rate"
    return f"{difference.label} {unit_text(difference, units)}" if is_rate else difference.label


def unit_text(difference: Difference, units: Units) -> str:
    """The unit of a measure's values, as people read them."""
    if _is_per_distance(difference):
        return f"per {units.per_distance.name}"
    return difference.unit


def _is_per_distance(difference: Difference) -> bool:
    return difference.kind == "rate" and difference.exposure_unit == "km"


def _missing(difference: Difference) -> str:
    without = [n for n, v in (("A", difference.a), ("B", difference.b)) if v.value is None]
    names = " and ".join(without)
    if difference.kind == "rate":
        moved = " on the move" if _is_per_distance(difference) else ""
        return f"{names} {'was' if len(without) == 1 else 'were'} never engaged{moved}"
    if difference.kind == "share":
        return f"{names} {'has' if len(without) == 1 else 'have'} no such driving"
    return f"the logs of {names} don't tell"


def _no_ratio(difference: Difference, what: str, units: Units) -> str:
    a, b = difference.a, difference.b
    if difference.compared_fraction == 0:
        return f"A and B share no speed band: their {what} can't be compared at like speeds"
    if a.n_events == b.n_events == 0:
        a_upper, b_upper = (_value(difference, value, units) for value in (a.upper, b.upper))
        limits = f"at most {a_upper} in A, {b_upper} in B (95 % limits)"
        return (
            f"neither has any {difference.label}; {unit_text(difference, units)} that is {limits}"
        )
    if difference.kind == "rate":
        return f"neither has any {difference.label} in a speed band that both have"
    values = f"the {what} of A is {two_digits(a.value)}, of B {two_digits(b.value)}"
    return f"{values}: that gives no ratio"


def _first_clause(difference: Difference, what: str) -> str:
    ratio, a, b = difference.ratio, difference.a, difference.b
    p = "" if difference.p_value is None else f" ({p_text(difference.p_value)})"
    if ratio.value == math.inf and difference.kind != "rate":
        return f"only B has any {what}{p}"
    if ratio.value == math.inf:
        bound = f"; the ratio is over {ratio_number(ratio.lower)}" if ratio.lower else ""
        nothing = "A none at like speeds" if a.n_events else "A none"
        return f"B has {_count(b.n_events, difference.label)}, {nothing}{bound}{p}"
    if ratio.value == 0 and difference.kind == "rate":
        bound = f"; the ratio is under {ratio_number(ratio.upper)}" if ratio.upper else ""
        nothing = "none at like speeds" if b.n_events else "none"
        return f"A has {_count(a.n_events, difference.label)}, B {nothing}{bound}{p}"
    limits = _limits(difference, f"; {p_text(difference.p_value)}")
    return f"B has {ratio_number(ratio.value)} x the {what} of A{limits}"


def _limits(difference: Difference, also: str = "") -> str:
    lower, upper = difference.ratio.lower, difference.ratio.upper
    return "" if lower is None else f" ({ratio_number(lower)} to {ratio_number(upper)}{also})"


def _count(n_events: int | None, label: str) -> str:
    """A number of events: 1 critical event."""
    noun = _PLURAL.sub("", label, count=1) if n_events == 1 else label
    return f"{n_events} {noun}"


def needed_text(difference: Difference, units: Units = METRIC) -> str:
    """What is lacking: 900 km more in each group."""
    needed = (difference.needed_a, difference.needed_b)
    a, b = (_lacking(difference, driving, units) for driving in needed)
    if a is None or b is None:
        return UNKNOWN
    if a == b == 0:
        return "more drives" if difference.answer == "too_few" else "already enough"
    unit = units.distance.name if difference.exposure_unit == "km" else difference.exposure_unit
    if max(a, b) < _ALIKE * min(a, b):
        return f"{about(max(a, b))} {unit} more in each group"
    parts = [f"{about(x)} {unit} more of {name}" for name, x in (("A", a), ("B", b)) if x]
    return " and ".join(parts)


def _lacking(difference: Difference, driving: Driving | None, units: Units) -> float | None:
    if driving is None:
        return None
    return units.distance(driving.km) if difference.exposure_unit == "km" else driving.hours


def distances_text(group: Group, units: Units) -> str:
    """How far a group drove engaged, and at all: 310 of 420 km."""
    distance = units.distance
    engaged, driven = (about(km * distance.per_si) for km in (group.engaged_km, group.distance_km))
    return f"{engaged} of {driven} {distance.name}"


def as_sentence(text: str) -> str:
    """With a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def warnings(comparison: Comparison) -> list[str]:
    """What makes the groups hard to compare."""
    return [
        *_label_warnings(comparison),
        *_log_warnings(comparison),
        *_group_warnings(comparison),
        *_speed_warnings(comparison),
        *_basis_warnings(comparison),
    ]


def _label_warnings(comparison: Comparison) -> Iterator[str]:
    for name, counted in zip("AB", comparison.labels or (), strict=False):
        yield f"of {name} {counted}"


def _log_warnings(comparison: Comparison) -> Iterator[str]:
    a, b = comparison.a, comparison.b
    n_qlog_drives = a.n_qlog_drives + b.n_qlog_drives
    if n_qlog_drives:
        yield (
            f"logs are decimated: {a.n_qlog_drives} of {a.n_drives} drives of A and "
            f"{b.n_qlog_drives} of {b.n_drives} of B have qlogs, which are coarser"
        )


def _group_warnings(comparison: Comparison) -> Iterator[str]:
    a, b = comparison.a, comparison.b
    if set(a.cars) != set(b.cars):
        yield f"the cars differ: A has {_cars(a)}; B has {_cars(b)}"


def _cars(group: Group) -> str:
    if not group.cars:
        return "none that is known"
    more = len(group.cars) - _MAX_CARS
    return ", ".join(group.cars[:_MAX_CARS]) + (f" and {more} more" if more > 0 else "")


def _basis_warnings(comparison: Comparison) -> Iterator[str]:
    tested = [one for one in comparison.differences if one.p_value is not None]
    if tested and all(one.basis == "drives" for one in tested):
        yield (
            f"the database has {count(comparison.n_others, 'other drive')}, fewer than "
            f"{LEAST_OTHERS}: p and intervals rest on these drives' own dispersion only"
        )


def _speed_warnings(comparison: Comparison) -> Iterator[str]:
    first = comparison.differences[0]
    if first.obstacle == "few_alike":
        yield f"{obstacle_text(first)}: {bands_text(first)}"
    elif first.compared_fraction is not None and 0 < first.compared_fraction < _MOST_COMPARED:
        yield (
            f"only {first.compared_fraction * 100:.0f} % of the engaged distance is at speeds that "
            "both groups have; ratios leave out the rest"
        )


def obstacle_text(difference: Difference) -> str:
    """Why a ratio at like speeds is not to be relied on."""
    if difference.obstacle == "few_alike":
        alike = percent(difference.alike_fraction)
        return f"A and B were driven at different speeds: only {alike} % of the driving is alike"
    ratios = (ratio_number(difference.ratio.value), ratio_number(difference.crude_ratio))
    return f"at like speeds the ratio is {ratios[0]}, over all speeds {ratios[1]}"


def bands_text(difference: Difference, units: Units = METRIC) -> str:
    """What both have in each speed band: city A 3 in 120 km, B 5 in 90 km; road ..."""
    shown = [
        f"{band.speed_band} A {_band(difference, band.a, band.a_exposure, units)}, "
        f"B {_band(difference, band.b, band.b_exposure, units)}"
        for band in difference.bands
        if band.a_exposure or band.b_exposure
    ]
    return "; ".join(shown)


def _band(difference: Difference, amount: float, exposure: float, units: Units) -> str:
    if difference.kind != "rate":
        return two_digits(amount / exposure) if exposure else UNKNOWN
    if difference.exposure_unit == "km":
        distance = units.distance
        return f"{amount:.0f} in {about(exposure * 100 * distance.per_si)} {distance.name}"
    return f"{amount:.0f} in {about(exposure)} h"


def p_text(p_value: float | None) -> str:
    """What p is, with its name."""
    return f"p = {two_digits(p_value)}"


def value_text(difference: Difference, group: GroupValue, units: Units = METRIC) -> str:
    """A group's value, with the number of events it comes from: 5.1 (42)."""
    if group.value is None:
        return UNKNOWN
    if difference.kind == "rate":
        return f"{_value(difference, group.value, units)} ({group.n_events})"
    return _value(difference, group.value, units)


def interval_text(difference: Difference, group: GroupValue, units: Units = METRIC) -> str:
    """A group's 95 % limits; limits far beyond the value say that its drives are too few."""
    if group.lower is None or group.upper is None:
        return UNKNOWN
    if group.value and is_any(group.value, group.upper):
        return "any"
    lower, upper = (_value(difference, limit, units) for limit in (group.lower, group.upper))
    return f"{lower} to {upper}"


def ratio_text(difference: Difference) -> str:
    """The ratio at like speeds, with its limits: 1.4 (0.9 to 2.1)."""
    if difference.ratio.value is None:
        return UNKNOWN
    if difference.ratio.value == math.inf:
        lower = difference.ratio.lower
        return "only B" if lower is None else f"over {ratio_number(lower)}"
    if difference.ratio.value == 0 and difference.ratio.upper is not None:
        return f"under {ratio_number(difference.ratio.upper)}"
    return f"{ratio_number(difference.ratio.value)}{_limits(difference)}"


def _value(difference: Difference, value: float | None, units: Units) -> str:
    if difference.kind == "share" or difference.name.endswith("_fraction"):
        return f"{percent(value)} %"
    return two_digits(units.per_distance(value) if _is_per_distance(difference) else value)
