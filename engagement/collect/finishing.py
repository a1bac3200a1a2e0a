"""The last steps of a file that is whole: onto the disk, then to its name.

Disks take their time over them, so a thread does it while the next file comes.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from engagement.collect.reading import BusyError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from engagement.collect.report import DeviceReport

_MAX_WAITING = 8


@dataclass(frozen=True, slots=True)
class Whole:
    """A `.part` file with all of a log in it, open and locked, and the name that it shall have."""

    file: int
    part: Path
    target: Path
    host: str

    def finish(self) -> int:
        """Make it last, give it its name, and close it; return its size in bytes.

        A power cut leaves the `.part` file or the whole log, never a log that lacks something.

        Raises:
            BusyError: If the name was taken meanwhile.
            OSError: If the disk is full or does not take it.
        """
        try:
            os.fsync(self.file)
            self._rename()
            return os.fstat(self.file).st_size
        except OSError as error:
            error.filename = error.filename or str(self.part)
            raise
        finally:
            os.close(self.file)

    def _rename(self) -> None:
        try:
            os.link(self.part, self.target)
        except FileExistsError:
            self.part.unlink()
            raise BusyError(self.host, f"{self.target}: appeared meanwhile") from None
        except OSError:  # a file system without hard links
            if self.target.exists():
                raise BusyError(self.host, f"{self.target}: appeared meanwhile") from None
            self.part.rename(self.target)
        else:
            self.part.unlink()


class Finisher:
    """Finishes files in their order, and puts into a report what became of them."""

    def __init__(self, report: DeviceReport) -> None:
        self._report = report
        self._thread = ThreadPoolExecutor(1, "finish")
        self._waiting: deque[tuple[Whole, Future[int]]] = deque()

    def add(self, whole: Whole) -> None:
        """Finish a file soon.

        Raises:
            OSError: If one before it could not be finished.
        """
        self._waiting.append((whole, self._thread.submit(whole.finish)))
        self.settle(_MAX_WAITING)

    def settle(self, n_left: int = 0) -> None:
        """Wait until no more than so many files are to be finished.

        Raises:
            OSError: If one could not be.
        """
        while len(self._waiting) > n_left:
            whole, finished = self._waiting.popleft()
            try:
                self._report.size_bytes += finished.result()
            except BusyError:
                self._report.n_busy += 1
            except OSError:
                self._report.to_collect.append(whole.target)
                raise
            else:
                self._report.collected.append(whole.target)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.settle()
        finally:
            self._thread.shutdown()
