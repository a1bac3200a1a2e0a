"""A database without drives, made once per version and copied for each new one.

To make its views takes longer than a drive to ingest. It is kept in the user's cache folder, and
used only if that and the file are the user's own and nobody else can write to them; without such a
folder every new database is made by itself.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from engagement.definitions import DEFINITIONS
from engagement.groupings import ALL, DIMENSIONS
from engagement.resources import resource_dir
from engagement.store import schema
from engagement.store.generation_files import copy_open
from engagement.store.views import sql_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ANYBODY = 0o666
_NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_PREFIX = "empty-"


def copy_template(path: Path) -> bool:
    """Copy the template of this version to a new file; False where there is none to trust."""
    with suppress(OSError), _folder() as folder:
        source = os.open(_name(), _READ_FLAGS, dir_fd=folder)
        with os.fdopen(source, "rb") as reader:
            if _is_ours(os.fstat(source), stat.S_IFREG):
                copy_open(reader, path, _ANYBODY)  # less the umask, as DuckDB makes a file
                return True
    return False


def keep_template(path: Path) -> None:
    """Keep a copy of a database without drives as the template, and remove those of other versions.

    Where it can't be kept, nothing happens.
    """
    name = _name()
    part = f"{name}.{os.getpid()}.part"
    with suppress(OSError), _folder(make=True) as folder:
        try:
            with (
                path.open("rb") as reader,
                os.fdopen(os.open(part, _NEW_FLAGS, 0o600, dir_fd=folder), "wb") as writer,
            ):
                shutil.copyfileobj(reader, writer)
                writer.flush()
                os.fsync(writer.fileno())
            for other in os.listdir(folder):  # noqa: PTH208 - a Path has no descriptor
                if other.startswith(_PREFIX) and other not in {name, part}:
                    os.unlink(other, dir_fd=folder)
            os.rename(part, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(part, dir_fd=folder)
            raise


def forget_template() -> None:
    """Remove the template of this version, which proved to be damaged."""
    with suppress(OSError), _folder() as folder:
        os.unlink(_name(), dir_fd=folder)


@contextmanager
def _folder(*, make: bool = False) -> Iterator[int]:
    """The folder of templates, held open so that no other can take its place.

    Raises:
        OSError: If there is none that only its owner, this user, can write to.
    """
    path = _cache() / "engagement"
    if make:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(path, _FOLDER_FLAGS)
    try:
        if not _is_ours(os.fstat(folder), stat.S_IFDIR):
            raise PermissionError(f"{path}: others can write to it")
        yield folder
    finally:
        os.close(folder)


def _cache() -> Path:
    """The user's cache folder, by the XDG Base Directory Specification.

    Raises:
        OSError: If the user has no home.
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(named):  # noqa: PTH117 - others are to be ignored
        return Path(named)
    try:
        return Path.home() / ".cache"
    except RuntimeError as error:
        raise FileNotFoundError("there is no home") from error


def _is_ours(found: os.stat_result, kind: int) -> bool:
    is_ours = found.st_uid == os.geteuid() and not found.st_mode & _WRITABLE_BY_OTHERS
    return is_ours and stat.S_IFMT(found.st_mode) == kind


def _name() -> str:
    """The template's name: of all that it is made by, and of what it is stored by."""
    made_by = [
        sql_hash(),
        str(DEFINITIONS),
        duckdb.__version__,
        *(text for _, _, text in schema.migrations()),
        (resource_dir("config") / "engagement.toml").read_text(encoding="utf-8"),
        Path(schema.__file__).read_text(encoding="utf-8"),
        *(ALL, *DIMENSIONS),
    ]
    digest = sha256("\n".join(made_by).encode()).hexdigest()
    return f"{_PREFIX}{digest[:32]}.duckdb"
