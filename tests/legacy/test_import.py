from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.errors import ConfigError
from engagement.legacy.documents import LEGACY_FILES, legacy_document
from engagement.legacy.imports import import_files
from engagement.legacy.json_files import read_legacy_file
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.imported_entries import OldDrive, import_entries
from engagement.store.reader import Reader
from tests.builders import _segment_row, insert

DATA = Path(__file__).parents[1] / "data" / "legacy"
EXAMPLES = [
    json.loads((DATA / f"{kind}.json").read_text()) for kind in ("engagement_db", "debug_events")
]

DRIVE = {"device_id": "0123abcd", "drive": "2025-07-30--08-00-00", "total_time": 5}
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
    max_leaves=6,
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An empty database to copy, which is quicker than making one."""
    path = tmp_path_factory.mktemp("empty") / "engagement.duckdb"
    with writer_lock(path), Writer(path) as writer:
        writer.publish()
    return path


@pytest.fixture
def database(empty, tmp_path):
    return Path(shutil.copy(empty, tmp_path / "engagement.duckdb"))


def write(path: Path, document: object) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def exported(database: Path, name: str = "engagement_db.json") -> object:
    with Reader(database) as reader:
        return legacy_document(reader, name)


def test_an_entry_comes_back_as_it_was_with_keys_that_nothing_knows(database, tmp_path):
    drive = DRIVE | {"note": {"by": ["me", 10**30]}, "speed_buckets": {"city": {"more": 1.5}}}

    import_files(database, [write(tmp_path / "old.json", [drive])])

    assert exported(database) == [drive]
    assert list(exported(database)[0]) == list(drive)


def test_the_view_has_the_values_of_an_imported_entry_and_null_for_what_it_lacks(
    database, tmp_path
):
    buckets = {"city": {"time_ns": 7, "distance_km_raw": 0.7421064819186751}, "moon": {}}
    drive = DRIVE | {"openpilot_longitudinal": True, "deviceType": "neo", "speed_buckets": buckets}

    import_files(database, [write(tmp_path / "old.json", [drive])])

    with Reader(database) as reader:
        (row,) = reader.rows("select * from legacy_engagement_db")
    known = {key: value for key, value in row.items() if value is not None}
    assert known == {
        "drive_id": 1,
        "device_id": "0123abcd",
        "host": "offline",
        "drive": "2025-07-30--08-00-00",
        "is_imported": True,
        "total_time": 5,
        "openpilot_longitudinal": True,
        "device_type": "neo",
        "city_time_ns": 7,
        "city_distance_km_raw": 0.7421064819186751,
    }


def test_importing_again_changes_nothing_and_publishes_nothing(database, tmp_path):
    files = [write(tmp_path / "db.json", [DRIVE]), write(tmp_path / "events.json", [EVENT])]

    first = import_files(database, files)
    published = database.read_bytes()
    second = import_files(database, files)

    assert (first.n_drives_written, first.n_events_written) == (1, 1)
    assert (second.n_drives, second.n_events) == (1, 1)
    assert (second.n_drives_written, second.n_events_written) == (0, 0)
    assert database.read_bytes() == published


def test_the_entry_imported_last_is_the_one_that_counts(database, tmp_path):
    newer = DRIVE | {"total_time": 9}

    report = import_files(
        database, [write(tmp_path / "a.json", [DRIVE]), write(tmp_path / "b.json", [newer, newer])]
    )
    assert (report.n_files, report.n_drives, report.n_duplicates) == (2, 1, 2)
    assert exported(database) == [newer]

    report = import_files(database, [tmp_path / "a.json"])
    assert report.n_drives_written == 1
    assert exported(database) == [DRIVE]


def test_events_repeated_in_one_file_or_in_several_are_one_event_each(database, tmp_path):
    later = EVENT | {"time_in_segment_s": 4}
    files = [
        write(tmp_path / "a.json", [EVENT, EVENT, later]),
        write(tmp_path / "b.json", [later, EVENT]),
    ]

    first = import_files(database, files[:1])
    both = import_files(database, files)

    assert (first.n_events, first.n_duplicates) == (2, 1)
    assert (both.n_events, both.n_duplicates, both.n_events_written) == (2, 3, 0)
    assert exported(database, "debug_events.json") == [EVENT, later]


def test_events_are_in_the_order_of_segments_then_of_the_file(database, tmp_path):
    folder = "./rlogs/0123ABCD/2025-07-30--08-00-00--{}/rlog"
    events = [
        EVENT | {"rlog_path": folder.format(number), "time_in_segment_s": time_s}
        for number, time_s in ((10, 1.0), (2, 900.0), (2, 3.0))
    ]
    nowhere = EVENT | {"rlog_path": "rlog.bz2"}

    import_files(database, [write(tmp_path / "events.json", [*events, nowhere])])

    with Reader(database) as reader:
        rows = reader.rows(
            "select device_id, event_num, segment_num, time_in_segment_s "
            "from legacy_debug_events order by device_id, event_num"
        )
    assert [tuple(row.values()) for row in rows] == [
        ("0123abcd", 1, 2, 900.0),
        ("0123abcd", 2, 2, 3.0),
        ("0123abcd", 3, 10, 1.0),
        (None, 1, None, 3.25),
    ]
    assert exported(database, "debug_events.json") == [*events[1:], events[0], nowhere]


def test_a_device_in_capitals_is_the_device_of_its_logs(database, tmp_path):
    import_files(database, [write(tmp_path / "db.json", [DRIVE | {"device_id": "0123ABCD"}])])

    with Reader(database) as reader:
        assert reader.rows("select device_id from legacy_engagement_db") == [
            {"device_id": "0123abcd"}
        ]
    assert exported(database)[0]["device_id"] == "0123ABCD"


def test_a_bad_file_is_reported_by_name_and_the_others_are_imported(database, tmp_path):
    bad = write(tmp_path / "bad.json", [DRIVE, {"drive": "x"}])
    files = [bad, tmp_path / "gone.json", tmp_path, write(tmp_path / "good.json", [DRIVE])]

    report = import_files(database, files)

    assert [problem.path for problem in report.problems] == [str(path) for path in files[:3]]
    assert report.problems[0].problem == "entry 2: Object missing required field `device_id`"
    assert report.problems[1].problem == "No such file or directory"
    assert report.n_files == 1
    assert exported(database) == [DRIVE]


def test_without_a_file_that_can_be_read_no_database_is_made(tmp_path):
    report = import_files(tmp_path / "new.duckdb", [write(tmp_path / "bad.json", "[")])

    assert len(report.problems) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.json"]


def test_an_entry_that_is_nested_too_deeply_to_be_written_again_is_refused(database, tmp_path):
    deep = "[" * 60 + "]" * 60

    report = import_files(
        database, [write(tmp_path / "db.json", json.dumps([DRIVE])[:-2] + f', "x": {deep}}}]')]
    )

    assert "nested too deeply" in report.problems[0].problem
    assert exported(database) == []


def test_every_drive_is_computed_anew_where_the_definitions_have_changed(database):
    with writer_lock(database), Writer(database) as writer:
        writer.connection.execute("update store.state set sql_hash = 'another'")
        writer.publish()

    import_entries(database, [OldDrive("0123abcd", "a", "{}", "db.json")], [])

    with Reader(database) as reader:
        assert reader.rows("select sql_hash = 'another' as is_old from store.state") == [
            {"is_old": False}
        ]
        assert reader.rows("select count(*) as n from drives") == [{"n": 1}]


@st.composite
def mutated_files(draw) -> list[object]:
    """One of the example files with some values, keys or entries changed to anything."""
    entries = json.loads(json.dumps(draw(st.sampled_from(EXAMPLES))))[:3]
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(entries) - 1))
        holder = entries[place]
        if isinstance(holder, dict) and holder:
            inner = [value for value in holder.values() if isinstance(value, dict) and value]
            target = draw(st.sampled_from([holder, *inner]))
            key = draw(st.sampled_from(sorted(target)) | st.text(max_size=5))
            target[key] = draw(JSON_VALUES)
        if draw(st.booleans()):
            entries.append(entries[place])
    return entries


def without_unknown_keys(event: dict) -> dict:
    return {key: event[key] for key in EVENT} | {
        "time_in_segment_s": float(event["time_in_segment_s"])
    }


@settings(
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(document=mutated_files())
def test_a_mutated_file_is_refused_or_comes_back_as_it_was(document, empty, tmp_path):
    database = Path(shutil.copy(empty, tmp_path / "engagement.duckdb"))
    path = write(tmp_path / "old.json", document)

    report = import_files(database, [path])

    try:
        kind, entries = read_legacy_file(path)
    except ConfigError:
        assert len(report.problems) == 1
        kind, entries = "engagement_db", []
    with Reader(database) as reader:
        documents = {name: legacy_document(reader, name) for name in LEGACY_FILES}
        drives = reader.rows("select * from legacy_engagement_db")
    is_of_drives = kind == "engagement_db"
    wanted = entries if is_of_drives else [without_unknown_keys(entry) for entry in entries]
    found = documents[f"{kind}.json"]
    assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, wanted))
    assert len(drives) == (len(entries) if is_of_drives else 0)


@settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(place=st.integers(0), junk=st.binary(max_size=4))
def test_bytes_of_a_file_changed_anywhere_are_refused_or_imported(place, junk, empty, tmp_path):
    text = (DATA / "engagement_db.json").read_bytes()[:3400]
    text = text[: text.rindex(b"  },")] + b"  }]"
    place %= len(text)
    (tmp_path / "old.json").write_bytes(text[:place] + junk + text[place + len(junk) :])
    database = Path(shutil.copy(empty, tmp_path / "engagement.duckdb"))

    report = import_files(database, [tmp_path / "old.json"])

    assert len(exported(database)) == report.n_drives
    assert report.n_files + len(report.problems) == 1


@pytest.mark.parametrize(("status", "n_hidden"), [("ok", 1), ("failed", 0)])
def test_a_log_that_could_not_be_read_hides_no_entry(database, status, n_hidden):
    entries = [OldDrive("0123abcd", DRIVE["drive"], json.dumps(DRIVE), "old.json")]
    import_entries(database, entries, [])
    with writer_lock(database), Writer(database) as writer:
        [(drive_id,)] = writer.connection.execute("select drive_id from log.drive").fetchall()
        insert(writer.connection, {"segment": [_segment_row(drive_id, 0, "rlog", status)]})
        writer.publish()
    assert import_entries(database, entries, []).n_drives_superseded == n_hidden
