"""Ingest again, in parts, in any order: the database says what the logs say, no work is wasted."""

from __future__ import annotations

import os
from random import Random

import duckdb
import pytest

from engagement.errors import ConfigError
from engagement.extract.segment import ReadOptions
from engagement.store import decoding, ingest_run
from engagement.store.ingestion import recompute
from tests.store.small_logs import ONE, OTHER, Drive, content, write
from tests.store.stores import Store, differences


def execute(store, statement):
    with duckdb.connect(str(store.database)) as connection:
        connection.execute(statement)


def poison(store, drive):
    """Change a result, so that computing it anew shows."""
    execute(
        store,
        "update result.drive_metrics set engaged_s = -1 where drive_id = "
        f"(select drive_id from log.drive where drive = '{drive.name}')",
    )


def engaged_s(store):
    rows = store.rows("select drive, engaged_s from drives")
    return {row["drive"]: row["engaged_s"] for row in rows}


def test_a_second_ingest_writes_nothing(store):
    for number in range(2):
        write(store.logs, ONE, number)
    first = store.ingest()
    before = store.state()

    again = store.ingest()

    assert (first.n_ingested, first.n_unchanged) == (2, 0)
    assert (again.n_ingested, again.n_unchanged, again.to_read) == (0, 2, [])
    assert store.state() == before


def test_logs_that_cannot_be_read_are_told_again_but_write_nothing(store):
    write(store.logs, ONE, 0, "qlog")
    garbage = store.logs / ONE.path(0)
    garbage.write_bytes(b"no log")
    nameless = store.logs / "rlog"
    nameless.write_bytes(b"no log either")
    first = store.ingest()
    before = store.state()

    again = store.ingest()

    for report in (first, again):
        assert {problem.path for problem in report.problems} == {str(garbage), str(nameless)}
        assert report.n_failed == 2
    assert store.state() == before


def test_neither_order_nor_number_of_processes_changes_what_the_views_say(
    store, tmp_path, empty_database, monkeypatch
):
    paths = [write(store.logs, ONE, number) for number in range(2)]
    paths += [write(store.logs, ONE, 1, "qlog"), write(store.logs, OTHER, 0, codec="zst")]
    store.ingest()
    expected = store.views()
    shuffled = Store(tmp_path / "shuffled")
    shuffled.folder.mkdir()
    shuffled.copy_of(empty_database)
    for path in Random(5).sample(paths, len(paths)):
        shuffled.ingest(path)
    assert differences(shuffled.views(), expected) == []
    assert len(expected["segments"]) == 3

    monkeypatch.setattr(decoding, "_WORTH_PROCESSES_BYTES", 0)
    shuffled.copy_of(empty_database)
    shuffled.ingest(store.logs, jobs=2)
    assert differences(shuffled.views(), expected) == []


def test_a_changed_file_replaces_just_its_segment(store, tmp_path, empty_database):
    for number in range(2):
        write(store.logs, ONE, number)
    store.ingest()
    times = store.segments("segment_num, ingested_at_utc")
    changed = store.logs / ONE.path(1)
    changed.write_bytes(content(Drive(shift_s=2.0), 1))

    report = store.ingest()

    assert (report.n_ingested, report.n_unchanged) == (1, 1)
    (_, before), (_, changed_before) = times
    (_, after), (_, changed_after) = store.segments("segment_num, ingested_at_utc")
    assert before == after
    assert changed_before < changed_after
    fresh = Store(tmp_path / "fresh")
    fresh.folder.mkdir()
    fresh.copy_of(empty_database)
    fresh.ingest(store.logs)
    assert differences(store.views(), fresh.views()) == []


def test_a_late_segment_recomputes_only_its_drive(begun):
    poison(begun, ONE)
    poison(begun, OTHER)
    write(begun.logs, ONE, 1)

    begun.ingest()

    assert engaged_s(begun) == {ONE.name: pytest.approx(11.0), OTHER.name: -1}


def test_reprocess_reads_again_what_has_not_changed(begun, two_drives):
    execute(begun, "update log.car_state set v_ego_mps = 99")
    assert begun.ingest(two_drives.logs).n_ingested == 0

    report = begun.ingest(two_drives.logs / ONE.dongle_id, reprocess=True)

    assert report.n_ingested == 1
    speeds = (
        "select drive, max(v_ego_mps) as speed_mps "
        "from log.car_state join log.drive using (drive_id)"
    )
    rows = begun.rows(f"{speeds} group by drive")
    assert {row["drive"]: row["speed_mps"] for row in rows} == {ONE.name: 10.0, OTHER.name: 99.0}


