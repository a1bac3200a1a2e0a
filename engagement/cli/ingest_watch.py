"""`engagement ingest --watch`: what each batch did, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import json
import os
import select
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from engagement.cli import render
from engagement.cli.ingest_report import SignalNotes, document, print_report
from engagement.cli.signals import signals_by
from engagement.errors import StoreBusyError
from engagement.formats import text
from engagement.store.watch import watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from engagement.store.ingest_options import IngestOptions, IngestReport


class _Stop:
    """Set by a signal's handler, in which a `threading.Event` could wait for itself."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._is_set = False

    def set(self) -> None:
        """End the watch."""
        self._is_set = True

    def is_set(self) -> bool:
        """Whether the signal has come."""
        return self._is_set

    def wait(self, timeout: float) -> None:
        """Return when it comes, or after some seconds."""
        select.select([self._descriptor], [], [], timeout)


@contextmanager
def _set_by_sigterm() -> Iterator[_Stop]:
    reader, writer = os.pipe()
    stop = _Stop(reader)

    def handle(_signal: int, _frame: object) -> None:
        stop.set()
        os.write(writer, b"\0")

    try:
        with signals_by(handle, signal.SIGTERM):
            yield stop
    finally:
        os.close(reader)
        os.close(writer)


def watch_and_print(
    paths: Sequence[Path],
    database: Path,
    options: IngestOptions,
    *,
    every_s: float,
    as_json: bool,
) -> None:
    """Ingest what appears, and print a line of JSON for each batch, or words.

    Raises:
        StoreError: If the database can't be written.
        ConfigError: If the parameters do not hold.
    """
    if not as_json:
        shown = ", ".join(text(path) for path in paths)
        render.note(f"watching {shown}: a look every {every_s:g} s, until Ctrl-C")
    narrator = _Narrator(options)
    with _set_by_sigterm() as stop:
        for outcome in watch(paths, database, options, every_s=every_s, stop=stop):
            if as_json and not isinstance(outcome, StoreBusyError):
                click.echo(json.dumps(document(outcome, is_dry_run=False)))
            else:
                narrator.tell(outcome)
    if not as_json:
        render.note("stopped; nothing half-done was kept")


class _Narrator:
    """Says what each batch did, and what stays as it is only once."""

    def __init__(self, options: IngestOptions) -> None:
        self._can_notes = SignalNotes(options.read)
        self._was_busy = False

    def tell(self, outcome: IngestReport | StoreBusyError) -> None:
        """Say it on stderr."""
        if isinstance(outcome, StoreBusyError):
            if not self._was_busy:
                render.say(f"{text(outcome)}; this one waits")
            self._was_busy = True
            return
        self._was_busy = False
        print_report(outcome, (), is_dry_run=False)
        self._can_notes.tell(outcome)
