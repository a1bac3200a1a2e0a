"""openpilot's own viewers of logs: they take a folder of segments, and the name of one.

The folder is of our making, with links to the log and the videos of the event's segment: devices,
collections and downloads are laid out in ways that these programs do not know. Neither begins at a
moment, so it is told.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engagement.errors import EngagementError, InputError
from engagement.logs.video_files import CAMERAS
from engagement.names import is_drive, parse_dongle_id
from engagement.review import child, viewer
from engagement.review.plans import PATIENCE_S, Opened, Plan
from engagement.review.settings import expanded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement.review.settings import Settings, Tool

    Event = Mapping[str, Any]

_FOLDERS = ("tools", "openpilot/tools")
_DATA_OPTION = {"cabana": "--data_dir", "jotpluggler": "--data-dir"}


class ToolOpener:
    """Shows the event's segment in cabana or jotpluggler.

    Raises:
        EngagementError: If the program is not there.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self._name = name
        self._command = _find(name, getattr(settings, name), settings)

    def plan(self, event: Event, folder: Path) -> Plan:
        """As `Opener`."""
        route = f"{parse_dongle_id(event['dongle_id'] or '')}/{_segment(event, '/')}"
        command = (*self._command, _DATA_OPTION[self._name], str(folder), route)
        return Plan(self._name, viewer.Start(command), (_segment(event, "--"),))

    def open(self, event: Event, folder: Path) -> Opened:
        """As `Opener`."""
        plan = self.plan(event, folder)
        _link(event, folder / _segment(event, "--"))
        at_s = event["segment_time_s"]
        moment = "" if at_s is None else f"; the event is {at_s:.1f} s into it"
        process = child.start(
            plan.start.command if plan.start else (), folder / "said.txt", patience_s=PATIENCE_S
        )
        return Opened(plan, process, (f"{self._name}: the event's segment{moment}",))

    def close(self) -> None:
        """As `Opener`."""


def _find(name: str, tool: Tool, settings: Settings) -> tuple[str, ...]:
    """The program: as it is named, or of the checkout."""
    found = viewer.find_program(tool.command)
    if found is not None:
        return tuple(found)
    checkout = settings.plotjuggler.openpilot
    places = [expanded(checkout) / folder / name / name for folder in _FOLDERS if checkout]
    own = next((place for place in places if place.is_file()), None)
    if own is None:
        where = f", nor has {expanded(checkout)} tools/{name}/{name}" if checkout else ""
        raise EngagementError(
            f"no {name}: {tool.command[0]} is not installed{where}; build it in a checkout of"
            " openpilot, and name that in a file for --config: [plotjuggler] openpilot"
        )
    return (str(own), *tool.command[1:])


def _segment(event: Event, dashes: str) -> str:
    """The segment as these programs name it; no other text of a log gets into a command."""
    drive = event["drive"] or ""
    if not is_drive(drive) or parse_dongle_id(event["dongle_id"] or "") is None:
        raise InputError(f"{drive!r} is no name of a drive that openpilot's tools take")
    return f"{drive}{dashes}{int(event['segment_num'])}"


def _link(event: Event, folder: Path) -> None:
    """Make a segment's folder with links to its log and to the videos beside it."""
    log = Path(event["path"] or "")
    if not log.is_file():
        raise InputError(f"{log}: the log is not there any more")
    suffix = next((end for end in (".bz2", ".zst") if log.name.endswith(end)), "")
    files = {f"{event['log_kind']}{suffix}": log}
    stem = log.name.rpartition(event["log_kind"])[0]  # of a file that names its segment itself
    files |= {name: log.with_name(stem + name) for name in CAMERAS}
    folder.mkdir(exist_ok=True)
    for name, target in files.items():
        place = folder / name
        place.unlink(missing_ok=True)
        if target.is_file():
            place.symlink_to(target.absolute())
