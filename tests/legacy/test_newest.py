"""Entries of schema version 3, imported, and written without what the old system could not see."""

from __future__ import annotations

import json

import pytest

from engagement.legacy.imports import import_files
from engagement.legacy.newest import newest_entry
from engagement.store.reader import Reader
from tests import builders

BUCKET = {
    "label": "City", "min_speed_mps": 0.5, "max_speed_mps": 15.25, "time_ns": 6_000_000_001,
    "engaged_time_ns": 5_000_000_002, "drive_time_ns": 4_000_000_003,
    "engaged_drive_time_ns": 3_000_000_004, "time_min": 0.11, "engaged_time_min": 0.12,
    "distance_km_raw": 0.123456, "engaged_distance_km_raw": 0.023456, "distance_km": 0.124,
    "engaged_distance_km": 0.024, "engagement_pct": 83.31, "drive_time_engagement_pct": 75.01,
    "distance_engagement_pct": 19.02, "steer_intervention_count": 7,
    "steer_interventions_per_100km": 5670.03, "raw_disengagement_count": 3,
    "disengagement_count": 2, "disengagements_per_100km": 1620.04,
    "disengagements_per_drive_hour": 1799.05, "manual_shutdown_removed": 1,
    "intervention_count": 8, "interventions_per_100km": 1620.06,
}  # fmt: skip
NEW = {
    "schema_version": 3, "host": "device", "device_id": "0123456789abcdef",
    "drive": "00000489--d20ab4f43f", "recorded_at": "2026-09-03T06:12:44.250000+00:00",
    "segment_count": 21, "vehicle_profile": "hyundai_i30_2014", "car_name": "I30",
    "total_time": 1254000000000, "active_time": 801000000000, "engagement_pct": 63.88,
    "odo_distance": 17.412, "engaged_distance": 13.905, "engagement_pct_odo": 79.86,
    "distance_source": "odometer", "steer_intervention_count": 3, "raw_disengagement_count": 5,
    "disengagement_count": 4, "disengagements_per_100km": 22.97,
    "disengagement_corrections": {
        "version": 1, "raw_count": 5, "corrected_count": 4, "manual_shutdown_removed": 1
    },
    "speed_bucket_version": 1,
    "speed_buckets": {"city": BUCKET, "highway": {"time_ns": 9}},
    "steering_mode": "trqi_tq_delta", "git_dirty": False,
    "generated_at": "2026-09-03T06:40:02+00:00",
}  # fmt: skip


def test_where_the_flag_is_dead_the_exact_entry_has_nothing_engaged():
    drive = dict.fromkeys(
        ("device_id", "drive", "vehicle_profile", "car_fingerprint", "openpilot_longitudinal",
         "version", "git_branch", "git_commit", "git_dirty", "device_type", "wall_time_ns")
    ) | {
        "segment_count": 1, "total_time": 90, "active_time": 50, "has_odometer": True,
        "distance_km": 2.0, "engaged_distance_km": 1.0, "total_state_changes": 3, "is_dead": True,
        "ingested_at_utc": builders.INGESTED_AT,
    }  # fmt: skip
    road = BUCKET | {"time_ns": 60, "drive_time_ns": 60, "disengagement_count": 1}
    empty = dict.fromkeys(BUCKET, 0) | {"engagement_pct": None}
    buckets = [
        {"bucket": "city", **empty},
        {"bucket": "road", **road},
        {"bucket": "highway", **empty},
    ]

    meant = newest_entry(drive, buckets)
    exact = newest_entry(drive, buckets, is_dead=True)

    assert (meant["active_time"], meant["disengagement_count"]) == (50, 1)
    assert (exact["total_time"], exact["odo_distance"], exact["drive_time"]) == (90, 2.0, 60)
    for entry in (exact, exact["speed_buckets"]["road"]):
        engaged = {key: value for key, value in entry.items() if "engage" in key or "steer" in key}
        engaged.pop("steer_intervention_source", None), engaged.pop("steering_mode", None)
        engaged.pop("disengagement_corrections", None)
        assert set(engaged.values()) == {0}
    assert exact["speed_buckets"]["city"]["engagement_pct"] is None
    assert set(exact["disengagement_corrections"].values()) == {0, 1}


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """A new entry, and a version 2 that only has its corrections."""
    folder = tmp_path_factory.mktemp("newest")
    second = {
        "schema_version": 2, "device_id": NEW["device_id"], "drive": "2026-09-04--10-00-00",
        "recorded_at": "2026-09-04T10:00:00+02:00", "raw_disengagement_count": 3,
        "disengagement_corrections": {"manual_shutdown_removed": 1}, "total_time": 5,
    }  # fmt: skip
    (folder / "new.json").write_text(json.dumps([NEW, second]))
    report = import_files(folder / "engagement.duckdb", [folder / "new.json"])
    assert report.n_drives_written == 2
    return folder, [NEW, second]


