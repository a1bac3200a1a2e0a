"""Broken messages and broken files, seeded; what reading them does, counted.

Messages are read twice, by column and one by one with pycapnp: what a message that is not marked
as damaged gives must be the same. Files are read as an ingest reads them, under a limit of memory
and with a clock: whatever they hold, they are read or said to be damaged, in time and in memory in
proportion to what they hold.
"""

from __future__ import annotations

import bz2
import struct
import time
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from engagement.extract.batches import build
from engagement.extract.segment import ReadOptions, read_segment
from engagement.logs.codec import zstd
from engagement.logs.find import LogFile
from engagement.logs.log import Log
from engagement.logs.schema import load_schema
from engagement.names import LogName
from engagement.store.memory import allocated_bytes, held_to
from tests.oracles.capnp_reader import split
from tests.oracles.tables import read_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_MESSAGES_A_LOG = 40
_LIMIT_BYTES = 4 << 20  # of a raw log, so that many fit into a minute
_MEMORY_BYTES = 100_000_000 + 6 * _LIMIT_BYTES  # a process has 100 MB before it reads
_BASE_S, _S_PER_MB = 0.5, 0.5  # of processor time, on a slow machine that does something else too


@dataclass
class Counts:
    """What came of some messages or files; all but `n` and `n_marked` have to be 0."""

    n: int = 0
    n_marked: int = 0
    n_crashes: int = 0
    n_wrong: int = 0
    n_over_memory: int = 0
    n_over_time: int = 0
    slowest_s: float = 0.0
    failures: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether there was no failure."""
        return not (self.n_crashes or self.n_wrong or self.n_over_memory or self.n_over_time)

    def fail(self, what: str) -> None:
        """Keep the first few failures."""
        if len(self.failures) < 20:
            self.failures.append(what)


def fuzz_messages(
    raws: Sequence[bytes], n_messages: int, seed: int, corrupt: Callable[[bytes, Random], bytes]
) -> Counts:
    """Corrupt messages of logs, and compare what is read of them with a plain reading."""
    messages = [split(raw) for raw in raws]
    counts = Counts()
    while counts.n < n_messages:
        log_seed = seed * 10_000_000 + counts.n
        rng = Random(log_seed)
        ours = rng.choice(messages)
        start = rng.randrange(max(len(ours) - _MESSAGES_A_LOG, 1))
        picked = ours[start : start + _MESSAGES_A_LOG]
        if rng.random() < 0.2:
            picked = [rng.choice(ours) for _ in picked]
        raw = corrupt(b"".join(picked), rng)
        counts.n += len(picked)
        try:
            _compare(raw, counts)
        except AssertionError:
            counts.n_wrong += 1
            counts.fail(f"seed {log_seed}: read otherwise, without a mark")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
            counts.n_crashes += 1
            counts.fail(f"seed {log_seed}: {type(error).__name__}: {error}")
    return counts


def _compare(raw: bytes, counts: Counts) -> None:
    log = Log(raw, load_schema())
    log.refuse_lost_times()
    rows = build(log)
    counts.n_marked += log.n_damaged
    if any(message[:4] != bytes(4) for message in split(raw)):
        return  # the plain reading knows messages of one segment
    damaged = set(np.flatnonzero(log.is_damaged).tolist())
    found: dict[str, int] = {}
    for part in rows:
        found[part.table] = found.get(part.table, 0) + len(part.message_num)
    expected = read_tables(raw, load_schema(), without=damaged)
    assert {name: n for name, n in found.items() if n} == {n: len(r) for n, r in expected.items()}
    for part in rows:
        wanted = [row for row in expected.get(part.table, []) if _is_of(row, part.columns)]
        if len(part.message_num) and len(wanted) == len(part.message_num):
            got = part.to_arrow().to_pylist()
            wanted.sort(key=lambda row: row["message_num"])
            assert sorted(got, key=lambda row: row["message_num"]) == wanted


def _is_of(row: dict[str, object], columns: object) -> bool:
    """Whether a row of a table is of the same source as some columns."""
    return isinstance(columns, dict) and row.keys() - {"message_num", "mono_ns"} == columns.keys()


def fuzz_files(raws: Sequence[bytes], n_files: int, seed: int, folder: Path) -> Counts:
    """Read broken, odd and hostile files as an ingest does."""
    path = folder / "rlog"
    options = ReadOptions(limit_bytes=_LIMIT_BYTES)
    counts = Counts()
    base_bytes = allocated_bytes()
    for number in range(n_files):
        rng = Random(seed * 10_000_000 + number)
        path.write_bytes(_file(raws, rng))
        file = LogFile(path, LogName(log_kind="rlog"), path.stat().st_size, 0)
        counts.n += 1
        started_at_s = time.process_time()
        try:
            with held_to(_MEMORY_BYTES, base_bytes):
                log = read_segment(file, options)
        except MemoryError:
            counts.n_over_memory += 1
            counts.fail(f"file {number}: over the memory line")
            continue
        except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
            counts.n_crashes += 1
            counts.fail(f"file {number}: {type(error).__name__}: {error}")
            continue
        took_s = time.process_time() - started_at_s
        counts.slowest_s = max(counts.slowest_s, took_s)
        counts.n_marked += log.status != "ok"
        if took_s > _BASE_S + _S_PER_MB * log.raw_size_bytes / 1e6:
            counts.n_over_time += 1
            counts.fail(f"file {number}: {took_s:.2f} s for {log.raw_size_bytes} bytes")
        if log.status != "ok" and not log.damage:
            counts.n_wrong += 1
            counts.fail(f"file {number}: damaged without a word")
    return counts


def _file(raws: Sequence[bytes], rng: Random) -> bytes:
    raw = rng.choice(raws)
    start = rng.randrange(len(raw) // 8) * 8 if rng.random() < 0.1 else 0
    piece = raw[start : start + rng.choice((4_000, 40_000, 400_000))]
    content = _pack(rng.choice((piece, piece, _odd(rng))), rng)
    if rng.random() < 0.7:
        content = _broken(content, rng)
    return content


def _odd(rng: Random) -> bytes:
    """Raw content that no device writes."""
    word = struct.pack("<II", 0, rng.choice((1, 2, 3, 2**31)))
    segments = struct.pack("<I", 511) + bytes(4 * 513)
    kinds = (
        lambda: (word + bytes(8 * rng.randrange(4))) * 100_000,
        lambda: segments * 1_000,
        lambda: bytes(rng.randrange(8 << 20)),
        lambda: rng.randbytes(rng.randrange(100_000)),
        lambda: struct.pack("<IIQ", 0, 1, rng.getrandbits(64)) * 50_000,
        lambda: (struct.pack("<IIQ", 0, 3, 1 << 48) + rng.randbytes(16)) * 9999,
        lambda: b"<!DOCTYPE html>" + rng.randbytes(99),
    )
    return rng.choice(kinds)()


def _pack(raw: bytes, rng: Random) -> bytes:
    kind = rng.randrange(6)
    if kind == 0:
        return raw
    if kind == 1:
        return bz2.compress(raw, rng.randrange(1, 10))
    if kind == 2:
        cut = rng.randrange(len(raw) + 1)
        return bz2.compress(raw[:cut], 1) + bz2.compress(raw[cut:], 1)
    if kind == 3:
        skipped = b"\x50\x2a\x4d\x18" + struct.pack("<I", 3) + b"abc"
        frame = zstd.compress(raw[: rng.randrange(99)])
        return (frame + skipped) * rng.choice((2, 30_000)) + zstd.compress(raw)
    compressor = zstd.ZstdCompressor(level=rng.choice((1, 3, 10)))
    return compressor.compress(raw) + compressor.flush()


def _broken(content: bytes, rng: Random) -> bytes:
    broken = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 20))):
        if not broken:
            break
        place = rng.randrange(len(broken))
        how = rng.randrange(4)
        if how == 0:
            broken[place] ^= 1 << rng.randrange(8)
        elif how == 1:
            broken[place : place + 8] = rng.randbytes(8)
        elif how == 2:
            del broken[place : place + rng.choice((1, 100, len(broken)))]
        else:
            broken[place:place] = rng.randbytes(rng.choice((1, 8, 1000)))
    return bytes(broken)
