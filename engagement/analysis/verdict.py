"""Is B better than A? What all measures say together, and each with its direction.

Of many measures of equal groups one in twenty has p < 0.05. So for the whole only those count that
are left when the false discovery rate is held at 5 % (Benjamini and Hochberg 1995); what p alone
says stands as `perhaps`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from engagement.analysis.differences import SIGNIFICANT
from engagement.analysis.measures import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engagement.analysis.comparison import Comparison
    from engagement.analysis.differences import Difference

    Per = Literal["100km", "hour"]
    State = Literal["better", "worse", "mixed", "open", "no_difference", "too_few", "speeds_differ"]

_Key = TypeVar("_Key", str, tuple[str, str])

_HEADLINE = "interventions_per_"
_OLD_HEADLINES = ("legacy_disengagements_per_", "legacy_steer_interventions_per_")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the shown measures say together.

    Attributes:
        state: Of B against A; `open` while nothing is told, `no_difference` where 30 % in what is
            spoken of first would mostly have shown, `too_few` where nothing could be tested.
        better: Measures in which B is better, false discoveries held.
        worse: Those in which it is worse.
        n_tested: How many have a p-value.
        q_by_name: Of each of them, the least false discovery rate at which it would be told.
    """

    state: State
    better: tuple[Difference, ...]
    worse: tuple[Difference, ...]
    n_tested: int
    q_by_name: dict[str, float]


def judge_all(comparison: Comparison, per: Per) -> Verdict:
    """Put together what the measures say, with rates by distance or by time."""
    differences = shown(comparison, per)
    q_by_name = find_q(differences)
    told = [one for one in differences if q_by_name.get(one.name, 1.0) < SIGNIFICANT]
    better = tuple(one for one in told if one.answer == "better")
    worse = tuple(one for one in told if one.answer == "worse")
    return Verdict(
        _state(headline_of(comparison.differences, per), better, worse),
        better,
        worse,
        len(q_by_name),
        q_by_name,
    )


def _state(
    headline: Difference, better: Sequence[Difference], worse: Sequence[Difference]
) -> State:
    if headline.answer == "speeds_differ":
        return "speeds_differ"
    if better or worse:
        return "mixed" if better and worse else "better" if better else "worse"
    if headline.answer == "too_few":
        return "too_few"
    return "no_difference" if headline.answer == "open" and headline.is_enough else "open"


def headline_of(differences: Iterable[Difference], per: Per) -> Difference:
    """What is spoken of first: interventions, or, where these are not known, the old system's."""
    by_name = {one.name: one for one in differences}
    found = [by_name[f"{start}{per}"] for start in (_HEADLINE, *_OLD_HEADLINES)]
    return next((one for one in found if is_known(one)), found[0])


def find_q(differences: Sequence[Difference]) -> dict[str, float]:
    """The false discovery rate of each tested measure, among those given."""
    return false_discovery_rates(
        {one.name: one.p_value for one in differences if one.p_value is not None}
    )


def false_discovery_rates(p_values: Mapping[_Key, float]) -> dict[_Key, float]:
    """Of each test, the least of n p / rank over it and those with a greater p."""
    ordered = sorted(p_values, key=lambda key: (p_values[key], key))
    if not ordered:
        return {}
    raw = (
        np.array([p_values[key] for key in ordered]) * len(ordered) / np.arange(1, len(ordered) + 1)
    )
    q_values = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return {key: float(q) for key, q in zip(ordered, q_values, strict=True)}


def shown(comparison: Comparison, per: Per) -> list[Difference]:
    """The measures that both groups have, but for what neither has any of, and each but once."""
    return [
        one
        for one in chosen(comparison, per)
        if is_known(one) and not is_quiet(one) and not is_repeated(one, comparison)
    ]


def chosen(comparison: Comparison, per: Per) -> list[Difference]:
    """The measures with rates by distance or by time."""
    return [
        one
        for one in comparison.differences
        if one.kind != "rate" or one.name.endswith(f"_per_{per}")
    ]


def is_known(difference: Difference) -> bool:
    """Whether both groups have a value."""
    return difference.a.value is not None and difference.b.value is not None


def is_quiet(difference: Difference) -> bool:
    """Whether neither group has any of it."""
    return difference.a.value == difference.b.value == 0


def is_repeated(difference: Difference, comparison: Comparison) -> bool:
    """Whether another measure counts just the same events."""
    event, _, unit = difference.name.partition("_per_")
    if event not in PARTS:
        return False
    whole = comparison.find(f"{PARTS[event]}_per_{unit}")
    return (difference.a.n_events, difference.b.n_events) == (whole.a.n_events, whole.b.n_events)
