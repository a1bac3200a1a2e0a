"""`engagement read`: any fields of the logs of a drive, past the database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engagement.cli import render
from engagement.cli.exit_codes import ExitCode
from engagement.cli.options import json_option
from engagement.cli.wrapping import shown_bytes
from engagement.export.field_files import FORMATS, write_csv, write_fields
from engagement.export.signal_files import check_suffix
from engagement.formats import count
from engagement.reading.log_reader import DAMAGE_KEY, read_log

if TYPE_CHECKING:
    import pyarrow as pa


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="LOG... FIELD...")
@click.option(
    "--grid", "grid_hz", type=float, metavar="HZ", help="All services on ticks of this rate."
)
@click.option(
    "--from", "from_s", type=float, metavar="S", help="Only from there on, from the drive's start."
)
@click.option("--to", "to_s", type=float, metavar="S", help="Only before it.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to: .parquet, .csv, .arrow or .mcap (extra mcap); else CSV to stdout.",
)
@json_option
@click.option(
    "--schema-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A fork's own schemas.",
)
def read(
    *,
    words: tuple[str, ...],
    grid_hz: float | None,
    from_s: float | None,
    to_s: float | None,
    out: Path | None,
    as_json: bool,
    schema_dir: Path | None,
) -> None:
    """Read any fields of a log into a file.

    LOGs are those of one drive, or its folder: what exists as a file or folder is a LOG, all else a
    FIELD. A row is a message of any of the services, or a tick of --grid; the columns are mono_ns
    and the fields. docs/reading.md says how fields are named; `engagement fields` lists them.
    --json prints the rows, or with --out what was written.

    \b
    Example:
      engagement read rlog.zst carState.vEgo "carState.wheelSpeeds.*" --out speeds.parquet
      engagement read rlogs/2025-07-31--14-48-20--0 carState.vEgo radarState.leadOne.dRel --grid 10
      engagement read rlog.zst "can[0x25,bus=0]"
    """
    if out is not None:
        check_suffix(out, FORMATS)
    logs, fields = _sorted_out(words)
    between = (from_s or 0.0, float("inf") if to_s is None else to_s)
    table = read_log(
        logs,
        fields,
        grid_hz=grid_hz,
        between_s=None if from_s is None and to_s is None else between,
        schema_dir=schema_dir,
    )
    is_damaged = _tell_damage(table)
    if out is not None:
        write_fields(table, out)
        _tell_written(table, out, as_json=as_json)
    elif as_json:
        render.print_json([{k: _plain(v) for k, v in row.items()} for row in table.to_pylist()])
    else:
        write_csv(table, shown_bytes())
    if is_damaged:
        click.get_current_context().exit(ExitCode.LOGS)


def _sorted_out(words: tuple[str, ...]) -> tuple[list[Path], list[str]]:
    logs = [word for word in words if Path(word).exists()]
    fields = [word for word in words if word not in logs]
    lost = [word for word in fields if "/" in word]
    if lost or not logs:
        raise click.UsageError(f"there is no such log: {(lost or fields)[0]}")
    if not fields:
        raise click.UsageError(
            f"name fields, as carState.vEgo; `engagement fields {logs[0]}` lists them"
        )
    return [Path(log) for log in logs], fields


def _plain(value: Any) -> Any:
    """Bytes as hexadecimal, as CSV has them."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.hex() if isinstance(value, bytes) else value


def _tell_written(table: pa.Table, out: Path, *, as_json: bool) -> None:
    names = table.column_names[1:]
    if as_json:
        render.print_json({"path": str(out), "n_rows": table.num_rows, "fields": names})
        return
    rows, columns = count(table.num_rows, "row"), count(len(names), "field")
    render.note(f"wrote {rows} of {columns} to {out}")


def _tell_damage(table: pa.Table) -> bool:
    """Say what is broken; whether anything is."""
    damage = json.loads((table.schema.metadata or {})[DAMAGE_KEY])
    for each in damage:
        render.note(f"partial: {each['path']}: {each['damage']}")
    return bool(damage)
