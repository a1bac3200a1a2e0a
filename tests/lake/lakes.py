"""A lake in a folder, the logs beside it, and processes that write to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.extract.segment import ReadOptions
from engagement.filters import Selection
from engagement.lake import ingestion
from engagement.lake.catalog import open_lake
from engagement.lake.committer import Committer
from engagement.store.ingest_options import IngestOptions
from tests.store.stores import Store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from engagement.lake.manifests import Manifest
    from engagement.store.ingest_options import IngestReport

SETTINGS = 'catalog = "catalog.sqlite"\ndata = "data"\n'


@dataclass(frozen=True)
class LakeStore(Store):
    """A lake instead of a database of one file."""

    @property
    def database(self) -> Path:
        return self.folder / "lake.toml"

    def ingest(
        self,
        *paths: Path,
        selection: Selection | None = None,
        read: ReadOptions | None = None,
        **options: Any,
    ) -> IngestReport:
        wanted = IngestOptions(
            read or ReadOptions(), selection or Selection(), **{"jobs": 1, **options}
        )
        return ingestion.ingest_into_lake(paths or [self.logs], self.database, wanted)

    def commit(self, *manifests: Manifest) -> int:
        with open_lake(self.database) as (lake, connection):
            return Committer(connection, lake).commit(manifests)


def hold_lake(pipe: Connection, database: Path) -> None:
    """Be an ingest that goes on and on."""
    with open_lake(database):
        pipe.send("holding")
        pipe.recv()


def commit_each(pipe: Connection, database: Path, manifests: Sequence[Manifest]) -> None:
    """Commit manifests one by one, over and over: each time as if the drive had changed."""
    with open_lake(database) as (lake, connection):
        committer = Committer(connection, lake)
        pipe.send("started")
        for manifest in manifests:
            committer.commit([manifest])
        pipe.send("done")
