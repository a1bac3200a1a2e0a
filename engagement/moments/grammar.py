"""Reads expressions: text to tree, or an error that says where it can't be read.

What is too long, too deep or has too many parts is refused before anything is asked of a database.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import lark
from lark.exceptions import VisitError
from lark.visitors import Transformer_NonRecursive

from engagement.errors import InputError
from engagement.moments.expressions import (
    Arithmetic,
    Edge,
    Junction,
    Lasting,
    Negative,
    Not,
    Number,
    Pattern,
    Step,
    Text,
    children,
    parts,
)
from engagement.moments.sorting import Sorting, Word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement.moments.expressions import Comparison, Condition, Signal, Value

MAX_LENGTH = 2000
MAX_DEPTH = 100
MAX_STEPS = 4
MAX_TEMPORAL = 8
MAX_DURATION_S = 3600.0

GRAMMAR = r"""
pattern: step (following | holding)*
following: _COMMA? "then" step "within" DURATION
holding: _COMMA or_
step: or_ ["for" DURATION] ["merge" DURATION]
?or_: and_ | or_ "or" and_ -> disjunction
?and_: not_ | and_ "and" not_ -> conjunction
?not_: comparison | "not" not_ -> negation
?comparison: sum | sum OPERATOR sum -> compare | sum OPERATOR sum OPERATOR sum -> between
?sum: product | sum SIGN product -> arithmetic
?product: unary | product SCALE unary -> arithmetic
?unary: atom | SIGN unary -> signed
?atom: NUMBER -> number
    | NAME -> name
    | TEXT -> text
    | "(" or_ ["for" DURATION] ")" -> lasting
    | "rises" "(" or_ ["for" DURATION] ")" -> rises
    | "falls" "(" or_ ["for" DURATION] ")" -> falls
    | "abs" "(" sum ")" -> absolute