def test_times_with_fractions_and_offsets_are_times_of_a_clock(imported):
    with Reader(imported[0] / "engagement.duckdb") as reader:
        first, second = reader.rows(
            "select started_at_utc::varchar as utc, started_at_local::varchar as local_time,"
            " clock_source, car_fingerprint from drives order by drive_id"
        )
    assert first == {
        "utc": "2026-09-03 06:12:44.25",
        "local_time": None,
        "clock_source": "init_data",
        "car_fingerprint": "I30",
    }
    assert (second["utc"], second["local_time"]) == ("2026-09-04 08:00:00", "2026-09-04 10:00:00")


def test_disengagements_and_corrections_are_counted(imported):
    with Reader(imported[0] / "engagement.duckdb") as reader:
        rows = reader.rows("from legacy_engagement_db order by drive_id")
        counts = reader.rows(
            "select n_events from legacy_counts where event = 'legacy_disengagement' "
            "order by drive_id"
        )
    assert [row["intervention_count"] for row in rows] == [4, 2]
    assert [row["interventions_per_100km"] for row in rows] == [22.97, None]
    assert [row["n_events"] for row in counts] == [4, 2]
    for name in set(NEW) & set(rows[0]) - {"recorded_at", "device_id", "drive"}:
        assert rows[0][name] == NEW[name], name
    corrections = {
        name: rows[0][f"corrections_{name}"] for name in ("version", "raw_count", "corrected_count")
    } | {"manual_shutdown_removed": rows[0]["manual_shutdown_removed"]}
    assert corrections == NEW["disengagement_corrections"]
    assert (rows[1]["corrections_raw_count"], rows[1]["manual_shutdown_removed"]) == (None, 1)


def test_every_field_of_a_speed_bucket_is_a_column(imported):
    with Reader(imported[0] / "engagement.duckdb") as reader:
        city, highway = reader.rows("from legacy_speed_buckets order by drive_id, bucket")
        comments = reader.comments("legacy_speed_buckets")
    keys = {"drive_id", "device_id", "drive", "is_imported", "bucket"}
    assert set(city) == set(comments) == keys | set(BUCKET)
    assert city["device_id"] == NEW["device_id"]
    assert {name: city[name] for name in BUCKET} == BUCKET
    known = {name: highway[name] for name in BUCKET if highway[name] is not None}
    assert (highway["bucket"], known) == ("highway", {"time_ns": 9})


def test_every_field_of_a_new_entry_is_kept_or_refused_by_its_type(imported, tmp_path):
    folder, entries = imported
    with Reader(folder / "engagement.duckdb") as reader:
        stored = reader.rows("select entry::varchar as entry from staging.imported_drives")
    assert sorted(json.loads(row["entry"])["drive"] for row in stored) == sorted(
        entry["drive"] for entry in entries
    )
    assert json.loads(stored[0]["entry"]) in entries
    bad = NEW | {"disengagement_corrections": {"raw_count": "many"}}
    (tmp_path / "bad.json").write_text(json.dumps([bad]))
    [problem] = import_files(tmp_path / "bad.duckdb", [tmp_path / "bad.json"]).problems
    assert "disengagement_corrections.raw_count" in problem.problem
