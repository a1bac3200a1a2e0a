"""What a database's name leads to: one regular file of DuckDB's, and nothing that is fetched."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from engagement.errors import StoreError, StoreMissingError

if TYPE_CHECKING:
    from pathlib import Path

_SERVICE = re.compile(r"([A-Za-z][\w+.-]*):")
_SQLITE = b"SQLite format 3\0"
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def real_database(path: Path) -> Path:
    """The absolute path of a database's file, which may not be there yet; links are followed.

    Raises:
        StoreError: If a service is named, what is there is no file, or the links end nowhere.
    """
    try:
        real = path.resolve()
        status = real.stat() if real.exists() else None
    except (OSError, RuntimeError) as error:  # the latter if links lead to each other
        raise StoreError(f"{path}: can't be found: {_reason(error)}") from error
    if status is None:
        _refuse_service(path)
    elif not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "no file")
        raise StoreError(f"{path}: that is {kind}, and no database; name a file with --db")
    return real


def existing_database(path: Path) -> Path:
    """The same of a database that is to be read.

    Raises:
        StoreMissingError: If there is none.
        StoreError: As `real_database`.
    """
    real = real_database(path)
    if not real.exists():
        raise StoreMissingError(path)
    return real


def check_database(path: Path) -> None:
    """Refuse a name that can't be a database's, before anything else is done.

    The file is opened and closed, so a process that reads it already had better not call this: the
    kernel would drop DuckDB's lock.

    Raises:
        StoreError: As `real_database`, and if the file is of SQLite.
    """
    real = real_database(path)
    problem = foreign_format(real)
    if problem:
        raise StoreError(f"{path}: {problem}")


def foreign_format(path: Path) -> str | None:
    """What is wrong with a file of another program, None if that isn't known to be so."""
    try:
        with path.open("rb") as file:
            head = file.read(len(_SQLITE))
    except OSError:
        return None  # who wants to read it will say why it can't be
    if head == _SQLITE:
        return "that is a SQLite database, and not one of DuckDB; name another file with --db"
    return None


def _refuse_service(path: Path) -> None:
    """A name like `md:cars` or `s3://bucket/cars` would have DuckDB ask a service."""
    found = _SERVICE.match(os.fspath(path))
    if found:
        raise StoreError(
            f"{path}: {found[1]}: names a service, and a database is a file; "
            "a new file that is called so needs its whole path"
        )


def _reason(error: OSError | RuntimeError) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
