"""What must come out of the eras' drives, and a database with what does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from engagement.extract.segment import ReadOptions, read_segment
from engagement.logs.find import find_logs
from engagement.store.results import refresh
from engagement.store.schema import create
from engagement.store.segments import drive_id_of, write_segments
from tests.support.eras import Era, write_era

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement.logs.find import LogFile

EXAMPLES = Path(__file__).parents[1] / "data" / "eras"

# A sample holds until the next one, so a state lasts up to a period more or less than it did.
TOLERANCE_S = 0.05
QLOG_TOLERANCE_S = 0.15


@dataclass(frozen=True, slots=True)
class Expected:
    """What must come out of one drive: of an example in a folder, or of an era's logs."""

    version: str
    dongle_id: str
    drive: str
    lateral_only_s: float = 0.0
    car_fingerprint: str | None = "TOYOTA_RAV4"
    duration_s: float = 80.0
    engaged_s: float = 53.0
    distance_km: float = 1.6
    causes: tuple[str, ...] = ("brake", "system:canError", "cancel")
    override_s: tuple[float, ...] = (2.0,)
    n_engagements: int = 4
    n_open: int = 1
    n_segments: int = 2
    tolerance_s: float = TOLERANCE_S
    folder: Path = EXAMPLES
    era: Era | None = None


def expected_of_example(folder: Path) -> Expected:
    """What an example's own file says."""
    said = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return Expected(
        version=said["version"],
        dongle_id=said["dongle"],
        drive=said["route"],
        lateral_only_s=said["lateral_only_s"],
        car_fingerprint=said["car_fingerprint"],
        duration_s=said["duration_s"],
        engaged_s=said["engaged_s"],
        distance_km=said["distance_km"],
        causes=tuple(said["causes"]),
        override_s=(said["steer_override_s"],) * said["steer_overrides"],
        n_engagements=said["engagements"],
        n_open=said["open_at_end"],
        n_segments=said["segments"],
        folder=folder,
    )


def expected_of_era(era: Era) -> Expected:
    """What the same drive must give in another era."""
    return Expected(
        version=era.version,
        dongle_id=era.dongle_id,
        drive=era.drive,
        lateral_only_s=4.0 if era.has_lateral_only else 0.0,
        car_fingerprint="TOYOTA_RAV4" if era.date >= "2019-06-28" else None,
        tolerance_s=QLOG_TOLERANCE_S if era.is_qlog else TOLERANCE_S,
        era=era,
    )


class Store:
    """A database with all drives that were asked for, and the number of each."""

    def __init__(self, wanted: Mapping[str, Expected], folder: Path) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        create(self.connection)
        self.drive_ids: dict[str, int] = {}
        segments = []
        for name, expected in wanted.items():
            files = _files(expected, folder / name)
            logs = [read_segment(file, ReadOptions()) for file in files]
            assert [log.status for log in logs] == ["ok"] * expected.n_segments
            [(dongle_id, drive)] = {(log.dongle_id, log.drive) for log in logs}
            self.drive_ids[name] = drive_id_of(self.connection, str(dongle_id), str(drive))
            segments += [(self.drive_ids[name], log) for log in logs]
        write_segments(self.connection, segments)
        refresh(self.connection, list(self.drive_ids.values()))

    def rows(self, name: str, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, in which $drive stands for the drive's number."""
        found = self.connection.execute(query, {"drive": self.drive_ids[name], **values})
        return found.fetchall()

    def column(self, name: str, query: str) -> list[Any]:
        """The first column of a query's rows."""
        return [row[0] for row in self.rows(name, query)]


def _files(expected: Expected, folder: Path) -> list[LogFile]:
    if expected.era is None:
        return find_logs([expected.folder]).logs
    write_era(expected.era, folder)
    return find_logs([folder / "logs"]).logs
