"""Files that commands write: what they must not be, and what is said of one that can't be."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from engagement.errors import EngagementError, reason_of
from engagement.formats import text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def spare_database(out: Path, database: Path) -> None:
    """Refuse to write over the database.

    Raises:
        BadParameter: If the file of --out is it.
    """
    if out.exists() and out.samefile(database):
        raise click.BadParameter(f"{str(out)!r} is the database", param_hint="--out")


@contextmanager
def writing(out: Path, name: str | None = None) -> Iterator[None]:
    """Say what could not be written; a reader of stdout that has gone is for the group to notice.

    Raises:
        EngagementError: If the file, or what is named, could not be.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise EngagementError(
            f"{name or text(out)}: can't be written: {reason_of(error)}"
        ) from error
