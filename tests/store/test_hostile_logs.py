"""Logs that are made to hurt: each is named, the ingest stays small, and the others are read."""

from __future__ import annotations

import bz2
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
from dataclasses import replace
from multiprocessing import parent_process
from pathlib import Path

import pytest

from bench.processes import MemoryWatch
from engagement.extract.segment import LargeLogError, ReadOptions, read_segment
from engagement.logs.codec import zstd
from engagement.logs.find import LogFile, find_logs
from engagement.logs.framing import MAX_MESSAGES
from engagement.logs.pointers import MAX_ITEMS
from engagement.logs.schema import load_schema
from engagement.logs.writer import EventBuilder
from engagement.names import LogName
from engagement.store.decoding import decode
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.memory import Budget
from engagement.store.reader import Reader

MB = 1_000_000
DONGLE = "a1b2c3d4e5f60718"
NULL = struct.pack("<IIQ", 0, 1, 0)  # a message whose root is null
GOOD = Path(__file__).parent.parent / "data" / "eras" / "2025-03_v0.9.9"


def zst(pieces):
    compressor = zstd.ZstdCompressor()
    return b"".join(map(compressor.compress, pieces)) + compressor.flush()


def carstates(n_messages):
    """Messages that fill tables: each of a kind that is read in full, and long."""
    one = EventBuilder(load_schema()).event("carState", 10**9, {"vEgo": 1.0, "cruiseState": {}})
    return zst([one * 1000] * (n_messages // 1000))


def long_lists():
    """Messages of as many list elements as there are words in them."""
    events = [{"name": 1}] * 16_000
    return zst([EventBuilder(load_schema()).event("onroadEvents", 10**9, events)] * 2000)


FINE = {"carstates": lambda: carstates(200_000)}  # much, but no more than a log may have
HOSTILE = {
    "null": lambda: zst([NULL * 65_536] * 400),
    "bomb": lambda: bz2.compress(bytes(32 * 1024**2)) * 9,
    "empty_frames": lambda: zstd.compress(b"") * 2_000_000,
    "skippable": lambda: (b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + b"abcd") * 500_000,
    "long_lists": long_lists,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rlogs")
    for number, make in enumerate((HOSTILE | FINE).values()):
        path = folder / DONGLE / f"00000001--0123456789--{number}" / "rlog.zst"
        path.parent.mkdir(parents=True)
        path.write_bytes(make())
    noise = random.Random(1)
    for number in range(200):
        path = folder / DONGLE / f"00000002--0123456789--{number}" / "rlog"
        path.parent.mkdir()
        path.write_bytes(noise.randbytes(500))
    good = find_logs([GOOD]).logs[0].path
    (folder / DONGLE / "00000003--0123456789--0").mkdir()
    shutil.copy(good, folder / DONGLE / "00000003--0123456789--0" / good.name)
    return folder


@pytest.mark.parametrize("jobs", [1, 2])
def test_hostile_logs_cost_themselves_and_little_else(folder, tmp_path, jobs):
    database = tmp_path / "x.duckdb"
    command = [sys.executable, "-m", "engagement", "ingest", folder, "--db", database, "--json"]
    process = subprocess.Popen(
        [*map(str, command), "--jobs", str(jobs)], stdout=subprocess.PIPE, text=True
    )
    with MemoryWatch(process.pid) as memory:
        said, _ = process.communicate(timeout=300)

    assert memory.total_bytes < 1000 * MB
    report = json.loads(said)
    segments = [Path(problem["path"]).parent.name for problem in report["problems"]]
    hostile = [f"00000001--0123456789--{number}" for number in range(len(HOSTILE))]
    noise = [f"00000002--0123456789--{number}" for number in range(200)]
    assert sorted(segments) == sorted(hostile + noise)
    with Reader(database) as reader:
        rows = reader.rows("select status from segments where drive = '00000003--0123456789'")
        assert rows == [{"status": "ok"}]
    again = subprocess.run(
        [*map(str, command)], check=False, stdout=subprocess.PIPE, text=True, timeout=300
    )
    assert json.loads(again.stdout)["to_read"] == []


def test_messages_without_content_are_damaged(tmp_path):
    (tmp_path / "rlog").write_bytes(NULL * 1000)
    (file,) = find_logs([tmp_path]).logs

    log = read_segment(file, ReadOptions())

    assert (log.status, log.n_damaged_messages, log.tables) == ("failed", 1000, {})


def test_a_list_of_more_structs_than_a_device_writes_costs_its_message(tmp_path):
    builder = EventBuilder(load_schema())
    events = [builder.event("onroadEvents", 10**9, [{"name": 1}] * n) for n in (3, MAX_ITEMS + 1)]
    (tmp_path / "rlog").write_bytes(b"".join(events))
    (file,) = find_logs([tmp_path]).logs

    log = read_segment(file, ReadOptions())

    assert log.status == "partial"
    assert f"lists of more than {MAX_ITEMS} structs" in log.damage
    assert log.n_damaged_messages == 1
    assert log.tables["car_event"].num_rows == 3


@pytest.mark.parametrize("raw", [NULL * (MAX_MESSAGES // 2), NULL[:8] + bytes(40 * 1024**2)])
def test_what_is_read_in_the_main_process_is_known_to_be_small(tmp_path, raw):
    (tmp_path / "rlog.zst").write_bytes(zst([raw]))
    (file,) = find_logs([tmp_path]).logs

    with pytest.raises(LargeLogError):
        read_segment(file, ReadOptions(only_small=True))


class DeadlyPath(type(Path())):
    """A log that ends whoever reads it, but for the process that has to live."""

    def open(self, *args, **options):
        if parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().open(*args, **options)


def test_a_log_that_kills_its_decoder_is_kept_as_failed(tmp_path):
    path = tmp_path / "rlog"
    path.write_bytes(NULL * (MAX_MESSAGES // 2))  # not small, so not for this process
    name = LogName(DONGLE, "00000001--0123456789", 0, "rlog")
    file = LogFile(DeadlyPath(path), name, path.stat().st_size, 0)

    (decoded,) = decode([(file,)], ReadOptions(), jobs=1)

    assert decoded.log.status == "failed"
    assert decoded.log.damage == "it killed its decoder, perhaps for want of memory"
    assert decoded.log.content_hash == read_segment(file, ReadOptions()).content_hash


class TellingPath(type(Path())):
    """A log that notes which process reads it, but for the process that has to live."""

    def open(self, *args, **options):
        if parent_process() is not None:
            with Path(self).with_name("pids").open("a") as pids:
                pids.write(f"{os.getpid()}\n")
        return super().open(*args, **options)


def test_what_a_large_log_took_is_not_missing_to_the_next(tmp_path):
    """What a process gives back is not all that it took, so it reads one large log."""
    path = tmp_path / "rlog"
    path.write_bytes(NULL * (MAX_MESSAGES // 2))  # not small, so not for this process
    names = [LogName(DONGLE, "00000001--0123456789", number, "rlog") for number in range(2)]
    groups = [(LogFile(TellingPath(path), name, path.stat().st_size, 0),) for name in names]

    assert len(list(decode(groups, ReadOptions(), jobs=1))) == 2
    assert len(set((tmp_path / "pids").read_text().split())) == 2


def test_a_log_of_too_little_memory_is_named_and_its_qlog_read(tmp_path):
    path = tmp_path / "rlog"
    path.write_bytes(bytes(NULL * 3_000_000))
    name = LogName(DONGLE, "00000001--0123456789", 0, "rlog")
    rlog = LogFile(path, name, path.stat().st_size, 0)
    good = find_logs([GOOD]).logs[0]

    (decoded,) = decode([(rlog, good)], ReadOptions(), jobs=1, memory_bytes=200 * MB)

    assert decoded.log.file == good
    assert decoded.log.status == "ok"
    ((_, problem),) = decoded.problems
    assert problem.startswith("reading it takes more than")
    assert "--max-memory" in problem


def test_a_log_that_was_cut_at_the_limit_is_read_again_with_a_larger_one(tmp_path):
    message = EventBuilder(load_schema()).event("carState", 10**9, {"vEgo": 1.0})
    log = tmp_path / DONGLE / "00000001--0123456789--0" / "rlog"
    log.parent.mkdir(parents=True)
    log.write_bytes(message * 100)
    database = tmp_path / "x.duckdb"

    def run(limit_bytes):
        options = IngestOptions(ReadOptions(limit_bytes=limit_bytes), jobs=1)
        report = ingest([tmp_path], database, options)
        return report.n_partial, report.n_ingested, report.n_unchanged

    assert run(len(message) * 50) == (1, 1, 0)
    assert run(len(message) * 50) == (0, 0, 1)
    assert run(len(message) * 60) == (1, 1, 0)
    assert run(len(message) * 100) == (0, 1, 0)
    assert run(len(message) * 200) == (0, 0, 1)


def test_workers_share_a_budget():
    budget = Budget(1000 * MB)
    file = LogFile(Path("rlog.zst"), LogName(), 10 * MB, 0)
    share = budget.share_bytes(file)
    n_workers = budget.n_workers(64)

    assert 1 <= n_workers < 8
    n_beside = 0
    while budget.admits(share, [share] * n_beside, n_workers):
        n_beside += 1
    assert n_beside * share < 1000 * MB
    assert budget.share_bytes(replace(file, size_bytes=500 * MB)) == budget.alone_bytes
    assert Budget(10 * MB).n_workers(4) == 1
