"""`engagement events redact`: its files, its key, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import stat

import pytest

from engagement.cli.exit_codes import ExitCode
from engagement.export.places import distance_m
from engagement.store.reader import Reader


@pytest.fixture
def redact(run_alone, database, tmp_path):
    """Redact a database of one's own into the current folder."""
    copied = shutil.copy(database, tmp_path / "engagement.duckdb")

    def redact(*words, exit_code=ExitCode.OK):
        result = run_alone("events", "redact", *words, "--db", copied)
        assert result.exit_code == exit_code, result.output
        assert "Traceback" not in result.output
        return result

    return redact


def test_a_file_and_a_key_are_made_and_the_key_is_used_again(redact, tmp_path):
    result = redact("--out", "shared.json", "--all-positions")
    assert result.stdout == ""
    assert "shared.json: " in result.stderr
    assert "redaction.key: made this key" in result.stderr
    key = tmp_path / "redaction.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    again = redact("--out", "again.json", "--all-positions")
    assert "made this key" not in again.stderr
    assert (tmp_path / "shared.json").read_bytes() == (tmp_path / "again.json").read_bytes()
    redact("--out", "other.json", "--all-positions", "--key-file", "other.key")
    devices = [
        {row["device"] for row in json.loads((tmp_path / name).read_text())["drives"]}
        for name in ("shared.json", "other.json")
    ]
    assert devices[0].isdisjoint(devices[1])
    assert key.read_text().strip() not in (tmp_path / "shared.json").read_text()


def test_there_are_no_positions_unless_places_are_named(redact, tmp_path):
    result = redact("--out", "none.json")
    assert "no positions: name places" in result.stderr
    assert "; 0 positions, " in result.stderr
    document = json.loads((tmp_path / "none.json").read_text())
    assert {row["latitude"] for row in document["events"]} == {None}
    redact("--out", "all.json", "--all-positions")
    rows = json.loads((tmp_path / "all.json").read_text())["events"]
    fix = next(row for row in rows if row["latitude"] is not None)
    place = f"{fix['latitude']},{fix['longitude']},1"
    (tmp_path / "places.txt").write_text(f"{place}  # where it was\n")
    for options in (["--place", place], ["--places", "places.txt"]):
        redact("--out", "cut.json", "--ends", "0", *options)
        cut = json.loads((tmp_path / "cut.json").read_text())["events"]
        hidden = [a for a, b in zip(rows, cut, strict=True) if a != b]
        assert fix in hidden
        assert len(hidden) < len(rows) / 2
        assert all(row["latitude"] == fix["latitude"] for row in hidden)


def test_what_may_be_shared_by_mistake_is_named(redact, tmp_path):
    (tmp_path / "shared").mkdir()
    for number in range(6):
        (tmp_path / "shared" / f"track{number}.gpx").write_text("")
    result = redact("--out", "shared", "--place", "0,0.5,100")
    assert "place 1 of those given cuts nothing off: is it LAT,LON,RADIUS_M?" in result.stderr
    said = redact("--out", "shared.json", "--place", "0,0.5,100", "--json")
    assert json.loads(said.stdout)["idle_places"] == [1]
    assert "0.5" not in result.output + said.output
    assert "shared also holds what is not redacted: track0.gpx, " in result.stderr
    assert "track5" not in result.stderr


def test_with_a_place_nothing_is_shown_of_where_drives_begin_and_end(redact, tmp_path, database):
    with Reader(database) as reader:
        ends = reader.rows(
            "select arg_min(latitude, mono_ns) as a, arg_min(longitude, mono_ns) as b, "
            "arg_max(latitude, mono_ns) as c, arg_max(longitude, mono_ns) as d "
            "from log.gps where has_fix group by drive_id"
        )
    redact("--out", "all.json", "--place", "0,0.5,100", "--ends", "0")
    redact("--out", "cut.json", "--place", "0,0.5,100", "--ends", "2000")

    def shown(name):
        rows = json.loads((tmp_path / name).read_text())["events"]
        return {(row["latitude"], row["longitude"]) for row in rows} - {(None, None)}

    def is_near(fix):
        pairs = [pair for row in ends for pair in ((row["a"], row["b"]), (row["c"], row["d"]))]
        return any(distance_m(*fix, *pair) < 2000 for pair in pairs)

    assert any(map(is_near, shown("all.json")))
    assert not any(map(is_near, shown("cut.json")))
    assert shown("cut.json") < shown("all.json")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_folder_gets_four_files(redact, tmp_path, kind):
    redact("--out", "shared", "--format", kind)
    found = sorted(path.name for path in (tmp_path / "shared").iterdir())
    assert found == [f"{name}.{kind}" for name in ("drives", "events", "labels", "segments")]


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        (["--out", "x.json", "--place", "1,2"], ExitCode.USAGE, "'1,2' is no place"),
        (["--out", "x.json", "--place", "99,2,3"], ExitCode.USAGE, "latitudes are within 90"),
        (["--out", "x.json", "--places", "no.txt"], ExitCode.USAGE, "does not exist"),
        (
            ["--out", "x.json", "--place", "1,2,3", "--all-positions"],
            ExitCode.USAGE,
            "--all-positions cuts nothing off",
        ),
        (["--out", "x.csv"], ExitCode.USAGE, "csv goes to a folder"),
        (["--out", "engagement.duckdb"], ExitCode.USAGE, "is the database"),
        (["--out", "."], ExitCode.USAGE, "redaction.key' would be shared with '.'"),
        (["--out", "x", "--key-file", "x/a.key"], ExitCode.USAGE, "would be shared with 'x'"),
        (["--out", "x.json", "--key-file", "no/a.key"], ExitCode.USAGE, "can't be used as key"),
        (["--out", "x.json", "--key-file", "bad.key"], ExitCode.USAGE, "it holds no key"),
        (["--out", "x.json", "--device", "zz"], ExitCode.FAILED, "no device 'zz'"),
        (["--out", "bad.key/x.json"], ExitCode.FAILED, "can't be written: "),
    ],
)
def test_what_can_t_be_done_is_told_and_nothing_is_written(
    redact, tmp_path, words, exit_code, message
):
    (tmp_path / "bad.key").write_text("secret")
    (tmp_path / "bad.key").chmod(0o600)
    before = (tmp_path / "engagement.duckdb").read_bytes()
    result = redact(*words, exit_code=exit_code)
    assert message in result.stderr
    assert (tmp_path / "engagement.duckdb").read_bytes() == before
    left = {path.name for path in tmp_path.iterdir()} - {"redaction.key"}
    assert left == {"engagement.duckdb", "bad.key"}


def test_a_pipe_is_not_replaced_by_a_file(redact, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for kind in ("json", "csv"):
        result = redact("--out", "pipe", "--format", kind, exit_code=ExitCode.USAGE)
        assert "pipe: this is no regular file" in result.stderr
    assert (tmp_path / "pipe").is_fifo()
