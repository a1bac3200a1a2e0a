"""What a collect did, in words and as one document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engagement.cli import render
from engagement.formats import count, plural, size, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.collect.report import DeviceReport


def print_reports(reports: Sequence[DeviceReport], *, is_dry_run: bool) -> None:
    """Say what is wrong with which log, then a line a device; stdout is for a dry run's paths."""
    for report in reports:
        for path, problem in report.conflicts:
            render.say(f"conflict: {text(path)}: {text(problem)}; it was left as it is")
        for remote_path, problem in report.failed:
            where = f"{text(report.host)}: {text(remote_path)}"
            render.say(f"failed: {where}: {text(problem)}")
        for note in report.notes:
            render.say(f"{text(report.host)}: {note}")
        if is_dry_run:
            for path in report.to_collect:
                click.echo(text(path))
    for report in reports:
        render.say(_summary(report, is_dry_run=is_dry_run))


def _summary(report: DeviceReport, *, is_dry_run: bool) -> str:
    name = text(report.host)
    if report.dongle_id:
        name = f"{name} ({report.dongle_id})"
    if report.problem and not (report.collected or report.to_collect):
        return f"{name}: {text(report.problem)}"
    n_left = 0 if is_dry_run else len(report.to_collect)
    remark = ", ".join(
        f"{number} {what}"
        for number, what in (
            (report.n_there, "here already"),
            (report.n_locked, "still being written"),
            (report.n_busy, "brought by another collect"),
            (report.n_gone, "deleted there meanwhile"),
            (len(report.conflicts), "in conflict"),
            (len(report.failed), "failed"),
            (n_left, "left"),
            (report.n_retries, f"time{plural(report.n_retries)} connected again"),
            (report.n_requested, f"rlog{plural(report.n_requested)} asked for"),
        )
        if number
    )
    remark = f" ({remark})" if remark else ""
    if is_dry_run:
        return f"{name}: would collect {count(len(report.to_collect), 'log')}{remark}"
    logs = count(len(report.collected), "log")
    line = (
        f"{name}: collected {logs}{remark}, {size(report.size_bytes)} in {report.duration_s:.1f} s"
    )
    return f"{line}; then: {text(report.problem)}" if report.problem else line


def document(
    reports: Sequence[DeviceReport], ingested: dict[str, Any] | None, *, is_dry_run: bool
) -> dict[str, Any]:
    """The reports for --json, under their own names; paths as text that any reader takes."""
    return {
        "is_dry_run": is_dry_run,
        "devices": [_device(report) for report in reports],
        "ingest": ingested,
    }


def _device(report: DeviceReport) -> dict[str, Any]:
    names = ("n_there", "n_old", "n_locked", "n_gone", "n_busy", "n_retries", "n_requested")
    return {
        "host": report.host,
        "dongle_id": report.dongle_id,
        "problem": report.problem,
        "n_collected": len(report.collected),
        "size_bytes": report.size_bytes,
        **{name: getattr(report, name) for name in names},
        "duration_s": report.duration_s,
        "collected": [_text(path) for path in report.collected],
        "to_collect": [_text(path) for path in report.to_collect],
        "conflicts": [{"path": _text(path), "problem": why} for path, why in report.conflicts],
        "failed": [{"path": _text(path), "problem": why} for path, why in report.failed],
        "notes": report.notes,
    }


def _text(path: object) -> str:
    return str(path).encode(errors="backslashreplace").decode()
