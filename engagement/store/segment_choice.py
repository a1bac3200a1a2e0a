"""The best of a segment's logs: read one after the other until one is whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.errors import reason_of
from engagement.extract.segment import read_segment
from engagement.store.segments import rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.extract.segment import ReadOptions, SegmentLog
    from engagement.logs.find import LogFile


@dataclass(frozen=True, slots=True)
class Decoded:
    """The best log of a group; `problems` are the files that could not be read, and why."""

    group: tuple[LogFile, ...]
    log: SegmentLog | None
    problems: tuple[tuple[LogFile, str], ...]


def read_best(group: tuple[LogFile, ...], options: ReadOptions) -> Decoded:
    """Read a segment's logs until one is whole, and give the best of those read.

    Raises:
        MemoryError: If there is not enough to read one of them.
        LargeLogError: If one is larger than `options.only_small` allows.
    """
    found: list[Decoded] = []
    for file in group:
        try:
            log = read_segment(file, options)
        except OSError as error:
            found.append(Decoded((file,), None, ((file, reason_of(error)),)))
            continue
        found.append(Decoded((file,), log, ()))
        if log.status == "ok":
            break
    return best_of(group, found)


def best_of(group: tuple[LogFile, ...], found: Sequence[Decoded]) -> Decoded:
    """The best of a group's logs, each of which was read by itself."""
    logs = [decoded.log for decoded in found if decoded.log]
    best = max(logs, key=rank, default=None)
    problems = [problem for decoded in found for problem in decoded.problems]
    problems += [
        (log.file, log.damage or "nothing could be read")
        for log in logs
        if log.status == "failed" and log is not best
    ]
    return Decoded(group, best, tuple(problems))
