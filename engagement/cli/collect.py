"""`engagement collect`: logs from devices and servers, and a line about each of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engagement.cli.options import (
    FILE,
    ByteSize,
    database_option,
    dongle_option,
    filter_options,
    json_option,
)
from engagement.names import parse_drive

if TYPE_CHECKING:
    from engagement.filters import Selection

_MINUTES = click.FloatRange(0, 7 * 24 * 60, min_open=True)


def _check_drive(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    drive = parse_drive(value) if value else None
    if value and not drive:
        problem = f"{value!r} is no drive; write it like 2025-07-31--10-20-30"
        raise click.BadParameter(problem, ctx=ctx, param=param)
    return drive


@click.command()
@click.argument("names", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--list",
    "list_file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="More sources, one a line; - is stdin.",
)
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("rlogs"),
    metavar="DIR",
    help="The folder here; a log goes into DONGLE/DRIVE--N/ in it.",
)
@click.option(
    "--kind",
    type=click.Choice(["rlog", "qlog", "both"]),
    help="Which logs.  [default: rlog; of servers alone qlog]",
)
@click.option("--video", is_flag=True, help="The small video, qcamera.ts, too.")
@filter_options("since", "until")
@click.option("--drive", metavar="NAME", callback=_check_drive, help="Only logs of this drive.")
@dongle_option("The dongle id of the device, instead of what it says itself.")
@click.option(
    "--compress",
    type=click.Choice(["zstd", "bz2", "none"]),
    default="none",
    help="Compress on the device what is not compressed there.",
)
@click.option("--verify", is_flag=True, help="Compare SHA-256 sums, not only sizes.")
@click.option(
    "--limit-rate", type=ByteSize(), metavar="SIZE", help="No more than this a second: 500kB."
)
@click.option(
    "--server",
    metavar="NAME|URL",
    help="The server of routes and connect: a name of config/collect.toml.  [default: comma]",
)
@click.option(
    "--token-file", type=FILE, metavar="FILE", help="The token for it; see docs/collect.md."
)
@click.option(
    "--request-upload",
    is_flag=True,
    help="Ask the device, through its server, for rlogs that the server lacks.",
)
@click.option("--accept-new", is_flag=True, help="Trust hosts not known yet, and pin their keys.")
@click.option(
    "--retries",
    type=click.IntRange(0, 100),
    default=3,
    metavar="N",
    help="Attempts more where one brought nothing.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, 600),
    default=15.0,
    metavar="SECONDS",
    help="How long to wait for a device that is silent.",
)
@click.option("--dry-run", is_flag=True, help="Only list the files that would come.")
@click.option("--ingest", "with_ingest", is_flag=True, help="Ingest what came into the database.")
@click.option(
    "--profile", metavar="NAME", help="With --ingest: the vehicle profile, see `engagement ingest`."
)
@click.option(
    "--watch", "watch_minutes", type=_MINUTES, metavar="MINUTES", help="Do it again, so often."
)
@click.option(
    "--config",
    "settings_file",
    type=FILE,
    metavar="FILE",
    help="Settings.  [default: config/collect.toml here, else the shipped one]",
)
@json_option
@database_option
def collect(
    *,
    names: tuple[str, ...],
    selection: Selection,
    watch_minutes: float | None,
    **options: Any,
) -> None:
    """Fetch logs from devices over SSH and from servers, several at once; nothing is changed there.

    SOURCE is an alias of ~/.ssh/config or user@host:port, by default the `remote_device` of
    config/collect.toml; or `connect` for all devices of an account of comma connect,
    `connect:DONGLE` for one, a route like DONGLE|DRIVE with /0:4 behind it for some of its
    segments, or an address of connect as a browser shows it. What is here already is left alone,
    what was broken off goes on where it stopped, and segments that are still being written wait
    for the next time.

    \b
    Exit status: 0 done, 1 a device could not be reached or some logs could not be had,
    2 wrong usage, 3 or 4 only the ingest failed, as it says itself, 130 interrupted;
    with --watch 0 on SIGTERM.

    \b
    Example:
      engagement collect comma@192.168.1.20 --accept-new
      engagement collect car1 car2 --since 2025-07-01 --ingest
      engagement collect car1 --kind both --compress zstd --watch 30
      engagement collect connect --since 2025-07-01 --ingest
      engagement collect "a2a0ccea32023010|2023-07-27--13-01-19/0:4" --kind rlog
    """
    from engagement.cli import collecting  # noqa: PLC0415 - paramiko takes its time

    try:
        task = collecting.make_task(names, selection=selection, options=options)
    except collecting.NoHostError as error:
        raise click.UsageError(str(error)) from error
    exit_code = (
        collecting.run_once(task)
        if watch_minutes is None
        else collecting.run_again_and_again(task, watch_minutes * 60)
    )
    click.get_current_context().exit(exit_code)
