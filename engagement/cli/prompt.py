"""A small SQL prompt: statements over several lines, a history, the views at hand.

Each statement reads the newest generation, so that an open prompt shows what an ingest adds.
"""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engagement.cli import columns, render
from engagement.cli.queries import print_query
from engagement.errors import EngagementError
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

_WELCOME = "SQL ends with ; - .help lists the other commands"
_HELP = """\
.tables         the views, and what each holds
.schema VIEW    the columns of a view, and what each means
.help           this
.quit           leave, as does Ctrl-D
anything else   SQL, over as many lines as it takes, up to a ;"""
_FIRST, _NEXT = "engagement> ", "       ...> "
_HISTORY_LINES = 1000


class Prompt:
    """A session at the prompt; `run` returns when the user leaves."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def run(self) -> None:
        """Read and run statements until Ctrl-D, .quit or the end of stdin."""
        if sys.stdin.isatty():
            _keep_history()
            render.note(_WELCOME)
        for statement in self._statements():
            if statement in (".quit", ".exit"):
                return
            try:
                self._run(statement)
            except EngagementError as error:
                render.say(str(error))
            except KeyboardInterrupt:
                render.say("interrupted")

    def _run(self, statement: str) -> None:
        command, _, argument = statement.partition(" ")
        with Reader(self._database) as reader:
            if command == ".tables":
                rows = [
                    {"column": name, "meaning": title} for name, title in reader.views().items()
                ]
                render.print_rows((columns.VIEW, columns.MEANING), rows)
            elif command == ".schema":
                found = reader.comments(argument.strip().rstrip(";"))
                rows = [{"column": name, "meaning": text} for name, text in found.items()]
                render.print_rows(columns.GLOSSARY, rows)
            elif command.startswith("."):
                click.echo(_HELP)
            else:
                print_query(reader, statement)

    def _statements(self) -> Iterator[str]:
        """Commands, which are one line, and SQL up to a semicolon at the end of a line."""
        lines: list[str] = []
        while True:
            try:
                line = input((_NEXT if lines else _FIRST) if sys.stdin.isatty() else "")
            except EOFError:
                break
            except KeyboardInterrupt:
                click.echo()
                lines.clear()
                continue
            lines.append(line)
            text = "\n".join(lines).strip()
            if text.startswith(".") or text.endswith(";") or not text:
                lines.clear()
                if text.strip("; \n"):
                    yield text
        if sys.stdin.isatty():
            click.echo()
        if lines:
            yield "\n".join(lines)


def _keep_history() -> None:
    """Keep what is typed for the next time, where readline is there and the folder writable."""
    try:
        import readline  # noqa: PLC0415 - some Pythons are built without it
    except ImportError:
        return
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    file = state / "engagement" / "history"
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        readline.read_history_file(file)
        readline.set_history_length(_HISTORY_LINES)
        atexit.register(_write_history, file)


def _write_history(file: Path) -> None:
    import readline  # noqa: PLC0415

    with suppress(OSError):
        readline.write_history_file(file)
