"""A choice from a list that gets shorter with every letter that is typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from engagement.cli import keys
from engagement.formats import text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engagement.cli.keys import Keys

_T = TypeVar("_T")
_OTHER_LINES = 5  # of the screen: title, filter, footer, and some air
_MAX_LINES = 15
_STEP = 0.02
_GREY = "bright_black"


@dataclass(frozen=True, slots=True)
class Option(Generic[_T]):
    """One choice: what it is for the program and for people; `search` is what typing finds."""

    value: _T
    label: str
    detail: str = ""
    search: str = ""

    def fits(self, words: list[str]) -> bool:
        """Whether all words are somewhere in it."""
        found = f"{self.label} {self.search}".lower()
        return all(word in found for word in words)


class Picker(Generic[_T]):
    """The list on the screen, with what is typed and which option is marked.

    `describe` gives more of an option, for the moment (0 to 1) that the left and right keys move.
    """

    def __init__(
        self,
        keyboard: Keys,
        title: str,
        options: Sequence[Option[_T]],
        *,
        describe: Callable[[_T, float], str] | None = None,
        moment_name: Callable[[float], str] | None = None,
    ) -> None:
        self._keyboard = keyboard
        self._title = title
        self._options = options
        self._describe = describe
        self._moment_name = moment_name
        self._console = Console(stderr=True, highlight=False, emoji=False)
        self._typed = ""
        self._marked = 0
        self._moment = 0.5

    def choose(self) -> _T | None:
        """Let the user choose; None if they leave by Esc or Ctrl-D. The screen is as before."""
        with (
            self._keyboard as keyboard,
            Live(
                self._screen(), console=self._console, auto_refresh=False, transient=True
            ) as screen,
        ):
            while True:
                screen.update(self._screen(), refresh=True)
                key = keyboard.read()
                found = self._found()
                if key in (keys.ESCAPE, keys.END):
                    if not self._typed or key == keys.END:
                        return None
                    key = keys.CLEAR
                if key == keys.ENTER and found:
                    return found[self._marked].value
                self._press(key, len(found))

    def _found(self) -> list[Option[_T]]:
        words = self._typed.lower().split()
        return [option for option in self._options if option.fits(words)]

    def _press(self, key: str, n_found: int) -> None:
        moves = {keys.UP: -1, keys.DOWN: 1, keys.PAGE_UP: -10, keys.PAGE_DOWN: 10}
        turns = {keys.LEFT: -_STEP, keys.RIGHT: _STEP}
        if key in moves:
            self._marked = min(max(self._marked + moves[key], 0), max(n_found - 1, 0))
        elif key in turns:
            self._moment = min(max(self._moment + turns[key], 0.0), 1.0)
        elif key == keys.BACKSPACE:
            self._typed, self._marked = self._typed[:-1], 0
        elif key == keys.CLEAR:
            self._typed, self._marked = "", 0
        elif len(key) == 1:
            self._typed, self._marked = self._typed + key, 0

    def _screen(self) -> Group:
        found = self._found()
        n_lines = min(_MAX_LINES, max(self._console.height - _OTHER_LINES, 1))
        first = max(0, min(self._marked - n_lines // 2, len(found) - n_lines))
        lines = [Text(self._title, style="bold"), Text(f"> {text(self._typed)}▏", style="cyan")]
        width = max((len(each.label) for each in found[first : first + n_lines]), default=0)
        for number, option in enumerate(found[first : first + n_lines], start=first):
            lines.append(self._line(option, width, is_marked=number == self._marked))
        if not found:
            lines.append(Text("  nothing fits", style=_GREY))
        lines.append(Text(self._footer(len(found)), style=_GREY))
        for line in lines:
            line.truncate(self._console.width - 1, overflow="ellipsis")
            line.no_wrap = True
        return Group(*lines)

    def _line(self, option: Option[_T], width: int, *, is_marked: bool) -> Text:
        detail = self._describe(option.value, self._moment) if self._describe else ""
        line = Text("> " if is_marked else "  ")
        line.append(text(option.label).ljust(width), style="reverse" if is_marked else "")
        line.append("  " + "  ".join(part for part in (detail, text(option.detail)) if part), _GREY)
        return line

    def _footer(self, n_found: int) -> str:
        parts = [f"{n_found} of {len(self._options)}", "type to search", "↑↓ move", "Enter take"]
        if self._moment_name:
            parts.append(f"←→ moment: {self._moment_name(self._moment)}")
        return " · ".join([*parts, "Esc back"])
