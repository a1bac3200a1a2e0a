"""What an ingest did, in words and as one document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engagement.cli import render
from engagement.definitions import DEFINITIONS
from engagement.formats import count, size, text
from engagement.store.segments import stored_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.extract.segment import ReadOptions
    from engagement.store.ingest_options import IngestReport

_NAMES = "they are named rlog or qlog, with .bz2, .zst or nothing after it"
_SHOWN_NOT_TAKEN = 5
_SHOWN_NAMED = 10

_NO_CARS = (
    "CAN signals were not read: pip install 'engagement[cars]' finds those of most cars by "
    "themselves, --profile NAME reads those of a profile"
)
_SHOWN_CARS = 5


class SignalNotes:
    """Says of CAN signals what is worth a note, each but once, however many batches there are."""

    def __init__(self, read: ReadOptions) -> None:
        self._hint = _NO_CARS if read.lacks_cars else text(read.dbc_note)
        self._told: set[str] = set()

    def tell(self, report: IngestReport) -> None:
        """Say which cars have no known DBC, what is wrong with one, and that the extra lacks."""
        unknown = sorted(report.unknown_cars - self._told)[:_SHOWN_CARS]
        for name in unknown:
            render.note(
                f"no DBC is known of {text(name)}: openpilot's own carState serves; "
                "`engagement profile new` makes a profile for its CAN signals"
            )
        self._told.update(unknown)
        if self._hint and report.n_ingested:
            render.note(self._hint)
            self._hint = ""


def print_report(report: IngestReport, paths: Sequence[Path], *, is_dry_run: bool) -> None:
    """Say what is wrong with which log, then all in one line; stdout is for a dry run's paths."""
    for problem in report.problems:
        render.say(f"{problem.status}: {text(problem.path)}: {text(problem.problem)}")
    for path in report.locked:
        render.say(f"still being written: {text(path)}")
    for path in report.missing:
        render.say(f"missing: {text(path)}: no such file or folder")
    if is_dry_run:
        for path in report.to_read:
            click.echo(stored_path(Path(path)))
    _print_named(report)
    if report.n_recomputed:
        click.echo(recomputed_text(report.n_recomputed, report.definitions_before), err=True)
    if report.n_read_again:
        render.say(
            f"{count(report.n_read_again, 'unchanged segment')} to read again: "
            "an older engagement made the database and read fewer fields"
        )
    n_logs = report.n_ingested + sum(number for number, _ in _left(report)) - len(report.missing)
    there = [text(path) for path in paths if str(path) not in report.missing]
    if there and not (n_logs or report.to_read or report.n_videos):
        render.note(f"no logs under {', '.join(there)}: {_NAMES}")
    _print_not_taken(report)
    if report.n_new_videos:
        render.say(f"{count(report.n_new_videos, 'video')} of segments found, new or moved")
    render.say(_summary(report, is_dry_run=is_dry_run))


def recomputed_text(n_drives: int, definitions_before: int | None, took: str = "") -> str:
    """That drives were computed anew, and by which definitions if these are others now."""
    done = f"recomputed {count(n_drives, 'drive')}{took}"
    if definitions_before in (None, DEFINITIONS):
        return done
    return f"{done}: numbers of definitions {definitions_before} are of {DEFINITIONS} now"


def _print_named(report: IngestReport) -> None:
    """Say which drives were named by this program, and how to name them otherwise."""
    for path, drive in report.named[:_SHOWN_NAMED]:
        said = f"its path names no drive; it is {text(drive)} now (--drive names another)"
        render.say(f"{text(path)}: {said}")
    n_more = len(report.named) - _SHOWN_NAMED
    if n_more > 0:
        render.say(f"{count(n_more, 'more log')} whose path names no drive")


def _print_not_taken(report: IngestReport) -> None:
    """Say which files people may have meant as logs; named themselves, they are taken."""
    n_files = len(report.not_taken)
    if not n_files:
        return
    shown = [text(path) for path in report.not_taken[:_SHOWN_NOT_TAKEN]]
    if n_files > len(shown):
        shown.append(f"and {n_files - len(shown)} more")
    verbs = "looks like a log and was" if n_files == 1 else "look like logs and were"
    render.note(
        f"{count(n_files, 'file')} {verbs} not taken: {', '.join(shown)}; {_NAMES}, "
        "and one that is given itself is taken whatever its name"
    )


def _left(report: IngestReport) -> list[tuple[int, str]]:
    """What was not ingested whole, and why."""
    n_failed_before = report.n_failed_before
    before = f", {n_failed_before} of them failed before" if n_failed_before else ""
    return [
        (report.n_unchanged, f"unchanged{before}"),
        (report.n_superseded, "superseded"),
        (report.n_filtered, "not selected"),
        (len(report.locked), "still being written"),
        (report.n_partial, "partial"),
        (report.n_failed, "failed"),
        (len(report.missing), "missing"),
    ]


def _summary(report: IngestReport, *, is_dry_run: bool) -> str:
    left = ", ".join(f"{number} {reason}" for number, reason in _left(report) if number)
    remark = f" ({left})" if left else ""
    if is_dry_run:
        return f"would read {count(len(report.to_read), 'log')}{remark}"
    segments, drives = count(report.n_ingested, "segment"), count(len(report.drives), "drive")
    return (
        f"ingested {segments} of {drives}{remark}, "
        f"{size(report.size_bytes)} in {report.duration_s:.1f} s"
    )


def document(report: IngestReport, *, is_dry_run: bool) -> dict[str, Any]:
    """The report for --json, under its own names; paths as text that any reader takes."""
    kinds = ("ingested", "unchanged", "superseded", "filtered", "partial", "failed")
    names = (*(f"n_{kind}" for kind in kinds), "n_failed_before")
    problems = [
        {"path": stored_path(Path(p.path)), "status": p.status, "problem": p.problem}
        for p in report.problems
    ]
    return {
        "is_dry_run": is_dry_run,
        **{name: getattr(report, name) for name in (*names, "size_bytes", "raw_size_bytes")},
        "duration_s": report.duration_s,
        "drives": sorted(report.drives),
        "problems": problems,
        "named": [{"path": stored_path(Path(path)), "drive": name} for path, name in report.named],
        "unknown_cars": sorted(report.unknown_cars),
        "definitions": DEFINITIONS,
        "definitions_before": report.definitions_before,
        "n_recomputed": report.n_recomputed,
        "n_read_again": report.n_read_again,
        "n_videos": report.n_videos,
        "n_new_videos": report.n_new_videos,
        "locked": [stored_path(Path(path)) for path in report.locked],
        "not_taken": [stored_path(Path(path)) for path in report.not_taken],
        "missing": [stored_path(Path(path)) for path in report.missing],
        "to_read": [stored_path(Path(path)) for path in report.to_read],
    }
