"""Split a log into messages by Cap'n Proto's stream framing, in one pass.

A message is a header (uint32 count of segments - 1, one uint32 size in words per segment, padded
to 8 bytes) and its segments. Nothing is copied: a message is given by its position in the log.

Source: https://capnproto.org/encoding.html#serialization-over-a-stream
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engagement.logs.arrays import PerMessage, PerSegment

_WORD_BYTES = 8
_COUNT_MASK = 0xFFFFFFFF  # the low half of a header's first word: count of segments - 1
_MAX_SEGMENTS = 512  # what Cap'n Proto's own reader of streams accepts

MAX_MESSAGES = 1 << 19
"""Of one log, unless it is longer than that many of `_BYTES_A_MESSAGE`: a minute has 100 000."""

_BYTES_A_MESSAGE = 256  # in a qlog; in an rlog they are longer


@dataclass(frozen=True, slots=True)
class Frames:
    """Messages in file order.

    Segment s is the words [start[s], end[s]) of the log; message m has the `count[m]` segments from
    `first[m]` on. `damage` says why reading ended early, if it did.
    """

    first: PerMessage[np.int32]
    count: PerMessage[np.int32]
    start: PerSegment[np.int32]
    end: PerSegment[np.int32]
    damage: str | None

    def __len__(self) -> int:
        return len(self.first)


def walk(raw: bytes, max_messages: int | None = None) -> Frames:
    """Find every whole message; a cut or impossible one ends the log and is described in `damage`.

    A message of no words is impossible, so the zeros at the end of a file that was preallocated
    are not taken for messages. A log of more or smaller messages than any device writes ends where
    they are too many.
    """
    n_words = len(raw) // _WORD_BYTES
    words = memoryview(raw)[: n_words * _WORD_BYTES].cast("Q")
    most = max_messages or max(MAX_MESSAGES, len(raw) // _BYTES_A_MESSAGE)
    headers = array("I")
    append, mask = headers.append, _COUNT_MASK  # local names make this loop a quarter faster
    position = n_more_segments = 0
    for _ in range(most):
        if position >= n_words:
            break
        word = words[position]
        append(position)
        if word & mask:
            length = _length_of_many(words, position, n_words)
            n_more_segments += word & mask if length else 0
            if not length or n_more_segments > most:
                break
            position += length
        elif word:
            position += 1 + (word >> 32)
        else:
            break
    if headers and (position > n_words or position == headers[-1]):
        position = headers.pop()  # the message of the last header is impossible, cut or too much
    is_too_many = position < n_words and (len(headers) == most or n_more_segments > most)
    damage = _too_many(len(headers), position) if is_too_many else _damage(raw, position)
    return _frames(raw, headers, damage)


def _length_of_many(words: memoryview, position: int, n_words: int) -> int:
    """The words of a message of several segments, its header included; 0 for an impossible one."""
    n_segments = (words[position] & _COUNT_MASK) + 1
    # Most large messages have two segments: this is faster than slicing.
    if n_segments == 2 and position + 1 < n_words:  # noqa: PLR2004
        return int(2 + (words[position] >> 32) + (words[position + 1] & _COUNT_MASK))
    start = position + 1 + n_segments // 2
    if n_segments > _MAX_SEGMENTS or start > n_words:
        return 0
    sizes = words[position:start].cast("B").cast("I")[1 : n_segments + 1].tolist()
    return int(1 + n_segments // 2 + sum(sizes))


def _frames(raw: bytes, headers: array[int], damage: str | None) -> Frames:
    words = np.frombuffer(raw, dtype="<u8", count=len(raw) // _WORD_BYTES)
    header = np.frombuffer(headers, dtype=np.uint32).astype(np.int32)
    count = ((words[header] & np.uint64(_COUNT_MASK)) + np.uint64(1)).astype(np.int32)
    first = np.cumsum(count, dtype=np.int32) - count
    if len(first) == count.sum():
        start = header + np.int32(1)
        size = (words[header] >> np.uint64(32)).astype(np.int32)
        return Frames(first=first, count=count, start=start, end=start + size, damage=damage)
    halves = words.view("<u4")
    message = np.repeat(np.arange(len(header), dtype=np.int32), count)
    within = np.arange(len(message), dtype=np.int32) - first[message]
    size = halves[2 * header.astype(np.int64)[message] + 1 + within].astype(np.int32)
    before = np.cumsum(size, dtype=np.int32) - size
    start = (header + 1 + count // 2 - before[first])[message] + before
    return Frames(first=first, count=count, start=start, end=start + size, damage=damage)


def _damage(raw: bytes, position: int) -> str | None:
    left = len(raw) - position * _WORD_BYTES
    if not left:
        return None
    return f"message at byte {position * _WORD_BYTES} of the decoded log is cut or no message"


def _too_many(n_messages: int, position: int) -> str:
    return (
        f"it has more messages than the {n_messages} before byte {position * _WORD_BYTES} of the "
        "decoded log, as no device writes them; the rest is left out"
    )
