"""What schema version 3 counts of ingested drives, against its oracle."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from engagement.legacy.newest import newest_entries
from engagement.store import results
from tests import builders
from tests.computing import rows
from tests.oracles import legacy_drives, legacy_newest, legacy_tables
from tests.oracles.legacy_messages import CarState, Drive

if TYPE_CHECKING:
    import duckdb

BUCKET_FIELDS = {
    "label", "min_speed_mps", "max_speed_mps", "time_ns", "engaged_time_ns", "drive_time_ns",
    "engaged_drive_time_ns", "time_min", "engaged_time_min", "distance_km_raw",
    "engaged_distance_km_raw", "distance_km", "engaged_distance_km", "engagement_pct",
    "drive_time_engagement_pct", "distance_engagement_pct", "steer_intervention_count",
    "steer_interventions_per_100km", "raw_disengagement_count", "disengagement_count",
    "disengagements_per_100km", "disengagements_per_drive_hour", "manual_shutdown_removed",
}  # fmt: skip


class OpenReader:
    """Rows of a connection, as a reader gives them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, query: str) -> list[dict[str, Any]]:
        return rows(self._connection, query)


def with_presses(drive: Drive, rng: Random) -> Drive:
    """The drive with hands on the wheel now and then."""
    segments = [
        replace(
            segment,
            messages=tuple(
                replace(message, is_pressed=rng.random() < 0.5)
                if isinstance(message, CarState)
                else message
                for message in segment.messages
            ),
        )
        for segment in drive.segments
    ]
    return replace(drive, segments=tuple(segments))


def test_sums_by_bucket_are_the_oracles(connection):
    drives = [
        with_presses(legacy_drives.random_drive(Random(seed)), Random(seed)) for seed in range(15)
    ]
    tables = [legacy_tables.drive_rows(drive, number) for number, drive in enumerate(drives, 1)]
    builders.insert(connection, builders.merge(tables))
    results.refresh(connection, range(1, 16))

    entries = newest_entries(OpenReader(connection), range(1, 16))  # type: ignore[arg-type]

    query = "select drive_id, intervention_count from legacy_engagement_db"
    of_older = {row["drive_id"]: row["intervention_count"] for row in rows(connection, query)}
    n_presses = n_removed = 0
    for drive, (drive_id, entry) in zip(drives, entries.items(), strict=True):
        world = legacy_newest.compute(drive)
        for key, bucket in entry["speed_buckets"].items():
            assert set(bucket) == BUCKET_FIELDS
            wanted = world.sums[key]
            for name in ("time_ns", "drive_time_ns"):
                for of in ("", "engaged_"):
                    assert bucket[of + name] == wanted[of + name], (key, of + name)
            for name in ("distance_km", "engaged_distance_km"):
                assert bucket[f"{name}_raw"] == pytest.approx(wanted[name], abs=1e-6)
            assert bucket["steer_intervention_count"] == wanted["steer_intervention_count"]
            assert bucket["raw_disengagement_count"] == world.ends.count(key)
            assert_ratios(bucket)
        is_removed = bool(world.ends) and not world.is_active
        assert entry["active_time"] == world.active_time
        assert entry["total_state_changes"] == world.n_flips
        assert entry["disengagement_corrections"] == {
            "version": 1,
            "raw_count": len(world.ends),
            "corrected_count": len(world.ends) - is_removed,
            "manual_shutdown_removed": is_removed,
        }
        for name, is_engaged in (("odo_distance", False), ("engaged_distance", True)):
            km = legacy_newest.odometer_km(world, engaged=is_engaged)
            if km is None:
                assert entry["distance_source"] == "integrated_v_ego"
                found = [b[f"{name.replace('odo_', '')}_km_raw"] for b in buckets_of(entry)]
                assert entry[name] == pytest.approx(sum(found), abs=1e-3)
            else:
                assert entry["distance_source"] == "odometer"
                assert entry[name] == pytest.approx(km, abs=1e-3)
        n_presses += entry["steer_intervention_count"]
        n_removed += is_removed
        # an end that is followed by no start is what the older version did not count
        assert entry["disengagement_count"] == of_older[drive_id]
    assert n_presses > 10
    assert n_removed


def assert_ratios(bucket: dict[str, Any]) -> None:
    """A bucket's roundings are Python's."""

    def percentage(part: float, whole: float) -> float | None:
        return round(part / whole * 100, 2) if whole else None

    n_ends, drive_ns = bucket["disengagement_count"], bucket["drive_time_ns"]
    assert n_ends == bucket["raw_disengagement_count"] - bucket["manual_shutdown_removed"]
    assert bucket["time_min"] == round(bucket["time_ns"] / 1e9 / 60, 2)
    assert bucket["distance_km"] == pytest.approx(bucket["distance_km_raw"], abs=5.1e-4)
    of_time = percentage(bucket["engaged_time_ns"], bucket["time_ns"])
    of_drive_time = percentage(bucket["engaged_drive_time_ns"], drive_ns)
    assert bucket["engagement_pct"] == of_time
    assert bucket["drive_time_engagement_pct"] == of_drive_time
    per_hour = round(n_ends / drive_ns * 3.6e12, 2) if drive_ns else None
    assert bucket["disengagements_per_drive_hour"] == per_hour


def buckets_of(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return list(entry["speed_buckets"].values())
