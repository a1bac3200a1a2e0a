"""The messages of a log, by the member of their union: `log.structs("carState")`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engagement.logs.columns import Structs
from engagement.logs.pointers import Messages

if TYPE_CHECKING:
    from engagement.logs.arrays import Bool, Index, Int, PerMessage, PerRow
    from engagement.logs.schema import Schema

_MAX_DISTANCE_NS = 3_600_000_000_000
_MAX_MONO_NS = 2**62  # 146 years: beyond it sums and differences of times could overflow


class Log:
    """The messages of one log, in file order.

    `damage` says where the stream of messages ends early, if it does, and `which` is the
    discriminant of each message's union (-1 where even that can't be read).
    """

    def __init__(self, raw: bytes, schema: Schema, *, max_messages: int | None = None) -> None:
        self._messages = Messages(raw, max_messages)
        self._structs: dict[str, Structs] = {}
        self.schema = schema
        self.damage = self._messages.damage
        self._root = self._read_root()
        mono_ns = self._root.column("logMonoTime")
        self._messages.is_damaged |= mono_ns > _MAX_MONO_NS
        self._messages.mono_ns = np.where(self.is_damaged, 0, mono_ns).astype(np.int64)
        which = self._root.number("uint16", schema.layout.discriminant_offset, 0)
        self.which: PerMessage[Index] = np.where(
            self.is_damaged, np.int32(-1), which.astype(np.int32)
        )

    def __len__(self) -> int:
        return len(self._messages)

    def close(self) -> None:
        """Free the bytes: structs refer to them in circles, so they would be freed much later."""
        self._structs.clear()
        del self._root
        self._messages.close()

    @property
    def is_damaged(self) -> PerMessage[Bool]:
        """Which messages have a bad pointer, text or time, as far as reading has shown."""
        return self._messages.is_damaged

    @property
    def mono_ns(self) -> PerMessage[Int]:
        """Each message's logMonoTime; 0 where it can't be read."""
        return self._messages.mono_ns

    @property
    def notes(self) -> list[str]:
        """What is wrong that the number of damaged messages does not tell."""
        return sorted(self._messages.notes)

    @property
    def n_damaged(self) -> int:
        """Messages with a bad pointer, text or time, as far as reading has shown."""
        return int(self.is_damaged.sum())

    def sizes_bytes(self) -> PerMessage[Int]:
        """What each message takes of the log, its header not counted."""
        frames = self._messages.frames
        sizes = np.add.reduceat(frames.end - frames.start, frames.first) if len(self) else ()
        return np.asarray(sizes, dtype=np.int64) * 8

    def refuse_lost_times(self) -> None:
        """Count messages an hour away from the others as damaged: a log is about a minute long.

        Except initData, which has the time of the drive's start in every segment. A message whose
        root is null has no time at all.
        """
        self._messages.is_damaged |= (self._root.n_data == 0) & (self._root.n_pointers == 0)
        is_good = ~self.is_damaged
        is_good[self.numbers_of("initData")] = False
        if is_good.any():
            distance_ns = np.abs(self.mono_ns - np.median(self.mono_ns[is_good]))
            self._messages.is_damaged |= is_good & (distance_ns > _MAX_DISTANCE_NS)

    def roots(self) -> Structs:
        """One row per message: what its first pointer leads to."""
        return self._root

    def structs(self, event: str) -> Structs:
        """One row per message whose union member is `event`; none if the schema has no such."""
        if event not in self._structs:
            self._structs[event] = self._members(event).struct(event)
        return self._structs[event]

    def items(self, event: str) -> Structs:
        """One row per element of the list that is the union member `event`."""
        return self._members(event).items(event)

    def items_within(self, event: str, inner: str) -> Structs:
        """One row per element of a list in the struct `event`, or of one in its place."""
        return self._members(event).items_within(event, inner)

    def numbers_of(self, event: str) -> PerRow[Int]:
        """The messages whose union member is `event`, by their place in the log."""
        return np.flatnonzero(self.which == self.schema.which_by_name.get(event, -2))

    def _members(self, event: str) -> Structs:
        return self._root.take(self.numbers_of(event))

    def _read_root(self) -> Structs:
        messages, frames = self._messages, self._messages.frames
        segment = frames.first
        start = frames.start[segment]
        has_root = start < frames.end[segment]
        messages.is_damaged |= ~has_root
        rows = np.arange(len(self), dtype=np.int32)
        places = messages.follow(rows, segment, np.where(has_root, start, np.int32(-1)))
        return Structs(messages, self.schema.layout, *places)
