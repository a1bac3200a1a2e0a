"""`engagement clip` writes what it is told to, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet
import pytest

from engagement.cli.exit_codes import ExitCode
from engagement.logs.codec import decompress
from engagement.store.event_names import short_name
from engagement.store.reader import Reader
from tests.oracles.capnp_reader import split


@pytest.fixture
def event(database):
    with Reader(database) as reader:
        return reader.rows(
            "from events where kind = 'disengagement' and time_s > 15 order by event_id"
        )[0]


def times(path):
    return pyarrow.parquet.read_table(path, columns=["time_s"])["time_s"].to_pylist()


def test_around_an_event_there_are_ten_seconds_on_each_side(run, event, tmp_path):
    result = run("clip", event["event_id"], "--out", "clip.parquet")
    assert result.exit_code == ExitCode.OK, result.output
    found = times(tmp_path / "clip.parquet")
    assert found[0] == pytest.approx(event["time_s"] - 10, abs=0.06)
    assert found[-1] == pytest.approx(event["time_s"] + 10, abs=0.06)
    assert result.stdout == ""
    assert result.stderr.startswith(f"clip.parquet: {len(found)} rows, ")
    assert f"around a disengagement ({event['cause']})" in result.stderr


def test_the_names_of_an_event_and_its_times_may_be_short(run, event, tmp_path):
    run("clip", short_name(event), "--from", "-2", "--to", "0.5", "--out", "one.parquet")
    slashed = event["event_id"].replace("|", "/")
    run("clip", slashed, "--from", "-2", "--to", "0.5", "--out", "other.parquet")
    assert times(tmp_path / "one.parquet") == times(tmp_path / "other.parquet")
    found = times(tmp_path / "one.parquet")
    assert event["time_s"] - 2 <= found[0]
    assert found[-1] < event["time_s"] + 0.5


def test_of_a_drive_the_times_count_from_its_start(run, event, tmp_path):
    name = f"{event['dongle_id']}/{event['drive']}"
    result = run("clip", name, "--from", "3", "--to", "4.5", "--out", "clip.parquet")
    assert result.exit_code == ExitCode.OK, result.output
    found = times(tmp_path / "clip.parquet")
    assert 3 <= found[0] < found[-1] < 4.5


def test_a_report_in_json_says_what_was_written(run, event, tmp_path):
    result = run("clip", event["event_id"], "--out", "clip.mcap", "--json")
    said = json.loads(result.stdout)
    assert result.stderr == ""
    assert said["path"] == "clip.mcap"
    assert said["format"] == "mcap"
    assert said["size_bytes"] == (tmp_path / "clip.mcap").stat().st_size
    assert said["event_id"] == event["event_id"]
    assert said["end_s"] - said["start_s"] == pytest.approx(20)
    assert said["n_messages"] > said["n_channels"] > 5


def test_raw_writes_a_log_and_in_a_folder_one_of_the_same_codec(run, event, tmp_path):
    result = run("clip", event["event_id"], "--raw", "--out", "rlog.bz2")
    assert result.exit_code == ExitCode.OK, result.output
    (tmp_path / "folder").mkdir()
    result = run("clip", event["event_id"], "--raw", "--out", "folder", "--json")
    said = json.loads(result.stdout)
    assert said["format"] == "rlog"
    contents = [(tmp_path / path).read_bytes() for path in ("rlog.bz2", said["path"])]
    one, other = (decompress(content).raw for content in contents)
    assert one == other
    assert len(split(one)) == said["n_messages"]
    assert Path(said["path"]).parent.name == "folder"


def test_a_file_that_is_there_is_replaced_only_by_force(run, event, tmp_path):
    out = tmp_path / "clip.csv"
    out.write_text("mine")
    result = run("clip", event["event_id"], "--out", out)
    assert result.exit_code == ExitCode.USAGE
    assert "is there already; --force replaces it" in result.stderr
    assert out.read_text() == "mine"
    assert run("clip", event["event_id"], "--out", out, "--force").exit_code == ExitCode.OK
    assert out.read_text().startswith("time_s,mono_ns,event,")


def test_the_database_is_never_replaced(run, event, database, tmp_path):
    link = tmp_path / "clip.csv"
    link.symlink_to(database)
    before = database.stat().st_size
    result = run("clip", event["event_id"], "--out", link, "--force")
    assert result.exit_code == ExitCode.USAGE
    assert "is the database" in result.stderr
    assert database.stat().st_size == before


def test_a_link_to_itself_is_named(run, tmp_path):
    (tmp_path / "clip.csv").symlink_to("clip.csv")
    result = run("clip", "2023", "--out", "clip.csv", "--force")
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr == "engagement: clip.csv: Too many levels of symbolic links\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nonsense", "--out", "a.csv"], ExitCode.FAILED, "no drive 'nonsense'"),
        (["a|b|c", "--out", "a.csv"], ExitCode.FAILED, "no event 'a|b|c'"),
        (["2023@9999", "--out", "a.csv"], ExitCode.FAILED, "no event '2023@9999'"),
        (["2023", "--out", "a.xlsx"], ExitCode.USAGE, "ends in .csv, .parquet, .mcap"),
        (["2023", "--out", "a.csv", "--raw"], ExitCode.USAGE, "is no name of a log"),
        (["2023", "--out", "a.csv", "--from", "nan"], ExitCode.USAGE, "nan is no time"),
        (["2023", "--out", "a.csv", "--from", "x"], ExitCode.USAGE, "not a valid float"),
        (["2023", "--out", "a.csv", "--from", "9999"], ExitCode.USAGE, "the drive ends at"),
        (
            ["2023", "--out", "a.csv", "--from", "9999", "--to", "10000"],
            ExitCode.USAGE,
            "no sample from 9999 s",
        ),
        (["2023", "--out", "no/a.csv"], ExitCode.FAILED, "no/a.csv: can't be written: No such"),
        (["2023", "--raw", "--out", "-"], ExitCode.USAGE, "a clip is a file"),
        (["2023", "--out", "/dev/null"], ExitCode.USAGE, "is no regular file"),
        (["2023", "--out", "."], ExitCode.USAGE, "is no regular file"),
        (["2023"], ExitCode.USAGE, "Missing option '--out'"),
    ],
)
def test_what_does_not_do_is_told_and_nothing_is_written(run, tmp_path, words, code, message):
    result = run("clip", *words)
    assert (result.exit_code, message in result.stderr) == (code, True), result.output
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_and_leaves_nothing(database, event, tmp_path):
    limited = (
        "import resource, signal, sys; from engagement.cli import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
        "main(sys.argv[1:])"
    )
    for name in ("clip.csv", "clip.parquet", "clip.mcap"):
        words = ["--db", str(database), "clip", event["event_id"], "--out", name]
        done = subprocess.run(
            [sys.executable, "-c", limited, *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == ExitCode.FAILED, done.stderr
        assert f"{name}: can't be written: File too large" in done.stderr
        assert "Traceback" not in done.stderr
        assert list(tmp_path.iterdir()) == []
