"""A fleet's drives as a database file: results alone, no logs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from engagement.store.database_writer import Writer, writer_lock
from tests import builders

if TYPE_CHECKING:
    from pathlib import Path

    from tests.analysis.fleets import Fleet


def write_fleet(fleet: Fleet, path: Path) -> None:
    """Write the drives of a fleet, each of its branch, one an hour."""
    ids = [drive["drive_id"] for drive in fleet.drives]
    names = {"dongle_id": "a1b2c3d4e5f60718", "host": ""}
    identity = [
        {
            "drive_id": drive["drive_id"],
            "git_branch": drive["branch"],
            "version": "0.9.8",
            "car_fingerprint": drive["car_fingerprint"],
            "started_at_utc": datetime.fromisoformat(str(drive["started_at"])),
        }
        for drive in fleet.drives
    ]
    metrics = ("known_s", "engaged_s", "moving_s", "moving_engaged_s", "distance_km", "known_km",
               "engaged_km")  # fmt: skip
    tables = {
        "drive": [{"drive_id": n, "drive": f"{n:08x}--0123456789"} | names for n in ids],
        "segment": [builders._segment_row(n, 0, "rlog", "ok") for n in ids],
        "result.drive_identity": identity,
        "result.drive_metrics": [
            {"drive_id": drive["drive_id"]} | {name: drive[name] for name in metrics}
            for drive in fleet.drives
        ],
        "result.speed_bands": fleet.speed_bands,
        "result.event_counts": fleet.event_counts,
        "result.tuning": fleet.tuning,
    }
    with writer_lock(path), Writer(path) as writer:
        builders.insert(writer.connection, {name: rows for name, rows in tables.items() if rows})
        writer.publish()
