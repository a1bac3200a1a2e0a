"""One drive among many: computing its results anew, and one more segment for it."""

from __future__ import annotations

import shutil
import time
from statistics import median
from typing import TYPE_CHECKING

import duckdb

from bench.corpus import OUT, SEGMENTS_PER_DRIVE, Corpus, corpus
from bench.output import megabytes, print_table, ratio, seconds
from bench.runs import measure, median_cpu_s, median_wall_s
from engagement.store.results import refresh

if TYPE_CHECKING:
    from pathlib import Path

    from bench.runs import Run, Setting

_DRIVES = (1, 10, 100)
_DRIVES_QUICK = (1, 10)


def run(setting: Setting) -> None:
    """Measure and print."""
    drives = _DRIVES_QUICK if setting.is_quick else _DRIVES
    databases = {n_drives: _database(n_drives, setting) for n_drives in drives}
    times: dict[int, list[tuple[float, float]]] = {n_drives: [] for n_drives in drives}
    for number in range(setting.repetitions):
        for n_drives, database in databases.items():
            times[n_drives].append(_recompute(database, 1 + number * (n_drives - 1) // 5))
    wall_s = {n: median(wall for wall, _ in found) for n, found in times.items()}
    cpu_s = {n: median(cpu for _, cpu in found) for n, found in times.items()}
    rows = [
        (
            f"1 drive out of {n_drives}",
            megabytes(databases[n_drives].stat().st_size),
            seconds(wall_s[n_drives]),
            seconds(cpu_s[n_drives]),
            ratio(wall_s[n_drives], wall_s[1]),
            ratio(cpu_s[n_drives], cpu_s[1]),
        )
        for n_drives in drives
    ]
    print_table(
        f"Recomputing every result of one drive of {SEGMENTS_PER_DRIVE} segments",
        ("", "database", "wall", "processor", "wall ratio", "processor ratio"),
        rows,
    )
    _print_late_segment(databases, setting)


def _database(n_drives: int, setting: Setting) -> Path:
    path = OUT / f"drives-{n_drives}.duckdb"
    measure("ingest", corpus("zst", n_drives * SEGMENTS_PER_DRIVE), setting.jobs, path)
    return path


def _recompute(database: Path, drive_id: int) -> tuple[float, float]:
    """Wall and processor seconds; nothing is kept."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("begin")
        started_s, cpu_s = time.perf_counter(), time.process_time()
        refresh(connection, [drive_id])
        times = time.perf_counter() - started_s, time.process_time() - cpu_s
        connection.execute("rollback")
        return times


def _print_late_segment(databases: dict[int, Path], setting: Setting) -> None:
    """One log more into a database: its copy, the segment, the drive's results, publishing."""
    runs: dict[int, list[Run]] = {n_drives: [] for n_drives in databases}
    for _ in range(setting.repetitions):
        for n_drives, database in databases.items():
            scratch = OUT / "late.duckdb"
            shutil.copyfile(database, scratch)
            late = _late_segment(n_drives)
            runs[n_drives].append(measure("ingest", late, setting.jobs, scratch, keep=True))
    rows = [
        (
            f"to {n_drives} drives",
            seconds(median_wall_s(found)),
            seconds(median_cpu_s(found)),
            ratio(median_wall_s(found), median_wall_s(runs[1])),
            ratio(median_cpu_s(found), median_cpu_s(runs[1])),
        )
        for n_drives, found in runs.items()
    ]
    print_table(
        "Ingest of one segment more",
        ("", "wall", "processor", "wall ratio", "processor ratio"),
        rows,
    )


def _late_segment(n_drives: int) -> Corpus:
    """The first segment of a drive that no database has."""
    whole = corpus("zst", SEGMENTS_PER_DRIVE * n_drives + 1)
    last = max(whole.folder.glob("*/*"), key=lambda folder: folder.name)
    return Corpus(last, "zst", 1)
