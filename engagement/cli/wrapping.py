"""Sentences on a terminal: no line is longer than it is wide, and none ends within a word."""

from __future__ import annotations

import io
import os
import re
import sys
import textwrap
from typing import TYPE_CHECKING

from engagement.formats import text

if TYPE_CHECKING:
    from typing import IO, Any

_DEFAULT_WIDTH = 80
_MIN_WIDTH = 20
_COMMAND = re.compile(r"`[^`\n]*`")
_KEPT_BLANK = "\N{NO-BREAK SPACE}"


def is_terminal(stream: IO[Any]) -> bool:
    """Whether somebody reads along; a stream that is closed is none."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def shown_bytes() -> Any:
    """Stdout for bytes of text; a terminal is shown escapes of what it would obey."""
    return _Shown() if is_terminal(sys.stdout) else sys.stdout.buffer


class _Shown(io.RawIOBase):
    """Takes lines of text as bytes, and prints them for a terminal."""

    def writable(self) -> bool:
        return True

    def write(self, octets: Any, /) -> int:
        """Print pieces of text, which Arrow writes as bytes, with their line ends."""
        lines = bytes(octets).decode(errors="backslashreplace").split("\n")
        sys.stdout.write("\n".join(text(line) for line in lines))
        return len(octets)


def width(stream: IO[Any]) -> int:
    """The columns of the terminal behind a stream."""
    given = os.environ.get("COLUMNS", "")
    if given.isdigit() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _DEFAULT_WIDTH
    except (OSError, ValueError):
        return _DEFAULT_WIDTH


def wrapped(message: str, stream: IO[Any], *, indent: int = 0) -> str:
    """A message as the stream takes it: in lines on a terminal, as it is elsewhere.

    `indent` is how much further than the first its other lines stand to the right. A command in
    backticks stays on one line, so that it can be copied. Of a message of several lines only the
    first is wrapped: the others may be a drawing, as of the place of an error.
    """
    if not is_terminal(stream):
        return message
    first, newline, rest = message.partition("\n")
    return "\n".join(_lines(first, width(stream), indent)) + newline + rest


def _lines(line: str, n_columns: int, indent: int) -> list[str]:
    def keep(found: re.Match[str]) -> str:
        return found[0].replace(" ", _KEPT_BLANK) if len(found[0]) < n_columns else found[0]

    kept = _COMMAND.sub(keep, line).replace(" %", f"{_KEPT_BLANK}%")
    lines = textwrap.wrap(
        kept, max(n_columns, _MIN_WIDTH), break_long_words=False, break_on_hyphens=False,
        drop_whitespace=True, expand_tabs=False, replace_whitespace=False,
        subsequent_indent=" " * (len(line) - len(line.lstrip()) + indent),
    )  # fmt: skip
    return [each.replace(_KEPT_BLANK, " ") for each in lines] or [line]
