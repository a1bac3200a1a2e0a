"""`engagement collect` against a real SSH server."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engagement.cli import collecting
from engagement.collect.pace import Stop
from engagement.errors import StoreBusyError
from engagement.filters import Selection
from engagement.simulate import BUSY, simulate
from engagement.store.database_writer import writer_lock
from tests.collect.conftest import device, running_server, server  # noqa: F401 - fixtures
from tests.collect.devices import DONGLE_ID, DRIVE, FakeDevice, random_bytes, tree
from tests.collect.sshd import free_port

# An ingest that is never done, as one of many logs: it asks whether to go on after each.
SLOW_INGEST = """
import time
from pathlib import Path
from engagement.cli import main
from engagement.store import ingestion

def slow(paths, database, options, on_progress):
    Path("begun").touch()
    while True:
        time.sleep(0.05)
        on_progress(0, 0, None)

ingestion.ingest = slow
main(["collect", "--ingest"])
"""


@pytest.fixture
def car(server, device, tmp_path):  # noqa: F811
    """A device with two logs that is the default one."""
    device.add(f"{DRIVE}--0/rlog.zst", random_bytes(100_000))
    device.add(f"{DRIVE}--1/rlog.zst", random_bytes(200_000))
    device.add(f"{DRIVE}--1/qlog.zst")
    write_settings(tmp_path, device, "device")
    return server


def write_settings(folder: Path, car: FakeDevice, *hosts: str) -> None:
    (folder / "config").mkdir(exist_ok=True)
    paths = {"logs": car.settings.logs, "params": car.settings.params}
    text = "".join(f'{key} = "{path}"\n' for key, path in paths.items())
    (folder / "config" / "collect.toml").write_text(f"remote_device = {list(hosts)}\n{text}")


@pytest.mark.usefixtures("car")
def test_one_line_a_device(run_alone):
    result = run_alone("collect")

    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"device ({DONGLE_ID}): collected 2 logs, 300 kB in ")
    assert len(tree(Path("rlogs"))) == 2


@pytest.mark.usefixtures("car")
def test_a_second_run_has_nothing_to_do(run_alone):
    run_alone("collect")
    result = run_alone("collect", "--json")

    (found,) = json.loads(result.stdout)["devices"]
    assert result.exit_code == 0
    assert (found["n_collected"], found["n_there"], found["problem"]) == (0, 2, None)


@pytest.mark.usefixtures("car")
def test_a_dry_run_lists_what_would_come(run_alone):
    result = run_alone("collect", "device", "--kind", "both", "--to", "x", "--dry-run")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == f"x/{DONGLE_ID}/{DRIVE}--0/rlog.zst"
    assert "would collect 3 logs" in result.stderr
    assert not Path("x").exists()


def test_an_unknown_host_is_shown_then_accepted(car, run_alone):
    car.known_hosts.unlink()

    refused = run_alone("collect")
    accepted = run_alone("collect", "--accept-new")
    known = run_alone("collect")

    assert refused.exit_code == 1
    assert "SHA256:" in refused.stderr
    assert "--accept-new" in refused.stderr
    assert (accepted.exit_code, known.exit_code) == (0, 0)


def test_a_device_that_is_gone_is_said_and_the_other_one_done(car, run_alone):
    dead = car.add_alias("dead", Port=free_port())

    result = run_alone("collect", dead, "device", "--retries", 0)

    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == "dead: connection refused"
    assert "collected 2 logs" in result.stderr


@pytest.mark.usefixtures("car")
def test_a_conflict_is_reported(run_alone):
    mine = Path("rlogs", DONGLE_ID, f"{DRIVE}--0", "rlog.zst")
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")

    result = run_alone("collect")

    assert result.exit_code == 1
    assert result.stderr.startswith(f"conflict: {mine}: has 4 bytes")
    assert "(1 in conflict)" in result.stderr
    assert mine.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "name a SOURCE, or set remote_device"),
        (("-x",), "No such option"),
        (("a b",), "'a b' is no host"),
        (("a", "b", "--device", DONGLE_ID), "--device names one device"),
        (("a", "--device", "../x"), "no dongle id"),
        (("a", "--drive", "../x"), "is no drive"),
        (("a", "--watch", "0"), "0"),
        (("a", "--compress", "xz"), "xz"),
        (("a", "--config", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_wrong_usage(run_alone, monkeypatch, tmp_path, words, problem):
    monkeypatch.setenv("HOME", str(tmp_path))

    result = run_alone("collect", *words)

    assert result.exit_code == 2
    assert problem in result.stderr


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("remote_devise = 'x'", "did you mean 'remote_device'?"),
        ("logs = 'realdata'", "logs: must be an absolute path"),
        ("logs = 1", "expected `str`"),
        ("logs =", "nvalid value"),
    ],
)
def test_settings_that_do_not_hold(run_alone, tmp_path, text, problem):
    (tmp_path / "mine.toml").write_text(text)

    result = run_alone("collect", "host", "--config", "mine.toml")

    assert result.exit_code == 2
    assert result.stderr.startswith("engagement: mine.toml: ")
    assert problem in result.stderr


@pytest.mark.usefixtures("server")
def test_the_old_file_may_name_the_device(device, tmp_path, run_alone):  # noqa: F811
    device.add(f"{DRIVE}--0/rlog.zst")
    write_settings(tmp_path, device)
    profiles = {"profiles": {}, "remote_device": "device"}
    (tmp_path / "config" / "vehicle_profiles.json").write_text(json.dumps(profiles))

    assert "collected 1 log" in run_alone("collect").stderr


def with_simulated_logs(folder: Path) -> str:
    """Make the default device one that drove; return its dongle id."""
    logs = folder / "simulated"
    paths = [path for _, path in simulate(logs, drives=1, calm=BUSY)]
    (dongle_id,) = {path.relative_to(logs).parts[0] for path in paths}
    car = FakeDevice(folder / "car")
    (car.folder / "params").mkdir(parents=True)
    (car.folder / "params" / "DongleId").write_text(dongle_id)
    (logs / dongle_id).rename(car.logs)
    write_settings(folder, car, "device")
    return dongle_id


@pytest.mark.usefixtures("server")
def test_what_came_is_ingested(tmp_path, run_alone):
    dongle_id = with_simulated_logs(tmp_path)

    result = run_alone("collect", "--kind", "both", "--ingest", "--json")

    found = json.loads(result.stdout)
    assert result.exit_code == 0, result.stderr
    assert found["ingest"]["n_ingested"] > 0
    drives = json.loads(run_alone("drives", "--json").stdout)
    assert [drive["dongle_id"] for drive in drives] == [dongle_id]


@pytest.mark.usefixtures("server")
def test_a_round_says_that_can_signals_need_the_extra(tmp_path, run_alone, monkeypatch):
    monkeypatch.setattr("engagement.extract.choice.has_cars", lambda: False)
    with_simulated_logs(tmp_path)

    result = run_alone("collect", "--kind", "both", "--ingest")

    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("pip install 'engagement[cars]'") == 1


@pytest.mark.usefixtures("server")
def test_a_busy_database_is_said_in_the_document_too(tmp_path, run_alone):
    with_simulated_logs(tmp_path)

    with writer_lock(Path("engagement.duckdb")):
        result = run_alone("collect", "--ingest", "--json")

    found = json.loads(result.stdout)
    assert result.exit_code == 4
    assert found["devices"][0]["n_collected"] > 0
    assert "process" in found["ingest"]["problem"]


@pytest.mark.usefixtures("server")
def test_a_later_round_ingests_what_an_earlier_one_could_not(tmp_path, run_alone):
    dongle_id = with_simulated_logs(tmp_path)
    options = dict.fromkeys(
        [
            "drive", "device", "limit_rate", "profile", "settings_file", "list_file", "server",
            "token_file",
        ]
    ) | {
        "folder": Path("rlogs"), "kind": "both", "compress": "none", "verify": False,
        "video": False, "request_upload": False,
        "dry_run": False, "accept_new": False, "timeout_s": 5.0, "retries": 0,
        "database": Path("engagement.duckdb"), "with_ingest": True, "as_json": False,
    }  # fmt: skip
    rounds = collecting._Rounds(
        collecting.make_task([], selection=Selection(), options=options), Stop()
    )
    with writer_lock(Path("engagement.duckdb")), pytest.raises(StoreBusyError):
        rounds.run()
    (tmp_path / "car" / "params" / "DongleId").unlink()
    shutil.rmtree(tmp_path / "car")  # it knows nothing any more

    rounds.run()

    drives = json.loads(run_alone("drives", "--json").stdout)
    assert [drive["dongle_id"] for drive in drives] == [dongle_id]


@pytest.mark.usefixtures("server")
def test_sigterm_ends_an_ingest(tmp_path):
    with_simulated_logs(tmp_path)
    command = [sys.executable, "-c", SLOW_INGEST]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        while not Path("begun").exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read()

    assert process.returncode == 1, said
    assert "collected" in said
    assert "Traceback" not in said
    assert not Path("engagement.duckdb").exists()


@pytest.mark.usefixtures("car")
def test_watch_goes_on_until_sigterm(device, tmp_path):  # noqa: F811
    command = [sys.executable, "-m", "engagement", "collect", "--watch", "0.005"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        lines = [process.stderr.readline() for _ in range(2)]
        device.add(f"{DRIVE}--2/rlog.zst")
        newest = tmp_path / "rlogs" / DONGLE_ID / f"{DRIVE}--2" / "rlog.zst"
        for _ in range(200):
            if newest.exists():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()

    assert process.returncode == 0
    assert "collected 2 logs" in lines[0]
    assert "2 here already" in lines[1]
    assert newest.exists()
    assert rest.endswith("stopped; what came is whole\n")


@pytest.mark.usefixtures("car")
def test_sigterm_ends_a_long_transfer():
    command = [sys.executable, "-m", "engagement", "collect", "--limit-rate", "20kB"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        for _ in range(200):
            if list(Path("rlogs").rglob("*.part")):
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read()

    assert process.returncode == 1
    assert "stopped" in said


@pytest.mark.usefixtures("car")
def test_a_terminal_sees_a_bar():
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "engagement", "collect", "--limit-rate", "300kB"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "150"}
    with subprocess.Popen(command, stderr=theirs, env=environment) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                seen += os.read(ours, 1 << 16)
            except OSError:
                break
    os.close(ours)

    assert process.returncode == 0
    assert b"0 of 2 logs" in seen
    assert f"{DRIVE}--1/rlog.zst".encode() in seen
