"""What of a comparison is worth showing, and what is said of the rest; for terminals and Markdown.

`per` chooses the rates: by distance (`100km`) or by time (`hour`); `units` what they are shown in.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from engagement.analysis.wording import (
    SIGNIFICANT,
    interval_text,
    needed_text,
    ratio_text,
    sentence,
    unit_text,
    value_text,
)
from engagement.formats import two_digits
from engagement.units import METRIC

if TYPE_CHECKING:
    from engagement.analysis.comparison import Comparison
    from engagement.analysis.differences import Difference
    from engagement.analysis.measures import Kind
    from engagement.units import Units

    Per = Literal["100km", "hour"]

_HEADLINE = "interventions_per_"


def headline(comparison: Comparison, per: Per, units: Units = METRIC) -> str:
    """What the drives allow to say of interventions."""
    return sentence(comparison.find(_HEADLINE + per), units)


def findings(comparison: Comparison, per: Per, units: Units = METRIC) -> list[str]:
    """What else chance seldom does, and how often it would among so many measures."""
    tested = [found for found in shown(comparison, per) if found.p_value is not None]
    found = [one for one in tested if (one.p_value or 0.0) < SIGNIFICANT]
    said = [sentence(one, units) for one in found if one.name != _HEADLINE + per]
    if found:
        said.append(
            f"{len(found)} of {len(tested)} measures have p < {SIGNIFICANT}; if nothing differed, "
            f"about {max(round(len(tested) * SIGNIFICANT), 1)} would by chance"
        )
    return said


def shown(comparison: Comparison, per: Per) -> list[Difference]:
    """The measures that both groups have, but for what neither has any of."""
    return [found for found in _chosen(comparison, per) if _is_told(found) and not _is_quiet(found)]


def sections(
    comparison: Comparison, per: Per, units: Units = METRIC
) -> list[tuple[str, list[dict[str, str]]]]:
    """The measures as rows of a table, under the heading of their kind."""
    headings: dict[Kind, str] = {
        "rate": f"events {unit_text(comparison.find(_HEADLINE + per), units)} engaged",
        "share": "engagement",
        "mean": "steering",
    }
    found = shown(comparison, per)
    rows_by_kind = {
        kind: [measure_texts(one, units) for one in found if one.kind == kind] for kind in headings
    }
    return [(headings[kind], rows) for kind, rows in rows_by_kind.items() if rows]


def describe(difference: Difference) -> dict[str, Any]:
    """A measure as it is, with what it allows to say."""
    return asdict(difference) | {
        "is_enough": difference.is_enough,
        "sentence": sentence(difference),
    }


def measure_texts(difference: Difference, units: Units = METRIC) -> dict[str, str]:
    """A measure as a row of a table; the unit of rates is in the heading."""
    has_unit = difference.unit and difference.kind != "rate"
    return {
        "measure": f"{difference.label}, {difference.unit}" if has_unit else difference.label,
        "a": value_text(difference, difference.a, units),
        "a_interval": interval_text(difference, difference.a, units),
        "b": value_text(difference, difference.b, units),
        "b_interval": interval_text(difference, difference.b, units),
        "ratio": ratio_text(difference),
        "p": two_digits(difference.p_value),
        "naive_p": two_digits(difference.naive_p_value),
        "dispersion": two_digits(difference.dispersion),
        "needed": needed_text(difference, units),
    }


def notes(comparison: Comparison, per: Per) -> list[str]:
    """What is not shown, and why."""
    chosen = _chosen(comparison, per)
    quiet = [found.label for found in chosen if _is_told(found) and _is_quiet(found)]
    untold = [found.label for found in chosen if not _is_told(found)]
    said = []
    if quiet:
        said.append(f"neither has any: {', '.join(quiet)}")
    if untold:
        said.append(f"not known of both: {', '.join(untold)}")
    return said


def _chosen(comparison: Comparison, per: Per) -> list[Difference]:
    return [
        found
        for found in comparison.differences
        if found.kind != "rate" or found.name.endswith(f"_per_{per}")
    ]


def _is_told(difference: Difference) -> bool:
    return difference.a.value is not None and difference.b.value is not None


def _is_quiet(difference: Difference) -> bool:
    return difference.a.value == difference.b.value == 0
