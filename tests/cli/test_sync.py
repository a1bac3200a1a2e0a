"""`engagement sync` against a real SSH server, and what a server of the database there shows."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import duckdb
import pytest

from engagement.cli.exit_codes import ExitCode
from engagement.extract.segment import ReadOptions
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader
from tests.api.servers import server as served
from tests.collect.sshd import run_server
from tests.support.waiting import wait_for

# Sends for ever, to a host that does not matter.
ENDLESS_SYNC = """
import sys, time
from pathlib import Path
from engagement.cli import main
from engagement.collect import sending

def send(*_, **__):
    Path("begun").touch()
    time.sleep(60)

sending.send = send
main(["sync", "drives", *sys.argv[1:]])
"""
VARIABLES = ("SYNC_STATS_HOST", "SYNC_STATS_DB", "SYNC_STATS_PATH", "SYNC_STATS_USER")
LEGACY = ["debug_events.json", "engagement_db.json", "engagement_stats.json"]
LEGACY = sorted([*LEGACY, "processed_drives.json"])


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A server with an alias `drives`."""
    for server in run_server(tmp_path_factory.mktemp("sshd")):
        server.add_alias("drives")
        yield server


@pytest.fixture
def place(running, tmp_path, monkeypatch):
    """A folder on the server."""
    monkeypatch.setenv("HOME", str(running.home))
    for name in ("SSH_AUTH_SOCK", *VARIABLES):
        monkeypatch.delenv(name, raising=False)
    running.write_known_hosts()
    folder = tmp_path / "server"
    folder.mkdir()
    return folder


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, json.loads(body)


def test_a_server_there_shows_what_was_sent(run_alone, place, logs, database, tmp_path):
    ours = tmp_path / "engagement.duckdb"
    theirs = place / "engagement.duckdb"
    segments = sorted(path for path in logs.glob("*/*") if path.is_dir())
    ingest(segments[:1], ours, IngestOptions(read=ReadOptions(), jobs=1))
    with served(theirs) as (_, port):
        before = get(port, "/api/v1/drives")[0]
        first = run_alone("sync", "drives", "--path", theirs)
        one = get(port, "/devices")[1]["count"]
        shutil.copyfile(database, ours.with_name("new"))
        ours.with_name("new").replace(ours)
        second = run_alone("sync", "drives", "-p", theirs, "--json")
        # A newer generation answers once its common answers are made.
        wait_for(lambda: get(port, "/devices")[1]["count"] == 2)
        third = run_alone("sync", "drives", "-p", theirs)

    assert (first.exit_code, second.exit_code, third.exit_code) == (0, 0, 0)
    assert (before, one) == (503, 1)
    assert f"sent engagement.duckdb to drives:{theirs}: " in first.stderr
    [file] = json.loads(second.stdout)["files"]
    assert (file["method"], file["is_changed"], second.stderr) == ("rsync", True, "")
    assert file["sent_bytes"] < file["size_bytes"] == ours.stat().st_size
    assert third.stderr == f"unchanged: drives:{theirs}\n"


def test_the_old_files_are_made_anew_and_sent_if_they_changed(run, place, database):
    first = run("sync", "drives", "--legacy", "--path", place)
    second = run("sync", "drives", "--legacy", "--path", f"{place}/", "--json")

    assert first.exit_code == second.exit_code == ExitCode.OK
    assert sorted(path.name for path in place.iterdir()) == LEGACY
    drives = json.loads((place / "engagement_db.json").read_text())
    with Reader(database) as reader:
        assert len(drives) == len(reader.rows("from legacy_engagement_db"))
    files = json.loads(second.stdout)["files"]
    assert [file["method"] for file in files] == ["none"] * 4


def test_a_path_of_json_takes_the_one_file_that_the_old_script_sent(run, place):
    result = run("sync", "drives", "--legacy", "-p", place / "engagement_db.json")
    assert result.exit_code == ExitCode.OK
    assert [path.name for path in place.iterdir()] == ["engagement_db.json"]


