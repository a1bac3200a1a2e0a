"""`engagement export`: the old system's files, and views as Parquet or CSV."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engagement.cli import render
from engagement.cli.options import database_option, device_option, json_option
from engagement.cli.output_files import spare_database, writing
from engagement.cli.wrapping import shown_bytes
from engagement.errors import suggestion
from engagement.export.tracks import TRACK_FORMATS, read_track
from engagement.export.view_files import write_csv, write_parquet
from engagement.files import replacing
from engagement.formats import count, text
from engagement.legacy.documents import (
    LEGACY_FILES,
    Form,
    count_entries,
    legacy_document,
    write_legacy_files,
)
from engagement.legacy.json_files import write_json_atomically
from engagement.store.drive_names import find_drive
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Function = TypeVar("Function", bound=Callable[..., Any])

_STDOUT = Path("-")
_STDOUT_FILES = (Path("/dev/stdout"), Path("/dev/fd/1"), Path("/proc/self/fd/1"))


class _Group(click.Group):
    """Names the nearest command for one that there isn't."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            ctx.fail(f"no export {args[0]!r}{suggestion(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


@click.group("export", cls=_Group)
def export() -> None:
    """Write views and tracks to files, also in the old system's JSON formats.

    A file is replaced in one step: whoever reads it sees the old one or the new one.

    \b
    Example:
      engagement export legacy --out old/
      engagement export parquet drives --out drives.parquet
    """


def _out_option(*, about: str, required: bool) -> Callable[[Any], Any]:
    return click.option(
        "--out",
        required=required,
        metavar="FILE",
        type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
        help=about,
    )


@contextmanager
def _writing(out: Path, database: Path) -> Iterator[None]:
    """Say what could not be written; spare the database, devices and pipes."""
    is_file = out != _STDOUT and out.exists()
    if is_file and (out in _STDOUT_FILES or not (out.is_file() or out.is_dir())):
        problem = f"{str(out)!r} is no regular file; - stands for stdout"
        raise click.BadParameter(problem, param_hint="--out")
    if is_file:
        spare_database(out, database)
    with writing(out, "stdout" if out == _STDOUT else None):
        yield


def _report_rows(path: Path, n_rows: int, *, as_json: bool) -> None:
    if as_json:
        render.print_json({"path": str(path), "n_rows": n_rows})
    else:
        render.say(f"{text(path)}: {count(n_rows, 'row')}")


def _refuse_mixture(out: Path, *, as_json: bool) -> None:
    if as_json and out == _STDOUT:
        raise click.BadParameter("--json says there what was written", param_hint="--out")


def _report_entries(path: Path, n_entries: int) -> None:
    render.say(f"{text(path)}: {n_entries} {'entry' if n_entries == 1 else 'entries'}")


def _form_options(function: Function) -> Function:
    """Add what the old files are to hold; the command gets a `form`."""

    @wraps(function)
    def with_form(*args: Any, is_exact: bool, schema: str, **options: Any) -> Any:
        form = Form(is_exact=is_exact, schema=3 if schema == "3" else 1)
        return function(*args, form=form, **options)

    exact = click.option(
        "--exact",
        "is_exact",
        is_flag=True,
        help="Logs since 0.9.8 as the old system read them: never engaged.",
    )
    schema = click.option(
        "--schema",
        type=click.Choice(["1", "3"]),
        default="1",
        help="Version of the entries of ingested drives; 3 has disengagements, and all by speed.",
    )
    return exact(schema(with_form))  # type: ignore[return-value]


@export.command("legacy")
@click.option(
    "--out",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for the four files; made where there is none.",
)
@device_option
@_form_options
@database_option
@json_option
def _legacy(out: Path, device: str | None, form: Form, database: Path, *, as_json: bool) -> None:
    """Write the four JSON files of the old system.

    \b
    Example:
      engagement export legacy --out old/
    """
    with Reader(database) as reader, _writing(out, database):
        written = write_legacy_files(reader, out, device=device, form=form)
    if as_json:
        files = [{"path": str(file.path), "n_entries": file.n_entries} for file in written]
        render.print_json({"files": files})
        return
    for file in written:
        _report_entries(file.path, file.n_entries)


