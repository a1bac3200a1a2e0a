"""How an ingest grows with the number of segments: time, memory, size of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.corpus import OUT, SEGMENTS_PER_DRIVE, corpus, raw_segments
from bench.output import megabytes, print_table, ratio, seconds
from bench.runs import Run, measure, median_cpu_s, median_wall_s

if TYPE_CHECKING:
    from bench.runs import Setting

_REPETITIONS = {10: 5, 100: 3, 300: 1}
_REPETITIONS_QUICK = {10: 3, 30: 1}
_BASE_BYTES = 200_000_000
_RAW_TIMES = 6
_SEGMENTS_PER_HOUR = 60


def run(setting: Setting) -> None:
    """Measure and print."""
    runs: dict[int, list[Run]] = {}
    sizes: dict[int, int] = {}
    repetitions = _REPETITIONS_QUICK if setting.is_quick else _REPETITIONS
    database = OUT / "growth.duckdb"
    for n_segments, times in repetitions.items():
        logs = corpus("zst", n_segments)
        runs[n_segments] = [measure("ingest", logs, setting.jobs, database) for _ in range(times)]
        sizes[n_segments] = database.stat().st_size
    _print_time(runs, setting)
    _print_memory(runs, setting)
    _print_size(sizes)


def _print_time(runs: dict[int, list[Run]], setting: Setting) -> None:
    first = min(runs)
    base_wall_s, base_cpu_s = (f(runs[first]) / first for f in (median_wall_s, median_cpu_s))
    rows = [
        (
            f"{n_segments} segments",
            f"{len(found)}",
            seconds(median_wall_s(found)),
            seconds(median_wall_s(found) / n_segments),
            seconds(median_cpu_s(found) / n_segments),
            ratio(median_wall_s(found) / n_segments, base_wall_s),
            ratio(median_cpu_s(found) / n_segments, base_cpu_s),
            "" if n_segments == first else "<= 1 x",
        )
        for n_segments, found in runs.items()
    ]
    head = (
        "", "runs", "wall", "wall a segment", "processor a segment", "wall ratio",
        "processor ratio", "aim",
    )  # fmt: skip
    print_table(
        f"Growth: ingest, zstd, {setting.jobs} processes, "
        f"drives of {SEGMENTS_PER_DRIVE} segments; ratios are of a segment's",
        head,
        rows,
    )


def _print_memory(runs: dict[int, list[Run]], setting: Setting) -> None:
    largest = max(path.stat().st_size for path in raw_segments())
    bound = _BASE_BYTES + _RAW_TIMES * largest
    bound_of_all = _BASE_BYTES + _RAW_TIMES * largest * setting.jobs
    rows = []
    for n_segments, found in runs.items():
        worker = max(run.memory.worker_bytes for run in found)
        store = max(run.memory.store_bytes for run in found)
        everyone = max(run.memory.total_bytes for run in found)
        rows += [
            (f"{n_segments} segments: a worker", megabytes(worker), ratio(worker, bound), "<= 1 x"),
            ("  the store", megabytes(store), ratio(store, bound), "<= 1 x"),
            ("  all together", megabytes(everyone), ratio(everyone, bound_of_all), "<= 1 x"),
        ]
    print_table(
        f"Peak memory of those ingests, against {megabytes(bound)} for a process and "
        f"{megabytes(bound_of_all)} for all: 200 MB + {_RAW_TIMES} x the largest raw log a worker",
        ("", "peak", "ratio", "aim"),
        rows,
    )


def _print_size(sizes: dict[int, int]) -> None:
    rows = [
        (
            f"{n_segments} segments",
            megabytes(size),
            megabytes(size / n_segments * _SEGMENTS_PER_HOUR),
        )
        for n_segments, size in sizes.items()
    ]
    print_table("Size of the database", ("", "file", "an hour of driving"), rows)
