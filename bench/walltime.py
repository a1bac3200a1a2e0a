"""The whole ingest against what it can't do without, and against the plain reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.corpus import CODECS, LIBRARIES, corpus
from bench.output import print_table, ratio, seconds
from bench.runs import Run, interleave, measure, median_cpu_s, median_wall_s

if TYPE_CHECKING:
    from bench.runs import Setting
    from engagement.logs.writer import Codec

_AIMS: dict[tuple[Codec, int], float] = {("bz2", 16): 1.15, ("zst", 12): 2.8, ("zst", 40): 2.0}
_SEGMENTS: dict[Codec, tuple[int, ...]] = {"bz2": (16,), "zst": (12, 40)}
_SEGMENTS_QUICK: dict[Codec, tuple[int, ...]] = {"bz2": (4,), "zst": (12,)}
_SEGMENTS_PLAIN = 4  # it takes seconds for each
_AIM_PLAIN = 2.2


def run_against_bare(setting: Setting) -> None:
    """Ingest against bare decompression by the same library in as many processes."""
    wanted = _SEGMENTS_QUICK if setting.is_quick else _SEGMENTS
    for codec, n_segments in [(key, count) for key in wanted for count in wanted[key]]:
        logs = corpus(codec, n_segments)
        aim = _AIMS.get((codec, n_segments))
        runs = interleave(
            {"bare decompression": ("bare", logs), "ingest": ("ingest", logs)}, setting
        )
        _print(
            f"Ingest of {n_segments} segments, {LIBRARIES[codec]}, {setting.jobs} processes, "
            f"against bare decompression",
            runs,
            "bare decompression",
            {"ingest": f"<= {aim} x"} if aim else {},
            n_segments,
        )
    _print_constant(setting)


def _print_constant(setting: Setting) -> None:
    """What an ingest costs beside its segments: making a database, starting workers, publishing."""
    one, two = (corpus("zst", n_segments) for n_segments in (1, 2))
    runs: dict[str, list[Run]] = {name: [] for name in ("one segment", "two, in workers", "none")}
    for _ in range(setting.repetitions):
        runs["one segment"].append(measure("ingest", one, setting.jobs))
        runs["two, in workers"].append(measure("ingest", two, setting.jobs))
        again = measure("ingest", two, setting.jobs, keep=True, n_expected=0)
        runs["none"].append(again)
    print_table(
        "Constant costs, zstd: ingest of so many segments into a new database; "
        "`none` is a second ingest of the same",
        ("", "wall", "processor"),
        [
            (name, seconds(median_wall_s(found)), seconds(median_cpu_s(found)))
            for name, found in runs.items()
        ],
    )


def run_against_plain(setting: Setting) -> None:
    """Ingest, database and all, against the plain reader in as many processes, without one."""
    n_segments = _SEGMENTS_PLAIN
    for codec in ("zst",) if setting.is_quick else CODECS:
        logs = corpus(codec, n_segments)
        runs = interleave({"ingest": ("ingest", logs), "plain reader": ("plain", logs)}, setting)
        _print(
            f"Plain reader of {n_segments} segments, {LIBRARIES[codec]}, "
            f"{setting.jobs} processes, decompression included, against ingest",
            runs,
            "ingest",
            {"plain reader": f">= {_AIM_PLAIN} x"} if codec == "zst" else {},
            n_segments,
        )


def _print(
    title: str, runs: dict[str, list[Run]], base: str, aims: dict[str, str], n_segments: int
) -> None:
    base_wall_s, base_cpu_s = median_wall_s(runs[base]), median_cpu_s(runs[base])
    rows = [
        (
            name,
            seconds(median_wall_s(found)),
            seconds(median_cpu_s(found)),
            seconds(median_cpu_s(found) / n_segments),
            ratio(median_wall_s(found), base_wall_s),
            ratio(median_cpu_s(found), base_cpu_s),
            aims.get(name, ""),
        )
        for name, found in runs.items()
    ]
    head = ("", "wall", "processor", "processor a segment", "wall ratio", "processor ratio", "aim")
    print_table(title, head, rows)
