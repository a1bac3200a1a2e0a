"""The whole ingest against what it can't do without, and against the plain reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.corpus import CODECS, LIBRARIES, Corpus, corpus
from bench.output import print_table, ratio, seconds
from bench.runs import Run, interleave, measure, median_cpu_s, median_wall_s

if TYPE_CHECKING:
    from bench.runs import Setting
    from engagement.logs.writer import Codec

_AIMS: dict[Codec, float] = {"bz2": 1.15, "zst": 2.5}
_SEGMENTS: dict[Codec, int] = {"bz2": 16, "zst": 40}
_SEGMENTS_QUICK: dict[Codec, int] = {"bz2": 6, "zst": 12}
_SEGMENTS_PLAIN = 6  # two seconds of one core each, and bz2 takes as long again


def run_against_bare(setting: Setting) -> None:
    """Ingest against bare decompression by the same library in as many processes."""
    for codec in CODECS:
        n_segments = (_SEGMENTS_QUICK if setting.is_quick else _SEGMENTS)[codec]
        logs = corpus(codec, n_segments)
        runs = interleave(
            {
                "bare decompression": lambda logs=logs: measure("bare", logs, setting.jobs),
                "ingest": lambda logs=logs: measure("ingest", logs, setting.jobs),
            },
            setting.repetitions,
        )
        _print(
            f"Ingest of {n_segments} segments, {LIBRARIES[codec]}, {setting.jobs} processes, "
            f"against bare decompression",
            runs,
            "bare decompression",
            {"ingest": f"<= {_AIMS[codec]} x"},
            n_segments,
        )
    _print_constant(setting)


def _print_constant(setting: Setting) -> None:
    """What an ingest costs before its first segment; more than one starts the workers."""
    one, two = (_few("zst", n_segments) for n_segments in (1, 2))
    runs = interleave(
        {
            "one segment": lambda: measure("ingest", one, setting.jobs),
            "two segments": lambda: measure("ingest", two, setting.jobs),
        },
        setting.repetitions,
    )
    _print("Constant costs: small ingests, zstd", runs, "one segment", {}, 1)


def _few(codec: Codec, n_segments: int) -> Corpus:
    return corpus(codec, n_segments)


def run_against_plain(setting: Setting) -> None:
    """Ingest, database and all, against the plain reader in as many processes, without one."""
    for codec in CODECS:
        logs = corpus(codec, _SEGMENTS_PLAIN)
        runs = interleave(
            {
                "ingest": lambda logs=logs: measure("ingest", logs, setting.jobs),
                "plain reader": lambda logs=logs: measure("plain", logs, setting.jobs),
            },
            setting.repetitions,
        )
        _print(
            f"Plain reader of {_SEGMENTS_PLAIN} segments, {LIBRARIES[codec]}, "
            f"{setting.jobs} processes, decompression included, against ingest",
            runs,
            "ingest",
            {},
            _SEGMENTS_PLAIN,
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
