"""The lock that keeps two writers of a database apart; the kernel drops it with its process.

It belongs to the real file: links that lead there are other names of the same database. A hard link
is a name that nothing leads to, so a writer also locks the file itself that it copies.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engagement.errors import StoreBusyError, StoreError, StoreLockedError
from engagement.store.database_path import real_database
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import TextIOWrapper
    from pathlib import Path
    from typing import BinaryIO

# A link would have a file be written that is no lock, and a pipe would have us wait.
_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def writer_lock(path: Path) -> Iterator[None]:
    """Hold the database's writer lock.

    Raises:
        StoreBusyError: If another process holds it.
        StoreLockedError: If another program has the database open for writing.
        StoreError: If the folder can't be written to, or the path can't be that of a database.
    """
    real = real_database(path)
    with _open_lock(path, real.with_name(real.name + ".lock")) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise StoreBusyError(path, holder) from error
        lock.truncate(0)
        lock.write(f"process {os.getpid()}")
        lock.flush()
        refuse_foreign_writer(path)
        yield


def _open_lock(path: Path, lock_path: Path) -> TextIOWrapper:
    try:
        lock_path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock_path, _LOCK_FLAGS, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise StoreError(f"{path}: its lock {lock_path} is a link; remove that") from error
        raise StoreError(f"{path}: can't write there: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StoreError(f"{path}: its lock {lock_path} is no file; remove that")
    return os.fdopen(descriptor, "r+", encoding="utf-8")


def hold_file(database: Path) -> BinaryIO:
    """Keep writers that know a database by another name off it, until the result is closed.

    Raises:
        StoreBusyError: If one of them has it.
    """
    file = database.open("rb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise StoreBusyError(database, "another process, by another name of the file,") from error
    except OSError:
        pass  # some network file systems have no such locks
    return file


def refuse_foreign_writer(path: Path) -> None:
    """Refuse a file that DuckDB has open for writing elsewhere: a copy could be inconsistent.

    Raises:
        StoreLockedError: If it has.
        StoreError: If the file can't be read.
    """
    if not path.exists():
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise StoreError(f"{path}: can't read it: {error.strerror}") from error
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            Reader(path, any_version=True).close()  # DuckDB's own refusal says who it is
            raise StoreLockedError(path, "another program") from error
