"""The lists of events in force: which list a drive has, what it holds and what began in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.oracles.metric_drive import joined, place

if TYPE_CHECKING:
    from tests.oracles.metric_drive import Drive, Row, Span

SOURCES = ("onroadEvents", "carEvents", "carState")
DISABLING = ("user_disable", "immediate_disable", "soft_disable")


@dataclass(frozen=True, slots=True)
class Message:
    """One message: the whole list at a moment."""

    mono_ns: int
    segment_num: int
    rows: list[Row]

    def names(self) -> set[str]:
        return {row["name"] for row in self.rows if row["name"] is not None}


@dataclass(frozen=True, slots=True)
class Begun:
    """An event that is in a list and was not in the one before it."""

    mono_ns: int
    name: str
    flag: str


class Events:
    """The lists of the one source that a drive's events are read from."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.max_gap_ns = drive.parameters.ns("event_max_gap_s")

    @cached_property
    def source(self) -> str | None:
        """The first of the sources that the drive has."""
        logged = {row["source"] for row in self.drive.rows("car_event")}
        return next((source for source in SOURCES if source in logged), None)

    @cached_property
    def messages(self) -> list[Message]:
        """In time order."""
        chosen = [r for r in self.drive.rows("car_event") if r["source"] == self.source]
        by_place: dict[tuple[int, int, int], list[Row]] = {}
        for row in chosen:
            by_place.setdefault(place(row), []).append(row)
        return [Message(key[0], key[1], by_place[key]) for key in sorted(by_place)]

    def within(self, start_ns: int, end_ns: int) -> list[Message]:
        """The messages of [start_ns, end_ns]."""
        return [m for m in self.messages if start_ns <= m.mono_ns <= end_ns]

    @cached_property
    def begun(self) -> list[Begun]:
        """Every event with a disabling flag, where it begins."""
        return [begun for flag in DISABLING for begun in self.begun_with(flag)]

    def begun_with(self, flag: str) -> list[Begun]:
        """Every event with a flag, where it begins."""
        return [
            Begun(message.mono_ns, row["name"], flag)
            for before, message in zip([None, *self.messages], self.messages, strict=False)
            for row in message.rows
            if row["name"] is not None and row.get(flag)
            if not self._was_in(before, message, row["name"])
        ]

    def began(self, name: str, start_ns: int, end_ns: int) -> bool:
        """Whether an event began in [start_ns, end_ns], whatever its flags."""
        return any(
            start_ns <= message.mono_ns <= end_ns
            and name in message.names()
            and not self._was_in(before, message, name)
            for before, message in zip([None, *self.messages], self.messages, strict=False)
        )

    def _was_in(self, before: Message | None, now: Message, name: str) -> bool:
        return before is not None and self._is_followed(before, now) and name in before.names()

    def _is_followed(self, message: Message, following: Message) -> bool:
        """Whether a list holds until the next one."""
        is_near = following.mono_ns - message.mono_ns <= self.max_gap_ns
        is_missing_between = following.segment_num - message.segment_num > 1
        # carState's own lists stand where they change, so those hold however long it takes.
        return (is_near or self.source == "carState") and not is_missing_between

    @cached_property
    def _holds(self) -> list[tuple[Message, int]]:
        """Each message that holds until the next one, and when (ns) that comes."""
        return [
            (message, following.mono_ns)
            for message, following in pairwise(self.messages)
            if self._is_followed(message, following)
        ]

    def in_force(self, names: frozenset[str], start_ns: int, end_ns: int) -> bool:
        """Whether one of the events is in force at some moment of (start_ns, end_ns]."""
        spans = [(m.mono_ns, m.mono_ns) for m in self.messages if m.names() & names]
        spans += [(m.mono_ns, until_ns) for m, until_ns in self._holds if m.names() & names]
        return any(from_ns <= end_ns and until_ns > start_ns for from_ns, until_ns in spans)

    def tells(self, flag: str) -> bool:
        """Whether the drive's lists ever hold an event with a flag."""
        return any(row.get(flag) is True for message in self.messages for row in message.rows)

    def override_runs(self, flag: str) -> list[Span]:
        """Runs of messages that hold an event with the flag."""
        return joined(
            [
                (message.mono_ns, until_ns)
                for message, until_ns in self._holds
                if _has(message, flag)
            ]
        )

    def unseen_since(self, mono_ns: int) -> int:
        """When (ns) an event that a list holds may have begun: there, or since the last list."""
        place = next(i for i, m in enumerate(self.messages) if m.mono_ns == mono_ns)
        if not place:
            return 0
        last = self.messages[place - 1]
        return mono_ns if self._is_followed(last, self.messages[place]) else last.mono_ns


def _has(message: Message, flag: str) -> bool:
    return any(row.get(flag) is True for row in message.rows)
