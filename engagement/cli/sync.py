"""`engagement sync`: the database, or the old system's files, to a server."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from engagement.cli import render
from engagement.cli.options import database_option, json_option
from engagement.cli.progress import Bar
from engagement.cli.signals import sigterm_as_interrupt
from engagement.errors import InputError, StoreError
from engagement.formats import count, size, text
from engagement.legacy.documents import write_legacy_files
from engagement.store.lake_file import refuse_lake
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from engagement.collect.sending import Sent, Upload
    from engagement.errors import ConnectionLostError

_DATABASE_PATH = "~/engagement/engagement.duckdb"
_LEGACY_FOLDER = "~/engagement_gauge_dev/"
_LEGACY_NAME = "engagement_db.json"
_LOG_SUFFIX = ".wal"  # DuckDB's writes that are not in the file itself yet


@click.command()
@click.argument("host", required=False)
@click.option("--legacy", is_flag=True, help="Send the four JSON files of the old system.")
@click.option(
    "-f",
    "--file",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    envvar="SYNC_STATS_DB",
    show_envvar=True,
    help="Send this file as it is: a .json of the old system, or a database.",
)
@click.option(
    "-p",
    "--path",
    metavar="PATH",
    envvar="SYNC_STATS_PATH",
    show_envvar=True,
    help="Where to on the server.  [default: ~/engagement/engagement.duckdb; "
    "~/engagement_gauge_dev/ for the old files]",
)
@click.option(
    "-u",
    "--user",
    metavar="NAME",
    envvar="SYNC_STATS_USER",
    show_envvar=True,
    help="Who to be there, if HOST does not say.",
)
@click.option(
    "-s",
    "--server",
    metavar="HOST",
    envvar="SYNC_STATS_HOST",
    show_envvar=True,
    help="The same as HOST.",
)
@click.option("--accept-new", is_flag=True, help="Take the key of a server that is not known yet.")
@json_option
@database_option
def sync(
    *,
    host: str | None,
    database: Path,
    path: str | None,
    accept_new: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Send the database, or the old JSON files, to a server.

    HOST is an alias of ~/.ssh/config or [user@]name[:port]. A file that is there as it is stays;
    another is sent beside it, checked and put in its place in one step, so that nobody there ever
    reads half of one. A database that `engagement serve` serves there shows at once. Where both
    sides have rsync, only what differs is sent; else SFTP sends all, and goes on where a broken
    transfer stopped.

    \b
    Exit status: 0 done, 1 the server can't be reached or refuses, 2 wrong usage,
    4 the database can't be read, 130 interrupted.

    \b
    Example:
      engagement sync me@drives.example.org
      engagement sync drives --path /var/lib/engagement/engagement.duckdb
      engagement sync drives --legacy --path /srv/engagement_db.json
    """
    from engagement.collect.hosts import parse_host  # noqa: PLC0415 - paramiko takes its time
    from engagement.collect.quoting import check_path  # noqa: PLC0415
    from engagement.collect.sending import send  # noqa: PLC0415

    ctx = click.get_current_context()
    name = _host_named(ctx, host, options["server"], options["user"])
    if path is not None:
        check_path(path)
    with sigterm_as_interrupt(), ExitStack() as stack:
        uploads = _uploads(ctx, stack, database, path, options)
        bar = stack.enter_context(Bar(count(len(uploads), "file"), has_bytes=True))
        sent = send(
            parse_host(name),
            uploads,
            accept_new=accept_new,
            on_progress=lambda done, total: bar.show(0, len(uploads), done, total),
            on_lost=_say_lost,
            on_note=_say,
        )
    if as_json:
        render.print_json({"host": name, "files": [_document(file) for file in sent]})
        return
    for one in sent:
        render.say(_sentence(name, one))


