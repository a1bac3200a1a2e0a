"""Split a log into messages by Cap'n Proto's stream framing, in one pass.

A message is a header (uint32 count of segments - 1, one uint32 size in words per segment, padded
to 8 bytes) and its segments. Nothing is copied: a message is given by its position in the log.

Source: https://capnproto.org/encoding.html#serialization-over-a-stream
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engagement.logs.arrays import Int, PerMessage, PerSegment

_WORD_BYTES = 8
_COUNT_MASK = 0xFFFFFFFF  # the low half of a header's first word: count of segments - 1
_MAX_SEGMENTS = 512  # what Cap'n Proto's own reader of streams accepts


@dataclass(frozen=True, slots=True)
class Frames:
    """Messages in file order.

    Segment s is the words [start[s], end[s]) of the log; message m has the `count[m]` segments from
    `first[m]` on. `damage` says why reading ended early, if it did.
    """

    first: PerMessage[Int]
    count: PerMessage[Int]
    start: PerSegment[Int]
    end: PerSegment[Int]
    damage: str | None

    def __len__(self) -> int:
        return len(self.first)


def walk(raw: bytes) -> Frames:
    """Find every whole message; a cut or impossible one ends the log and is described in `damage`.

    A message of no words is impossible, so the zeros at the end of a file that was preallocated
    are not taken for messages.
    """
    n_words = len(raw) // _WORD_BYTES
    words = memoryview(raw)[: n_words * _WORD_BYTES].cast("Q")
    headers: list[int] = []
    sizes: dict[int, list[int]] = {}
    append, mask = headers.append, _COUNT_MASK  # local names make this loop a quarter faster
    position = 0
    while position < n_words:
        word = words[position]
        append(position)
        if word & mask:
            several = _many_segments(words, position, n_words)
            if not several:
                break
            sizes[len(headers) - 1] = several
            position += 1 + len(several) // 2 + sum(several)
        elif word:
            position += 1 + (word >> 32)
        else:
            break
    if position != n_words:  # the message of the last header is impossible or cut
        position = headers.pop()
    return _frames(raw, headers, sizes, _damage(raw, position))


def _many_segments(words: memoryview, position: int, n_words: int) -> list[int]:
    """The segments' sizes; empty for an impossible header."""
    n_segments = (words[position] & _COUNT_MASK) + 1
    # Most large messages have two segments: this is faster than slicing.
    if n_segments == 2 and position + 1 < n_words:  # noqa: PLR2004
        return [words[position] >> 32, words[position + 1] & _COUNT_MASK]
    start = position + 1 + n_segments // 2
    if n_segments > _MAX_SEGMENTS or start > n_words:
        return []
    return words[position:start].cast("B").cast("I")[1 : n_segments + 1].tolist()


def _frames(
    raw: bytes, headers: list[int], sizes: dict[int, list[int]], damage: str | None
) -> Frames:
    words = np.frombuffer(raw, dtype="<u8", count=len(raw) // _WORD_BYTES)
    header = np.array(headers, dtype=np.int64)
    count = np.ones(len(header), dtype=np.int64)
    sizes = {number: several for number, several in sizes.items() if number < len(headers)}
    for number, several in sizes.items():
        count[number] = len(several)
    first = np.cumsum(count) - count
    size = np.zeros(int(count.sum()), dtype=np.int64)
    size[first] = words[header] >> np.uint64(32)
    for number, several in sizes.items():
        size[first[number] : first[number] + len(several)] = several
    end = np.cumsum(size) + np.repeat(_shift(header, count, first, size), count)
    return Frames(first=first, count=count, start=end - size, end=end, damage=damage)


def _shift(
    header: PerMessage[Int], count: PerMessage[Int], first: PerMessage[Int], size: PerSegment[Int]
) -> PerMessage[Int]:
    """The words of headers before each message's segments."""
    before = np.cumsum(size) - size
    return header + 1 + count // 2 - before[first]


def _damage(raw: bytes, position: int) -> str | None:
    left = len(raw) - position * _WORD_BYTES
    if not left:
        return None
    return f"message at byte {position * _WORD_BYTES} of the decoded log is cut or no message"
