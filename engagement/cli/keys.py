"""Single keys from a terminal, as they are pressed."""

from __future__ import annotations

import codecs
import os
import re
import select
import sys
import termios
import tty
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENTER, ESCAPE, BACKSPACE, CLEAR, END = "enter", "escape", "backspace", "clear", "end of input"
UP, DOWN, LEFT, RIGHT, PAGE_UP, PAGE_DOWN = "up", "down", "left", "right", "page up", "page down"
_SEQUENCE_WAIT_S = 0.05  # what a terminal sends for one key comes together
_LOOK_EVERY_S = 0.3
_CONTROLS = {
    "\r": ENTER, "\n": ENTER, "\x7f": BACKSPACE, "\b": BACKSPACE, "\x15": CLEAR, "\x04": END,
    "\x10": UP, "\x0e": DOWN,
}  # fmt: skip
_SEQUENCES = {
    "[A": UP, "[B": DOWN, "[C": RIGHT, "[D": LEFT, "OA": UP, "OB": DOWN, "OC": RIGHT, "OD": LEFT,
    "[5~": PAGE_UP, "[6~": PAGE_DOWN,
}  # fmt: skip
_SEQUENCE = re.compile(r"\[[0-?]*[ -/]*[@-~]|O[@-~]")
_BEGINNING = re.compile(r"(\[[0-?]*[ -/]*|O)?\Z")  # of a sequence, and no end yet


class Keys:
    """The keyboard, while it is open: no line editing and no echo; Ctrl-C is what it always is.

    What was typed before is not lost, nor what is typed while nobody reads. It may be opened
    again after it was closed.
    """

    def __init__(self) -> None:
        self._file = sys.stdin.fileno()
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._unread = ""
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._file)
        tty.setcbreak(self._file, termios.TCSADRAIN)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(self._file, termios.TCSADRAIN, self._before)

    @contextmanager
    def lines(self) -> Iterator[None]:
        """Let the terminal take whole lines, with an echo, meanwhile."""
        self.__exit__(None, None, None)
        try:
            yield
        finally:
            with suppress(termios.error):  # the terminal is gone
                self.__enter__()

    def read(self, on_idle: Callable[[], object] | None = None) -> str:
        """Wait for a key: a character, or the name of one that has none.

        Args:
            on_idle: Is called now and then while nothing is pressed.
        """
        while True:
            while not self._unread:
                self.wait(on_idle)
                self._fill()
            first, self._unread = self._unread[0], self._unread[1:]
            key = self._sequence() if first == "\x1b" else _CONTROLS.get(first, first)
            if key and (len(key) > 1 or key.isprintable()):
                return key

    def wait(self, on_idle: Callable[[], object] | None = None) -> None:
        """Wait till a key is pressed, or while the terminal takes lines till there is one."""
        # Again and again: a signal that comes just before a wait does not end it.
        while not self._is_typed(_LOOK_EVERY_S):
            if on_idle:
                on_idle()

    def _is_typed(self, wait_s: float) -> bool:
        return bool(select.select([self._file], [], [], wait_s)[0])

    def _fill(self) -> None:
        content = os.read(self._file, 1)  # what follows may be for a line that is asked for
        self._unread += self._decoder.decode(content) if content else "\x04"

    def _sequence(self) -> str:
        """The key whose sequence begins with the escape that was read; empty for one not known."""
        while _BEGINNING.match(self._unread) and self._is_typed(_SEQUENCE_WAIT_S):
            self._fill()
        match = _SEQUENCE.match(self._unread)
        if not match:
            return ESCAPE
        self._unread = self._unread[match.end() :]
        return _SEQUENCES.get(match[0], "")
