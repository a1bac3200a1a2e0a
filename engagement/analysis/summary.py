"""What of a comparison is worth showing, and what is said of the rest; for terminals and Markdown.

`per` chooses the rates: by distance (`100km`) or by time (`hour`); `units` what they are shown in.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from engagement.analysis.cautions import warnings
from engagement.analysis.differences import SIGNIFICANT
from engagement.analysis.looks import looks_text
from engagement.analysis.verdict import (
    chosen,
    headline_of,
    is_known,
    is_quiet,
    is_repeated,
    judge_all,
    shown,
)
from engagement.analysis.wording import (
    ANSWERS,
    NO_DIFFERENCE,
    bands_text,
    bounded,
    interval_text,
    is_of_old_system,
    listed,
    needed_text,
    obstacle_text,
    ratio_sentence,
    ratio_text,
    sentence,
    unit_text,
    value_text,
)
from engagement.formats import UNKNOWN, two_digits
from engagement.units import METRIC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.analysis.comparison import Comparison
    from engagement.analysis.differences import Difference
    from engagement.analysis.measures import Kind
    from engagement.analysis.verdict import Per, Verdict
    from engagement.units import Units


@dataclass(frozen=True, slots=True)
class Summary:
    """What a comparison allows to say, each in a sentence without its capital and full stop.

    Attributes:
        verdict: Whether B is better than A, false discoveries held at 5 %.
        headline: Of interventions.
        findings: What else chance seldom does.
        sequences: What looks after every drive told.
        obstacles: Whose ratio is doubtful for the speeds, with counts by band.
        notes: What is not told.
        warnings: What to keep in mind.
    """

    verdict: str
    headline: str
    findings: list[str]
    sequences: list[str]
    obstacles: list[str]
    notes: list[str]
    warnings: list[str]


def summarize(comparison: Comparison, per: Per, units: Units = METRIC) -> Summary:
    """All that is said of a comparison, beside its table."""
    return Summary(
        verdict=verdict_text(comparison, per, units),
        headline=headline(comparison, per, units),
        findings=findings(comparison, per, units),
        sequences=sequences(comparison, units),
        obstacles=obstacles(comparison, per, units),
        notes=notes(comparison, per),
        warnings=warnings(comparison),
    )


def verdict_text(comparison: Comparison, per: Per, units: Units = METRIC) -> str:
    """Whether B is better than A, false discoveries held over all measures, in a sentence."""
    verdict = judge_all(comparison, per)
    first = headline_of(comparison.differences, per)
    if verdict.state == "mixed":
        return f"B is better in {_named(verdict.better)}, and worse in {_named(verdict.worse)}"
    if verdict.state in ("better", "worse"):
        told = verdict.better or verdict.worse
        return f"B is {verdict.state} than A: {_named(told)}"
    if verdict.state == "too_few":
        return "too few drives to tell whether B is better than A"
    if verdict.state == "speeds_differ":
        return f"it can't be told whether B is better than A: {obstacle_text(first)}"
    if verdict.state == "no_difference":
        return (
            f"no difference is told: one of 30 % in {first.label} would mostly show in these drives"
        )
    needed = needed_text(first, units) if first.needed_a and first.needed_b else None
    more = f": about {needed} would show a 30 % difference in {first.label}" if needed else ""
    yet = "" if first.compared_fraction == 0 else " yet"  # of no common speed it never can
    return f"can't tell{yet} whether B is better than A{more}"


def _named(differences: Sequence[Difference]) -> str:
    """Measures with their ratios: interventions (0.52 x) and 2 more."""
    return listed([f"{one.label} ({bounded(one.ratio)} x)" for one in differences])


def headline(comparison: Comparison, per: Per, units: Units = METRIC) -> str:
    """What the drives allow to say of interventions, beside the verdict."""
    verdict, first = judge_all(comparison, per), headline_of(comparison.differences, per)
    if verdict.state in ("open", "too_few", "no_difference"):
        return f"{'perhaps ' * _is_perhaps(first, verdict)}{ratio_sentence(first, units)}"
    return _said(first, verdict, units)


def _said(difference: Difference, verdict: Verdict, units: Units) -> str:
    return f"{'perhaps ' * _is_perhaps(difference, verdict)}{sentence(difference, units)}"


def _is_perhaps(difference: Difference, verdict: Verdict) -> bool:
    """Whether a measure is told by its p alone, and not among all of them."""
    is_held = verdict.q_by_name.get(difference.name, 1.0) < SIGNIFICANT
    return difference.answer in ("better", "worse") and not is_held


def findings(comparison: Comparison, per: Per, units: Units = METRIC) -> list[str]:
    """What else has a low p, and what is left of it among so many measures."""
    verdict = judge_all(comparison, per)
    low = [one for one in shown(comparison, per) if (one.p_value or 1.0) < SIGNIFICANT]
    first = headline_of(comparison.differences, per).name
    said = [_said(one, verdict, units) for one in low if one.name != first]
    if low:
        n_held = sum(verdict.q_by_name[one.name] < SIGNIFICANT for one in low)
        said.append(
            f"of {verdict.n_tested} measures {len(low)} {'has' if len(low) == 1 else 'have'} "
            f"p < {SIGNIFICANT}; with the share of false discoveries held at 5 %, {n_held} "
            f"{'is' if n_held == 1 else 'are'} left"
        )
    return said


def obstacles(comparison: Comparison, per: Per, units: Units = METRIC) -> list[str]:
    """Of which measures the speeds make the ratio doubtful, with what was counted at each speed."""
    found = [one for one in shown(comparison, per) if one.obstacle]
    return [f"{one.label}: {obstacle_text(one)}: {bands_text(one, units)}" for one in found]


def sequences(comparison: Comparison, units: Units = METRIC) -> list[str]:
    """What looks after every drive told, of the measures that they were asked of."""
    return [looks_text(one, units) for one in comparison.differences if one.sequence]


def sections(
    comparison: Comparison, per: Per, units: Units = METRIC
) -> list[tuple[str, list[dict[str, str]]]]:
    """The measures as rows of a table, under the heading of their kind."""
    headings: dict[Kind, str] = {
        "rate": f"events {unit_text(headline_of(comparison.differences, per), units)} engaged",
        "share": "engagement",
        "mean": "steering",
    }
    found, verdict = shown(comparison, per), judge_all(comparison, per)
    rows_by_kind = {
        kind: [measure_texts(one, verdict, units) for one in found if one.kind == kind]
        for kind in headings
    }
    return [(headings[kind], rows) for kind, rows in rows_by_kind.items() if rows]


def describe(comparison: Comparison) -> list[dict[str, Any]]:
    """Every measure as it is, with what it allows to say.

    `q_value` is among the measures that are shown with rates of the same unit.
    """
    q_values = judge_all(comparison, "hour").q_by_name | judge_all(comparison, "100km").q_by_name
    return [
        asdict(one)
        | {
            "q_value": q_values.get(one.name),
            "is_enough": one.is_enough,
            "sentence": sentence(one),
        }
        for one in comparison.differences
    ]


def measure_texts(
    difference: Difference, verdict: Verdict, units: Units = METRIC
) -> dict[str, str]:
    """A measure as a row of a table; the unit of rates is in the heading."""
    has_unit = difference.unit and difference.kind != "rate"
    is_told = difference.answer in ("better", "worse")
    return {
        "measure": f"{difference.label}, {difference.unit}" if has_unit else difference.label,
        "answer": answer_text(difference, verdict),
        "a": value_text(difference, difference.a, units),
        "a_interval": interval_text(difference, difference.a, units),
        "b": value_text(difference, difference.b, units),
        "b_interval": interval_text(difference, difference.b, units),
        "ratio": ratio_text(difference),
        "p": two_digits(difference.p_value),
        "q": two_digits(verdict.q_by_name.get(difference.name)),
        "naive_p": two_digits(difference.naive_p_value),
        "dispersion": two_digits(difference.dispersion),
        "needed": UNKNOWN if is_told else needed_text(difference, units),
    }


def answer_text(difference: Difference, verdict: Verdict) -> str:
    """Better or worse; only perhaps, where among so many measures chance may give such a p."""
    said = ANSWERS[difference.answer]
    if difference.answer == "open" and difference.is_enough:
        said = NO_DIFFERENCE
    return f"{'perhaps ' * _is_perhaps(difference, verdict)}{said}"


def has_any(difference: Difference) -> bool:
    """Whether one of the groups has it."""
    return difference.a.value is not None or difference.b.value is not None


def notes(comparison: Comparison, per: Per) -> list[str]:
    """What is not shown, and why."""
    known = [one for one in chosen(comparison, per) if is_known(one)]
    quiet = [one.label for one in known if is_quiet(one)]
    is_double = any(not is_quiet(one) and is_repeated(one, comparison) for one in known)
    told = [one for one in chosen(comparison, per) if not is_of_old_system(one) or has_any(one)]
    untold = [one.label for one in told if not is_known(one)]
    said = []
    if quiet:
        said.append(f"neither has any: {', '.join(quiet)}")
    if is_double:
        said.append("every disengagement is a counted one")
    if untold:
        said.append(f"not known of both: {', '.join(untold)}")
    return said
