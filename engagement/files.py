"""Files that appear whole or not at all, and files that others may not read."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engagement.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedWriter

ALL_BUT_OWNER = stat.S_IRWXG | stat.S_IRWXO
ALL_BUT_GROUP = stat.S_IWGRP | stat.S_IRWXO  # and the group may only read


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


def read_secret(
    path: Path, what: str, *, max_bytes: int = 1 << 20, forbidden: int = ALL_BUT_OWNER
) -> bytes:
    """The first bytes of a file, unless others may read it.

    Args:
        path: The file; a pipe is refused, as it would have a command wait for ever.
        what: Is in it, for messages, as `this key`.
        max_bytes: No more are read.
        forbidden: What its mode may not have.

    Raises:
        ConfigError: If it is no file, or its mode has what is forbidden.
        OSError: If it can't be read.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise ConfigError(path, "it is no regular file")
        if mode & forbidden:
            good = f"{0o640 & ~forbidden:o}"
            raise ConfigError(path, f"others may read {what}; run `chmod {good} {path}`")
        return file.read(max_bytes)


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting for who writes to a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)
