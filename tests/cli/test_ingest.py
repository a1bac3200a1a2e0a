from __future__ import annotations

import bz2
import json
import re
import shutil
from pathlib import Path

import pytest

from engagement.cli.exit_codes import ExitCode
from engagement.cli.ingest_report import SignalNotes, print_report
from engagement.extract.segment import ReadOptions
from engagement.simulate import fleet
from engagement.store.ingest_options import IngestReport
from engagement.store.reader import Reader

NEO = fleet.NEO.dongle_id

SUMMARY = re.compile(r"^ingested \d+ segments? of \d+ drives?.*, [\d.]+ \w+ in [\d.]+ s$")


@pytest.fixture
def few_logs(logs, tmp_path):
    """Three segments of one drive: one whole, one cut, one still being written."""
    folder = tmp_path / "rlogs" / NEO
    segments = sorted((logs / NEO).iterdir())[:3]
    for segment in segments:
        shutil.copytree(segment, folder / segment.name)
    whole, cut, locked = (folder / segment.name for segment in segments)
    log = next(cut.iterdir())
    log.with_name("rlog").write_bytes(bz2.decompress(log.read_bytes())[:-100])
    log.unlink()
    next(locked.iterdir()).with_name("rlog.bz2.lock").touch()
    return folder.parent, whole, cut, locked


def last_line(text):
    return text.rstrip("\n").split("\n")[-1]


def test_damage_is_listed_and_the_rest_ingested(run_alone, few_logs):
    folder, _, cut, locked = few_logs
    result = run_alone("ingest", folder)
    assert result.exit_code == ExitCode.OK
    assert result.stdout == ""
    assert f"partial: {next(cut.iterdir())}: " in result.stderr
    assert f"still being written: {locked}" in result.stderr
    summary = next(line for line in result.stderr.split("\n") if line.startswith("ingested"))
    assert SUMMARY.match(summary)
    assert "ingested 2 segments of 1 drive (1 still being written, 1 partial), " in summary
    with Reader(folder.parent / "engagement.duckdb") as reader:
        assert len(reader.rows("from segments")) == 2


def test_a_second_ingest_has_nothing_to_do(run_alone, few_logs):
    folder, whole, *_ = few_logs
    run_alone("ingest", whole)
    result = run_alone("ingest", whole)
    assert "ingested 0 segments of 0 drives (1 unchanged), " in result.stderr
    again = run_alone("ingest", whole, "--reprocess")
    assert "ingested 1 segment of 1 drive, " in again.stderr
    assert folder.is_dir()


def test_garbage_and_missing_paths_are_exit_3_and_named(run_alone, few_logs):
    _, whole, *_ = few_logs
    garbage = whole.with_name(whole.name[:-1] + "7")
    garbage.mkdir()
    (garbage / "rlog.bz2").write_bytes(b"\x00\x01garbage" * 99)
    result = run_alone("ingest", whole, garbage, "nowhere")
    assert result.exit_code == ExitCode.LOGS
    assert f"failed: {garbage / 'rlog.bz2'}: " in result.stderr
    assert "missing: nowhere: no such file or folder" in result.stderr
    assert "Traceback" not in result.stderr
    assert "(1 failed, 1 missing)" in result.stderr
    again = run_alone("ingest", whole, garbage)
    assert "(2 unchanged, 1 of them failed before)" in again.stderr
    status = run_alone("status")
    assert "Damaged logs" in status.stdout
    assert str(garbage) in status.stdout


def test_the_json_report_counts_and_names(run_alone, few_logs):
    folder, _, cut, _ = few_logs
    result = run_alone("ingest", folder, "nowhere", "--json")
    report = json.loads(result.stdout)
    assert result.stderr == ""
    assert result.exit_code == ExitCode.LOGS
    assert (report["n_ingested"], report["n_partial"], report["n_failed"]) == (2, 1, 0)
    assert report["missing"] == ["nowhere"]
    assert len(report["locked"]) == len(report["drives"]) == 1
    assert report["problems"][0]["path"] == str(next(cut.iterdir()))
    assert report["raw_size_bytes"] > report["size_bytes"] > 0


