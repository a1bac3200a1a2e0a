"""Devices of the database and of folders, and what the old system summed up of each."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from litestar.testing import TestClient

from engagement.api.app import create_app
from engagement.cli import main
from engagement.cli.exit_codes import ExitCode
from engagement.legacy.imports import import_files
from engagement.simulate import fleet
from tests.support.terminal import shown_in_terminal

DATA = Path(__file__).parents[1] / "data" / "legacy"
NEO, TICI = fleet.NEO.dongle_id, fleet.TICI.dongle_id
INGESTED, OTHER = "2019-11-14--08-12-05", "2019-11-15--08-12-05"


def put(folder, device, *drives):
    for drive in drives:
        for number in range(2):
            file = folder / device / f"{drive}--{number}" / "rlog.bz2"
            file.parent.mkdir(parents=True)
            file.touch()


def test_folders_show_what_is_not_ingested(run, tmp_path):
    put(tmp_path, NEO, INGESTED, OTHER)
    put(tmp_path, "fedcba98", INGESTED, OTHER)
    put(tmp_path, TICI[-8:], INGESTED)
    rows = json.loads(run("devices", str(tmp_path), "--json").stdout)
    assert {row["dongle_id"]: row["n_waiting_drives"] for row in rows} == {
        NEO: 1, TICI: 1, "fedcba98": 2,
    }  # fmt: skip
    alone = json.loads(run("devices", "--json").stdout)
    kept = [row for row in rows if row["dongle_id"] != "fedcba98"]
    assert [{k: v for k, v in row.items() if k != "n_waiting_drives"} for row in kept] == alone
    assert "fedcba98" in run("devices", str(tmp_path)).stdout
    assert run("devices", str(tmp_path), "--csv").stdout.count("\n") == 4


def test_folders_that_are_not_there_are_said(run, tmp_path):
    result = run("devices", str(tmp_path / "none"))
    assert "missing: " in result.stderr
    assert NEO in result.stdout
    joined = run("devices", str(tmp_path), "--join", "a", "b")
    assert joined.exit_code == ExitCode.USAGE


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    database = tmp_path_factory.mktemp("imported") / "engagement.duckdb"
    import_files(database, [DATA / "engagement_db.json"])
    return database


def test_device_stats_are_those_of_the_old_server(run, imported):
    entries = json.loads((DATA / "api" / "devices.json").read_text())["devices"]
    words = ("--db", str(imported), "report", "--device-stats", "--legacy")
    assert json.loads(run(*words, "--json").stdout) == entries
    csv = run(*words, "--csv").stdout.splitlines()
    assert csv[0].split(",") == list(entries[0])
    assert len(csv) == 1 + len(entries)
    shown = run(*words).stdout
    assert shown.count("device_id") == len(entries)
    one = json.loads(run(*words, "--json", "--device", entries[0]["device_id"]).stdout)
    assert one == entries[:1]


def test_device_stats_of_the_old_system_go_alone(run):
    result = run("report", "--legacy")
    assert result.exit_code == ExitCode.USAGE
    assert "--legacy goes with --device-stats" in result.stderr


@pytest.fixture
def named(database, tmp_path):
    """A database of its own in which a device has a name."""
    path = shutil.copy(database, tmp_path / "named.duckdb")
    result = CliRunner().invoke(main, ["--db", str(path), "name", TICI, "Blue Civic"])
    assert result.exit_code == ExitCode.OK, result.output
    return str(path)


def test_tables_show_a_devices_name_and_files_both(run, named):
    for words in (("devices",), ("report",), ("drives",), ("report", "--device-stats")):
        shown = shown_in_terminal("--db", named, *words, columns=250)
        assert "Blue Civic" in shown, words
        assert TICI not in shown, words
    rows = json.loads(run("--db", named, "devices", "--json").stdout)
    assert {row["dongle_id"]: row["device_name"] for row in rows}[TICI] == "Blue Civic"
    listed = json.loads(run("--db", named, "name", "--json").stdout)
    assert [(one["name"], one["dongle_id"]) for one in listed] == [("Blue Civic", TICI)]
    pages = TestClient(create_app(Path(named)), base_url="http://127.0.0.1")
    with pages as client:
        for page in ("/", "/drives", "/quality"):
            assert "Blue Civic" in client.get(page).text, page
        assert client.get("/api/v1/devices").json()["rows"]


def test_no_redacted_file_has_a_name(run, named, tmp_path):
    run("--db", named, "name", "--place", "52.5,13.4,1000", "Our home")
    words = ("--ends", "0", "--out")
    out = tmp_path / "shared.duckdb"
    result = run("--db", named, "redact", "database", *words, str(out))
    assert result.exit_code == ExitCode.OK, result.output
    content = out.read_bytes()
    assert b"Blue Civic" not in content
    assert b"Our home" not in content


def test_wrong_usage_of_names_is_said(run, named):
    for words in (
        ("x",),
        ("--remove",),
        ("a", "b", "c"),
        ("--place", "1,2"),
        ("--place", "x", "y"),
    ):
        assert run("--db", named, "name", *words).exit_code == ExitCode.USAGE, words
    assert "no two are called alike" in run("--db", named, "name", NEO, "blue civic").stderr
    assert run("--db", named, "name", "--remove", "Blue Civic").exit_code == ExitCode.OK
    assert json.loads(run("--db", named, "name", "--json").stdout) == []
