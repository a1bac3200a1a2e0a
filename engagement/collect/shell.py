"""Writes commands that every login shell understands in the same way.

An SSH server gives a command to the user's login shell. In fish and csh a backslash, a quote, a
line feed or an exclamation mark is special even between single quotes, so they are sent as octal
numbers, which an `sh` on the server decodes.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNPACK = 'eval "$(printf %b "$1")"'
_SPECIAL = str.maketrans({character: f"\\0{ord(character):03o}" for character in "\\'!\n"})


def command_line(argv: Sequence[str]) -> bytes:
    """A command line that runs these words in any shell."""
    line = shlex.join(["sh", "-c", _UNPACK, "sh", packed(argv)])
    return line.encode(errors="surrogateescape")


def packed(argv: Sequence[str]) -> str:
    """The words as one, without characters that are special between single quotes."""
    return shlex.join(argv).translate(_SPECIAL)
