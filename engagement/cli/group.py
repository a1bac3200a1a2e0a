"""The `engagement` command: subcommands that are imported when they run, errors as one line.

Help and version must answer at once, so nothing here imports DuckDB, Arrow or the decoder.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from engagement.cli.exit_codes import ExitCode
from engagement.cli.lazy import INTERRUPTED, Lazy, LazyGroup
from engagement.cli.options import DATABASE_KEY
from engagement.cli.wrapping import is_terminal, wrapped
from engagement.definitions import DEFINITIONS, OtherDefinitionsWarning
from engagement.errors import EngagementError
from engagement.formats import text
from engagement.store.disk_use import ONE_COPY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_INTERRUPTED_PYTHON = re.compile(r"failed: KeyboardInterrupt\b|^KeyboardInterrupt$", re.MULTILINE)
_COMMANDS = {
    "collect": "Fetch logs from devices over SSH.",
    "ingest": "Bring the database up to date with folders of logs.",
    "report": "Show what the drives were like, and totals per device.",
    "rates": "Show how often drivers intervene and openpilot disengages.",
    "compare": "Compare two groups of drives, and say what the difference rests on.",
    "events": "List disengagements and overrides: where, why, and how dangerous.",
    "find": "Find the moments that an expression describes.",
    "clip": "Write the samples, or the log's messages, around a moment.",
    "redact": "Make events, clips, a track or a database that others may see.",
    "status": "Show what is in the database and whether it is sound.",
    "devices": "List the devices.",
    "drives": "List the drives.",
    "lake": "Make a store for the drives of many machines, or say what is in it.",
    "name": "Give a device a name, which is shown instead of its dongle id.",
    "glossary": "Explain the columns of the report, of every view and of every table.",
    "sql": "Run a query on the views.",
    "shell": "Open a SQL prompt on the views, read-only.",
    "serve": "Serve the views over HTTP, and pages to look at them.",
    "mcp": "Answer an assistant's questions about drives.",
    "profile": "List, make, check and suggest profiles of a car's CAN signals.",
    "fields": "List the services in a log, or the fields that fit a pattern.",
    "read": "Read any fields of a log into a file.",
    "can": "Write CAN signals of a log to a file.",
    "sync": "Send the database, or the old JSON files, to a server.",
    "export": "Write views to files, also in the old JSON formats.",
    "import": "Read drives from the old system's JSON files.",
    "recompute": "Compute every number anew from the logs' contents.",
    "demo": "Make some drives to try the commands with.",
}


class Failure(click.ClickException):
    """An error as the user sees it: one message on stderr, and an exit status."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = int(exit_code)  # type: ignore[misc] # click's own is of the class

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message, with the program's name in front."""
        message = wrapped(f"engagement: {self.format_message()}", file or sys.stderr)
        click.echo(message, file=file, err=file is None)


def _showing(shown: set[str], otherwise: Callable[..., None]) -> Callable[..., None]:
    """What prints a warning: of other definitions in one line, once, however often it is read."""

    def show(message: Warning | str, *args: Any, **options: Any) -> None:
        if not isinstance(message, OtherDefinitionsWarning):
            otherwise(message, *args, **options)
        elif str(message) not in shown:
            shown.add(str(message))
            click.echo(f"engagement: {_shown(message)}", err=True)

    return show