OPERATOR: "<=" | ">=" | "<>" | "!=" | "==" | "=" | "<" | ">"
SIGN: "+" | "-"
SCALE: "*" | "/"
_COMMA: ","
DURATION.2: /\d{1,9}(\.\d{1,9})?\s*(ms|s|min|h)(?![a-z0-9_])/
NUMBER: /\d{1,15}(\.\d{1,15})?(e[+-]?\d{1,2})?(?![a-zA-Z0-9_.])/
NAME: /[a-zA-Z_][a-zA-Z0-9_]*/
TEXT: /'[^'\n]{0,100}'/
%ignore /\s+/
"""
_UNITS_S = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}


def parse(text: str, signals: Mapping[str, Signal]) -> Pattern:
    """Read an expression over these columns.

    Raises:
        InputError: If it is none, or beyond the limits.
        NotFoundError: If it names what there is not; the nearest name is told.
    """
    if len(text) > MAX_LENGTH:
        raise InputError(f"the expression has more than {MAX_LENGTH} characters")
    try:
        pattern: Any = _Reading(Sorting(signals)).transform(_parser().parse(text))
    except lark.UnexpectedInput as error:
        raise InputError(_where(text, error)) from error
    except VisitError as error:
        raise error.orig_exc from error
    return _checked(pattern)


@cache
def _parser() -> lark.Lark:
    return lark.Lark(GRAMMAR, start="pattern", parser="lalr", maybe_placeholders=True)


def _where(text: str, error: lark.UnexpectedInput) -> str:
    at = error.pos_in_stream
    if (
        at is None
        or not 0 <= at < len(text)
        or getattr(getattr(error, "token", None), "type", "") == "$END"
    ):
        return f"the expression ends too soon, after {text[-40:]!r}"
    return f"the expression can't be read from character {at + 1} on: {text[at : at + 40]!r}"


def _checked(pattern: Pattern) -> Pattern:
    if len(pattern.steps) > MAX_STEPS:
        raise InputError(f"the expression has more than {MAX_STEPS} steps")
    n_temporal = 0
    for condition in pattern.all_conditions:
        n_temporal += sum(isinstance(part, Edge | Lasting) for part in parts(condition))
        if _depth(condition) > MAX_DEPTH:
            raise InputError(f"the expression is more than {MAX_DEPTH} levels deep")
    if n_temporal > MAX_TEMPORAL:
        raise InputError(f"the expression has more than {MAX_TEMPORAL} of rises, falls and for")
    return pattern


def _depth(node: Value | Condition) -> int:
    level, depth = [node], 0
    while level:
        level = [child for here in level for child in children(here)]
        depth += 1
    return depth


class _Reading(Transformer_NonRecursive[Any, Any]):
    """Makes the tree; a method for each rule of the grammar, whose arguments are its parts.

    Nothing recurs, however deep the text is.
    """

    def __init__(self, sorting: Sorting) -> None:
        super().__init__()
        self._sorting = sorting

    def pattern(self, found: list[Any]) -> Pattern:
        steps = [part for part in found if isinstance(part, Step)]
        conditions = [part for part in found if not isinstance(part, Step)]
        return Pattern(tuple(steps), tuple(conditions))

    def following(self, found: list[Any]) -> Step:
        step, within = found
        return Step(step.condition, step.least_s, step.merge_s, _seconds(within))

    def holding(self, found: list[Any]) -> Condition:
        return self._sorting.condition(found[0])

    def step(self, found: list[Any]) -> Step:
        condition, least, merge = found
        return Step(
            self._sorting.condition(condition),
            None if least is None else _seconds(least),
            None if merge is None else _seconds(merge),
        )

    def disjunction(self, found: list[Any]) -> Junction:
        left, right = map(self._sorting.condition, found)
        return Junction("or", left, right)

    def conjunction(self, found: list[Any]) -> Junction:
        left, right = map(self._sorting.condition, found)
        return Junction("and", left, right)

    def negation(self, found: list[Any]) -> Not:
        return Not(self._sorting.condition(found[0]))

    def compare(self, found: list[Any]) -> Comparison | Condition:
        left, operator, right = found
        return self._sorting.compared(left, str(operator), right)

    def between(self, found: list[Any]) -> Junction:
        low, first, middle, second, high = found
        return Junction(
            "and",
            self._sorting.compared(low, str(first), middle),
            self._sorting.compared(middle, str(second), high),
        )

    def arithmetic(self, found: list[Any]) -> Arithmetic:
        left, operator, right = found
        return Arithmetic(str(operator), self._sorting.number(left), self._sorting.number(right))

    def signed(self, found: list[Any]) -> Value:
        sign, of = found
        number = self._sorting.number(of)
        return Negative(number) if sign == "-" else number

    def absolute(self, found: list[Any]) -> Negative:
        return Negative(self._sorting.number(found[0]), is_absolute=True)

    def number(self, found: list[Any]) -> Number:
        return Number(float(found[0]))

    def name(self, found: list[Any]) -> Word:
        return Word(str(found[0]))

    def text(self, found: list[Any]) -> Text:
        return Text(str(found[0])[1:-1])

    def lasting(self, found: list[Any]) -> Any:
        of, least = found
        if least is None:
            return of
        return Lasting(self._sorting.condition(of), _seconds(least))

    def rises(self, found: list[Any]) -> Edge:
        return Edge(self._sorting.condition(self.lasting(found)), is_rise=True)

    def falls(self, found: list[Any]) -> Edge:
        return Edge(self._sorting.condition(self.lasting(found)), is_rise=False)


def _seconds(duration: str) -> float:
    number = duration.rstrip("abcdefghijklmnopqrstuvwxyz").strip()
    seconds = float(number) * _UNITS_S[duration[len(number) :].strip()]
    if seconds > MAX_DURATION_S:
        raise InputError(f"{str(duration)!r} is longer than an hour")
    return seconds