def test_a_dry_run_lists_logs_and_writes_nothing(run_alone, few_logs, tmp_path):
    folder, whole, *_ = few_logs
    result = run_alone("ingest", folder, "--dry-run")
    assert str(next(whole.iterdir())) in result.stdout.split("\n")
    assert "would read 2 logs (1 still being written)" in result.stderr
    assert not (tmp_path / "engagement.duckdb").exists()


def test_what_looks_like_a_log_and_is_not_taken_is_named_at_the_end(run_alone, few_logs):
    folder, whole, *_ = few_logs
    for name in ("rlog.gz", "QLOG.7z"):
        (whole / name).touch()
    result = run_alone("ingest", folder)
    assert result.exit_code == ExitCode.OK
    *_, said, summary = result.stderr.rstrip("\n").split("\n")
    assert summary.startswith("ingested 2 segments")
    assert said.startswith(
        f"2 files look like logs and were not taken: {whole / 'QLOG.7z'}, {whole / 'rlog.gz'}; they"
    )
    report = json.loads(run_alone("ingest", folder, "--json").stdout)
    assert report["not_taken"] == [str(whole / "QLOG.7z"), str(whole / "rlog.gz")]


def test_a_folder_without_logs_is_said(run_alone, tmp_path):
    (tmp_path / "empty").mkdir()
    result = run_alone("ingest", "empty")
    assert result.exit_code == ExitCode.OK
    assert "no logs under empty: they are named rlog or qlog" in result.stderr
    assert not (tmp_path / "engagement.duckdb").exists()
    missing = run_alone("ingest", "empty", "nowhere")
    assert missing.exit_code == ExitCode.LOGS
    assert "no logs under empty:" in missing.stderr


def test_a_drive_that_the_path_does_not_name_is_said(run_alone, few_logs, tmp_path):
    _, whole, *_ = few_logs
    bare = tmp_path / "downloads" / "rlog.bz2"
    bare.parent.mkdir()
    shutil.copy(next(whole.iterdir()), bare)
    result = run_alone("ingest", bare)
    with Reader(tmp_path / "engagement.duckdb") as reader:
        route_name = reader.rows("select route_name from drives")[0]["route_name"]
    said = f"{bare}: its path names no drive; it is {route_name} now (--drive names another)"
    assert said in result.stderr.split("\n")


def test_many_such_drives_are_counted(capsys):
    report = IngestReport(named=[(f"log{number}", "a|b") for number in range(12)])
    print_report(report, [], is_dry_run=False)
    lines = capsys.readouterr().err.split("\n")
    assert sum("its path names no drive" in line for line in lines) == 10
    assert "2 more logs whose path names no drive" in lines


@pytest.mark.parametrize(
    ("options", "n_logs"),
    [
        (["--device", NEO.upper()], 1),
        (["--device", "0000000000000000"], 0),
        (["--since", "2019-11-14", "--until", "2019-11-14"], 1),
        (["--until", "2019-11-13"], 0),
        (["--drive", "2019-11-14--08-12-05"], 1),
        (["--drive", "2019-11-14--08-12-06"], 0),
    ],
)
def test_options_select_logs(run_alone, few_logs, options, n_logs):
    _, whole, *_ = few_logs
    report = json.loads(run_alone("ingest", whole, "--dry-run", "--json", *options).stdout)
    assert (len(report["to_read"]), report["n_filtered"]) == (n_logs, 1 - n_logs)


def test_no_more_of_a_log_is_read_than_allowed(run_alone, few_logs):
    _, whole, *_ = few_logs
    result = run_alone("ingest", whole, "--max-log-bytes", "1k")
    assert result.exit_code == ExitCode.LOGS
    assert "1000 bytes" in result.stderr.replace("_", "").replace(",", "").replace(" 000", "000")


