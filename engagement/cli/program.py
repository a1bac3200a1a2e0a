"""How this program is called from where its user is, for commands that are printed to be typed."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

_NAME = "engagement"


def typed(*words: str | Path) -> str:
    """A command of this program, as a shell takes it."""
    return " ".join((_program(), *(shlex.quote(str(word)) for word in words)))


def _program() -> str:
    """Its name where that leads here, else its path, else the module's."""
    path = Path(sys.argv[0])
    if path.stem != _NAME:
        return f"{shlex.quote(sys.executable)} -m {_NAME}"
    found = shutil.which(_NAME)
    is_other = path.exists() and not (found and path.samefile(found))
    return shlex.quote(sys.argv[0]) if is_other else _NAME
