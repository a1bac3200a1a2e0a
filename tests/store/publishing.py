"""What tests of a served database publish, and ask without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.store.database_writer import Writer, writer_lock

if TYPE_CHECKING:
    from pathlib import Path

ENDLESS = "select count(*) from range(100000000000) as one, range(1000000) as other"


def publish(path: Path, statement: str = "select 1") -> None:
    with writer_lock(path), Writer(path) as writer:
        writer.connection.execute(statement)
        writer.publish()
