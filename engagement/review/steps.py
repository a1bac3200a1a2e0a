"""The walk through events: where one is, what was looked at, and what was put aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    Row = dict[str, Any]


class Walk:
    """Some events in their order, of which one is at hand.

    Args:
        events: At least one.
    """

    def __init__(self, events: Sequence[Row]) -> None:
        if not events:
            raise ValueError("a walk has at least one event")
        self._events = list(events)
        self._place = 0
        self._seen: set[int] = set()
        self._aside: set[int] = set()

    def __len__(self) -> int:
        return len(self._events)

    @property
    def number(self) -> int:
        """Which event this is, from 1."""
        return self._place + 1

    @property
    def event(self) -> Row:
        """The event at hand."""
        return self._events[self._place]

    def replace(self, event: Row) -> None:
        """Put a newer row in the place of the event at hand."""
        self._events[self._place] = event

    def next(self) -> bool:
        """Go on, this one looked at; say whether there was a next one."""
        self._aside.discard(self._place)
        self.leave()
        return self._go(1)

    def skip(self) -> bool:
        """Go on, this one put aside; say whether there was a next one."""
        if self._place not in self._seen:
            self._aside.add(self._place)
        return self._go(1)

    def previous(self) -> bool:
        """Go back; say whether there was one before."""
        self.leave()
        return self._go(-1)

    def leave(self) -> None:
        """Leave the event at hand, which was looked at unless it was put aside."""
        if self._place not in self._aside:
            self._seen.add(self._place)

    @property
    def n_seen(self) -> int:
        """How many were looked at."""
        return len(self._seen)

    @property
    def aside(self) -> list[Row]:
        """Those that were put aside."""
        return [self._events[place] for place in sorted(self._aside)]

    def _go(self, by: int) -> bool:
        place = self._place + by
        if not 0 <= place < len(self._events):
            return False
        self._place = place
        return True
