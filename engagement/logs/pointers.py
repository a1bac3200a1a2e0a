"""Follows the pointers in a log's messages.

A log is untrusted: every pointer is checked against its segment's bounds, and a bad one marks its
message in `is_damaged` and reads as null. Pointers into other segments are followed in place, so
nothing is copied and all messages are read in the same way.

Source: https://capnproto.org/encoding.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engagement.logs.framing import walk

if TYPE_CHECKING:
    from engagement.logs.arrays import Bool, Index, Int, PerElement, PerMessage, PerRow

_WORD_BYTES = 8

_STRUCT, _LIST, _FAR = 0, 1, 2
_KIND_MASK, _DOUBLE_FAR_MASK = 3, 7
_DOUBLE_FAR = 6
_POINTERS, _COMPOSITE = 6, 7  # element size codes
MAX_ITEMS = 16_384
"""Structs in one list: the longest of a real log are a few hundred frames or params."""

_MIN_ITEMS_A_LOG = 1 << 20  # of all lists of a kind together; ten minutes of CAN have more, and
_WORDS_AN_ITEM = 3  # as many words as this each, which a CAN frame has at least
_HARMLESS_WORDS = 8  # of a list: its pointer has one word, so a log can expand eightfold at most
_TOO_MANY_ITEMS = f"lists of more than {MAX_ITEMS} structs, or too many of them, are left out"


class Places(NamedTuple):
    """Where structs lie, one a row.

    `message_num` is the place of each struct's message in the log, `segment` the segment that it
    lies in; `parent` is the row of the struct that it was reached from; `place`, `n_data` and
    `n_pointers` are words of the wire. The sizes are as the writer wrote them, so they tell how
    old its schema was.
    """

    message_num: PerRow[Index]
    parent: PerRow[Index]
    segment: PerRow[Index]
    place: PerRow[Index]
    n_data: PerRow[Index]
    n_pointers: PerRow[Index]


class Messages:
    """The messages of one log as words.

    Attributes:
        damage: Where the stream of messages ends early, if it does.
        is_damaged: Which messages reading has found to be bad so far.
        mono_ns: Each message's logMonoTime; zeros until `Log` has read them.
        notes: What is wrong that the messages' number does not tell.
    """

    def __init__(self, raw: bytes, max_messages: int | None = None) -> None:
        self.frames = walk(raw, max_messages)
        self.damage = self.frames.damage
        self.is_damaged: PerMessage[Bool] = np.zeros(len(self), dtype=np.bool_)
        self.mono_ns: PerMessage[Int] = np.zeros(len(self), dtype=np.int64)
        self.notes: set[str] = set()
        self._views: dict[str, PerElement[Any]] = {}
        self._words = np.frombuffer(raw, dtype="<u8", count=len(raw) // _WORD_BYTES)

    def __len__(self) -> int:
        return len(self.frames)

    def close(self) -> None:
        """Free the bytes: structs refer to them in circles, so they would be freed much later."""
        self._views.clear()
        del self._words

    def view(self, dtype: str) -> PerElement[Any]:
        """The whole log as an array of one type."""
        if dtype not in self._views:
            self._views[dtype] = self._words.view(dtype)
        return self._views[dtype]

    def mark(self, rows: PerRow[Index], is_bad: PerRow[Bool]) -> None:
        """Mark the messages of some of the rows as damaged."""
        if is_bad.any():
            self.is_damaged[rows[is_bad]] = True

    def follow(self, rows: PerRow[Index], segment: PerRow[Index], at: PerRow[Index]) -> Places:
        """The structs that the pointers at words `at` (-1 for none) of segments lead to.

        Here and below `rows` is the message of each row, by its place in the log.
        """
        pointer, target, segment, is_usable = self._pointers(rows, segment, at, _STRUCT)
        n_data, n_pointers = _sizes(pointer)
        is_usable = self._within(rows, segment, target, n_data + n_pointers, is_usable)
        if not is_usable.all():
            n_data, n_pointers = n_data * is_usable, n_pointers * is_usable
            target = np.where(is_usable, target, 0)
        parent = np.arange(len(rows), dtype=np.int32)
        return Places(rows, parent, segment, target, n_data, n_pointers)

    def follow_items(
        self, rows: PerRow[Index], segment: PerRow[Index], at: PerRow[Index]
    ) -> Places:
        """Elements of composite lists; cereal writes lists of structs in no other way."""
        pointer, target, segment, is_usable = self._pointers(rows, segment, at, _LIST)
        n_words = (pointer >> 35).astype(np.int32)
        is_composite = ((pointer >> 32) & 7) == _COMPOSITE
        self.mark(rows, is_usable & ~is_composite)
        is_usable = self._within(rows, segment, target, n_words + 1, is_usable & is_composite)
        tag = np.where(is_usable, self._words[np.where(is_usable, target, 0)], 0)
        count = ((tag & 0xFFFFFFFF) >> 2).astype(np.int64)
        n_data, n_pointers = _sizes(tag)
        step = n_data + n_pointers
        is_whole = ((tag & _KIND_MASK) == _STRUCT) & (count * step <= n_words)
        self.mark(rows, is_usable & ~is_whole)
        count *= is_usable & is_whole
        count = self._affordable(rows, count, count * np.maximum(step, 1))
        count = self._few(rows, count)
        parent = np.repeat(np.arange(len(rows), dtype=np.int32), count)
        before = (np.cumsum(count) - count).astype(np.int32)
        within = np.arange(len(parent), dtype=np.int32) - before[parent]
        place = target[parent] + 1 + within * step[parent]
        return Places(
            rows[parent], parent, segment[parent], place, n_data[parent], n_pointers[parent]
        )

    def leads_to_list(self, at: PerRow[Index]) -> PerRow[Bool]:
        """Which of the pointers at words `at` (-1 for none) are of lists in their own segment."""
        pointer = np.where(at >= 0, self._words[np.maximum(at, 0)], 0)
        is_list: PerRow[Bool] = (pointer & _KIND_MASK) == _LIST
        return is_list

    def follow_elements(
        self,
        rows: PerRow[Index],
        segment: PerRow[Index],
        at: PerRow[Index],
        *,
        code: int,
        bits: int,
    ) -> tuple[PerRow[Int], PerRow[Int], PerRow[Bool]]:
        """First byte and number of elements of lists of one element size, and which are set."""
        pointer, target, segment, is_usable = self._pointers(rows, segment, at, _LIST)
        count = (pointer >> 35).astype(np.int64)
        has_code = ((pointer >> 32) & 7) == code
        self.mark(rows, is_usable & ~has_code)
        n_words = (count * bits + 63) >> 6
        is_usable = self._within(rows, segment, target, n_words, is_usable & has_code)
        count = self._affordable(rows, count * is_usable, n_words * is_usable)
        start = np.where(count > 0, target.astype(np.int64) * _WORD_BYTES, 0)
        return start, count, is_usable

    def follow_pointers(
        self, rows: PerRow[Index], segment: PerRow[Index], at: PerRow[Index]
    ) -> tuple[PerElement[Index], PerElement[Index], PerElement[Index]]:
        """The row, segment and word of each pointer in lists of pointers."""
        pointer, target, segment, is_usable = self._pointers(rows, segment, at, _LIST)
        count = (pointer >> 35).astype(np.int64)
        has_code = ((pointer >> 32) & 7) == _POINTERS
        self.mark(rows, is_usable & ~has_code)
        is_usable = self._within(rows, segment, target, count, is_usable & has_code)
        count = self._affordable(rows, count * is_usable, count * is_usable)
        count = self._few(rows, count)
        parent = np.repeat(np.arange(len(rows), dtype=np.int32), count)
        before = (np.cumsum(count) - count).astype(np.int32)
        within = np.arange(len(parent), dtype=np.int32) - before[parent]
        return parent, segment[parent], target[parent] + within

    def _pointers(
        self, rows: PerRow[Index], segment: PerRow[Index], at: PerRow[Index], kind: int
    ) -> tuple[PerRow[Any], PerRow[Index], PerRow[Index], PerRow[Bool]]:
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

    def _land(
        self, rows: PerRow[Index], pointer: PerRow[Any]
    ) -> tuple[PerRow[Any], PerRow[Index], PerRow[Index]]:
        """Resolve far pointers: the near pointer, its target and segment.

        A far pointer stays one if it leads nowhere, or to too many other far pointers.
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

    def _far_target(
        self, rows: PerRow[Index], pointer: PerRow[Any], n_words: Any
    ) -> tuple[PerRow[Index], PerRow[Index], PerRow[Bool]]:
        """The segment and word that far pointers lead to, and whether `n_words` are there."""
        frames = self.frames
        number = (pointer >> 32).astype(np.int64)
        is_known = number < frames.count[rows]
        segment = frames.first[rows] + (number * is_known).astype(np.int32)
        at = frames.start[segment] + ((pointer & 0xFFFFFFFF) >> 3).astype(np.int32)
        is_inside = is_known & (at + n_words <= frames.end[segment])
        return segment, at * is_inside, is_inside

    def _within(
        self,
        rows: PerRow[Index],
        segment: PerRow[Index],
        target: PerRow[Index],
        n_words: PerRow[Any],
        is_usable: PerRow[Bool],
    ) -> PerRow[Bool]:
        frames = self.frames
        is_inside = target >= frames.start[segment]
        is_inside &= target + n_words <= frames.end[segment]
        self.mark(rows, is_usable & ~is_inside)
        return is_usable & is_inside

    def _affordable(
        self, rows: PerRow[Index], count: PerRow[Int], n_words: PerRow[Int]
    ) -> PerRow[Int]:
        """The counts of lists of so many words; 0 if a message's lists are longer than the message.

        They can only be if lists share words, which no writer does; without this check a small
        log could claim to have billions of elements.
        """
        if n_words.max(initial=0) <= _HARMLESS_WORDS:
            return count
        frames = self.frames
        total = np.bincount(rows, n_words, minlength=len(self))
        last = frames.first + frames.count - 1
        is_over = (total > frames.end[last] - frames.start[frames.first])[rows]
        self.mark(rows, is_over)
        return np.where(is_over, 0, count)

    def _few(self, rows: PerRow[Index], count: PerRow[Int]) -> PerRow[Int]:
        """The counts of lists of structs; 0 for those that no device writes so long.

        Every struct takes some tens of bytes as a row, and can be a word in the log, so all of them
        together are limited too.
        """
        most = max(_MIN_ITEMS_A_LOG, len(self._words) // _WORDS_AN_ITEM)
        is_over = count > MAX_ITEMS
        count = np.where(is_over, 0, count)
        is_over |= np.cumsum(count) > most
        if is_over.any():
            self.mark(rows, is_over)
            self.notes.add(_TOO_MANY_ITEMS)
        return np.where(is_over, 0, count)


def _sizes(pointer: PerRow[Any]) -> tuple[PerRow[Index], PerRow[Index]]:
    """Words of data and pointers, of a pointer to a struct or a list's tag."""
    return ((pointer >> 32) & 0xFFFF).astype(np.int32), (pointer >> 48).astype(np.int32)


def _offset(pointer: PerRow[Any]) -> PerRow[Any]:
    return (pointer & 0xFFFFFFFF).astype(np.uint32).view(np.int32) >> 2