def test_what_could_not_be_read_of_a_profiles_dbc_is_said(run_alone, few_logs):
    Path("car.dbc").write_text(
        'BO_ 100 T: 8 X\n SG_ plain : 15|8@0+ (1,0) [0|1] "" X\n SG_ lost : |8@0+ (1,0) "" X\n'
    )
    signals = {"odometer": {"message": "T", "signal": "plain"}}
    profiles = {"own": {"dbc_file": "car.dbc", "signals": signals}}
    Path("own.json").write_text(json.dumps({"profiles": profiles}))
    _, whole, *_ = few_logs

    result = run_alone("ingest", whole, "--vehicle-profiles", "own.json", "--profile", "own")

    assert "car.dbc: is no sound DBC" in " ".join(result.stderr.split())
    assert "but 1 SG_ that can't be read" in " ".join(result.stderr.split())


def test_a_profile_is_stored_and_its_absence_noted(run_alone, few_logs, monkeypatch):
    monkeypatch.setattr("engagement.extract.choice.has_cars", lambda: False)
    _, whole, *_ = few_logs
    plain = run_alone("ingest", whole)
    assert "CAN signals were not read: pip install 'engagement[cars]'" in plain.stderr
    silent = run_alone("ingest", whole, "--profile", "none", "--reprocess")
    asked = run_alone("ingest", whole, "--profile", "auto")
    assert asked.exit_code == ExitCode.USAGE
    assert "need opendbc: pip install 'engagement[cars]' (it is not installed)" in asked.stderr
    by_file = Path("vehicle_profiles.json")
    by_file.write_text('{"default_profile": "none", "profiles": {}}')
    wanted = run_alone("ingest", whole, "--vehicle-profiles", str(by_file), "--reprocess")
    named = run_alone("ingest", whole, "--profile", "demo", "--reprocess")
    said = [result.stderr for result in (silent, named, wanted)]
    assert not [text for text in said if "CAN signals" in text]
    found = json.loads(run_alone("sql", "select profile from segments", "--json").stdout)
    assert found == [{"profile": "demo"}]


def test_what_is_said_of_can_signals_is_said_once(capsys):
    """However many batches a watch has."""
    unknown, other = (IngestReport(n_ingested=1, unknown_cars={name}) for name in ("A", "B"))
    notes = SignalNotes(ReadOptions(is_default=True))

    notes.tell(IngestReport())
    assert capsys.readouterr().err == ""
    for report in (unknown, unknown, other, unknown):
        notes.tell(report)

    lines = capsys.readouterr().err.splitlines()
    assert [line.split("no DBC is known of ")[-1][:1] for line in lines if "no DBC" in line] == [
        "A",
        "B",
    ]
    assert sum("pip install" in line for line in lines) == 1
    for read in (ReadOptions(), ReadOptions(is_auto=True, is_default=True)):
        SignalNotes(read).tell(IngestReport(n_ingested=1))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--profile", "dmo"], "no profile 'dmo'; did you mean 'demo'?"),
        (["--device", "me"], "'me' is no dongle id"),
        (["--since", "today"], "'today' is no date"),
        (["--jobs", "0"], "0 is not in the range"),
        (["--max-log-bytes", "lots"], "'lots' is no size"),
        (["--vehicle-profiles", "nowhere.json"], "nowhere.json"),
        (["--schema-dir", "."], "log.capnp: there is no such schema"),
    ],
)
def test_what_is_typed_wrongly_is_exit_2_and_nothing_is_done(run_alone, tmp_path, options, message):
    result = run_alone("ingest", tmp_path, *options)
    assert result.exit_code == ExitCode.USAGE
    assert message in result.stderr
    assert not (tmp_path / "engagement.duckdb").exists()


def test_a_path_that_is_no_text_is_shown_and_kept_from_the_terminal(run_alone, tmp_path):
    path = tmp_path / "a\x1b[31m\udcff" / "rlog"
    path.parent.mkdir()
    path.write_bytes(b"garbage")
    result = run_alone("ingest", path)
    assert result.exit_code == ExitCode.LOGS
    assert "\x1b" not in result.stderr
    assert "a\\x1b[31m\\udcff" in result.stderr
    report = json.loads(run_alone("ingest", path, "--json").stdout)
    assert report["problems"][0]["path"].endswith("\ufffd/rlog")
