"""`engagement can`: any CAN signals of a log, past the database, as a file."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from engagement.cli import can_list, render
from engagement.cli.dbc_choice import DBC_HELP, choose_dbc
from engagement.cli.drive_logs import find_drive_logs, read_car
from engagement.cli.exit_codes import ExitCode
from engagement.cli.options import json_option
from engagement.errors import InputError, LogError, NotFoundError, suggestion
from engagement.export.signal_files import (
    LONG,
    check_suffix,
    long_table,
    open_sink,
    wide_schema,
    wide_table,
)
from engagement.extract.frames import open_log, read_frames, started_ns, take_frames
from engagement.formats import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.cli.dbc_choice import ChosenDbc
    from engagement.export.signal_files import Sink
    from engagement.extract.can_decoding import CanFrames
    from engagement.extract.frames import DbcSignal
    from engagement.logs.find import LogFile

_MAX_NAMED = 8


@dataclass(slots=True)
class _Tally:
    """What was read and written so far; `start_ns` is the first log's."""

    start_ns: int | None = None
    n_logs: int = 0
    n_failed: int = 0
    n_frames: int = 0
    n_rows: int = 0
    addresses: set[int] = field(default_factory=set)


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="LOG...", type=click.Path(path_type=Path))
@click.option("--dbc", metavar="FILE|NAME", help=DBC_HELP)
@click.option("--message", "messages", multiple=True, metavar="NAME", help="Only it; repeatable.")
@click.option(
    "--signal",
    "signals",
    multiple=True,
    metavar="NAME",
    help="Only it, in any message or as MESSAGE.SIGNAL; repeatable.",
)
@click.option(
    "--bus", "buses", multiple=True, type=click.IntRange(0, 255), help="Only it; repeatable."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to: .parquet, .csv or .arrow.",
)
@click.option("--wide", is_flag=True, help="A row a frame of one message, a column a signal.")
@click.option("--list", "is_list", is_flag=True, help="Show what messages are in the logs.")
@json_option
def can(
    *,
    paths: tuple[Path, ...],
    dbc: str | None,
    messages: tuple[str, ...],
    signals: tuple[str, ...],
    buses: tuple[int, ...],
    out: Path | None,
    wide: bool,
    is_list: bool,
    as_json: bool,
) -> None:
    """Write CAN signals of a log to a file.

    LOGs are those of one drive, or its folder. A file has a row a value: time_s (from the first
    log's start), mono_ns, bus, address, message, signal, value, unit. --wide has a row a frame and
    a column a signal. Without --message and --signal it is everything that the DBC describes.
    Values are as the DBC has them, on every bus that the message is on; what openpilot sends is
    there too, as bus 128 and up.

    \b
    Example:
      engagement can rlogs/2025-07-31--14-48-20--0 --dbc car.dbc --out signals.parquet
      engagement can rlog.zst --dbc demo_car --message CLU1 --wide --out cluster.csv
      engagement can rlog.zst --list
    """
    if is_list:
        if out:
            raise click.UsageError("--list and --out exclude each other")
        can_list.print_traffic(find_drive_logs(paths), dbc, buses, as_json=as_json)
        return
    if out is None:
        raise click.UsageError("name a file with --out, or see what there is with --list")
    check_suffix(out)
    logs = find_drive_logs(paths)
    chosen = choose_dbc(dbc, None if dbc else read_car(logs))
    wanted = _choose(chosen, messages, signals)
    if wide and len({each.message for each in wanted}) != 1:
        raise click.UsageError("--wide takes one message; name it with --message")
    _write(logs, wanted, buses, out, is_wide=wide, as_json=as_json)


