from __future__ import annotations

import json
import math
from collections import defaultdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from engagement.cli import main
from engagement.errors import InputError, NotFoundError
from engagement.legacy.documents import legacy_document
from engagement.store.reader import Reader

DATA = Path(__file__).parents[1] / "data" / "legacy"
NOT_ROUNDED = {"distance_km_raw", "engaged_distance_km_raw", "time_in_segment_s"}
ONE_DRIVE = "2025-06-01--10-00-00"


def run(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def ingest(database: Path, *logs: Path) -> None:
    profiles = DATA / "config" / "vehicle_profiles.json"
    settings = ["--profile", "i30_mini", "--vehicle-profiles", profiles, "--jobs", 1]
    run("ingest", *logs, *settings, "--db", database)


def export(database: Path, folder: Path) -> dict[str, object]:
    run("export", "legacy", "--out", folder, "--db", database)
    return {path.stem: json.loads(path.read_text()) for path in folder.iterdir()}


def example(name: str) -> list[dict]:
    return json.loads((DATA / f"{name}.json").read_text())


def by_drive(entries: list[dict]) -> dict:
    return {(entry["device_id"], entry["drive"]): entry for entry in entries}


def assert_same(found: object, wanted: object, key: str = "") -> None:
    """Equal to the last digit and in the order of keys; sums that are not rounded nearly so."""
    assert type(found) is type(wanted), key
    if isinstance(wanted, dict):
        assert list(found) == list(wanted)
        for name, value in wanted.items():
            assert_same(found[name], value, name)
    elif key in NOT_ROUNDED:
        assert math.isclose(found, wanted, rel_tol=1e-9), key
    else:
        assert found == wanted, key


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("legacy") / "engagement.duckdb"
    ingest(path, DATA / "rlogs")
    return path


@pytest.fixture(scope="module")
def exported(database, tmp_path_factory):
    return export(database, tmp_path_factory.mktemp("exported"))


def test_every_field_of_the_example_drives_is_exported_as_the_old_system_wrote_it(exported):
    found, wanted = by_drive(exported["engagement_db"]), by_drive(example("engagement_db"))

    assert len(exported["engagement_db"]) == len(wanted)
    assert found.keys() == wanted.keys()
    for key, entry in wanted.items():
        assert_same(found[key], entry)


def test_the_debug_events_of_each_drive_are_exported_as_the_old_system_wrote_them(exported):
    found, wanted = defaultdict(list), defaultdict(list)
    for events, drives in ((exported["debug_events"], found), (example("debug_events"), wanted)):
        for event in events:
            drives[event["drive"]].append(event)

    assert found.keys() == wanted.keys()
    for drive, events in wanted.items():
        assert len(found[drive]) == len(events)
        for event, old in zip(found[drive], events, strict=True):
            assert_same(event, old)


def test_processed_drives_are_the_remote_paths_of_the_ingested_segments(exported):
    folders = {path.parent.name for path in (DATA / "rlogs").glob("*/*/rlog*")}

    assert len(exported["processed_drives"]) == len(folders)
    assert set(exported["processed_drives"]) == {
        f"/data/media/0/realdata/{folder}/rlog.bz2" for folder in folders
    }


def test_engagement_stats_have_both_times_of_every_drive(exported):
    assert exported["engagement_stats"] == {
        "offline": {
            entry["drive"]: {key: entry[key] for key in ("total_time", "active_time")}
            for entry in example("engagement_db")
        }
    }


def test_what_was_exported_can_be_imported_and_exported_again_without_a_change(exported, tmp_path):
    old = [DATA / "engagement_db.json", DATA / "debug_events.json"]
    database = tmp_path / "imported.duckdb"

    run("import", *old, "--db", database)
    again = export(database, tmp_path / "again")

    assert again["debug_events"] == exported["debug_events"]
    assert again["engagement_db"] == exported["engagement_db"]
    assert again["engagement_stats"] == exported["engagement_stats"]
    assert again["processed_drives"] == []


def test_imported_drives_and_events_give_way_to_the_logs(exported, tmp_path):
    stale = [entry | {"total_time": 1, "host": "car"} for entry in example("engagement_db")]
    events = [event | {"reason": "an old one"} for event in example("debug_events")]
    for name, entries in (("engagement_db", stale), ("debug_events", events)):
        (tmp_path / f"{name}.json").write_text(json.dumps(entries))
    database = tmp_path / "engagement.duckdb"

    run("import", tmp_path / "engagement_db.json", tmp_path / "debug_events.json", "--db", database)
    ingest(database, *DATA.glob(f"rlogs/89efcdab/{ONE_DRIVE}--*"))
    found = by_drive(export(database, tmp_path / "out")["engagement_db"])
    with Reader(database) as reader:
        is_imported = {
            row["drive"]: row["is_imported"]
            for row in reader.rows("select drive, is_imported from drives")
        }
        reasons = reader.rows(
            "select device_id, drive, reason from legacy_debug_events where is_imported"
        )

    assert is_imported == {drive: drive != ONE_DRIVE for _, drive in found}
    ingested = by_drive(exported["engagement_db"])["89efcdab", ONE_DRIVE]
    assert found.pop(("89efcdab", ONE_DRIVE)) == ingested
    assert {entry["total_time"] for entry in found.values()} == {1}
    assert len(reasons) == sum(event["drive"] != ONE_DRIVE for event in events)


def test_an_import_after_the_logs_is_hidden_by_them(database, exported, tmp_path):
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(database.read_bytes())
    stale = [entry | {"total_time": 1} for entry in example("engagement_db")]
    (tmp_path / "old.json").write_text(json.dumps(stale))

    said = run("import", tmp_path / "old.json", DATA / "debug_events.json", "--db", copy)

    assert "4 drives hidden by ingested logs" in said
    assert export(copy, tmp_path / "out") == exported


def test_one_device_is_exported_alone_and_found_by_the_start_of_its_name(database, exported):
    with Reader(database) as reader:
        entries = legacy_document(reader, "engagement_db.json", device="89EF")
        events = legacy_document(reader, "debug_events.json", device="89efcdab")
        paths = legacy_document(reader, "processed_drives.json", device="89efcdab")
        stats = legacy_document(reader, "engagement_stats.json", device="89efcdab")

    assert entries == [e for e in exported["engagement_db"] if e["device_id"] == "89efcdab"]
    assert events == [e for e in exported["debug_events"] if "/89efcdab/" in e["rlog_path"]]
    assert len(paths) == len(list((DATA / "rlogs" / "89efcdab").iterdir()))
    assert len(stats["offline"]) == len(entries)


def test_an_unknown_device_an_ambiguous_one_and_an_unknown_file_are_refused(database):
    with Reader(database) as reader:
        with pytest.raises(NotFoundError, match="no device '77'; there is 0123abcd, 89efcdab"):
            legacy_document(reader, "engagement_db.json", device="77")
        with pytest.raises(InputError, match="the start of 0123abcd, 89efcdab"):
            legacy_document(reader, "engagement_db.json", device="")
        with pytest.raises(NotFoundError, match=r"did you mean 'engagement_db.json'"):
            legacy_document(reader, "engagement.json")
