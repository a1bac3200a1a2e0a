"""Command line of the benchmarks."""

from __future__ import annotations

import argparse
import platform
import time
from contextlib import nullcontext
from importlib.metadata import version

from bench import (
    collecting,
    decoding,
    finding,
    growth,
    hot_spots,
    lengths,
    one_rate,
    parts,
    reading,
    recomputing,
    scale,
    serving,
    stages,
    starving,
    two_groups,
    walltime,
    whole,
)
from bench.corpus import prepare
from bench.page import PAGE, written_to_page
from bench.runs import Setting
from engagement.store.cores import default_jobs

_SECTIONS = {
    "whole": whole.run,
    "bare": walltime.run_against_bare,
    "collecting": collecting.run,
    "decoding": decoding.run,
    "reading": reading.run,
    "plain": walltime.run_against_plain,
    "growth": growth.run,
    "recomputing": recomputing.run,
    "scale": scale.run,
    "finding": finding.run,
    "stages": stages.run,
    "serving": serving.run,
    "starving": starving.run,
    "two_groups": two_groups.run,
    "parts": parts.run,
    "one_rate": one_rate.run,
    "hot_spots": hot_spots.run,
    "lengths": lengths.run,
}
_WITHOUT_LOGS = {"finding", "two_groups", "parts", "one_rate", "hot_spots", "lengths"}
_LIBRARIES = ("duckdb", "pyarrow", "numpy", "pycapnp", "cantools")


def main() -> None:
    """Run the sections and print their tables."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer segments and repetitions")
    parser.add_argument("--jobs", type=int, default=default_jobs(), help="worker processes")
    parser.add_argument(
        "--only", nargs="+", choices=_SECTIONS, default=[*_SECTIONS], metavar="SECTION",
        help=f"some of: {', '.join(_SECTIONS)}",
    )  # fmt: skip
    parser.add_argument(
        "--write", action="store_true", help=f"put what is printed into {PAGE.name}"
    )
    arguments = parser.parse_args()
    setting = Setting(
        jobs=arguments.jobs,
        repetitions=3 if arguments.quick else 5,
        is_quick=arguments.quick,
    )
    if not _WITHOUT_LOGS.issuperset(arguments.only):
        prepare()
    for name in arguments.only:
        with written_to_page(name) if arguments.write else nullcontext():
            _run(name, setting)


def _run(section: str, setting: Setting) -> None:
    started_s = time.monotonic()
    versions = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    print(f"{section}: Python {platform.python_version()}, {versions}; {default_jobs()} cores")
    if section not in _WITHOUT_LOGS:
        print(
            f"medians of {setting.repetitions} unless said otherwise; logs of a minute, 25 MB raw"
        )
    _SECTIONS[section](setting)
    print(f"\n{(time.monotonic() - started_s) / 60:.1f} minutes\n")


if __name__ == "__main__":
    main()