def _add_document(name: str) -> None:
    @export.command(
        name,
        help=f"Write {name} alone.\n\n\b\nExample:\n  engagement export {name} --out {name}",
        short_help=f"Write {name} alone.",
    )
    @database_option
    @device_option
    @_form_options
    @_out_option(
        about=f"The file, - for stdout; {name} in this folder unless given.", required=False
    )
    @json_option
    def write(
        out: Path | None, device: str | None, form: Form, database: Path, *, as_json: bool
    ) -> None:
        _refuse_mixture(out or Path(name), as_json=as_json)
        with Reader(database) as reader:
            document = legacy_document(reader, name, device=device, form=form)
        out = out or Path(name)
        with _writing(out, database):
            if out == _STDOUT:
                click.echo(json.dumps(document, indent=2))
                return
            write_json_atomically(out, document)
        n_entries = count_entries(document)
        if as_json:
            render.print_json({"path": str(out), "n_entries": n_entries})
        else:
            _report_entries(out, n_entries)


for _name in LEGACY_FILES:
    _add_document(_name)


@export.command("parquet")
@click.argument("view")
@database_option
@_out_option(about="The file to write.", required=True)
@json_option
def _parquet(view: str, out: Path, database: Path, *, as_json: bool) -> None:
    """Write a view as Parquet, with the meaning of each column in the file.

    \b
    Example:
      engagement export parquet disengagements --out disengagements.parquet
    """
    if out == _STDOUT:
        raise click.BadParameter("Parquet goes to a file; CSV can go to stdout", param_hint="--out")
    with Reader(database) as reader, _writing(out, database):
        n_rows = write_parquet(reader, view, out)
    _report_rows(out, n_rows, as_json=as_json)


@export.command("csv")
@click.argument("view")
@database_option
@_out_option(about="The file to write, - for stdout.", required=True)
@click.option(
    "--exact",
    "is_exact",
    is_flag=True,
    help="Texts as they are: a spreadsheet may run those that begin with = + - @.",
)
@json_option
def _csv(view: str, out: Path, database: Path, *, is_exact: bool, as_json: bool) -> None:
    """Write a view as CSV with a header; what is not known is left empty.

    An apostrophe before a text that a spreadsheet would take for a formula makes it text.

    \b
    Example:
      engagement export csv drives --out drives.csv
    """
    is_stdout = out == _STDOUT
    _refuse_mixture(out, as_json=as_json)
    with Reader(database) as reader, _writing(out, database):
        n_rows = write_csv(reader, view, shown_bytes() if is_stdout else out, is_exact=is_exact)
    if not is_stdout:
        _report_rows(out, n_rows, as_json=as_json)


def _add_track(form: str, name: str) -> None:
    @export.command(
        form,
        help=f"Write where a drive went, by mode, with its events, as {name}.\n\n"
        "It shows where you drive, its ends too; `engagement redact track` leaves these out.\n\n"
        f"\b\nExample:\n  engagement export {form} 00000047--e6318bf623 --out drive.{form}",
        short_help=f"Write where a drive went as {name}.",
    )
    @click.argument("drive", metavar="DRIVE")
    @database_option
    @_out_option(about="The file to write, - for stdout.", required=True)
    @json_option
    def write(drive: str, out: Path, database: Path, *, as_json: bool) -> None:
        _refuse_mixture(out, as_json=as_json)
        with Reader(database) as reader:
            track = read_track(reader, find_drive(reader, drive))
        if not track.stretches and not track.events:
            render.note(text(f"{track.name} has no position"))
        content = TRACK_FORMATS[form](track)
        with _writing(out, database):
            if out == _STDOUT:
                shown_bytes().write(content)
                return
            with replacing(out) as file:
                file.write(content)
        if as_json:
            counts = {"n_fixes": track.n_fixes, "n_events": len(track.events)}
            render.print_json({"path": str(out), **counts})
        else:
            counted = f"{count(track.n_fixes, 'position')}, {count(len(track.events), 'event')}"
            render.say(text(f"{out}: {counted}"))


for _form, _name in {"gpx": "GPX", "geojson": "GeoJSON"}.items():
    _add_track(_form, _name)
