"""The messages of a log, and the way from any of their pointers to what it points to.

A log is untrusted: every pointer is checked against its segment's bounds, and a bad one marks its
message in `is_damaged` and reads as null. Pointers into other segments are followed where they
lie, so nothing is copied and no message is read in another way than the rest.

Source: https://capnproto.org/encoding.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engagement.logs.columns import Structs
from engagement.logs.framing import walk

if TYPE_CHECKING:
    from engagement.logs.columns import Array, Bools, Ints
    from engagement.logs.schema import Schema, StructLayout

_WORD_BYTES = 8
_MAX_DISTANCE_NS = 3_600_000_000_000
_MAX_MONO_NS = 2**62  # 146 years: beyond it sums and differences of times could overflow

_STRUCT, _LIST, _FAR = 0, 1, 2
_KIND_MASK, _DOUBLE_FAR_MASK = 3, 7
_DOUBLE_FAR = 6
_COMPOSITE = 7
_HARMLESS_WORDS = 8  # of a list: its own pointer has one, so a log can grow eightfold at most


class Log:
    """The messages of one log, in file order.

    `damage` says where the stream of messages broke off, if it did. `mono_ns` is each message's
    logMonoTime, `which` the discriminant of its union (-1 where even that can't be read), and
    `is_damaged` which ones reading has found to be bad so far.
    """

    def __init__(self, raw: bytes, schema: Schema) -> None:
        self._frames = walk(raw)
        self._views: dict[str, Array] = {}
        self._structs: dict[str, Structs] = {}
        self._words = np.frombuffer(raw, dtype="<u8", count=len(raw) // _WORD_BYTES)
        self.schema = schema
        self.damage = self._frames.damage
        self.is_damaged: Bools = np.zeros(len(self), dtype=np.bool_)
        self._root = self._read_root()
        mono_ns = self._root.column("logMonoTime")
        self.is_damaged |= mono_ns > _MAX_MONO_NS
        self.mono_ns: Ints = np.where(self.is_damaged, 0, mono_ns).astype(np.int64)
        which = self._root.number("uint16", schema.layout.discriminant_offset, 0)
        self.which: Ints = np.where(self.is_damaged, -1, which.astype(np.int64))

    def __len__(self) -> int:
        return len(self._frames)

    def close(self) -> None:
        """Let go of the bytes: structs point back here, so nothing else frees them soon."""
        self._structs.clear()
        self._views.clear()
        del self._root, self._words

    @property
    def n_damaged(self) -> int:
        """Messages with a bad pointer, text or time, as far as reading has shown."""
        return int(self.is_damaged.sum())

    def refuse_lost_times(self) -> None:
        """Count messages an hour away from the others as damaged: a log is about a minute long.

        initData is let be, as it has the time of the drive's start in every segment.
        """
        is_good = ~self.is_damaged
        is_good[self.numbers_of("initData")] = False
        if is_good.any():
            distance_ns = np.abs(self.mono_ns - np.median(self.mono_ns[is_good]))
            self.is_damaged |= is_good & (distance_ns > _MAX_DISTANCE_NS)

    def view(self, dtype: str) -> Array:
        """The whole log as an array of one type."""
        if dtype not in self._views:
            self._views[dtype] = self._words.view(dtype)
        return self._views[dtype]

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

    def numbers_of(self, event: str) -> Ints:
        """The messages whose union member is `event`, by their place in the log."""
        return np.flatnonzero(self.which == self.schema.which_by_name.get(event, -2))

    def _members(self, event: str) -> Structs:
        return self._root.take(self.numbers_of(event))

    def _read_root(self) -> Structs:
        segment = self._frames.first
        start = self._frames.start[segment]
        has_root = start < self._frames.end[segment]
        self.is_damaged |= ~has_root
        rows = np.arange(len(self), dtype=np.int64)
        return self.follow(self.schema.layout, rows, segment, np.where(has_root, start, -1))

    def mark(self, rows: Ints, is_bad: Bools) -> None:
        """Mark the messages of some of the rows as damaged."""
        if is_bad.any():
            self.is_damaged[rows[is_bad]] = True

    def follow(self, layout: StructLayout, rows: Ints, segment: Ints, at: Ints) -> Structs:
        """The structs that the pointers at words `at` (-1 for none) of segments lead to."""
        pointer, target, segment, is_usable = self._pointers(rows, segment, at, _STRUCT)
        n_data = ((pointer >> 32) & 0xFFFF).astype(np.int64)
        n_pointers = (pointer >> 48).astype(np.int64)
        is_usable = self._within(rows, segment, target, n_data + n_pointers, is_usable)
        if not is_usable.all():
            n_data, n_pointers = n_data * is_usable, n_pointers * is_usable
            target = np.where(is_usable, target, 0)
        parent = np.arange(len(rows), dtype=np.int64)
        return Structs(self, layout, rows, parent, segment, target, n_data, n_pointers)

    def follow_items(self, layout: StructLayout, rows: Ints, segment: Ints, at: Ints) -> Structs:
        """Elements of composite lists; cereal writes lists of structs in no other way."""
        pointer, target, segment, is_usable = self._pointers(rows, segment, at, _LIST)
        n_words = (pointer >> 35).astype(np.int64)
        is_composite = ((pointer >> 32) & 7) == _COMPOSITE
        self.mark(rows, is_usable & ~is_composite)
        is_usable = self._within(rows, segment, target, n_words + 1, is_usable & is_composite)
        tag = np.where(is_usable, self._words[np.where(is_usable, target, 0)], 0)
        count = ((tag & 0xFFFFFFFF) >> 2).astype(np.int64)
        n_data = ((tag >> 32) & 0xFFFF).astype(np.int64)
        n_pointers = (tag >> 48).astype(np.int64)
        step = n_data + n_pointers
        is_whole = ((tag & _KIND_MASK) == _STRUCT) & (count * step <= n_words)
        self.mark(rows, is_usable & ~is_whole)
        count *= is_usable & is_whole
        count = self._affordable(rows, count, count * np.maximum(step, 1))
        parent = np.repeat(np.arange(len(rows), dtype=np.int64), count)
        within = np.arange(len(parent), dtype=np.int64) - (np.cumsum(count) - count)[parent]
        place = target[parent] + 1 + within * step[parent]
        return Structs(
            self, layout, rows[parent], parent, segment[parent],
            place, n_data[parent], n_pointers[parent],
        )  # fmt: skip

    def follow_elements(
        self, rows: Ints, segment: Ints, at: Ints, *, code: int, size: int
    ) -> tuple[Ints, Ints, Bools]:
        """First byte and number of elements of lists of one element size, and which are set."""
        pointer, target, segment, is_usable = self._pointers(rows, segment, at, _LIST)
        count = (pointer >> 35).astype(np.int64)
        has_code = ((pointer >> 32) & 7) == code
        self.mark(rows, is_usable & ~has_code)
        n_words = (count * size + 7) >> 3
        is_usable = self._within(rows, segment, target, n_words, is_usable & has_code)
        count = self._affordable(rows, count * is_usable, n_words * is_usable)
        return np.where(count > 0, target * _WORD_BYTES, 0), count, is_usable

    def _pointers(
        self, rows: Ints, segment: Ints, at: Ints, kind: int
    ) -> tuple[Array, Ints, Ints, Bools]:
        """Read pointers: the word, its target, the target's segment and whether it is usable."""
        pointer = np.where(at >= 0, self._words[np.maximum(at, 0)], 0)
        target = at + 1 + _offset(pointer)
        is_set = pointer != 0
        far = np.flatnonzero((pointer & _KIND_MASK) == _FAR)
        if len(far):
            segment = segment.copy()
            pointer[far], target[far], segment[far] = self._land(rows[far], pointer[far])
        is_usable = is_set & ((pointer & _KIND_MASK) == kind)
        self.mark(rows, is_set & ~is_usable)
        return pointer, target, segment, is_usable

    def _land(self, rows: Ints, pointer: Array) -> tuple[Array, Ints, Ints]:
        """What far pointers stand for: a near pointer, its target and segment.

        A far pointer stays one where it leads nowhere, or to a far pointer once too often.
        """
        is_double = (pointer & _DOUBLE_FAR_MASK) == _DOUBLE_FAR
        segment, pad, is_good = self._far_target(rows, pointer, 1 + is_double)
        landed = self._words[pad]
        target = pad + 1 + _offset(landed)
        double = np.flatnonzero(is_double & is_good)
        if len(double):
            far = landed[double]
            landed[double] = self._words[pad[double] + 1]
            segment[double], target[double], leads = self._far_target(rows[double], far, 0)
            is_good[double] = leads & ((far & _DOUBLE_FAR_MASK) == _FAR)
        return np.where(is_good, landed, _FAR), target, segment

    def _far_target(self, rows: Ints, pointer: Array, n_words: Any) -> tuple[Ints, Ints, Bools]:
        """The segment and word that far pointers lead to, and whether `n_words` are there."""
        frames = self._frames
        number = (pointer >> 32).astype(np.int64)
        is_known = number < frames.count[rows]
        segment = frames.first[rows] + number * is_known
        at = frames.start[segment] + ((pointer & 0xFFFFFFFF) >> 3).astype(np.int64)
        is_inside = is_known & (at + n_words <= frames.end[segment])
        return segment, at * is_inside, is_inside

    def _within(
        self, rows: Ints, segment: Ints, target: Ints, n_words: Ints, is_usable: Bools
    ) -> Bools:
        frames = self._frames
        is_inside = target >= frames.start[segment]
        is_inside &= target + n_words <= frames.end[segment]
        self.mark(rows, is_usable & ~is_inside)
        return is_usable & is_inside

    def _affordable(self, rows: Ints, count: Ints, n_words: Ints) -> Ints:
        """The counts of lists of so many words; none if a message's are longer than the message.

        Only lists that share their words can be, which no writer makes: unchecked, a small log
        could say that it has billions of elements.
        """
        if n_words.max(initial=0) <= _HARMLESS_WORDS:
            return count
        frames = self._frames
        total = np.bincount(rows, n_words, minlength=len(self))
        last = frames.first + frames.count - 1
        is_over = (total > frames.end[last] - frames.start[frames.first])[rows]
        self.mark(rows, is_over)
        return np.where(is_over, 0, count)


def _offset(pointer: Array) -> Array:
    return (pointer & 0xFFFFFFFF).astype(np.uint32).view(np.int32) >> 2
