"""Reads a DBC line by line where no parser takes it whole: a bad line costs that line.

Only what says where signals are and what they mean is read: messages, signals, names of values,
floats and multiplexers that select others. Names may have any letters.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cantools.database.can import Database, Message, Signal
from cantools.database.conversion import BaseConversion

if TYPE_CHECKING:
    from collections.abc import Callable

_EXTENDED = 1 << 31  # marks an id of 29 bits
_ID_BITS = 0x1FFFFFFF
_MAX_STANDARD_ID = 0x7FF
_MAX_LENGTH_BYTES = 4096  # of a message; CAN FD has 64
_NO_MESSAGE = "VECTOR__INDEPENDENT_SIG_MSG"  # holds the signals that belong to none
_FLOATS = {"1": 32, "2": 64}
_MAX_SELECTED = 4096  # ids of a file's ranges, each of which takes milliseconds to read

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NAME = r"[^\s:\"|]+"
_MESSAGE = re.compile(
    rf"BO_\s+(?P<id>\d{{1,10}})\s+(?P<name>{_NAME})\s*:\s*(?P<length>\d{{1,5}})\b"
)
_SIGNAL = re.compile(
    rf"SG_\s+(?P<name>{_NAME})\s*(?:\s(?P<is_selector>M)|\sm(?P<id>\d{{1,10}})(?P<both>M)?)?\s*:"
    rf"\s*(?P<start>\d{{1,5}})\s*\|\s*(?P<length>\d{{1,5}})\s*@\s*(?P<order>[01])\s*(?P<sign>[-+])"
    rf"\s*\(\s*(?P<scale>{_NUMBER})\s*,\s*(?P<offset>{_NUMBER})\s*\)"
    r"(?:\s*\[[^\]]*\])?(?:\s*\"(?P<unit>[^\"]*)\")?"
)
_PAIR_TEXT = r'([-+]?\d{1,20})(?:\.0*)?\s*"((?:\\"|[^"])*)"'
_PAIR = re.compile(_PAIR_TEXT)
_VALUES = re.compile(
    rf"VAL_\s+(?P<id>\d{{1,10}})\s+(?P<name>{_NAME})(?P<pairs>(?:\s+{_PAIR_TEXT})+)"
)
_FLOAT = re.compile(
    rf"SIG_VALTYPE_\s+(?P<id>\d{{1,10}})\s+(?P<name>{_NAME})\s*:?\s*(?P<kind>[0-3])"
)
_SELECTED = re.compile(
    rf"SG_MUL_VAL_\s+(?P<id>\d{{1,10}})\s+(?P<name>{_NAME})\s+(?P<selector>{_NAME})"
    r"\s+(?P<ranges>[\d\s,-]+)"
)
_RANGE = re.compile(r"(\d{1,10})\s*-\s*(\d{1,10})")
_COMMENT = re.compile(r'^[ \t]*CM_\b[^"\n]*"(?:\\"|[^"])*"(?P<end>\s*;)?', re.MULTILINE)
_STATEMENT = re.compile(r"^[ \t]*(?:BO_\s+\d+\s+\S+\s*:|SG_\s+\S[^\n:]*:\s*\d+\|)", re.MULTILINE)
_KEYWORD = re.compile(r"^[ \t]*(BO_|SG_|VAL_|SIG_VALTYPE_|SG_MUL_VAL_)(?=[ \t]+\S)", re.MULTILINE)


@dataclass
class _Signal:
    """A signal as its line has it, and what other lines add."""

    line: re.Match[str]
    is_float: bool = False
    choices: dict[int, str] = field(default_factory=dict)
    selector: str | None = None
    ids: list[int] = field(default_factory=list)

    def read(self, default_selector: str | None) -> Signal:
        """The signal; its multiplexer is the message's only one unless a line names it."""
        line = self.line
        ids = self.ids or ([int(line["id"])] if line["id"] else [])
        scale, offset = _number(line["scale"]), _number(line["offset"])
        choices: Any = self.choices or None
        conversion = BaseConversion.factory(scale, offset, choices, self.is_float)
        return Signal(
            name=line["name"],
            start=int(line["start"]),
            length=int(line["length"]),
            byte_order="little_endian" if line["order"] == "1" else "big_endian",
            is_signed=line["sign"] == "-",
            conversion=conversion,
            unit=line["unit"] or None,
            is_multiplexer=bool(line["is_selector"] or line["both"]),
            multiplexer_ids=ids or None,
            multiplexer_signal=(self.selector or default_selector) if ids else None,
        )


@dataclass
class _Message:
    line: re.Match[str]
    signals: list[_Signal] = field(default_factory=list)

    def read(self) -> Message:
        """The message with the signals that can be told where they are."""
        selectors = [signal.line["name"] for signal in self.signals if signal.line["is_selector"]]
        default = selectors[0] if len(selectors) == 1 else None
        signals = [signal.read(default) for signal in self.signals]
        known = {signal.name for signal in signals if signal.is_multiplexer}
        frame_id = int(self.line["id"])
        is_extended = frame_id > _MAX_STANDARD_ID
        return Message(
            frame_id=frame_id & _ID_BITS if is_extended else frame_id,
            name=self.line["name"],
            length=int(self.line["length"]),
            signals=[s for s in signals if not s.multiplexer_ids or s.multiplexer_signal in known],
            is_extended_frame=is_extended,
            is_fd=int(self.line["length"]) > 8,  # noqa: PLR2004 - bytes of a classic frame
            strict=False,
        )


