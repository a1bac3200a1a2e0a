"""The generation that was replaced last, kept to be made the next one by what differs.

It is changed in place, so it must be known that nobody has it open, that nobody has changed it
since it was published whole, and that no other name leads to it. Where one of these can't be told,
it is removed, and the database is copied as a whole.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import stat
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from engagement.store.blocks import copy_differences
from engagement.store.generation_files import sync

if TYPE_CHECKING:
    from pathlib import Path

_STAMP = "user.engagement.published"
_OPEN_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WHOLE_FILE = struct.Struct("hhqqi4x")  # `struct flock`: type, whence, start, length, process
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_OWNER_ONLY = 0o600
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def stamp(path: Path) -> None:
    """Note in a whole file what tells whether it is still as it is now."""
    with suppress(AttributeError, OSError):  # then it is not kept
        os.setxattr(path, _STAMP, _identity(path.stat()))


def is_as_published(path: Path) -> bool:
    """Whether nobody has written to a file since `stamp`."""
    try:
        return os.getxattr(path, _STAMP) == _identity(path.stat())
    except (AttributeError, OSError):
        return False


def _identity(status: os.stat_result) -> bytes:
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns}".encode()


def exchange(path: Path, other: Path) -> bool:
    """Exchange the names of two files in one step; whoever opens either finds a whole file.

    Returns:
        Whether both are there; else the first has replaced the other.
    """
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:  # of an older libc, or another system
        rename = None
    names = _AT_FDCWD, os.fsencode(path), _AT_FDCWD, os.fsencode(other)
    if rename is not None and rename(*names, _RENAME_EXCHANGE) == 0:
        return True
    aside = path.with_name(path.name + ".old")
    aside.unlink(missing_ok=True)
    is_kept = True
    try:
        aside.hardlink_to(other)
    except OSError:
        is_kept = False
    path.replace(other)
    if is_kept:
        aside.rename(path)
    return is_kept


def retire(path: Path, previous: Path) -> None:
    """Keep a generation that was replaced, for its owner alone, if it is as it was published."""
    with suppress(OSError):
        if is_as_published(path) and path.stat().st_nlink == 1:
            path.chmod(_OWNER_ONLY)
            path.rename(previous)
            return
    path.unlink(missing_ok=True)


def renew(previous: Path, private: Path, database: Path) -> bool:
    """Make the previous generation a private copy of the database, where that is safe.

    Its name is gone for good before its first byte changes: what a killed writer or a power cut
    leaves is never taken for a previous generation.

    Returns:
        Whether it did; else there is neither a previous generation nor a copy.
    """
    is_equal = False
    try:
        descriptor = os.open(previous, _OPEN_FLAGS)
    except OSError:
        previous.unlink(missing_ok=True)
        return False
    with os.fdopen(descriptor, "r+b", buffering=0), database.open("rb", buffering=0) as source:
        if _is_safe(descriptor, previous, database):
            previous.rename(private)
            sync(private.parent)
            is_equal = copy_differences(source.fileno(), descriptor)
    if not is_equal:
        for path in (previous, private):
            path.unlink(missing_ok=True)
    return is_equal


def _is_safe(descriptor: int, previous: Path, database: Path) -> bool:
    """Whether a file may be changed: whole, ours, under no other name, and open nowhere else."""
    found = os.fstat(descriptor)
    is_ours = found.st_uid in (os.geteuid(), database.stat().st_uid)
    is_alone = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
    if not (is_ours and is_alone) or found.st_mode & _WRITABLE_BY_OTHERS:
        return False
    return is_as_published(previous) and not _is_open_elsewhere(descriptor)


def _is_open_elsewhere(descriptor: int) -> bool:
    """Whether anybody else has a file open; then, or if that can't be told, it stays as it is.

    DuckDB's lock is one of its process, and gone when that closes any other descriptor of the file;
    `cp` has none. So the kernel is asked for a lease, which it gives to the only one who has a file
    open. The lock is held, too, until the descriptor is closed: it stops who is about to read.
    """
    lock = _WHOLE_FILE.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        # Of the descriptor, not of the process: it also meets readers of our own process.
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)
        # Nobody knows the name, but who opens it all the same must not have a signal kill us.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except (AttributeError, OSError):
        return True
    return False
