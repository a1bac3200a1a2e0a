from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engagement.cli import main
from engagement.legacy.documents import LEGACY_FILES

DATA = Path(__file__).parents[1] / "data" / "legacy"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "engagement.duckdb"
    result = run("import", DATA / "engagement_db.json", DATA / "debug_events.json", "--db", path)
    assert result.exit_code == 0
    assert (result.stdout, result.stderr) == ("", "imported 4 drives and 12 debug events\n")
    return path


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_legacy_writes_the_four_files_and_says_what_is_in_them(database, here):
    result = run("export", "legacy", "--out", "old", "--db", database)

    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "old/engagement_db.json: 4 entries",
        "old/debug_events.json: 12 entries",
        "old/processed_drives.json: 0 entries",
        "old/engagement_stats.json: 4 entries",
    ]
    assert names(here / "old") == sorted(LEGACY_FILES)


def test_legacy_of_one_device_as_json(database, here):
    result = run("export", "legacy", "--out", "old", "--device", "89", "--json", "--db", database)

    entries = {file["path"]: file["n_entries"] for file in json.loads(result.stdout)["files"]}
    assert entries["old/engagement_db.json"] == 2
    entries = json.loads((here / "old" / "engagement_db.json").read_text())
    assert {entry["device_id"] for entry in entries} == {"89efcdab"}


@pytest.mark.parametrize("name", LEGACY_FILES)
def test_one_document_goes_to_this_folder_to_a_file_or_to_stdout(name, database, here):
    plain = run("export", name, "--db", database)
    named = run("export", name, "--out", "other.json", "--db", database)
    streamed = run("export", name, "--out", "-", "--db", database)

    assert [result.exit_code for result in (plain, named, streamed)] == [0, 0, 0]
    document = json.loads((here / name).read_text())
    assert json.loads((here / "other.json").read_text()) == document
    assert streamed.stdout == (here / name).read_text() + "\n"


def test_views_go_to_files_and_csv_also_to_stdout(database, here):
    parquet = run("export", "parquet", "drives", "--out", "drives.parquet", "--db", database)
    csv = run("export", "csv", "drives", "--out", "drives.csv", "--db", database)
    streamed = run("export", "csv", "drives", "--out", "-", "--db", database)

    assert (parquet.stdout, parquet.stderr) == ("", "drives.parquet: 4 rows\n")
    assert (csv.stdout, csv.stderr) == ("", "drives.csv: 4 rows\n")
    assert streamed.stdout == (here / "drives.csv").read_text()
    assert (here / "drives.parquet").read_bytes()[:4] == b"PAR1"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["parquet", "drivs", "--out", "x"], 1, "no view 'drivs'; did you mean 'drives'?"),
        (["csv", "drives", "--out", "gone/x"], 1, "gone/x: can't be written: No such file"),
        (["csv", "drives", "--out", "."], 2, "is a directory"),
        (["csv", "drives", "--out", os.devnull], 2, "is no regular file; - stands for stdout"),
        (["csv", "drives", "--out", "/dev/stdout"], 2, "- stands for stdout"),
        (["csv", "drives"], 2, "Missing option '--out'"),
        (["parquet", "drives", "--out", "-"], 2, "Parquet goes to a file"),
        (["engagement.json"], 2, "did you mean 'engagement_db.json'?"),
        (["engagement_db.json", "--device", "77"], 1, "no device '77'; there is 0123abcd"),
        (["legacy", "--out", "file"], 2, "is a file"),
        (["legacy", "--out", "file/old"], 1, "can't be written: Not a directory"),
    ],
)
def test_what_cannot_be_exported_is_said_in_one_message(
    arguments, exit_code, message, database, here
):
    (here / "file").write_text("")

    result = run("export", *arguments, "--db", database)

    assert result.exit_code == exit_code
    assert message in result.stderr
    assert result.stdout == ""
    assert names(here) == ["file"]


@pytest.mark.parametrize("export", [["csv", "drives"], ["engagement_db.json"]])
def test_the_database_is_not_overwritten(export, database, here):
    before = database.read_bytes()
    (here / "link").symlink_to(database)

    result = run("export", *export, "--out", "link", "--db", database)

    assert result.exit_code == 2
    assert "is the database" in result.stderr
    assert database.read_bytes() == before


def test_without_a_database_the_message_says_how_to_make_one(here):
    result = run("export", "legacy", "--out", "old")

    assert result.exit_code == 4
    assert "engagement ingest" in result.stderr
    assert names(here) == []


def test_import_says_what_became_of_every_file(database, here):
    (here / "bad.json").write_text('[{"device_id": 1}]')
    events = json.loads((DATA / "debug_events.json").read_text())
    fresh = events[0] | {"reason": "another"}
    (here / "events.json").write_text(json.dumps([*events, fresh, fresh]))
    copy = here / "copy.duckdb"
    copy.write_bytes(database.read_bytes())

    result = run("import", "bad.json", "events.json", "--db", copy)

    assert result.exit_code == 2
    assert result.stdout == ""
    left_out, summary = result.stderr.splitlines()
    assert left_out.startswith("left out: bad.json: entry 1")
    assert summary == (
        "imported 0 drives and 1 debug event "
        "(12 already there, 1 duplicate collapsed, 1 file left out)"
    )


def test_import_reports_as_json(database, here):
    copy = here / "copy.duckdb"
    copy.write_bytes(database.read_bytes())

    result = run("import", DATA / "engagement_db.json", "gone.json", "--json", "--db", copy)

    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert document.pop("problems") == [
        {"path": "gone.json", "problem": "No such file or directory"}
    ]
    assert document == {
        "n_files": 1,
        "n_drives": 4,
        "n_drives_written": 0,
        "n_drives_superseded": 0,
        "n_events": 0,
        "n_events_written": 0,
        "n_events_superseded": 0,
        "n_duplicates": 0,
    }
