"""Tells numbers, texts and conditions apart: a name is what its column is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.errors import InputError, NotFoundError
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
from engagement.moments.signals import known_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement.moments.expressions import Condition, Value

_OPERATORS = {"==": "=", "!=": "<>"}
_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Word:
    """A name that was written, of whatever it is."""

    name: str


class Sorting:
    """What names are, by the columns that there are."""

    def __init__(self, signals: Mapping[str, Signal]) -> None:
        self._signals = signals
        self._words = known_words(signals)

    def number(self, of: object) -> Value:
        """A number.

        Raises:
            InputError: If it is something else, or unknown.
        """
        return self._number(of, "is no number, so there is no arithmetic with it")

    def condition(self, of: object) -> Condition:
        """A condition, which is true or false.

        Raises:
            InputError: If it is something else, or unknown.
        """
        value = self._named(of)
        if isinstance(value, Comparison | Not | Junction | Edge | Lasting):
            return value
        if isinstance(value, Signal) and value.sort == "flag":
            return value
        sort = value.sort if isinstance(value, Signal) else "number or a text"
        raise InputError(f"{_shown(of)} is a {sort}: compare it with something")

    def compared(self, left: object, operator: str, right: object) -> Condition:
        """Two numbers or two texts compared; a flag with `true` or `false`, too.

        Raises:
            InputError: If they are not alike, or one is unknown.
        """
        operator = _OPERATORS.get(operator, operator)
        for this, other in ((left, right), (right, left)):
            sort = self._sort(this)
            if sort == "flag" and isinstance(other, Word) and other.name in _TRUTHS:
                if operator not in ("=", "<>"):
                    raise InputError(f"{_shown(this)} is true or false: {operator} says nothing")
                flag = self.condition(this)
                return flag if _TRUTHS[other.name] == (operator == "=") else Not(flag)
            if sort == "text":
                if operator not in ("=", "<>"):
                    raise InputError(f"{_shown(this)} is a text: compare it by = or <>")
                return Comparison(operator, self._text(left), self._text(right))
        problem = "is no number, and no text beside another"
        return Comparison(operator, self._number(left, problem), self._number(right, problem))

    def _number(self, of: object, problem: str) -> Value:
        value = self._named(of)
        if isinstance(value, Number | Negative | Arithmetic):
            return value
        if isinstance(value, Signal) and value.sort == "number":
            return value
        raise InputError(f"{_shown(of)} {problem}")

    def _sort(self, of: object) -> str:
        if isinstance(of, Word) and of.name in self._signals:
            return self._signals[of.name].sort
        return ""

    def _text(self, of: object) -> Value:
        """A column of texts, or a word of one, which needs no quotes."""
        if isinstance(of, Word):
            signal = self._signals.get(of.name)
            return signal if signal and signal.sort == "text" else Text(of.name)
        if isinstance(of, Text):
            return of
        raise InputError(f"{_shown(of)} is no text")

    def _named(self, of: object) -> object:
        if not isinstance(of, Word):
            return of
        if of.name in self._words:
            return self._words[of.name]
        if of.name not in self._signals:
            raise NotFoundError("column of samples", of.name, [*self._signals, *self._words])
        return self._signals[of.name]


def _shown(of: object) -> str:
    if isinstance(of, Word):
        return repr(of.name)
    return repr(of.value) if isinstance(of, Text | Number) else "what stands there"