class _Group(LazyGroup):
    """All commands; what goes wrong in one is told in a line."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command line; what goes wrong with stdout is one line, or nothing at all."""
        if sys.stdout is None:  # closed by whoever started this
            sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process
        try:
            return super().main(*args, **options)
        except OSError as error:
            _let_go_of_stdout()
            with suppress(OSError):
                Failure(_os_message(error), ExitCode.FAILED).show()
            sys.exit(ExitCode.FAILED)
        finally:
            try:
                sys.stdout.flush()
            except OSError:
                _let_go_of_stdout()

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Read the command line; what is wrong with it is told in lines."""
        with _wrapped_usage():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _wrapped_usage():
            return self._invoke(ctx)

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", OtherDefinitionsWarning)
                warnings.showwarning = _showing(set(), warnings.showwarning)
                result = super().invoke(ctx)
            sys.stdout.flush()
        except EngagementError as error:
            if _is_interrupt(error.__cause__):
                raise Failure(INTERRUPTED, ExitCode.INTERRUPTED) from error
            raise Failure(_shown(error), error.exit_code) from error
        except KeyboardInterrupt as error:
            raise Failure(INTERRUPTED, ExitCode.INTERRUPTED) from error
        except RuntimeError as error:
            if not _is_interrupt(error):
                raise
            raise Failure(INTERRUPTED, ExitCode.INTERRUPTED) from error
        except _duckdb_errors() as error:
            if _is_interrupt(error):
                raise Failure(INTERRUPTED, ExitCode.INTERRUPTED) from error
            problem = str(error).split("\n", 1)[0]
            message = f"{ctx.meta[DATABASE_KEY]}: DuckDB says: {problem}"
            raise Failure(message, ExitCode.DATABASE) from error
        except BrokenPipeError:
            _let_go_of_stdout()
            ctx.exit(ExitCode.OK)
        return result


@contextmanager
def _wrapped_usage() -> Iterator[None]:
    """Have click's own messages end their lines between words, too."""
    try:
        yield
    except click.UsageError as error:
        if not is_terminal(sys.stderr):
            raise
        prefix = "Error: "  # as click puts it in front
        message = wrapped(prefix + error.format_message(), sys.stderr).removeprefix(prefix)
        raise click.UsageError(message, error.ctx) from error


def _shown(error: EngagementError | Warning) -> str:
    """The message; what a terminal would obey in names from logs is written as an escape."""
    return "\n".join(text(line) for line in str(error).split("\n"))


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether this is what DuckDB makes of a Ctrl-C while it works.

    One that comes while it has Python hand it Arrow data is told by the message alone.
    """
    if type(error).__name__ == "InvalidInputException":
        return bool(_INTERRUPTED_PYTHON.search(str(error)))
    is_plain = isinstance(error, RuntimeError) and str(error) == "Query interrupted"
    return is_plain or type(error).__name__ == "InterruptException"


def _duckdb_errors() -> tuple[type[Exception], ...]:
    """DuckDB's errors, where a command has imported it: nothing else can have raised one."""
    module = sys.modules.get("duckdb")
    return (module.Error,) if module else ()


def _os_message(error: OSError) -> str:
    """What the system refused; a stream, unlike a file, has no name."""
    what = "can't write the output" if error.filename is None else os.fsdecode(error.filename)
    return f"{what}: {error.strerror or error}"


def _let_go_of_stdout() -> None:
    """Nobody takes what is written to stdout; what Python still holds for it goes nowhere."""
    with suppress(ValueError):  # no file, as in tests
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@click.group(
    cls=_Group,
    lazy={
        name: Lazy("import_" if name == "import" else name, title)
        for name, title in _COMMANDS.items()
    },
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "ENGAGEMENT",
        "show_default": True,
        "max_content_width": 100,
    },
)
@click.option(
    "--db",
    "database",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("engagement.duckdb"),
    envvar="ENGAGEMENT_DB",
    show_envvar=True,
    metavar="FILE",
    help="The database; each command takes this option too.",
)
@click.option(
    "--one-copy",
    is_flag=True,
    envvar="ENGAGEMENT_ONE_COPY",
    show_envvar=True,
    help="Keep no copy of the database beside it; what writes to it then writes all of it anew.",
)
@click.version_option(
    package_name="engagement", message=f"%(prog)s %(version)s, definitions {DEFINITIONS}"
)
@click.pass_context
def main(ctx: click.Context, *, database: Path, one_copy: bool) -> None:
    """How much of your driving was engaged, when and why it disengaged.

    Logs go into one DuckDB file, and every question is a view in it.

    \b
    Example:
      engagement ingest rlogs/
      engagement report
    """
    ctx.meta[DATABASE_KEY] = database
    before = ONE_COPY.set(one_copy)
    ctx.call_on_close(lambda: ONE_COPY.reset(before))
