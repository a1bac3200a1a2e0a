"""Measurements in processes of their own, interleaved, and what they come to."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench.corpus import OUT
from bench.processes import Memory, MemoryWatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.corpus import Corpus

DATABASE = OUT / "bench.duckdb"
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement; `cpu_s` has all its processes in it."""

    wall_s: float
    cpu_s: float
    memory: Memory


@dataclass(frozen=True, slots=True)
class Setting:
    """How thorough to be: `jobs` processes, `repetitions` of each measurement."""

    jobs: int
    repetitions: int
    is_quick: bool


def measure(
    what: str,
    logs: Corpus,
    jobs: int,
    database: Path = DATABASE,
    *,
    keep: bool = False,
    n_expected: int | None = None,
) -> Run:
    """Run `ingest`, `bare` or `plain` over a corpus in a new process.

    An ingest makes its database anew, or with `keep` goes on with the one that is there.
    `n_expected` segments must be done, all unless named.

    Raises:
        RuntimeError: If it fails, or did other than the expected.
    """
    arguments = [sys.executable, "-m", "bench.measured", what, str(logs.folder), str(jobs)]
    if what == "ingest":
        if not keep:
            database.unlink(missing_ok=True)
        arguments.append(str(database))
    with subprocess.Popen(arguments, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        with MemoryWatch(process.pid) as memory:
            output = process.communicate()[0]
        if process.returncode:
            raise RuntimeError(f"{what} of {logs.folder} failed: exit code {process.returncode}")
    found = json.loads(output)
    if found["n_segments"] != (logs.n_segments if n_expected is None else n_expected):
        raise RuntimeError(f"{what} of {logs.folder}: {found['n_segments']} segments were done")
    return Run(found["wall_s"], found["cpu_s"], memory)


def interleave(
    variants: Mapping[str, tuple[str, Corpus]], setting: Setting
) -> dict[str, list[Run]]:
    """Run A, B, A, B, ...: what disturbs the machine for a while disturbs all."""
    runs: dict[str, list[Run]] = {name: [] for name in variants}
    for _ in range(setting.repetitions):
        for name, (what, logs) in variants.items():
            runs[name].append(measure(what, logs, setting.jobs))
    return runs


def median_wall_s(runs: list[Run]) -> float:
    """The median of wall seconds."""
    return median(run.wall_s for run in runs)


def median_cpu_s(runs: list[Run]) -> float:
    """The median of processor seconds."""
    return median(run.cpu_s for run in runs)
