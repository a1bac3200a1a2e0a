"""Split a log into messages: Cap'n Proto's stream framing, walked once.

A message is a header (uint32 count of segments - 1, one uint32 size in words per segment, padded
to 8 bytes) and its segments. Nothing is copied: a message is known by its place in the log.

Source: https://capnproto.org/encoding.html#serialization-over-a-stream
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_WORD_BYTES = 8
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
    halves = memoryview(raw)[: n_words * _WORD_BYTES].cast("I")
    starts: list[int] = []
    ends: list[int] = []
    multiple: dict[int, tuple[int, int]] = {}
    position = 0
    while position < n_words:
        size = halves[2 * position + 1]
        start = position + 1
        if halves[2 * position]:
            bounds = _many_segments(halves, position, n_words)
            if bounds is None:
                break
            start, size, stop = bounds
            multiple[len(starts)] = (position, stop)
        else:
            stop = start + size
        if stop > n_words:
            break
        starts.append(start)
        ends.append(start + size)
        position = stop
    return _frames(starts, ends, multiple, _damage(raw, position))


def _many_segments(halves: memoryview, position: int, n_words: int) -> tuple[int, int, int] | None:
    """Start and size of the first segment and the message's end; None for no possible header."""
    n_segments = halves[2 * position] + 1
    start = position + 1 + n_segments // 2
    if n_segments > _MAX_SEGMENTS or start > n_words:
        return None
    sizes = halves[2 * position + 1 : 2 * position + 1 + n_segments]
    return start, sizes[0], start + sum(sizes)


def _frames(
    starts: list[int], ends: list[int], multiple: dict[int, tuple[int, int]], damage: str | None
) -> Frames:
    start = np.array(starts, dtype=np.int64)
    end = np.array(ends, dtype=np.int64)
    header = start - 1
    stop = end.copy()
    for number, (first, last) in multiple.items():
        if number < len(starts):
            header[number], stop[number] = first, last
    return Frames(header=header, start=start, end=end, stop=stop, damage=damage)


def _damage(raw: bytes, position: int) -> str | None:
    left = len(raw) - position * _WORD_BYTES
    if not left:
        return None
    return f"message at byte {position * _WORD_BYTES} of the decoded log is cut or no message"
