"""One measurement in a process of its own: `python -m bench.measured WHAT FOLDER JOBS [DB]`.

Prints wall seconds, and processor seconds with all workers, as JSON. The clock starts after this
process's imports and stops when the result is there. Workers run this module too, as processes
that multiprocessing starts do, so it imports late.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _ingest(folder: Path, jobs: int, database: Path) -> Callable[[], int]:
    from bench.demo_profile import read_options  # noqa: PLC0415
    from engagement.store.ingest_options import IngestOptions  # noqa: PLC0415
    from engagement.store.ingestion import ingest  # noqa: PLC0415

    options = IngestOptions(read=read_options(), jobs=jobs)
    return lambda: ingest([folder], database, options).n_ingested


def _bare(folder: Path, jobs: int) -> Callable[[], int]:
    from bench.bare import count_raw_bytes, in_processes  # noqa: PLC0415

    paths = _logs(folder)
    return lambda: len(in_processes(count_raw_bytes, paths, jobs, preload="bench.bare"))


def _plain(folder: Path, jobs: int) -> Callable[[], int]:
    from bench.bare import in_processes  # noqa: PLC0415
    from bench.plain import count_rows  # noqa: PLC0415

    paths = _logs(folder)
    return lambda: len(in_processes(count_rows, paths, jobs, preload="bench.plain"))


def _logs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("rlog*") if path.is_file())


def _cpu_s() -> float:
    """Of this process, its workers and the server that they were forked from."""
    from bench.processes import children, cpu_s  # noqa: PLC0415

    for worker in multiprocessing.active_children():
        worker.join()
    return sum(map(cpu_s, (os.getpid(), *children(os.getpid()))))


def main() -> None:
    """Run what the command line names."""
    what, folder, jobs = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if what == "ingest":
        run = _ingest(folder, jobs, Path(sys.argv[4]))
    else:
        run = {"bare": _bare, "plain": _plain}[what](folder, jobs)
    cpu_before_s = _cpu_s()
    started_at_s = time.perf_counter()
    n_segments = run()
    wall_s = time.perf_counter() - started_at_s
    cpu_s = _cpu_s() - cpu_before_s
    print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "n_segments": n_segments}))


if __name__ == "__main__":
    main()
