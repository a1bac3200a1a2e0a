"""Opening one event: what is written for it, what is started, and what is said of it.

An opener makes a plan without touching anything, which is what `--json` shows, and carries it out:
clips go into a folder that the caller makes and removes.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from engagement.resources import resource_dir
from engagement.review import child, clips, layout, server, viewer
from engagement.review.openpilot_tools import ToolOpener
from engagement.review.plans import PATIENCE_S, Opened, Plan
from engagement.review.settings import expanded
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engagement.review.child import Child
    from engagement.review.settings import Feed, Settings
    from engagement.store.samples import Window

    Event = Mapping[str, Any]

_LAYOUT = "layout.xml"


class Opener(Protocol):
    """One kind of viewer, for the time of a review."""

    def plan(self, event: Event, folder: Path) -> Plan:
        """What would open an event with a clip in a folder; nothing is written or started."""

    def open(self, event: Event, folder: Path) -> Opened:
        """Open an event."""

    def close(self) -> None:
        """End what runs for all events together."""


class PlotJugglerOpener:
    """Shows a clip in PlotJuggler.

    Raises:
        NoViewerError: If there is no PlotJuggler.
    """

    def __init__(self, database: Path, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._way = viewer.choose_way(settings)
        self._name = f"engagement-{secrets.token_hex(4)}"

    def plan(self, event: Event, folder: Path) -> Plan:  # noqa: ARG002 - all events alike
        """As `Opener`."""
        clip, place = self._clip_name, self._place(folder)
        named = f"{place}/{clip}" if self._has_messages else None
        words = viewer.file_words(named, f"{place}/{_LAYOUT}")
        if self._way == "openpilot":
            start = viewer.start_openpilot(self._settings, folder / clip, folder / _LAYOUT)
        elif self._way == "docker":
            start = viewer.start_docker(self._settings, folder, self._name, words)
        else:
            start = viewer.start_local(self._settings, words)
        return Plan(self._way, start, (clip, _LAYOUT))

    def open(self, event: Event, folder: Path) -> Opened:
        """As `Opener`."""
        plan = self.plan(event, folder)
        with Reader(self._database) as reader:
            clip = folder / self._clip_name
            part = clips.write(reader, event, self._settings, self._feed, clip).part
        self._write_layout(event, folder, part)
        what = "the segment's log" if self._feed == "log" else f"{part.end_s - part.start_s:.0f} s"
        marks = "steps up" if self._has_messages else "is 1"
        note = f"PlotJuggler ({self._way}): {what}; the curve `{layout.MARK}` {marks} at the event"
        return Opened(plan, _started(plan, folder), (note,))

    def close(self) -> None:
        """As `Opener`."""

    def _write_layout(self, event: Event, folder: Path, part: Window) -> None:
        settings, out = self._settings.plotjuggler, folder / _LAYOUT
        if self._has_messages:
            template = _template(settings.rlog_layout, "plotjuggler_rlog_layout.xml")
            layout.write_rlog_layout(template, out, event["mono_ns"])
            return
        template = _template(settings.layout, "plotjuggler_layout.xml")
        clip = self._clip_name
        layout.write_layout(
            template,
            out,
            f"{self._place(folder)}/{clip}",
            clips.columns(folder / clip),
            (part.start_s, part.end_s),
        )

    def _place(self, folder: Path) -> str:
        """The folder as PlotJuggler sees it."""
        is_inside = self._way == "docker"
        return self._settings.docker.folder.rstrip("/") if is_inside else str(folder)

    @property
    def _feed(self) -> Feed:
        feed = self._settings.plotjuggler.feed
        if self._way == "openpilot" and feed != "log":
            return "raw"  # its script reads logs alone
        return feed

    @property
    def _has_messages(self) -> bool:
        return self._feed in ("raw", "log")

    @property
    def _clip_name(self) -> str:
        if not self._has_messages:
            return f"clip.{self._feed}"
        # Without a suffix for openpilot's script, which tells the codec by it; the rlog plugin
        # takes no other.
        return "rlog" if self._way == "openpilot" else "clip.rlog"


class McapOpener:
    """Shows a clip in Foxglove, or in what else opens MCAP."""

    def __init__(self, database: Path, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    def plan(self, event: Event, folder: Path) -> Plan:  # noqa: ARG002 - all events alike
        """As `Opener`."""
        file = str(folder / "clip.mcap")
        for words in self._settings.mcap.commands:
            command = viewer.find_program(words)
            if command:
                filled = tuple(word.replace("{file}", file) for word in command)
                return Plan("mcap", viewer.Start(filled), ("clip.mcap",))
        return Plan("mcap", None, ("clip.mcap",))

    def open(self, event: Event, folder: Path) -> Opened:
        """As `Opener`."""
        plan = self.plan(event, folder)
        out = folder / "clip.mcap"
        with Reader(self._database) as reader:
            clips.write(reader, event, self._settings, "mcap", out)
        if plan.start is None:
            note = f"{out}: open it in Foxglove before you go on, as it goes with this event"
            return Opened(plan, None, (note,))
        return Opened(plan, _started(plan, folder), (str(out),))

    def close(self) -> None:
        """As `Opener`."""


class BrowserOpener:
    """Shows the dashboard's page, from a server that is there or one of its own.

    Raises:
        InputError: If the settings' URL is none.
    """

    def __init__(self, database: Path, settings: Settings) -> None:
        self._database = database
        self._url = server.check_url(settings.browser.url)
        self._server: Child | None = None

    def plan(self, event: Event, folder: Path) -> Plan:  # noqa: ARG002 - nothing is written
        """As `Opener`."""
        return Plan("browser", url=self._url + server.page_path(event))

    def open(self, event: Event, folder: Path) -> Opened:
        """As `Opener`."""
        path = server.page_path(event)
        notes: tuple[str, ...] = ()
        is_own_alive = self._server is not None and self._server.is_running
        if not is_own_alive and not server.has_page(self._url, path):
            self._server, self._url = server.start_server(self._database, folder / "serve.txt")
            notes = (f"started a server for the time of this review: {self._url}",)
        plan = self.plan(event, folder)
        is_shown = plan.url is not None and server.show_page(plan.url)
        where = "in the browser" if is_shown else "there is no browser here; open it in yours"
        return Opened(plan, None, (*notes, f"{plan.url} - {where}"))

    def close(self) -> None:
        """As `Opener`."""
        if self._server is not None:
            self._server.end()
            self._server = None


def make_opener(kind: str, database: Path, settings: Settings) -> Opener:
    """The opener of a kind of viewer.

    Raises:
        NoViewerError: If there is no PlotJuggler, and it is wanted.
        EngagementError: If there is no cabana or jotpluggler, and it is wanted.
        InputError: If the settings do not hold.
    """
    kinds: Mapping[str, Callable[[], Opener]] = {
        "plotjuggler": partial(PlotJugglerOpener, database, settings),
        "mcap": partial(McapOpener, database, settings),
        "browser": partial(BrowserOpener, database, settings),
        "cabana": partial(ToolOpener, "cabana", settings),
        "jotpluggler": partial(ToolOpener, "jotpluggler", settings),
    }
    return kinds[kind]()


def _started(plan: Plan, folder: Path) -> Child | None:
    """Start a plan's program; one that fails at once is ended and its failure raised."""
    if plan.start is None:
        return None
    return child.start(
        plan.start.command,
        folder / "said.txt",
        patience_s=PATIENCE_S,
        environment=plan.start.environment,
        last=plan.start.last,
    )


def _template(own: str, shipped: str) -> Path:
    return expanded(own) if own else resource_dir("config") / shipped
