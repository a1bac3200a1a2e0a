"""A decoded log, ready to be read by column.

Messages are read where they lie. One whose pointers lead into another of its segments is copied by
pycapnp into a single segment and read the same way, so that both give the same rows. Which ones
those are shows while reading, so large messages that nobody reads are never copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import capnp
import numpy as np

from engagement.logs.columns import Messages
from engagement.logs.framing import walk

if TYPE_CHECKING:
    from engagement.logs.columns import Array
    from engagement.logs.schema import Schema

_WORD_BYTES = 8
_SLACK_WORDS = 64


class Log:
    """The messages of one log.

    `damage` says where the stream of messages broke off, if it did; `n_messages` are whole.
    """

    def __init__(self, raw: bytes, schema: Schema) -> None:
        self._frames = walk(raw)
        self._raw = memoryview(raw)
        self._schema = schema
        self._n_uncopyable = 0
        self.damage = self._frames.damage
        self.n_messages = len(self._frames)
        words = np.frombuffer(raw, dtype="<u8", count=len(raw) // _WORD_BYTES)
        number = np.arange(self.n_messages, dtype=np.int64)
        self.in_place = Messages(schema, words, self._frames.start, self._frames.end, number)

    def copied(self) -> Messages:
        """The messages that reading `in_place` has found to reach into another segment."""
        copies: list[Array] = []
        numbers: list[int] = []
        for number in np.flatnonzero(self.in_place.is_far).tolist():
            words = self._in_one_segment(number)
            if words is not None:
                copies.append(words)
                numbers.append(number)
        self._n_uncopyable = int(self.in_place.is_far.sum()) - len(numbers)
        size = np.array([len(words) for words in copies], dtype=np.int64)
        end = np.cumsum(size)
        joined = np.concatenate(copies) if copies else np.zeros(0, dtype="<u8")
        number_of = np.array(numbers, dtype=np.int64)
        return Messages(self._schema, joined, end - size, end, number_of)

    def n_damaged(self, copied: Messages) -> int:
        """Messages with a bad pointer or text, as far as reading has shown."""
        in_place = self.in_place.is_damaged & ~self.in_place.is_far
        elsewhere = copied.is_damaged | copied.is_far
        return int(in_place.sum()) + int(elsewhere.sum()) + self._n_uncopyable

    def _in_one_segment(self, number: int) -> Array | None:
        first, stop = int(self._frames.header[number]), int(self._frames.stop[number])
        message = self._raw[first * _WORD_BYTES : stop * _WORD_BYTES]
        n_words = 2 * (stop - first) + _SLACK_WORDS
        try:
            with self._schema.event.from_bytes(message, traversal_limit_in_words=n_words) as event:
                segments = event.as_builder(num_first_segment_words=n_words).to_segments()
        except capnp.KjException:
            return None
        return np.frombuffer(segments[0], dtype="<u8") if len(segments) == 1 else None
