from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.errors import ConfigError
from engagement.legacy import json_files

DATA = Path(__file__).parents[1] / "data" / "legacy"

DRIVE = {"device_id": "0123abcd", "drive": "2025-07-30--08-00-00"}
EVENT = {
    "drive": "2025-07-30--08-00-00",
    "rlog_path": "./rlogs/0123abcd/2025-07-30--08-00-00--2/rlog.bz2",
    "event_type": "steer_intervention",
    "time_in_segment_s": 3.25,
    "reason": "Steering intervention detected (diff: 1.51)",
}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def write(path: Path, document: object) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def flat_row(entry: dict) -> dict:
    """The row of the view that an entry is made of."""
    row = {key: value for key, value in entry.items() if key != "speed_buckets"}
    for name in ("version", "git_branch", "git_commit"):
        row.setdefault(name, None)
    for key, bucket in entry["speed_buckets"].items():
        row |= {f"{key}_{name}": value for name, value in bucket.items()}
    return row


@pytest.mark.parametrize("kind", ["engagement_db", "debug_events"])
def test_example_files_survive_reading_and_writing_byte_for_byte(kind, tmp_path):
    found, entries = json_files.read_legacy_file(DATA / f"{kind}.json")

    json_files.write_json_atomically(tmp_path / "out.json", entries)

    assert found == kind
    assert (tmp_path / "out.json").read_bytes() == (DATA / f"{kind}.json").read_bytes()


def test_entries_built_from_rows_are_those_of_the_example(tmp_path):
    expected = json.loads((DATA / "engagement_db.json").read_text())

    entries = [json_files.engagement_db_entry(flat_row(entry)) for entry in expected]

    json_files.write_json_atomically(tmp_path / "out.json", entries)
    assert (tmp_path / "out.json").read_bytes() == (DATA / "engagement_db.json").read_bytes()


def test_unknown_metadata_is_left_out_and_an_unknown_device_type_is_null():
    example = json.loads((DATA / "engagement_db.json").read_text())[0]
    unknown = dict.fromkeys(("version", "git_branch", "git_commit", "device_type"))

    entry = json_files.engagement_db_entry(flat_row(example) | unknown)

    assert entry["device_type"] is None
    assert list(entry)[-1] == "recorded_at"


def test_a_number_that_json_cannot_hold_is_written_as_null():
    example = json.loads((DATA / "engagement_db.json").read_text())[0]

    entry = json_files.engagement_db_entry(
        flat_row(example) | {"city_distance_km_raw": float("nan"), "odo_distance": float("inf")}
    )

    assert entry["speed_buckets"]["city"]["distance_km_raw"] is None
    assert entry["odo_distance"] is None


def test_debug_event_takes_its_keys_in_the_old_order():
    row = {"drive_id": 7, **dict(reversed(EVENT.items()))}

    assert list(json_files.debug_event(row).items()) == list(EVENT.items())


def test_processed_drives_name_each_folder_once():
    rows = [{"drive": "a", "segment_num": 0}, {"drive": "a", "segment_num": 10}] * 2

    assert json_files.processed_drives(rows) == [
        "/data/media/0/realdata/a--0/rlog.bz2",
        "/data/media/0/realdata/a--10/rlog.bz2",
    ]


def test_engagement_stats_group_drives_by_host():
    rows = [
        {"host": "h", "drive": "a", "total_time": 5, "active_time": 2, "other": 1},
        {"host": "g", "drive": "a", "total_time": 1, "active_time": 0},
        {"host": "h", "drive": "b", "total_time": 3, "active_time": 3},
    ]

    assert json_files.engagement_stats(rows) == {
        "h": {
            "a": {"total_time": 5, "active_time": 2},
            "b": {"total_time": 3, "active_time": 3},
        },
        "g": {"a": {"total_time": 1, "active_time": 0}},
    }


def test_the_last_entry_of_a_drive_counts(tmp_path):
    path = write(
        tmp_path / "db.json",
        [
            DRIVE | {"total_time": 1},
            DRIVE | {"device_id": "other", "total_time": 2},
            DRIVE | {"total_time": 3},
        ],
    )

    assert [drive["total_time"] for drive in json_files.read_engagement_db(path)] == [3, 2]