def _choose(
    chosen: ChosenDbc, messages: tuple[str, ...], names: tuple[str, ...]
) -> list[DbcSignal]:
    """The signals of the DBC that are asked for; those that can't be read are told.

    Raises:
        InputError: If the DBC lacks one of the names.
    """
    dbc = chosen.signals
    described = {*dbc.messages.values(), *(each.message for each in dbc.signals)}
    for name in messages:
        if name not in described:
            known = suggestion(name, described)
            raise InputError(f"--message: {chosen.name} has no message {name!r}{known}")
    every = [*(each.key for each in dbc.signals), *(key for key, _ in dbc.unreadable)]
    for name in names:
        if not any(_names(name, key) for key in every):
            known = suggestion(name, {key.partition(".")[2] for key in every})
            raise InputError(f"--signal: {chosen.name} has no signal {name!r}{known}")

    def is_wanted(key: str) -> bool:
        is_named = not names or any(_names(name, key) for name in names)
        return is_named and (not messages or key.partition(".")[0] in messages)

    for key, problem in dbc.unreadable:
        if is_wanted(key):
            render.note(f"left out: {key}: {problem}")
    found = [each for each in dbc.signals if is_wanted(each.key)]
    if not found:
        raise InputError(f"{chosen.name}: no signal of it can be read that fits")
    return found


def _names(name: str, key: str) -> bool:
    """Whether a name means the signal `message.signal`."""
    return name in (key, key.partition(".")[2])


def _write(
    logs: list[LogFile],
    wanted: list[DbcSignal],
    buses: tuple[int, ...],
    out: Path,
    *,
    is_wide: bool,
    as_json: bool,
) -> None:
    """Write what the logs have, one after the other, and say how much it was.

    Raises:
        NotFoundError: If none of them has any; then there is no file.
    """
    started_s = time.perf_counter()
    tally = _Tally()
    with open_sink(out, wide_schema(wanted) if is_wide else LONG) as sink:
        for log in logs:
            try:
                _copy(log, wanted, buses, sink, tally, is_wide=is_wide)
            except LogError as error:
                tally.n_failed += 1
                render.note(str(error))
        # An error inside of `open_sink` leaves no file.
        if not tally.n_rows:
            raise NotFoundError(
                "frame with these signals (--list shows what there is) in", str(logs[0].path)
            )
    elapsed_s = time.perf_counter() - started_s
    absent = list(dict.fromkeys(e.message for e in wanted if e.spec.address not in tally.addresses))
    if absent:
        more = f" and {len(absent) - _MAX_NAMED} more" if len(absent) > _MAX_NAMED else ""
        render.note(f"not in these logs: {', '.join(absent[:_MAX_NAMED])}{more}")
    if as_json:
        counts: dict[str, Any] = {
            "n_logs": tally.n_logs,
            "n_failed": tally.n_failed,
            "n_frames": tally.n_frames,
        }
        counts |= {"n_rows": tally.n_rows, "absent_messages": absent}
        render.print_json({"path": str(out), **counts, "duration_s": elapsed_s})
    else:
        _tell(tally, out, elapsed_s, is_wide=is_wide)
    if tally.n_failed:
        click.get_current_context().exit(ExitCode.LOGS)


def _tell(tally: _Tally, out: Path, elapsed_s: float, *, is_wide: bool) -> None:
    render.note(
        f"wrote {tally.n_rows:,} {'rows' if is_wide else 'values'} from {tally.n_frames:,} frames "
        f"of {count(tally.n_logs, 'log')} to {out} in {elapsed_s:.1f} s "
        f"({tally.n_frames / elapsed_s:,.0f} frames/s)"
    )


def _copy(
    file: LogFile,
    wanted: Sequence[DbcSignal],
    buses: tuple[int, ...],
    sink: Sink,
    tally: _Tally,
    *,
    is_wide: bool,
) -> None:
    with open_log(file.path) as (log, damage):
        if damage:
            render.note(f"partial: {file.path}: {damage}")
        frames = _on_buses(read_frames(log), buses)
        if tally.start_ns is None:
            tally.start_ns = started_ns(log)
        tabulate = wide_table if is_wide else long_table
        table = tabulate(frames, wanted, start_ns=tally.start_ns)
        sink.write_table(table)
        tally.addresses.update(np.unique(frames.address).tolist())
    tally.n_logs += 1
    tally.n_frames += len(frames)
    tally.n_rows += table.num_rows


def _on_buses(frames: CanFrames, buses: tuple[int, ...]) -> CanFrames:
    if not buses:
        return frames
    return take_frames(frames, np.flatnonzero(np.isin(frames.bus, buses)))
