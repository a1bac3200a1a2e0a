"""Events and drives by the names that a user types.

An event is named by

    DONGLE|DRIVE|KIND|MONO_NS   its `event_id`, the same in every database
    DRIVE@SECONDS               its time in the drive: 00000047--e6318bf623@249.4 (see `short_name`)
    DRIVE@M:SS, DRIVE@H:MM:SS   the same, as lists show it
    DRIVE@SECONDS/KIND          where two kinds begin at once

and a drive by its name or by DONGLE|DRIVE. `/` may be written for `|`, which a shell wants quoted;
the dongle may be left out; and the start of an event_id, or of the name of a device, drive or kind,
is enough where nothing else starts so: 00000046@54.3.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engagement.errors import InputError, NotFoundError
from engagement.store.drive_names import find_drive, some_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engagement.store.generation import Generation
    from engagement.store.reader import Reader

KINDS = ("disengagement", "lateral_override", "longitudinal_override")
MOMENT = "moment:"
_TIME = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,7}(?:\.(\d{0,9}))?)")
_TOLERANCE_S = 1.0  # a time from a list is rounded to a whole second

_SAVED = "select event from saved_moments order by event"
_BY_ID = "select * from events where list_contains($ids, event_id)"
_BY_START = """
select * from events
where starts_with(event_id, $start) or starts_with(drive || '|' || kind || '|' || mono_ns, $start)
order by dongle_id, drive, mono_ns, kind
"""
_BY_TIME = """
select * from events
where drive_id = $drive_id and starts_with(kind, $kind)
order by abs(time_s - $time_s), kind
"""


def short_name(event: Mapping[str, Any]) -> str:
    """A name of an event that is short enough to type: DRIVE@SECONDS, to a tenth."""
    return f"{event['drive']}@{event['time_s']:.1f}"


def known_kinds(reader: Reader | Generation) -> list[str]:
    """The kinds of events: ours, then those of saved moments; an older file lacks the view."""
    saved = reader.rows(_SAVED) if "saved_moments" in reader.views() else []
    return [*KINDS, *(row["event"] for row in saved)]


def check_kinds(reader: Reader | Generation, kinds: Iterable[str]) -> None:
    """Refuse a kind that no event can have; beside one of a moment the nearest saved one is told.

    Raises:
        NotFoundError: If there is no such kind.
    """
    wanted = {*kinds} - {*KINDS}
    known = known_kinds(reader) if wanted else []
    for kind in sorted(wanted - {*known}):
        saved = [one for one in known if one.startswith(MOMENT)]
        is_moment = kind.startswith(MOMENT) and saved
        raise NotFoundError("kind of event", kind, saved if is_moment else known)


def in_drive(name: str) -> tuple[str, float | None]:
    """A drive's name, and the second in it that DRIVE@TIME means; None where there is no time."""
    drive, at, time = name.rpartition("@")
    return (drive, _seconds(name, time)[0]) if at and _TIME.fullmatch(time) else (name, None)


def find_events(reader: Reader, names: Sequence[str]) -> list[dict[str, Any]]:
    """The events of these names, in their order, as rows of `events`.

    Raises:
        NotFoundError: If there is no such event; the nearest one is suggested.
        InputError: If several events go by one of the names.
    """
    exact = {row["event_id"]: row for row in reader.rows(_BY_ID, {"ids": _in_bars(names)})}
    found = []
    for name, event_id in zip(names, _in_bars(names), strict=True):
        if event_id in exact:
            found.append(exact[event_id])
        elif "@" in name:
            found.append(_by_time(reader, name))
        else:
            found.append(_by_start(reader, name, event_id))
    return found


def _in_bars(names: Iterable[str]) -> list[str]:
    return [name.replace("/", "|") for name in names]


def _by_start(reader: Reader, name: str, start: str) -> dict[str, Any]:
    alike = reader.rows(_BY_START, {"start": start}) if start else []
    if not alike:
        known = reader.rows("select event_id, drive, time_s from events")
        is_id = "|" in start
        raise NotFoundError(
            "event", name, [row["event_id"] if is_id else short_name(row) for row in known]
        )
    return _only(name, alike)


def _by_time(reader: Reader, name: str) -> dict[str, Any]:
    """The event of DRIVE@TIME or DRIVE@TIME/KIND, the nearest within a second.

    If several are that near, the one whose time is the same in the digits that were typed.
    """
    drive_name, _, rest = name.rpartition("@")
    time, _, kind = rest.replace("|", "/").partition("/")
    time_s, n_decimals = _seconds(name, time)
    drive = find_drive(reader, drive_name)
    wanted = {"drive_id": drive.drive_id, "kind": kind, "time_s": time_s}
    events = reader.rows(_BY_TIME, wanted)
    near = [row for row in events if abs(row["time_s"] - time_s) <= _TOLERANCE_S]
    if not near:
        raise NotFoundError("event", name, [short_name(row) for row in events])
    if len(near) > 1:
        rounded = [row for row in near if round(row["time_s"], n_decimals) == time_s]
        near = rounded or near
    return _only(name, near)


def _seconds(name: str, time: str) -> tuple[float, int]:
    """Seconds, and how many decimals were typed."""
    match = _TIME.fullmatch(time)
    if match is None:
        raise InputError(
            f"{name!r}: {time!r} is no time in a drive; write DRIVE@SECONDS or DRIVE@M:SS"
        )
    hours, minutes, seconds, decimals = match.groups()
    n_decimals = len(decimals or "")
    time_s = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)
    return round(time_s, n_decimals), n_decimals


def _only(name: str, events: list[dict[str, Any]]) -> dict[str, Any]:
    """The one event; if there are several, the error names each as short as possible."""
    if len(events) == 1:
        return events[0]
    spellings = (
        [short_name(row) for row in events],
        [f"{short_name(row)}/{row['kind']}" for row in events],
        [row["event_id"] for row in events],
    )
    names = next(names for names in spellings if len(set(names)) == len(events))
    raise InputError(f"{name!r} is the name of {some_names(names, 'events')}; write more of it")