def _host_named(ctx: click.Context, host: str | None, server: str | None, user: str | None) -> str:
    """The host as one word; what was typed counts more than what the environment says."""
    if host and server and ctx.get_parameter_source("server") is ParameterSource.COMMANDLINE:
        raise click.UsageError("the server is named twice, as HOST and with --server")
    name = host or server
    if not name:
        raise click.UsageError("which server? engagement sync HOST, or set SYNC_STATS_HOST")
    if not user:
        return name
    if "@" not in name:
        return f"{user}@{name}"
    if ctx.get_parameter_source("user") is ParameterSource.COMMANDLINE:
        raise click.UsageError("the user is named twice, in HOST and with --user")
    return name


def _uploads(
    ctx: click.Context,
    stack: ExitStack,
    database: Path,
    path: str | None,
    options: dict[str, Any],
) -> list[Upload]:
    """What to send; files that are made for it last as long as the stack."""
    from engagement.collect.sending import Upload  # noqa: PLC0415

    file: Path | None = options["file"]
    is_typed = ctx.get_parameter_source("file") is ParameterSource.COMMANDLINE
    is_database_typed = ctx.get_parameter_source("database") is ParameterSource.COMMANDLINE
    if is_typed and (options["legacy"] or is_database_typed):
        raise click.UsageError("--file sends that file alone, without --db and --legacy")
    if options["legacy"]:
        return _legacy_uploads(stack, database, path)
    if file and (is_typed or not is_database_typed):
        if file.suffix == ".json":
            _check_json(file)
            return [Upload(file, _file_path(path or _LEGACY_FOLDER, _LEGACY_NAME))]
        database = file
    _check_database(database)
    target = _file_path(path or _DATABASE_PATH, database.name)
    if target.endswith(".json"):
        problem = f"{target!r} is for JSON, and a database would be sent; say --legacy, or a --path"
        raise InputError(problem)
    return [Upload(database, target, unless_beside=_LOG_SUFFIX)]


def _legacy_uploads(stack: ExitStack, database: Path, path: str | None) -> list[Upload]:
    """All four files into a folder, or one to a path that ends in .json, as the old script did."""
    from engagement.collect.sending import Upload  # noqa: PLC0415

    folder = Path(stack.enter_context(TemporaryDirectory(prefix="engagement-sync-")))
    with Reader(database) as reader:
        written = [file.path for file in write_legacy_files(reader, folder)]
    if path and path.endswith(".json"):
        return [Upload(folder / _LEGACY_NAME, path)]
    target = (path or _LEGACY_FOLDER).rstrip("/")
    return [Upload(file, f"{target}/{file.name}") for file in written]


def _file_path(path: str, name: str) -> str:
    return path + name if path.endswith("/") else path


def _check_database(database: Path) -> None:
    refuse_lake(database, "this sends")
    with Reader(database):
        pass  # can be read, and is of this version
    log = database.with_name(database.name + _LOG_SUFFIX)
    if log.exists():
        problem = (
            "another program has written to the database; publish that by engagement recompute"
        )
        raise StoreError(f"{log} is there: {problem}")


def _check_json(file: Path) -> None:
    try:
        json.loads(file.read_bytes())
    except ValueError as error:
        raise InputError(f"{file}: is no whole JSON document; is it being written?") from error
    except OSError as error:
        raise InputError(f"{file}: can't be read: {error.strerror}") from error


def _say_lost(error: ConnectionLostError, wait_s: float) -> None:
    render.say(f"{text(error)}; trying again in {wait_s:g} s")


def _say(note: str) -> None:
    render.say(text(note))


def _sentence(host: str, sent: Sent) -> str:
    name = sent.target.rsplit("/", 1)[-1]
    place = text(f"{host}:{sent.target}")
    if sent.method == "none":
        return f"unchanged: {place}"
    part = size(sent.sent_bytes)
    how = f"{part} of {size(sent.size_bytes)} by rsync" if sent.method == "rsync" else part
    return f"sent {text(name)} to {place}: {how} in {sent.duration_s:.1f} s"


def _document(sent: Sent) -> dict[str, Any]:
    return {
        "path": sent.target,
        "is_changed": sent.method != "none",
        "method": sent.method,
        "size_bytes": sent.size_bytes,
        "sent_bytes": sent.sent_bytes,
        "sha256": sent.sha256,
        "duration_s": sent.duration_s,
        "notes": list(sent.notes),
    }
