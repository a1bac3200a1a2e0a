"""Collecting from a device that runs no commands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engagement.collect import listing, reading
from engagement.collect.collector import collect
from engagement.collect.hosts import parse_host
from tests.collect.devices import (
    DONGLE_ID,
    DRIVE,
    OPTIONS,
    proxied,
    random_bytes,
    run_collect,
    tree,
)
from tests.collect.sshd import run_server

pytestmark = pytest.mark.usefixtures("server", "sftp_only")


@pytest.fixture
def sftp_only(tmp_path_factory, monkeypatch):
    """A server that runs no commands."""
    for server in run_server(tmp_path_factory.mktemp("sftp"), extra="ForceCommand internal-sftp"):
        monkeypatch.setenv("HOME", str(server.home))
        yield server


def test_a_device_that_runs_no_commands_is_read_by_sftp(device, folder, sftp_only, monkeypatch):
    offsets = []
    read = reading._Files.read

    def read_from(source, log, offset):
        offsets.append(offset)
        return read(source, log, offset)

    monkeypatch.setattr(reading._Files, "read", read_from)
    device.add(f"{DRIVE}--0/rlog.zst", random_bytes(9_000_000))
    device.add(f"{DRIVE}--1/qlog", b"")
    device.add(f"{DRIVE}--2/rlog.zst")
    device.add(f"{DRIVE}--2/rlog.lock")

    with proxied(sftp_only.port, [3_000_000], lag_s=0.5) as proxy:
        sftp_only.write_known_hosts(port=proxy.port)
        name = sftp_only.add_alias("cut", Port=proxy.port)
        report = run_collect(device, folder, name)

    assert (report.problem, report.n_retries, report.n_locked) == (None, 1, 1)
    assert tree(folder / DONGLE_ID) == {
        path: content for path, content in tree(device.logs).items() if "--2" not in path
    }
    # What was there already isn't asked for again; paramiko may ask twice for what is on its way.
    assert len([offset for offset in offsets if offset]) == 1
    assert proxy.n_bytes < 3_000_000 + 2 * 9_000_000


def test_names_that_are_no_text_cost_nothing(device, folder):
    device.add(f"{DRIVE}--0/rlog.zst", b"beside")
    device.add(f"\udcff\udcfe/{DRIVE}--1/rlog.zst", b"below")
    device.add(f"{DRIVE}--2/\udcff", b"odd")
    device.add(f"{DRIVE}--2/rlog.zst", b"with")

    report = run_collect(device, folder)

    assert report.is_good
    assert sorted(tree(folder).values()) == [b"below", b"beside", b"with"]


@pytest.mark.parametrize(
    ("error", "problem"),
    [(FileNotFoundError(2, "x"), None), (PermissionError(13, "x"), "denied"), (OSError("x"), "x")],
)
def test_a_folder_that_can_not_be_listed_costs_only_itself(device, folder, error, problem):
    for number in range(3):
        device.add(f"{DRIVE}--{number}/rlog.zst")
    find = listing._list_folder

    def list_folder(sftp, path):
        if f"{DRIVE}--1" in path:
            raise error
        return find(sftp, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "_list_folder", list_folder)
        report = run_collect(device, folder)

    assert len(report.collected) == 2
    assert report.n_retries == 0
    assert report.is_good == (problem is None)
    assert problem is None or problem in report.problem


def test_a_log_that_grows_while_it_comes_is_not_taken_for_whole(device, folder):
    growing = device.add(f"{DRIVE}--0/rlog.zst", random_bytes(100_000))
    device.add(f"{DRIVE}--1/rlog.zst")
    vanishing = device.add(f"{DRIVE}--2/rlog.zst")
    read = reading._Files.read

    def read_and_grow(source, log, offset):
        for piece in read(source, log, offset):
            with growing.open("ab") as file:
                file.write(b"more")
            vanishing.unlink(missing_ok=True)
            yield piece

    options = replace(OPTIONS, settings=device.settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading._Files, "read", read_and_grow)
        (report,) = collect([parse_host("device")], folder, options)

    assert [path for path, _ in report.failed] == [str(growing)]
    assert "changed" in report.failed[0][1]
    assert (report.n_gone, len(report.collected), report.problem) == (1, 1, None)
    assert len(tree(folder)) == 1


def test_nothing_can_be_verified(device, folder):
    there = [device.add(f"{DRIVE}--{number}/rlog.zst") for number in range(2)]
    here = folder / DONGLE_ID / f"{DRIVE}--0" / "rlog.zst"
    here.parent.mkdir(parents=True)
    here.write_bytes(there[0].read_bytes())

    report = run_collect(device, folder, verify=True)

    assert sorted(path for path, _ in report.failed) == sorted(map(str, there))
    assert all("can't be verified" in problem for _, problem in report.failed)
