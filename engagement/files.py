"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedWriter


@contextmanager
def replacing(out: Path) -> Iterator[BufferedWriter]:
    """A new file that takes the place of `out` once it is whole; links are followed.

    The file keeps its permissions; what goes wrong on the way leaves `out` as it was. What is no
    file, as a pipe or a device, is not replaced but written to.

    Raises:
        OSError: If it can't be written.
    """
    target = Path(os.path.realpath(out))  # Path.resolve() raises another error at a circle of links
    if target.exists() and not target.is_file():
        with target.open("wb") as pipe:
            yield pipe
        return
    staged = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
    try:
        with staged.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            staged.chmod(stat.S_IMODE(target.stat().st_mode))
        staged.replace(target)
    finally:
        staged.unlink(missing_ok=True)


def mode_for_another_group(mode: int) -> int:
    """A file's mode where it can't have the group that it is for: that may do what anybody may."""
    return mode & (~stat.S_IRWXG | (mode & stat.S_IRWXO) << 3)
