"""A comparison as Markdown, fit for a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.analysis.summary import sections, summarize
from engagement.analysis.wording import as_sentence, distances_text
from engagement.definitions import DEFINITIONS
from engagement.formats import about
from engagement.units import METRIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engagement.analysis.comparison import Comparison, Group
    from engagement.analysis.gate import Ruling, State
    from engagement.analysis.verdict import Per
    from engagement.units import Units

_READING = """\
Ratios are B / A. Those of rates and of steering are at like speeds: over city, road and highway. \
p and the intervals of ratios, of 95 %, are of one test, which allows for events that come in \
clusters and for few drives: an interval holds 1 just where p is not below 0.05. q is the least \
share of false discoveries at which the measure would be told among all of them; "perhaps" is what \
p alone says. Naive p takes each event for independent of all others, which it is only at a \
dispersion of about 1. The last column is the driving that would show a 30 % difference in four of \
five such comparisons."""

_COLUMNS = {
    "measure": "",
    "answer": "B is",
    "a": "A",
    "a_interval": "A 95 %",
    "b": "B",
    "b_interval": "B 95 %",
    "ratio": "B / A (95 %)",
    "p": "p",
    "q": "q",
    "naive_p": "naive p",
    "dispersion": "dispersion",
    "needed": "still needed",
}

_STATES: dict[State, str] = {
    "holds": "**holds**",
    "does_not_hold": "does not hold",
    "too_few": "**can't be told**",
    "speeds_differ": "**is not judged**",
}


def render_markdown(
    comparison: Comparison,
    rulings: Sequence[Ruling],
    per: Per,
    units: Units = METRIC,
    *,
    definitions: int = DEFINITIONS,
) -> str:
    """The whole report; it ends with a newline. Its numbers are of `definitions`."""
    said = summarize(comparison, per, units)
    parts = [
        f"### {code(comparison.b.name)} against {code(comparison.a.name)}, by {comparison.by}",
        f"**{as_sentence(said.verdict)}**",
        as_sentence(said.headline),
        _list(map(as_sentence, said.sequences)),
        _list(map(as_sentence, said.findings)),
        _table(("", "A, baseline", "B, candidate"), _group_rows(comparison, units)),
        _table(tuple(_COLUMNS.values()), _rows(comparison, per, units)),
        " ".join(map(as_sentence, said.notes)),
        _list(map(as_sentence, said.obstacles)),
        _warnings(said.warnings),
        _rulings(rulings),
        f"Numbers of definitions {definitions}.",
        f"<details><summary>How to read this</summary>\n\n{_READING}\n\n</details>",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _rows(comparison: Comparison, per: Per, units: Units) -> Iterator[list[str]]:
    for heading, rows in sections(comparison, per, units):
        yield [f"**{heading}**", *("" for _ in list(_COLUMNS)[1:])]
        yield from ([texts[name] for name in _COLUMNS] for texts in rows)


def _group_rows(comparison: Comparison, units: Units) -> Iterator[tuple[str, ...]]:
    groups = (comparison.a, comparison.b)
    yield (comparison.by, *(code(group.name) for group in groups))
    yield ("drives", *(str(group.n_drives) for group in groups))
    yield ("engaged", *(_engaged(group, units) for group in groups))
    yield ("cars", *(", ".join(map(code, group.cars)) or "-" for group in groups))


def _engaged(group: Group, units: Units) -> str:
    return f"{distances_text(group, units)}, {about(group.engaged_h)} of {about(group.known_h)} h"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column is text, the others stand at the right."""
    lines = [headings, ("---", *("--:" for _ in headings[1:])), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _warnings(found: Sequence[str]) -> str:
    if not found:
        return ""
    return "\n".join(["> [!WARNING]", *(f"> - {as_sentence(_escaped(text))}" for text in found)])


def _rulings(rulings: Sequence[Ruling]) -> str:
    return _list(
        f"Condition {code(ruling.condition)} {_STATES[ruling.state]}: {ruling.why}."
        for ruling in rulings
    )


def code(text: str) -> str:
    """Text from outside as inline code, in which Markdown and HTML mean nothing."""
    shown_text = "".join(c if c.isprintable() else " " for c in text).replace("|", "\\|")
    return f"`{shown_text.replace('`', chr(39))}`"


def _escaped(text: str) -> str:
    """Text with names from outside in it, which must not become markup."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c if c.isprintable() else " " for c in text)
