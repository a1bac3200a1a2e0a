"""Commands that mean the same to any login shell.

An SSH server hands a command to the user's own shell. To fish and csh a backslash, a quote, a line
feed or an exclamation mark means something even between single quotes, so what is sent has none of
them there: they come as octal numbers, which an `sh` over there puts back.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNPACK = 'eval "$(printf %b "$1")"'
_SPECIAL = str.maketrans({character: f"\\0{ord(character):03o}" for character in "\\'!\n"})


def command_line(argv: Sequence[str]) -> bytes:
    """What any shell takes for a command that runs these words."""
    line = shlex.join(["sh", "-c", _UNPACK, "sh", packed(argv)])
    return line.encode(errors="surrogateescape")


def packed(argv: Sequence[str]) -> str:
    """Words as one, which holds nothing that is special between single quotes."""
    return shlex.join(argv).translate(_SPECIAL)