class LinewiseDatabase(Database):
    """A DBC of which some lines could not be read; `note` says which, for people."""

    note = ""


def read_linewise(text: str, problem: str = "") -> LinewiseDatabase:
    """Read what can be read of a DBC's text; there may be nothing in it.

    Args:
        text: The DBC.
        problem: Why no parser takes it, for the note.
    """
    reading = _Reading()
    text = _COMMENT.sub(_first_line, text)
    starts = [found.start() for found in _KEYWORD.finditer(text)]
    for start, end in pairwise([*starts, len(text)]):
        reading.take(" ".join(text[start:end].split()))
    return reading.finish(problem)


def has_too_many_ids(text: str) -> bool:
    """Whether a parser would take minutes for the ids that a few ranges of multiplexers name."""
    found = (_bounds(line["ranges"]) for line in _SELECTED.finditer(text))
    return sum(map(_n_ids, found)) > _MAX_SELECTED


def _bounds(ranges: str) -> list[tuple[int, int]]:
    return [(int(low), int(high)) for low, high in _RANGE.findall(ranges)]


def _n_ids(bounds: list[tuple[int, int]]) -> int:
    return sum(max(high + 1 - low, 0) for low, high in bounds)


def _first_line(comment: re.Match[str]) -> str:
    """What is left of a comment: nothing, or what follows its first line if it does not end."""
    if comment["end"]:
        return ""
    first, _, rest = comment[0].partition("\n")
    return rest if first and _STATEMENT.search(rest) else ""


class _Reading:
    """Takes statements in their order."""

    def __init__(self) -> None:
        self._messages: list[_Message] = []
        self._current: _Message | None = None
        self._signals: dict[tuple[int, str], list[_Signal]] = {}
        self._unread: Counter[str] = Counter()
        self._n_ids_left = _MAX_SELECTED
        self._takers: dict[str, Callable[[str], bool]] = {
            "BO_": self._take_message,
            "SG_": self._take_signal,
            "VAL_": self._take_values,
            "SIG_VALTYPE_": self._take_float,
            "SG_MUL_VAL_": self._take_selected,
        }

    def take(self, statement: str) -> None:
        """Take a statement, or count it as unread."""
        keyword = statement.split(None, 1)[0]
        if not self._takers[keyword](statement):
            self._unread[keyword] += 1

    def finish(self, problem: str) -> LinewiseDatabase:
        """What was taken, and a note of the rest."""
        messages = []
        for message in self._messages:
            try:
                messages.append(message.read())
            except Exception:  # noqa: BLE001 - cantools raises whatever its parts do
                self._unread["BO_"] += 1
        found = LinewiseDatabase(messages, strict=False)
        unread = [f"{number} {keyword}" for keyword, number in sorted(self._unread.items())]
        left = f", but {', '.join(unread)} that can't be read" if unread else ""
        why = f" ({problem})" if problem else ""
        found.note = f"is no sound DBC{why}: only messages and signals were taken from it{left}"
        return found

    def _take_message(self, statement: str) -> bool:
        line = _MESSAGE.match(statement)
        self._current = _Message(line) if line else None
        if line is None or line["name"] == _NO_MESSAGE:
            return line is not None
        is_possible = int(line["id"]) & ~_EXTENDED <= _ID_BITS
        if int(line["length"]) > _MAX_LENGTH_BYTES or not is_possible:
            self._current = None
            return False
        self._messages.append(_Message(line))
        self._current = self._messages[-1]
        return True

    def _take_signal(self, statement: str) -> bool:
        line = _SIGNAL.match(statement)
        if line is None or self._current is None or not int(line["length"]):
            return False
        signal = _Signal(line)
        self._current.signals.append(signal)
        place = _id(self._current.line), line["name"]
        self._signals.setdefault(place, []).append(signal)
        return True

    def _take_values(self, statement: str) -> bool:
        line = _VALUES.match(statement)
        if line is None:
            return False
        choices = {int(number): name for number, name in _PAIR.findall(line["pairs"])}
        for signal in self._named(line):
            signal.choices |= choices
        return True

    def _take_float(self, statement: str) -> bool:
        line = _FLOAT.match(statement)
        for signal in self._named(line) if line else []:
            bits = _FLOATS.get(line["kind"]) if line else None
            signal.is_float = bits == int(signal.line["length"])
        return line is not None

    def _take_selected(self, statement: str) -> bool:
        line = _SELECTED.match(statement)
        if line is None:
            return False
        bounds = _bounds(line["ranges"])
        n_ids = _n_ids(bounds)
        if not 0 < n_ids <= self._n_ids_left:
            return False
        self._n_ids_left -= n_ids
        for signal in self._named(line):
            signal.selector = line["selector"]
            signal.ids = [number for low, high in bounds for number in range(low, high + 1)]
        return True

    def _named(self, line: re.Match[str]) -> list[_Signal]:
        return self._signals.get((_id(line), line["name"]), [])


def _id(line: re.Match[str]) -> int:
    frame_id = int(line["id"])
    return frame_id | _EXTENDED if frame_id > _MAX_STANDARD_ID else frame_id


def _number(text: str) -> float:
    """An int where the text is one: integers stay exact."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
