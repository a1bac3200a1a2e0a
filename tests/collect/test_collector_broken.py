"""Devices, lines and disks that break while logs are collected."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import replace

import pytest

from engagement.collect.collector import collect
from engagement.collect.device import Device
from engagement.collect.hosts import parse_host
from engagement.collect.pace import Patience, Stop
from tests.collect.devices import (
    DONGLE_ID,
    DRIVE,
    OPTIONS,
    proxied,
    random_bytes,
    run_collect,
    tree,
)
from tests.collect.sshd import free_port

pytestmark = pytest.mark.usefixtures("server")


@pytest.mark.parametrize(("n_early", "n_late", "verify"), [(5, 15, False), (1, 4, True)])
def test_a_connection_cut_twenty_times_brings_equal_files(
    device, folder, server, *, n_early, n_late, verify
):
    """While it logs in, and while logs come: of each large one there are many small ones."""
    n_large = n_late // 2 + 1
    for number in range(n_large * 12):
        size_bytes = 600_000 if number % 12 == 5 else 8000
        device.add(f"{DRIVE}--{number}/rlog.zst", random_bytes(size_bytes, number))
    rng = random.Random(5)
    budgets = [rng.randrange(1, 2500) for _ in range(n_early)]
    budgets += [rng.randrange(2500, 400_000) for _ in range(n_late)]
    rng.shuffle(budgets)

    with proxied(server.port, budgets) as proxy:
        server.write_known_hosts(port=proxy.port)
        name = server.add_alias("cut", Port=proxy.port)
        report = run_collect(device, folder, name, verify=verify, patience=Patience(6, 0.01))

    assert report.problem is None
    assert proxy.n_cut == report.n_retries == n_early + n_late
    assert tree(folder / DONGLE_ID) == tree(device.logs)
    assert proxy.n_bytes < n_large * 688_000 * 1.4


def test_what_a_cut_left_is_gone_on_with(device, folder, server):
    device.add(f"{DRIVE}--0/rlog.zst", random_bytes(2_000_000))

    with proxied(server.port, [1_000_000], lag_s=0.2) as proxy:
        server.write_known_hosts(port=proxy.port)
        name = server.add_alias("once", Port=proxy.port)
        broken = run_collect(device, folder, name, patience=Patience(0))
        left = tree(folder)
        n_before = proxy.n_bytes
        whole = run_collect(device, folder, name, verify=True)

    (part,) = left
    assert part.endswith("rlog.zst.part")
    assert 800_000 < len(left[part]) < 1_000_000
    assert broken.problem
    assert broken.to_collect
    assert whole.is_good
    assert proxy.n_bytes - n_before < 1_300_000
    assert tree(folder / DONGLE_ID) == tree(device.logs)


def test_a_part_of_unknown_origin_is_begun_anew(device, folder):
    device.add(f"{DRIVE}--0/rlog.zst", random_bytes(100_000))
    segment = folder / DONGLE_ID / f"{DRIVE}--0"
    segment.mkdir(parents=True)
    (segment / "rlog.zst.part").write_bytes(bytes(50_000))  # as a power cut leaves it

    assert run_collect(device, folder).is_good
    assert tree(folder / DONGLE_ID) == tree(device.logs)


def test_a_part_that_holds_other_bytes_is_found_by_its_sum(device, folder):
    there = device.add(f"{DRIVE}--0/rlog.zst", random_bytes(100_000))
    segment = folder / DONGLE_ID / f"{DRIVE}--0"
    segment.mkdir(parents=True)
    (segment / "rlog.zst.part").write_bytes(bytes(50_000))
    os.utime(segment / "rlog.zst.part", ns=(there.stat().st_mtime_ns,) * 2)

    report = run_collect(device, folder, verify=True)

    ((path, problem),) = report.failed
    assert path == str(there)
    assert "SHA-256" in problem
    assert tree(folder) == {}
    assert run_collect(device, folder, verify=True).is_good


def test_a_dead_host_costs_only_itself(device, folder, server):
    device.add(f"{DRIVE}--0/rlog.zst")
    dead = server.add_alias("dead", Port=free_port())
    options = replace(OPTIONS, settings=device.settings)

    reports = collect([parse_host(dead), parse_host("device")], folder, options)

    assert "refused" in reports[0].problem
    assert reports[0].n_retries == OPTIONS.patience.retries
    assert len(reports[1].collected) == 1


def test_a_host_that_says_nothing_is_given_up(device, folder, server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        name = server.add_alias("silent", Port=silent.getsockname()[1])
        quick = replace(OPTIONS.timeouts, connect_s=0.3)
        started_at_s = time.monotonic()
        report = run_collect(device, folder, name, timeouts=quick, patience=Patience(0))

    assert report.problem
    assert time.monotonic() - started_at_s < 4


def test_a_full_disk_is_said_and_gone_on_from(device, small_disk):
    folder, resize = small_disk
    resize(1_000_000)
    device.add(f"{DRIVE}--0/rlog.zst", random_bytes(600_000))
    device.add(f"{DRIVE}--1/rlog.zst", random_bytes(900_000))

    report = run_collect(device, folder)
    assert "no space left" in report.problem
    assert f"{DRIVE}--1/rlog.zst.part" in report.problem
    assert len(report.collected) == 1

    resize(10_000_000)
    assert run_collect(device, folder, verify=True).is_good
    assert tree(folder / DONGLE_ID) == tree(device.logs)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, and a way to say how large it is."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")

    def resize(size_bytes: int) -> None:
        option = f"remount,size={size_bytes // 1024}k"
        subprocess.run(["mount", "-o", option, str(folder)], check=True)

    yield folder, resize
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_wish_to_end_ends_it(device, folder):
    device.add(f"{DRIVE}--0/rlog.zst", random_bytes(6_000_000))
    stop = Stop()
    options = replace(OPTIONS, settings=device.settings, limit_bytes_per_s=100_000)
    timer = threading.Timer(0.5, lambda: setattr(stop, "is_requested", True))
    timer.start()

    (report,) = collect([parse_host("device")], folder, options, stop=stop)

    assert report.problem == "stopped"
    assert report.duration_s < 4
    assert all(path.endswith(".part") for path in tree(folder))


def test_a_folder_of_logs_that_is_not_there_is_named(device, folder):
    device.logs.rmdir()

    report = run_collect(device, folder)

    assert str(device.logs) in report.problem
    assert "no such folder" in report.problem


def collect_while(change, device, folder):
    """Collect from a device that changes after it was listed."""
    find = Device.find_logs

    def find_and_change(self):
        listing = find(self)
        change()
        return listing

    options = replace(OPTIONS, settings=device.settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Device, "find_logs", find_and_change)
        (report,) = collect([parse_host("device")], folder, options)
    return report


def test_a_log_that_vanishes_is_no_failure(device, folder):
    gone = device.add(f"{DRIVE}--0/rlog.zst")
    device.add(f"{DRIVE}--1/rlog.zst")

    report = collect_while(gone.unlink, device, folder)

    assert (report.n_gone, len(report.collected), report.is_good) == (1, 1, True)
    assert len(tree(folder)) == 1


@pytest.mark.parametrize("size_bytes", [0, 99_999, 100_001, 300_000])
def test_a_log_that_gets_another_size_comes_next_time(device, folder, size_bytes):
    files = [device.add(f"{DRIVE}--{n}/rlog.zst", random_bytes(100_000, n)) for n in range(3)]
    other = random_bytes(size_bytes, 9)

    report = collect_while(lambda: files[1].write_bytes(other), device, folder)

    ((path, problem),) = report.failed
    assert path == str(files[1])
    assert "another size" in problem
    assert sorted(tree(folder).values()) == sorted(random_bytes(100_000, n) for n in (0, 2))
    assert run_collect(device, folder).is_good
    assert tree(folder / DONGLE_ID) == tree(device.logs)
