"""Conditions on a comparison, for a build that must fail: `--fail-if`.

    interventions_per_100km ratio > 1.2 at p < 0.05
    MEASURE                 QUANTITY OP NUMBER [at p < NUMBER | sequential]

A condition holds if everything in it does. At a p it may be asked once: who asks after every drive
needs `sequential`, of the ratio when the looks first told. Where the drives are too few to tell, or
were driven at speeds that make the ratio doubtful, it neither holds nor fails to, and the reason is
given.
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from engagement.analysis.looks import looks_text
from engagement.analysis.measures import measure_names
from engagement.analysis.wording import (
    bands_text,
    bound,
    measure_name,
    obstacle_text,
    p_text,
    sentence,
)
from engagement.errors import InputError, suggestion
from engagement.formats import two_digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engagement.analysis.comparison import Comparison
    from engagement.analysis.differences import Difference

    State = Literal["holds", "does_not_hold", "too_few", "speeds_differ"]

QUANTITIES: dict[str, Callable[[Difference], float | None]] = {
    "ratio": lambda difference: difference.ratio.value,
    "ratio_lower": lambda difference: difference.ratio.lower,
    "ratio_upper": lambda difference: difference.ratio.upper,
    "crude_ratio": lambda difference: difference.crude_ratio,
    "a": lambda difference: difference.a.value,
    "b": lambda difference: difference.b.value,
}

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}

_OF_SAVED_MOMENT = re.compile(r"moment:[a-z][a-z0-9_]*_per_(100km|hour)")
_TOKEN = re.compile(r"[<>]=?|[^\s<>]+")
_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_FEW = 6  # so many names are all told
_SHAPE = "MEASURE QUANTITY OPERATOR NUMBER, then nothing, or: at p < NUMBER, or: sequential"
_OF_ONE_GROUP = ("a", "b")


@dataclass(frozen=True, slots=True)
class Condition:
    """What must not be; `text` is as it was written, `max_p` None if p does not matter.

    With `is_sequential` it is the looks after every drive that must have told.
    """

    text: str
    measure: str
    quantity: str
    operator: str
    limit: float
    p_operator: str = "<"
    max_p: float | None = None
    is_sequential: bool = False


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a condition holds, and why; without an answer it is `too_few` or `speeds_differ`."""

    condition: str
    state: State
    why: str


def parse_condition(text: str) -> Condition:
    """Parse a condition.

    Raises:
        InputError: Naming the part that does not fit, and what would.
    """
    words = _Words(text)
    measure = words.take_measure()
    quantity = words.take("quantity", QUANTITIES)
    comparison = words.take("operator", _OPERATORS)
    limit = words.take_number()
    if words.is_end:
        return Condition(text, measure, quantity, comparison, limit)
    if words.take("ending", ["at", "sequential"]) == "sequential":
        return _sequential(Condition(text, measure, quantity, comparison, limit), words)
    words.take("ending", ["p"])
    p_operator = words.take("operator", ["<", "<="])
    max_p = words.take_number()
    if not words.is_end:
        raise words.wrong("something after its end", f"write {_SHAPE}")
    if not 0 < max_p <= 1:
        raise InputError(f"--fail-if {text!r}: p is between 0 and 1, {max_p:g} is not")
    return Condition(text, measure, quantity, comparison, limit, p_operator, max_p)


def _sequential(condition: Condition, words: _Words) -> Condition:
    if not words.is_end:
        raise words.wrong("something after its end", f"write {_SHAPE}")
    if condition.quantity != "ratio":
        raise words.wrong(
            f"{condition.quantity} is not looked at after every drive", "only ratio is sequential"
        )
    return replace(condition, is_sequential=True)


class _Words:
    """The words of a condition, one after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words = _TOKEN.findall(text)
        self._place = 0

    @property
    def is_end(self) -> bool:
        return self._place == len(self._words)

    def take(self, part: str, allowed: Iterable[str]) -> str:
        """The next word, which must be one of those allowed."""
        names = list(allowed)
        if self.is_end:
            raise self.wrong(f"no {part}", f"it ends too early; write {_SHAPE}")
        word: str = self._words[self._place]
        if word not in names:
            near = suggestion(word, names).removeprefix("; ")
            has_near = len(names) > _FEW and near.startswith("did you mean")
            remedy = near if has_near else f"allowed: {', '.join(names)}"
            raise self.wrong(f"no {part} {word!r}", remedy)
        self._place += 1
        return word

    def take_measure(self) -> str:
        """The next word, which must be a measure; which moments are saved, the database knows."""
        word = "" if self.is_end else self._words[self._place]
        is_saved = bool(_OF_SAVED_MOMENT.fullmatch(word))
        return self.take("measure", [word] if is_saved else measure_names())

    def take_number(self) -> float:
        """The next word, which must be a number."""
        word = "" if self.is_end else self._words[self._place]
        if not _NUMBER.fullmatch(word):
            found = f"{word!r} is no number" if word else "no number"
            raise self.wrong(found, "write one like 1.2")
        self._place += 1
        return float(word)

    def wrong(self, problem: str, remedy: str) -> InputError:
        return InputError(f"--fail-if {self._text!r}: {problem}; {remedy}")


def judge(condition: Condition, comparison: Comparison) -> Ruling:
    """Say whether a condition holds.

    A measure that is to be looked at after every drive must have its sequence.
    """
    difference = comparison.find(condition.measure)
    value = QUANTITIES[condition.quantity](difference)
    needs_test = condition.quantity not in _OF_ONE_GROUP or condition.max_p is not None
    if needs_test and difference.obstacle:
        why = f"{obstacle_text(difference)}: {bands_text(difference)}"
        return Ruling(condition.text, "speeds_differ", why)
    if condition.is_sequential:
        return _judge_looks(condition, difference)
    if value is None or (needs_test and difference.p_value is None):
        return Ruling(condition.text, "too_few", sentence(difference))
    holds = _OPERATORS[condition.operator](value, condition.limit)
    said = "infinite" if math.isinf(value) else two_digits(value)
    if condition.quantity == "ratio":
        said = bound(difference.ratio) or said
    why = f"{condition.quantity} of {measure_name(difference)} is {said}"
    if condition.max_p is not None and difference.p_value is not None:
        holds = holds and _OPERATORS[condition.p_operator](difference.p_value, condition.max_p)
        why += f", {p_text(difference.p_value)}"
    return Ruling(condition.text, "holds" if holds else "does_not_hold", why)


def _judge_looks(condition: Condition, difference: Difference) -> Ruling:
    """By the ratio at the look that told; while it is open the condition does not hold."""
    sequence = difference.sequence
    if (
        sequence is None
        or not sequence.looks
        or (sequence.decided is None and sequence.looks[-1].is_too_few)
    ):
        return Ruling(condition.text, "too_few", looks_text(difference))
    ratio = sequence.ratio
    holds = ratio is not None and _OPERATORS[condition.operator](ratio, condition.limit)
    state: State = "holds" if holds else "does_not_hold"
    return Ruling(condition.text, state, looks_text(difference))