@pytest.mark.parametrize("is_there", [True, False])
def test_a_dry_run_lists_what_it_would_read_and_writes_nothing(store, is_there):
    path = write(store.logs, ONE, 0)
    if not is_there:
        store.database.unlink()
    before = {entry: entry.stat().st_mtime_ns for entry in store.folder.iterdir()}

    report = store.ingest(dry_run=True)

    assert report.to_read == [str(path)]
    assert report.n_ingested == 0
    assert {entry: entry.stat().st_mtime_ns for entry in store.folder.iterdir()} == before


def test_an_ingest_that_finds_nothing_makes_no_database(tmp_path):
    store = Store(tmp_path / "new" / "folder")
    (tmp_path / "rlogs").mkdir()

    report = store.ingest(tmp_path / "rlogs", tmp_path / "nowhere")

    assert report.missing == [str(tmp_path / "nowhere")]
    assert not store.database.exists()


def test_the_first_log_makes_the_database(tmp_path):
    store = Store(tmp_path / "new" / "folder")
    path = write(tmp_path / "rlogs", ONE, 0)

    assert store.ingest(path).n_ingested == 1

    assert engaged_s(store) == {ONE.name: pytest.approx(5.5)}


def test_another_profile_reads_again_and_none_keeps_what_is_there(begun, two_drives):
    profiled = ReadOptions(profile="car")
    logs = two_drives.logs / ONE.dongle_id

    assert begun.ingest(logs, read=profiled).n_ingested == 1
    assert begun.segments("profile") == [("car",), (None,)]

    assert begun.ingest(two_drives.logs).to_read == []
    assert begun.ingest(logs, read=profiled).to_read == []


def test_other_parameters_recompute_every_drive_and_stay(begun):
    counted = "select sum(n_disengagements_counted)::int as n from drives"
    assert begun.row(counted)["n"] == 3
    lenient = begun.folder / "lenient.toml"
    lenient.write_text(
        '[parameters]\ncounted_min_off_s = { value = 0.5, unit = "s", why = "to see more" }\n'
    )

    begun.ingest(parameters_file=lenient)
    assert begun.row(counted)["n"] == 4

    write(begun.logs, ONE, 1)
    begun.ingest()
    assert begun.row(counted)["n"] == 6
    recompute(begun.database)
    assert begun.row(counted)["n"] == 5


def test_parameters_that_do_not_hold_leave_the_database_alone(store):
    write(store.logs, ONE, 0)
    wrong = store.folder / "wrong.toml"
    wrong.write_text('[parameters]\nmax_gap_s = { value = -1, unit = "s", why = "" }\n')
    before = store.state()

    with pytest.raises(ConfigError, match=r"wrong\.toml"):
        store.ingest(parameters_file=wrong)

    assert store.state() == before
    assert sorted(path.name for path in store.folder.iterdir()) == [
        "engagement.duckdb", "engagement.duckdb.lock", "rlogs", "wrong.toml",
    ]  # fmt: skip


def test_views_of_another_program_are_made_anew_with_all_results(begun, two_drives):
    poison(begun, ONE)
    poison(begun, OTHER)
    execute(begun, "create or replace view drives as select 'old' as drive_id")
    execute(begun, "update store.state set sql_hash = 'another'")

    report = begun.ingest(two_drives.logs)

    assert (report.n_ingested, report.n_unchanged) == (0, 2)
    assert differences(begun.views(), two_drives.views()) == []
    state = begun.state()
    begun.ingest(two_drives.logs)
    assert begun.state() == state


def test_what_was_written_counts_as_known_in_the_same_run(store, monkeypatch):
    """Two copies whose paths name no device meet after the first has been written."""
    monkeypatch.setattr(ingest_run, "_BATCH_BYTES", 1)
    for place, kind in (("a", "rlog"), ("b", "qlog")):
        path = store.logs / place / f"{ONE.name}--0" / kind
        path.parent.mkdir(parents=True)
        path.write_bytes(content(ONE, 0, kind))

    report = store.ingest()

    assert (report.n_ingested, report.n_superseded) == (1, 1)
    assert store.segments() == [(0, "rlog", "ok")]


def test_publishing_in_between_changes_nothing(begun, monkeypatch):
    monkeypatch.setattr(ingest_run, "_PUBLISH_EVERY_S", 0.0)
    write(begun.logs, ONE, 1)
    write(begun.logs, ONE, 2)
    before = begun.generation()

    begun.ingest()

    assert begun.generation() == before + 2
    assert engaged_s(begun)[ONE.name] == pytest.approx(16.5)


def test_a_file_written_again_as_it_was_is_unchanged(store):
    path = write(store.logs, ONE, 0)
    store.ingest()
    os.utime(path, ns=(1, 1))

    report = store.ingest()

    assert (report.n_ingested, report.n_unchanged) == (0, 1)
    assert store.ingest().to_read == []