def test_an_event_appended_again_counts_once_and_a_different_one_is_another(tmp_path):
    later = EVENT | {"time_in_segment_s": 3.5}
    path = write(tmp_path / "events.json", [EVENT, later, EVENT | {"seen": 2}, later])

    assert json_files.read_debug_events(path) == [EVENT, later]


def test_unknown_keys_are_kept(tmp_path):
    drive = DRIVE | {"note": {"by": ["me"]}, "speed_buckets": {"city": {"label": "x", "more": 1}}}

    assert json_files.read_engagement_db(write(tmp_path / "db.json", [drive])) == [drive]


def test_an_empty_list_is_a_database_without_drives(tmp_path):
    assert json_files.read_legacy_file(write(tmp_path / "db.json", [])) == ("engagement_db", [])


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "not JSON that can be read"),
        ("[1, 2", "not JSON that can be read"),
        ("[" * 100_000, "nested too deeply"),
        ("[1e999]", "not JSON that can be read"),
        ("[NaN]", "not JSON that can be read"),
        ({"offline": {}}, "a list of entries is expected"),
        (["/data/media/0/realdata/a--0/rlog.bz2"], "entry 1: neither a drive"),
        ([{"total_time": 1}], "entry 1: neither a drive"),
        ([DRIVE, 3], "entry 2: Expected `object`, got `int`"),
        ([DRIVE, {"drive": "x"}], "entry 2: Object missing required field `device_id`"),
        ([DRIVE, DRIVE | {"total_time": "9"}], "entry 2, key 'total_time': Expected `int"),
        ([DRIVE | {"total_time": 2**63}], "entry 1, key 'total_time': Expected `int` <="),
        ([DRIVE | {"total_time": True}], "entry 1, key 'total_time'"),
        ([DRIVE | {"odo_distance": [1]}], "entry 1, key 'odo_distance'"),
        ([DRIVE | {"drive": ""}], "entry 1, key 'drive'"),
        ([DRIVE | {"speed_buckets": {"city": {"time_ns": {}}}}], "speed_buckets[...].time_ns"),
        ([EVENT, EVENT | {"time_in_segment_s": "x"}], "entry 2, key 'time_in_segment_s'"),
        ([EVENT, DRIVE], "entry 2: Object missing required field `rlog_path`"),
    ],
)
def test_a_malformed_file_is_named_with_entry_and_key(document, message, tmp_path):
    path = write(tmp_path / "old.json", document)

    with pytest.raises(ConfigError) as caught:
        json_files.read_legacy_file(path)

    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_bytes_that_are_no_text_are_a_config_error(tmp_path):
    path = tmp_path / "old.json"
    path.write_bytes(b'["\xff"]')

    with pytest.raises(ConfigError, match="not JSON"):
        json_files.read_legacy_file(path)


@settings(deadline=None, max_examples=100)
@given(
    document=st.lists(
        JSON_VALUES
        | st.fixed_dictionaries(
            {"device_id": JSON_VALUES, "drive": JSON_VALUES, "total_time": JSON_VALUES}
        )
        | st.fixed_dictionaries(dict.fromkeys(EVENT, JSON_VALUES)),
        max_size=3,
    )
)
def test_any_json_is_read_or_refused_as_a_config_error(document, tmp_path_factory):
    path = write(tmp_path_factory.getbasetemp() / "any.json", document)

    try:
        kind, entries = json_files.read_legacy_file(path)
    except ConfigError:
        return

    assert kind in {"engagement_db", "debug_events"}
    assert all(entry in document for entry in entries)


def test_writing_replaces_the_file_behind_a_link_and_keeps_its_permissions(tmp_path):
    target = write(tmp_path / "real.json", "old")
    target.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(target)

    json_files.write_json_atomically(link, [1])

    assert link.is_symlink()
    assert target.read_text() == "[\n  1\n]"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "real.json"]


def test_a_document_that_cannot_be_written_leaves_the_old_file(tmp_path):
    target = write(tmp_path / "db.json", "old")

    with pytest.raises(TypeError):
        json_files.write_json_atomically(target, [object()])

    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["db.json"]


def test_a_failed_replacement_leaves_the_old_file_alone(tmp_path, monkeypatch):
    target = write(tmp_path / "db.json", "old")

    def fail(*_):
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        json_files.write_json_atomically(target, [1])

    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["db.json"]
