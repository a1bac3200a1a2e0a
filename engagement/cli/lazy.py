"""Groups whose commands are imported when they run, so that help and version answer at once."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from engagement.cli.exit_codes import ExitCode
from engagement.errors import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INTERRUPTED = "interrupted; nothing half-done was kept"


class Lazy(NamedTuple):
    """The module of `engagement.cli` that has a command, and what the command does."""

    module: str
    title: str


class LazyGroup(click.Group):
    """Commands by name, each in a module."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **options: Any) -> None:
        super().__init__(*args, **options)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names, in the order in which they are shown."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command, None if there is none of the name."""
        found = self._lazy.get(cmd_name)
        return _load(found.module, cmd_name) if found else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find what was typed; a misspelt name is answered with the nearest."""
        if args[0] not in self._lazy:
            ctx.fail(f"no command {args[0]!r}{suggestion(args[0], self._lazy)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, found.title) for name, found in self._lazy.items()])


def _load(module_name: str, name: str) -> click.Command:
    """Import a module and find the command of that name in it."""
    with _interruptible_at_once():
        module = import_module(f"engagement.cli.{module_name}")
    commands = (value for value in vars(module).values() if isinstance(value, click.Command))
    return next(command for command in commands if command.name == name)


@contextmanager
def _interruptible_at_once() -> Iterator[None]:
    """Let Ctrl-C end the process here and now.

    Libraries written in C turn a KeyboardInterrupt in their imports into errors of their own.
    """
    is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not is_usual or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _quit)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _quit(_signal: int, _frame: object) -> None:
    os.write(2, f"engagement: {INTERRUPTED}\n".encode())
    os._exit(ExitCode.INTERRUPTED)
