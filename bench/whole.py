"""What a user waits for first: whole processes of `engagement ingest`, imports and all.

One segment is ingested into a new database, into one of 100 hours and into a large one of full-rate
logs; then once more, where nothing is new. Beside processor seconds stands what was written to the
file system, as the kernel counts it for the process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench.corpus import N_DISTINCT, OUT, SEGMENTS_PER_DRIVE, corpus
from bench.old_script import read_as_before
from bench.output import megabytes, print_table, ratio, seconds
from bench.scale import fleet_database
from engagement.store.ingestion import recompute

if TYPE_CHECKING:
    from bench.runs import Setting

_ROOT = Path(__file__).parent.parent
_BLOCK_BYTES = 512  # of the kernel's count of blocks written
_HOURS = {"20 samples/s": 100, "100 samples/s": 50}
_HOURS_QUICK = {"20 samples/s": 10, "100 samples/s": 3}
_N_RAW = 4


@dataclass(frozen=True, slots=True)
class _Process:
    """What a process took, with all that it started."""

    wall_s: float
    cpu_s: float
    written_bytes: int


def run(setting: Setting) -> None:
    """Measure and print."""
    hours = _HOURS_QUICK if setting.is_quick else _HOURS
    found: dict[str, list[_Process]] = {}
    for rate, wanted in hours.items():
        database = _computed(rate, wanted)
        found[f"into {wanted} h, {rate}"] = [_into(database) for _ in range(setting.repetitions)]
    found = {"into a new database": [], "nothing new": []} | found
    for _ in range(setting.repetitions):
        scratch = _scratch(None)
        found["into a new database"].append(_ingest(scratch))
        found["nothing new"].append(_ingest(scratch))
    large = f"into {hours['100 samples/s']} h, 100 samples/s"
    aims = {"into a new database": "<= 600 ms", "nothing new": "70-90 ms", large: "<= 48 MB"}
    aims[f"into {hours['20 samples/s']} h, 20 samples/s"] = "<= 450 ms, <= 48 MB"
    print_table(
        "One segment, zstd: whole processes",
        ("", "wall", "processor", "written", "written at most", "aim"),
        [
            (
                name,
                seconds(median(run.wall_s for run in runs)),
                seconds(median(run.cpu_s for run in runs)),
                megabytes(int(median(run.written_bytes for run in runs))),
                megabytes(max(run.written_bytes for run in runs)),
                aims[name],
            )
            for name, runs in found.items()
        ],
    )
    _print_raw(setting)


def _print_raw(setting: Setting) -> None:
    """Some raw logs, against the least script that reads four signals of two types of messages."""
    logs = corpus("none", _N_RAW).folder
    found: dict[str, list[_Process]] = {"ingest": [], "script": []}
    for _ in range(setting.repetitions):
        found["ingest"].append(_ingest(_scratch(None), logs))
        script = [sys.executable, "-m", read_as_before.__module__, str(logs)]
        found["script"].append(_measured(script))
    base = found["ingest"]
    print_table(
        f"Ingest of {_N_RAW} raw segments, against a script that reads 4 signals: whole processes",
        ("", "wall", "processor", "wall ratio", "processor ratio"),
        [
            (
                name,
                seconds(median(run.wall_s for run in runs)),
                seconds(median(run.cpu_s for run in runs)),
                ratio(median(run.wall_s for run in runs), median(run.wall_s for run in base)),
                ratio(median(run.cpu_s for run in runs), median(run.cpu_s for run in base)),
            )
            for name, runs in found.items()
        ],
    )


def _computed(rate: str, hours: int) -> Path:
    """A database of so many hours with its results."""
    path = fleet_database(rate, hours)
    whole = path.with_suffix(".computed")
    if not whole.exists():
        part = path.with_suffix(".computing")
        shutil.copyfile(path, part)
        recompute(part)
        part.rename(whole)
    return whole


def _into(database: Path) -> _Process:
    """The third publication: what the first one leaves is the first that a copy is made of."""
    scratch = _scratch(database)
    *before, last = _late_segments()
    for logs in before:
        _ingest(scratch, logs)
    return _ingest(scratch, last)


def _late_segments() -> list[Path]:
    """The first segments of three drives that no database has."""
    drives = N_DISTINCT // SEGMENTS_PER_DRIVE
    whole = corpus("zst", (drives + 2) * SEGMENTS_PER_DRIVE + 1).folder
    by_name = sorted(whole.glob("*/*--0"), key=lambda folder: folder.name)
    return by_name[drives:]


def _scratch(database: Path | None) -> Path:
    folder = OUT / "whole"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / "engagement.duckdb"
    if database:
        shutil.copyfile(database, path)
    return path


def _ingest(database: Path, logs: Path | None = None) -> _Process:
    logs = logs or corpus("zst", 1).folder
    command = [sys.executable, "-m", "engagement", "ingest", str(logs), "--profile", "demo"]
    return _measured([*command, "--db", str(database)])


def _measured(command: list[str]) -> _Process:
    """Run a process to its end.

    Raises:
        RuntimeError: If it fails.
    """
    started_at_s = time.perf_counter()
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - started_at_s
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: exit code {process.returncode}")
    return _Process(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_oublock * _BLOCK_BYTES)
