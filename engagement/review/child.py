"""Programs that run while an event is looked at, each with a process group of its own.

So a Ctrl-C at the prompt is not theirs, and what they start ends with them. What they say goes into
a file, of which the last line tells why one failed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from engagement.errors import EngagementError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_STEP_S = 0.02
_ENDS_WITHIN_S = 3.0


class ViewerError(EngagementError):
    """A program that can't be started, or that ends at once."""

    def __init__(self, program: str, problem: str) -> None:
        super().__init__(f"{program}: {problem}")
        self.program = program
        self.problem = problem


class Child:
    """A running program.

    Args:
        command: Its words; no shell reads them.
        log: The file that takes what it says.
        environment: What it gets beside ours.
        last: A command that ends what the program left behind, as a container.

    Raises:
        ViewerError: If it can't be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        last: Sequence[str] = (),
    ) -> None:
        self.command = tuple(command)
        self._log = log
        self._last = tuple(last)
        try:
            with log.open("wb") as output:
                self._process = subprocess.Popen(
                    self.command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                )
        except OSError as error:
            raise ViewerError(self.command[0], f"can't be started: {error.strerror}") from error

    @property
    def pid(self) -> int:
        """Its process id, which is its group's too."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def problem(self) -> str:
        """How it failed, with the last it said; empty if it did not."""
        status = self._process.poll()
        if not status:
            return ""
        ending = f"signal {-status}" if status < 0 else f"status {status}"
        said = self.said().strip().rsplit("\n", 1)[-1].strip()
        return f"it ended with {ending}" + (f": {said}" if said else "")

    def said(self) -> str:
        """What it has written so far."""
        try:
            return self._log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def end(self) -> None:
        """End it and all that it started: politely, then at once."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDS_WITHIN_S)
        # Also where it has ended: a wrapper goes before what it started.
        self._signal(signal.SIGKILL)
        self._process.wait()
        if self._last:
            with suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(
                    self._last,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=_ENDS_WITHIN_S,
                    start_new_session=True,
                    check=False,
                )

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def start(
    command: Sequence[str],
    log: Path,
    *,
    patience_s: float,
    environment: Mapping[str, str] | None = None,
    last: Sequence[str] = (),
) -> Child:
    """Start a program that is to go on running, and wait a moment for it to fail.

    Raises:
        ViewerError: If it can't be started, or fails within that time.
    """
    child = Child(command, log, environment=environment, last=last)
    ends_at_s = time.monotonic() + patience_s
    try:
        while child.is_running and time.monotonic() < ends_at_s:
            time.sleep(_STEP_S)
    except BaseException:
        child.end()
        raise
    problem = child.problem
    if problem:
        child.end()
        raise ViewerError(child.command[0], problem)
    return child
