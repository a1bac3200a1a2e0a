"""Split a log into messages: Cap'n Proto's stream framing, walked once.

A message is a header (uint32 count of segments - 1, one uint32 size in words per segment, padded
to 8 bytes) and its segments. Nothing is copied: a message is known by its place in the log.

Source: https://capnproto.org/encoding.html#serialization-over-a-stream
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_WORD_BYTES = 8
_COUNT_MASK = 0xFFFFFFFF  # the low half of a header's first word: count of segments - 1
_MAX_SEGMENTS = 512  # what Cap'n Proto's own reader accepts


@dataclass(frozen=True, slots=True)
class Frames:
    """Messages in file order, in words of 8 bytes from the start of the log.

    `start` and `end` bound the first segment, [start, end); `header` is where the header begins
    and `stop` where the next message does. `damage` says why the walk ended early, if it did.
    """

    header: np.ndarray[tuple[int], np.dtype[np.int64]]
    start: np.ndarray[tuple[int], np.dtype[np.int64]]
    end: np.ndarray[tuple[int], np.dtype[np.int64]]
    stop: np.ndarray[tuple[int], np.dtype[np.int64]]
    damage: str | None

    def __len__(self) -> int:
        return len(self.start)


def walk(raw: bytes) -> Frames:
    """Find every whole message; a cut or impossible one ends the walk and is told in `damage`."""
    n_words = len(raw) // _WORD_BYTES
    words = memoryview(raw)[: n_words * _WORD_BYTES].cast("Q")
    headers: list[int] = []
    multiple: dict[int, tuple[int, int, int]] = {}
    position = stop = 0
    while position < n_words:
        word = words[position]
        if word & _COUNT_MASK:
            bounds = _many_segments(words, position, n_words)
            if bounds is None:
                break
            multiple[len(headers)] = bounds
            stop = bounds[2]
        else:
            stop = position + 1 + (word >> 32)
        if stop > n_words:
            break
        headers.append(position)
        position = stop
    return _frames(raw, headers, multiple, _damage(raw, position))


def _many_segments(words: memoryview, position: int, n_words: int) -> tuple[int, int, int] | None:
    """First segment's start and end and the message's; None for no possible header."""
    n_segments = (words[position] & _COUNT_MASK) + 1
    start = position + 1 + n_segments // 2
    if n_segments > _MAX_SEGMENTS or start > n_words:
        return None
    sizes = words[position:start].cast("B").cast("I")[1 : n_segments + 1]
    return start, start + sizes[0], start + sum(sizes)


def _frames(
    raw: bytes, headers: list[int], multiple: dict[int, tuple[int, int, int]], damage: str | None
) -> Frames:
    words = np.frombuffer(raw, dtype="<u8", count=len(raw) // _WORD_BYTES)
    header = np.array(headers, dtype=np.int64)
    start = header + 1
    end = start + (words[header] >> np.uint64(32)).astype(np.int64)
    stop = end.copy()
    for number, bounds in multiple.items():
        if number < len(headers):
            start[number], end[number], stop[number] = bounds
    return Frames(header=header, start=start, end=end, stop=stop, damage=damage)


def _damage(raw: bytes, position: int) -> str | None:
    left = len(raw) - position * _WORD_BYTES
    if not left:
        return None
    return f"message at byte {position * _WORD_BYTES} of the decoded log is cut or no message"
