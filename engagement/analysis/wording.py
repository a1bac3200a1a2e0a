"""What a comparison allows to say, in plain sentences."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from engagement.analysis.ratios import Ratio
from engagement.formats import UNKNOWN, about, is_any, percent, ratio_number, two_digits
from engagement.units import METRIC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.analysis.comparison import Group
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

_MOST_NAMED = 3
_ALIKE = 1.25  # what two groups lack is one number if it differs less than this
_PLURAL = re.compile(r"s\b")


def sentence(difference: Difference, units: Units = METRIC) -> str:
    """What the drives allow to say of one measure; no full stop, so that it can go on."""
    what = measure_name(difference, units)
    if difference.a.value is None or difference.b.value is None:
        return f"nothing can be said of {what}: {missing(difference)}"
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


def missing(difference: Difference) -> str:
    """Why groups have no value; those of one reason together."""
    names_by_reason: dict[str, list[str]] = {}
    for name, value in (("A", difference.a), ("B", difference.b)):
        if value.value is None:
            names_by_reason.setdefault(_reason(difference, value), []).append(name)
    return "; ".join(
        reason.format(names=" and ".join(names), was="was" if len(names) == 1 else "were")
        for reason, names in names_by_reason.items()
    )


def _reason(difference: Difference, group: GroupValue) -> str:
    if difference.kind == "share":
        return "there is no such driving of {names}"
    if difference.kind == "mean":
        return "the logs of {names} don't tell"
    if not group.n_untold_drives:
        return "{names} {was} never engaged" + " on the move" * _is_per_distance(difference)
    if is_of_old_system(difference):
        return "it is not known what the old system counted in the engaged drives of {names}"
    return "of the engaged drives of {names} only what the old system counted is known"


def is_of_old_system(difference: Difference) -> bool:
    """Whether it is a count of the old system's, of which most databases have none."""
    return difference.name.startswith("legacy_")


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


def listed(names: Sequence[str]) -> str:
    """Some things in a sentence: a, b and 5 more."""
    if len(names) > _MOST_NAMED:
        names = [*names[: _MOST_NAMED - 1], f"{len(names) - _MOST_NAMED + 1} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


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


def obstacle_text(difference: Difference) -> str:
    """Why a ratio at like speeds is not to be relied on."""
    if difference.obstacle == "few_alike":
        alike = percent(difference.alike_fraction)
        return f"A and B were driven at different speeds: only {alike} % of the driving is alike"
    ratios = (bounded(difference.ratio), bounded(Ratio(difference.crude_ratio)))
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
    ratio = difference.ratio
    if ratio.value is None:
        return UNKNOWN
    if ratio.value == math.inf and not ratio.lower:
        return "only B"
    return bound(ratio) or f"{ratio_number(ratio.value)}{_limits(difference)}"


def bounded(ratio: Ratio) -> str:
    """A ratio, or the limit that is known where only one group has any: over 17, under 0.06."""
    return bound(ratio) or ("infinite" if ratio.value == math.inf else ratio_number(ratio.value))


def bound(ratio: Ratio) -> str | None:
    """The limit of a ratio of nothing or by nothing; None of others, and where there is none."""
    if ratio.value == math.inf and ratio.lower:
        return f"over {ratio_number(ratio.lower)}"
    if ratio.value == 0 and ratio.upper is not None and math.isfinite(ratio.upper):
        return f"under {ratio_number(ratio.upper)}"
    return None


def _value(difference: Difference, value: float | None, units: Units) -> str:
    if difference.kind == "share" or difference.name.endswith("_fraction"):
        return f"{percent(value)} %"
    return two_digits(units.per_distance(value) if _is_per_distance(difference) else value)
