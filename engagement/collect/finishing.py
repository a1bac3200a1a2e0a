"""Finishes complete files: writes them to the disk, then renames them.

Waiting for the disk takes long, so a thread does it while more files come. Small files are finished
together: many take hardly longer than one.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from engagement.collect.faults import BusyError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engagement.collect.report import DeviceReport

_MAX_TOGETHER = 16  # files that are finished together; each is open, of many devices at once
_MAX_TOGETHER_BYTES = 1 << 23  # that they may have,
_MAX_AGE_S = 1.0  # and that the first of them may wait for others
_MAX_UNFINISHED = 16  # files of which the disk has been told
_FEW = 4  # files that are better written one by one
_TOO_LONG_S = 1.0  # for some small files: others write to the disk, and much


@dataclass(frozen=True, slots=True)
class Whole:
    """A `.part` file with all of a log in it, open and locked, and what it shall become."""

    file: int
    part: Path
    target: Path
    mtime_ns: int
    host: str

    def rename(self) -> None:
        """Give it the log's time, and its name.

        Raises:
            BusyError: If the name was taken meanwhile.
            OSError: If this system refuses it.
        """
        os.utime(self.file, ns=(self.mtime_ns, self.mtime_ns))
        try:
            os.link(self.part, self.target)
        except FileExistsError:
            self.part.unlink()
            raise BusyError(self.host, f"{self.target}: appeared meanwhile") from None
        except OSError:  # a file system without hard links
            if os.path.lexists(self.target):
                raise BusyError(self.host, f"{self.target}: appeared meanwhile") from None
            self.part.rename(self.target)
        else:
            self.part.unlink()

    def drop(self) -> None:
        """Remove it, so that it is fetched anew."""
        self.part.unlink(missing_ok=True)
        os.close(self.file)


_Outcome = tuple[Whole, int | BusyError | OSError]  # bytes of a finished file, or what was wrong


class Finisher:
    """Finishes files in their order, and adds the results to a report."""

    def __init__(self, report: DeviceReport) -> None:
        self._report = report
        self._thread = ThreadPoolExecutor(1, "finish")
        self._disk = _Disk()
        self._together: list[Whole] = []
        self._n_bytes = 0
        self._since_s = 0.0
        self._unfinished: deque[tuple[int, Future[list[_Outcome]]]] = deque()

    def add(self, whole: Whole) -> None:
        """Finish a file soon.

        Raises:
            OSError: If one before it could not be finished.
        """
        now_s = time.monotonic()
        if not self._together:
            self._since_s, self._n_bytes = now_s, 0
        self._together.append(whole)
        self._n_bytes += os.fstat(whole.file).st_size
        if (
            len(self._together) >= _MAX_TOGETHER
            or self._n_bytes > _MAX_TOGETHER_BYTES
            or now_s - self._since_s > _MAX_AGE_S
        ):
            self._start()
            self._settle(_MAX_UNFINISHED)

    def settle(self) -> None:
        """Wait until all files are finished.

        Raises:
            OSError: If one could not be.
        """
        self._start()
        self._settle(0)

    def _start(self) -> None:
        wholes, self._together = self._together, []
        if wholes:
            self._unfinished.append((len(wholes), self._thread.submit(_finish, wholes, self._disk)))

    def _settle(self, n_left: int) -> None:
        """Wait until no more than so many files that were started are unfinished."""
        report, refused = self._report, None
        n_unfinished = sum(number for number, _ in self._unfinished)
        while n_unfinished > n_left:
            number, finished = self._unfinished.popleft()
            n_unfinished -= number
            for whole, outcome in finished.result():
                if isinstance(outcome, BusyError):
                    report.n_busy += 1
                elif isinstance(outcome, OSError):
                    report.to_collect.append(whole.target)
                    refused = outcome
                else:
                    report.size_bytes += outcome
                    report.collected.append(whole.target)
        if refused:
            raise refused

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.settle()
        finally:
            self._thread.shutdown()


def _finish(wholes: Sequence[Whole], disk: _Disk) -> list[_Outcome]:
    try:
        disk.keep([whole.file for whole in wholes])
    except OSError as error:
        error.filename = error.filename or str(wholes[0].part)
        for whole in wholes:
            os.close(whole.file)
        return [(whole, error) for whole in wholes]
    return [(whole, _rename(whole)) for whole in wholes]


def _rename(whole: Whole) -> int | BusyError | OSError:
    try:
        whole.rename()
        return os.fstat(whole.file).st_size
    except BusyError as error:
        return error
    except OSError as error:
        error.filename = error.filename or str(whole.part)
        return error
    finally:
        os.close(whole.file)


class _Disk:
    """Waits until written files are on the disk.

    After a power cut there is a `.part` file or a whole log, never an incomplete log.
    """

    def __init__(self) -> None:
        self._sync_all = getattr(_LIBC, "syncfs", None)  # Linux has it

    def keep(self, files: Sequence[int]) -> None:
        """Return when the disk has them.

        Raises:
            OSError: If it is full or does not take them.
        """
        if len(files) < _FEW or not self._has_all(files):
            for file in files:
                os.fsync(file)

    def _has_all(self, files: Sequence[int]) -> bool:
        """Write all cached data of the disk, of all programs; return whether that worked."""
        if self._sync_all is None:
            return False
        started_at_s = time.monotonic()
        disks = {os.fstat(file).st_dev: file for file in files}
        # It also fails for files of other programs; each of our files has its own result.
        is_kept = not any(self._sync_all(file) for file in disks.values())
        if not is_kept or time.monotonic() - started_at_s > _TOO_LONG_S:
            self._sync_all = None  # it waits for the files of other programs too
        return is_kept


_LIBC = ctypes.CDLL(None)