def test_flags_and_variables_of_the_old_script_do_what_they_did(
    run_alone, place, running, monkeypatch
):
    (place / "mine.json").write_text("[]")
    target = place / "folder" / "engagement_db.json"
    by_flags = run_alone("sync", "-f", place / "mine.json", "-s", "drives", "-p", target)
    assert by_flags.exit_code == ExitCode.OK
    assert target.read_text() == "[]"

    (place / "mine.json").write_text("[1]")
    monkeypatch.setenv("SYNC_STATS_HOST", f"127.0.0.1:{running.port}")
    monkeypatch.setenv("SYNC_STATS_DB", str(place / "mine.json"))
    monkeypatch.setenv("SYNC_STATS_PATH", str(target))
    monkeypatch.setenv("SYNC_STATS_USER", "nobody-of-this-name")
    refused = run_alone("sync")
    assert refused.exit_code == ExitCode.FAILED
    assert "nobody-of-this-name" in refused.stderr
    assert target.read_text() == "[]"
    by_variables = run_alone("sync", "drives", env={"SYNC_STATS_USER": ""})
    assert by_variables.exit_code == ExitCode.OK
    assert target.read_text() == "[1]"


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        ([], ExitCode.USAGE, "which server? engagement sync HOST, or set SYNC_STATS_HOST"),
        (["drives", "-s", "drives"], ExitCode.USAGE, "the server is named twice"),
        (["me@drives", "-u", "you"], ExitCode.USAGE, "the user is named twice"),
        (["drives", "--legacy", "-f", "x.json"], ExitCode.USAGE, "without --db and --legacy"),
        (["-oProxyCommand=x"], ExitCode.USAGE, "No such option"),
        (["--", "-oProxyCommand=x"], ExitCode.USAGE, "is no host"),
        (["drives", "-p", "/x/y.json"], ExitCode.USAGE, "is for JSON"),
        (["drives", "-f", "half.json"], ExitCode.USAGE, "half.json: is no whole JSON document"),
        (["drives", "--db", "none.duckdb"], ExitCode.DATABASE, "there is no such database"),
        (["drives", "--db", "half.json"], ExitCode.DATABASE, "DuckDB can't use it"),
        (["dead"], ExitCode.FAILED, "dead: "),
        (["changed"], ExitCode.FAILED, "changed: its key has CHANGED"),
        (["unknown"], ExitCode.FAILED, "accept it with --accept-new"),
    ],
)
def test_what_goes_wrong_is_named_and_nothing_is_sent(  # noqa: PLR0917 - its cases
    run, place, running, words, exit_code, message
):
    tmp_path = place.parent
    (tmp_path / "half.json").write_text('[{"drive": ')
    running.add_alias("dead", Port=1)
    running.add_alias("unknown", HostKeyAlias="nobody")
    running.add_alias("changed", UserKnownHostsFile=tmp_path / "known")
    other = (running.home / ".ssh" / "id_device.pub").read_text().split()[:2]
    (tmp_path / "known").write_text(f"[127.0.0.1]:{running.port} {' '.join(other)}\n")
    where = [] if "-p" in words or "--" in words else ["-p", place / "x"]
    result = run("sync", *where, *words)
    assert result.exit_code == exit_code, result.output
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert list(place.iterdir()) == []


def test_what_another_program_has_written_is_not_left_out(run_alone, place, database, tmp_path):
    shutil.copyfile(database, tmp_path / "engagement.duckdb")
    connection = duckdb.connect(str(tmp_path / "engagement.duckdb"))
    connection.execute("create table note as select 1 as words")
    shutil.copyfile(tmp_path / "engagement.duckdb", tmp_path / "left.duckdb")
    shutil.copyfile(tmp_path / "engagement.duckdb.wal", tmp_path / "left.duckdb.wal")
    connection.close()

    result = run_alone("sync", "drives", "--db", "left.duckdb", "-p", place / "x")

    assert result.exit_code == ExitCode.DATABASE
    assert "publish that by engagement recompute" in result.stderr
    assert list(place.iterdir()) == []


@pytest.mark.usefixtures("place")
def test_sigterm_leaves_no_files_behind(database, tmp_path):
    (tmp_path / "temporary").mkdir()
    environment = os.environ | {"TMPDIR": str(tmp_path / "temporary")}
    command = [sys.executable, "-c", ENDLESS_SYNC, "--db", str(database), "--legacy"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        while not (tmp_path / "begun").exists() and process.poll() is None:
            time.sleep(0.05)
        assert list((tmp_path / "temporary").rglob("engagement_db.json"))
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read()

    assert process.returncode == 130
    assert said == "engagement: interrupted; nothing half-done was kept\n"
    assert not list((tmp_path / "temporary").iterdir())


def test_help_does_not_import_what_takes_its_time():
    code = (
        "import sys; from engagement.cli import main; main(['sync', '--help'], "
        "standalone_mode=False); print('paramiko' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
