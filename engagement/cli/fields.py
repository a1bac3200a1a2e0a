"""`engagement fields`: what services and fields are in the logs of a drive."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engagement.cli import render
from engagement.cli.drive_logs import find_drive_logs, read_each
from engagement.cli.options import json_option
from engagement.cli.table_parts import Column
from engagement.errors import NotFoundError
from engagement.formats import number, percent
from engagement.reading.log_survey import FieldUse, ServiceUse, survey_fields, survey_services

if TYPE_CHECKING:
    from collections.abc import Iterable

    Uses = TypeVar("Uses", ServiceUse, FieldUse)

_SERVICES = (
    Column("service", "service", is_whole=True),
    Column("messages", "n_messages", is_number=True),
    Column("/s", "rate_hz", number),
    Column("% of bytes", "share", percent),
    Column("bytes", "n_bytes", is_number=True, rank=1),
)
_FIELDS = (
    Column("field", "name", is_whole=True),
    Column("type", "type"),
    Column("messages", "n_values", is_number=True),
    Column("least", "low", number),
    Column("greatest", "high", number),
    Column("texts", "examples", lambda texts: ", ".join(texts or ()), rank=1),
)


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="LOG... [PATTERN]")
@json_option
def fields(*, paths: tuple[str, ...], as_json: bool) -> None:
    """List the services in a log, or the fields that fit a pattern.

    LOGs are those of one drive, or its folder. With a PATTERN, as "lead" or "carState.*", it is
    fields: how many messages have each, the least and the greatest value. `engagement read` reads
    them.

    \b
    Example:
      engagement fields rlog.zst
      engagement fields rlog.zst "radarState.leadOne.*"
    """
    pattern = None if Path(paths[-1]).exists() or len(paths) == 1 else paths[-1]
    logs = find_drive_logs([Path(path) for path in (paths if pattern is None else paths[:-1])])
    if pattern is None:
        _print_services(_merged(map(survey_services, read_each(logs))), as_json=as_json)
        return
    found = _merged(survey_fields(log, pattern) for log in read_each(logs))
    if not found:
        raise NotFoundError("field in these logs that fits", pattern)
    rows = [asdict(use) for use in found.values()]
    if as_json:
        render.print_json(rows)
    else:
        render.print_rows(_FIELDS, rows)


def _merged(parts: Iterable[dict[str, Uses]]) -> dict[str, Uses]:
    whole: dict[str, Uses] = {}
    for part in parts:
        for name, use in part.items():
            whole[name] = whole[name].merge(use) if name in whole else use
    return whole


def _print_services(found: dict[str, ServiceUse], *, as_json: bool) -> None:
    n_bytes = sum(use.n_bytes for use in found.values())
    rows: list[dict[str, Any]] = [
        {
            "service": use.service,
            "n_messages": use.n_messages,
            "rate_hz": use.rate_hz,
            "share": use.n_bytes / n_bytes if n_bytes else None,
            "n_bytes": use.n_bytes,
        }
        for use in found.values()
    ]
    if as_json:
        render.print_json(rows)
    else:
        render.print_rows(_SERVICES, rows)
