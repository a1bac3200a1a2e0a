"""The prompt of a review: one event open at a time, and a key for what comes next."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engagement.cli import keys, render
from engagement.cli.review_text import label_words, print_event, video_lines
from engagement.cli.signals import signals_by
from engagement.cli.wrapping import wrapped
from engagement.errors import EngagementError, InputError
from engagement.formats import count, text
from engagement.review import child
from engagement.review.settings import expanded
from engagement.review.steps import Walk
from engagement.review.video import find_video, player_command
from engagement.store.event_names import find_events, short_name
from engagement.store.label_words import shipped_words
from engagement.store.labels import label_events
from engagement.store.reader import Reader
from engagement.units import METRIC

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engagement.cli.keys import Keys
    from engagement.review.child import Child
    from engagement.review.opening import Opener
    from engagement.review.settings import Settings
    from engagement.units import Units

    Row = dict[str, Any]

_LETTERS = {keys.END: "q", keys.RIGHT: "n", keys.LEFT: "p"}
_KEYS = "n next  p previous  s skip  o open again  l label  t note  q quit  ? help"
_HELP = """\
n  the next event, as does the right arrow
p  the previous one, as does the left arrow
s  the next one; this one is put aside, and named again at the end
o  open this one again
l  label it: one word, such as {words}
t  note something on it
q  end, as does Ctrl-D"""
_PATIENCE_S = 0.3


class _Terminated(KeyboardInterrupt):
    """As Ctrl-C, but it ends more than a question."""


class Review:
    """A walk through events at a terminal.

    Args:
        database: The database, to which labels are written.
        settings: Where clips lie, and what plays videos.
        opener: What shows an event; it is closed at the end.
        keyboard: Where it is told what to do.
        with_video: Whether to play the segment's video too.
        keep_open: Whether what shows the last event stays at the end.
    """

    def __init__(
        self,
        database: Path,
        settings: Settings,
        opener: Opener,
        keyboard: Keys,
        *,
        with_video: bool,
        keep_open: bool,
        units: Units = METRIC,
    ) -> None:
        self._database = database
        self._units = units
        self._settings = settings
        self._opener = opener
        self._with_video = with_video
        self._keep_open = keep_open
        self._children: list[Child] = []
        self._folder: Path | None = None
        self._keyboard = keyboard
        self._n_labelled = 0

    def run(self, events: Sequence[Row]) -> None:
        """Go through the events until the user ends it; nothing runs or lies about then."""
        walk = Walk(events)
        with signals_by(_terminate, signal.SIGTERM, signal.SIGHUP), self._keyboard:
            try:
                self._open(walk)
                while self._step(walk):
                    pass
                walk.leave()
                self._sum_up(walk)
                if self._keep_open:
                    self._let_be()
            finally:
                # A terminal that goes away says so several times.
                with signals_by(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    self._close()
                    self._opener.close()

    def _step(self, walk: Walk) -> bool:
        """Do what a key says; whether to go on."""
        key = self._read_key()
        if key == "q":
            return False
        steps: dict[str, Callable[[], bool]] = {
            "n": walk.next,
            "s": walk.skip,
            "p": walk.previous,
        }
        if key in steps:
            if steps[key]():
                self._open(walk)
            else:
                end = "first" if key == "p" else "last"
                render.note(f"this is the {end} event; q ends")
        elif key == "o":
            self._open(walk)
        elif key in ("l", "t"):
            self._say(walk, with_note=key == "t")
        else:
            click.echo(_HELP.format(words=", ".join(shipped_words())))
        return True

    def _read_key(self) -> str:
        """The next key, as one letter."""
        click.secho(f"{_KEYS} > ", nl=False, dim=True)
        try:
            key = self._keyboard.read(self._look_after)
        except KeyboardInterrupt:
            with suppress(OSError):  # the terminal may be gone
                click.echo()
            raise
        key = _LETTERS.get(key, key.lower())
        click.echo(key if key.isalpha() and len(key) == 1 else "")
        return key

    def _look_after(self) -> None:
        """Say what a program that has failed said last."""
        for shown in [one for one in self._children if one.problem]:
            self._children.remove(shown)
            click.echo()
            _print_error(f"{shown.command[0]}: {shown.problem}")
            shown.end()

    def _open(self, walk: Walk) -> None:
        """Show the event at hand, in the place of the one that is open."""
        self._close()
        print_event(walk, self._units)
        try:
            folder = self._folder = _make_folder(self._settings.folder)
            opened = self._opener.open(walk.event, folder)
            if opened.child is not None:
                self._children.append(opened.child)
            for line in opened.notes:
                render.answer(f"  {text(line)}")
        except EngagementError as error:
            _print_error(error)
        except OSError as error:
            _print_error(f"{error.filename or 'the clip'}: {error.strerror or error}")
        if self._with_video and self._folder is not None:
            self._play(walk.event, self._folder)

    def _play(self, event: Row, folder: Path) -> None:
        """Play the video of the event's segment, and say what of it is missing."""
        settings = self._settings.video
        found = find_video(event, settings)
        command = None
        if found.files:
            command = player_command(found.files[0], found.second, settings)
        for line in video_lines(event, found, command, settings):
            render.answer(f"  {text(line)}")
        if command is None:
            return
        try:
            player = child.start(command, folder / "player.txt", patience_s=_PATIENCE_S)
            self._children.append(player)
        except EngagementError as error:
            _print_error(error)

    def _say(self, walk: Walk, *, with_note: bool) -> None:
        """Ask for a label, a note or both, and write them; an empty answer changes nothing."""
        event = walk.event
        try:
            word = event["label"] or ""
            if not with_note or not word:
                word = self._ask(f"label [{', '.join(shipped_words())}]")
            note = self._ask("note") if with_note and word else ""
            if not word or (with_note and not note):
                render.note("nothing was written")
                return
            names = [event["event_id"]]
            report = label_events(self._database, names, word, note or None)
            with Reader(self._database) as reader:
                [row] = find_events(reader, names)
        except EngagementError as error:
            _print_error(error)
            return
        self._n_labelled += report.n_written
        walk.replace(row)
        render.answer(f"  {text(label_words(row))}")

    def _ask(self, what: str) -> str:
        """A line; empty after Ctrl-C or Ctrl-D.

        Raises:
            InputError: If it is no text.
        """
        try:
            with self._keyboard.lines():
                click.echo(f"  {what}: ", nl=False)
                self._keyboard.wait()
                line = input("").strip()
            line.encode()
        except _Terminated:
            raise
        except (EOFError, KeyboardInterrupt):
            click.echo()
            return ""
        except UnicodeError as error:
            raise InputError("that is no text in UTF-8") from error
        return line

    def _sum_up(self, walk: Walk) -> None:
        aside = walk.aside
        parts = [f"{walk.n_seen} of {count(len(walk), 'event')} looked at"]
        if self._n_labelled:
            parts.append(f"{count(self._n_labelled, 'label')} or notes written")
        if aside:
            names = " ".join(short_name(event) for event in aside)
            parts.append(f"put aside: {names}")
        render.note(text("; ".join(parts)))

    def _let_be(self) -> None:
        """Leave what is open, and its clip, as it is."""
        if self._children and self._folder is not None:
            pids = ", ".join(str(shown.pid) for shown in self._children)
            render.note(f"left open: process {pids}; its clip is in {self._folder}")
            self._children.clear()
            self._folder = None

    def _close(self) -> None:
        """End what shows the event that is open, and remove its clip."""
        while self._children:
            self._children.pop().end()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _make_folder(parent: str) -> Path:
    """A folder of its own for a clip, that nobody else can look into."""
    root = expanded(parent) if parent else None
    if root is not None:
        root.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="engagement-", dir=root))


def _terminate(_number: int, _frame: object) -> None:
    raise _Terminated


def _print_error(error: EngagementError | str) -> None:
    for line in str(error).split("\n"):
        click.secho(wrapped(f"  {text(line)}", sys.stderr), err=True, fg="red")
