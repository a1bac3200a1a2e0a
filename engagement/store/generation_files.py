"""The files of a database's generations: copied, made durable, and kept as private as they were."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from engagement.files import mode_for_another_group

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_COPY_BYTES = 1 << 30
_OWNER_ONLY = 0o600
_FICLONE = 0x40049409  # of Linux: the new file shares the other one's blocks


def wal(path: Path) -> Path:
    """Where DuckDB keeps what it has not written into the file itself yet."""
    return path.with_name(path.name + ".wal")


def put_wal_aside(database: Path) -> None:
    """Keep a database's write-ahead log from the generation that is about to replace it.

    Its name tells which file it belongs to: whether the database was replaced after all.
    """
    if wal(database).exists():
        wal(database).rename(_wal_aside(database))
        sync(database.parent)


def settle_wal_aside(database: Path) -> None:
    """Give a database that was not replaced its write-ahead log back; remove one of another."""
    name = re.compile(re.escape(database.name) + r"\.\d+-\d+\.wal")
    for aside in [path for path in database.parent.iterdir() if name.fullmatch(path.name)]:
        if database.exists() and aside == _wal_aside(database) and not wal(database).exists():
            aside.rename(wal(database))
        else:
            aside.unlink()


def _wal_aside(database: Path) -> Path:
    status = database.stat()
    return database.with_name(f"{database.name}.{status.st_ino}-{status.st_mtime_ns}.wal")


def version(path: Path) -> list[tuple[int, int, int]]:
    """Inode, size and time of the database and its write-ahead log: a write changes them."""
    found = [file.stat() for file in (path, wal(path)) if file.exists()]
    return [(status.st_ino, status.st_size, status.st_mtime_ns) for status in found]


def sync(path: Path) -> None:
    """Have what was written to a file or a folder outlast a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clone(source: Path, target: Path) -> bool:
    """Make a new file that shares the blocks of another one, if the file system can do that."""
    with source.open("rb") as reader, _create(target) as writer, suppress(OSError):
        fcntl.ioctl(writer, _FICLONE, reader.fileno())
        return True
    target.unlink()
    return False


def copy(source: Path, target: Path) -> None:
    """Copy to a new file that nobody else can read."""
    with source.open("rb") as reader:
        copy_open(reader, target)


def copy_open(reader: BinaryIO, target: Path, mode: int = _OWNER_ONLY) -> None:
    """Copy what is left of an open file to a new one, by default one that nobody else can read."""
    with _create(target, mode) as writer:
        left = os.fstat(reader.fileno()).st_size
        with suppress(AttributeError, OSError):  # not every system, nor file system, has it
            while left > 0:
                n_bytes = min(left, _COPY_BYTES)
                copied = os.copy_file_range(reader.fileno(), writer.fileno(), n_bytes)
                if not copied:
                    break
                left -= copied
        shutil.copyfileobj(reader, writer, _COPY_BYTES >> 10)


def _create(path: Path, mode: int = _OWNER_ONLY) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")


def keep_attributes(source: Path, target: Path) -> None:
    """Give a file owner, mode and extended attributes, as access lists are, of another.

    Where the group can't be kept, the new one may do no more than anybody may.
    """
    wanted = source.stat()
    for name in os.listxattr(source) if hasattr(os, "listxattr") else ():
        with suppress(OSError):
            os.setxattr(target, name, os.getxattr(source, name))
    for owner in (wanted.st_uid, -1):
        with suppress(OSError):
            os.chown(target, owner, wanted.st_gid)
            break
    mode = stat.S_IMODE(wanted.st_mode)
    if target.stat().st_gid != wanted.st_gid:
        mode = mode_for_another_group(mode)
    target.chmod(mode)
