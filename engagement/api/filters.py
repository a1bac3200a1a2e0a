"""Which rows of a view are wanted: each filter is a parameter of the URL and one condition in SQL.

Filters that tell of drives leave the rows that are of such drives; a view that sums drives up is
computed over them alone. The others need a column of the view's own. Values only ever are
parameters of the query.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from litestar.params import QueryParameter

from engagement.analysis.labels import parse_labels
from engagement.api.problems import ParameterError
from engagement.errors import InputError, NotFoundError
from engagement.store.fingerprints import read_drives
from engagement.store.serving import Narrowing
from engagement.store.views import load_views

if TYPE_CHECKING:
    from collections.abc import Collection

    from engagement.store.serving import Generation

OF_DRIVES = {
    "drive": "drive_id = $drive",
    "device": "dongle_id = $device",
    "since": "started_at_utc >= $since",
    "until": "started_at_utc < $until",
    "car": "car_fingerprint = $car",
    "branch": "git_branch = $branch",
    "commit": "git_commit = $commit",
    "version": "version = $version",
    "fork": "fork = $fork",
}
_OF_ROWS = {
    "kind": ("kind", "kind = $kind"),
    "cause": ("cause", "cause = $cause"),
    "cause_event": ("cause_event", "cause_event = $cause_event"),
    "min_severity": ("severity", "severity >= $min_severity"),
    "is_critical": ("is_critical", "is_critical = $is_critical"),
    "label": ("label", "label = $label"),
    "grouped_by": ("grouped_by", "grouped_by = $grouped_by"),
    "group_name": ("group_name", "group_name = $group_name"),
    "event": ("event", "event = $event"),
}
_MAX_LENGTH = 200
_MAX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Filters:
    """What a request asked for; None for what it did not."""

    device: str | None = None
    drive: str | None = None
    since: date | None = None
    until: date | None = None
    car: str | None = None
    branch: str | None = None
    commit: str | None = None
    version: str | None = None
    fork: str | None = None
    kind: str | None = None
    cause: str | None = None
    cause_event: str | None = None
    min_severity: float | None = None
    is_critical: bool | None = None
    grouped_by: str | None = None
    group_name: str | None = None
    event: str | None = None
    label: str | None = None
    labels: str | None = None

    def given(self) -> dict[str, Any]:
        """The filters that were asked for, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def check(self, view: str, columns: Collection[str]) -> None:
        """Refuse a filter that makes no sense, or none on this view.

        Raises:
            ParameterError: Naming the filter.
        """
        if self.since and self.until and self.until < self.since:
            raise ParameterError("until", f"{self.until} is before since, {self.since}")
        for name in self.given():
            if not is_applicable(name, view, columns):
                raise ParameterError(name, f"the view {view} can't be filtered by it")

    def on_rows(
        self, generation: Generation, columns: Collection[str]
    ) -> tuple[list[str], dict[str, Any]]:
        """The conditions on a view's own rows, and the values of their parameters.

        Raises:
            NotFoundError: If a drive is asked for that there is not.
        """
        given = self.given()
        found = [_OF_ROWS[name][1] for name in given if name in _OF_ROWS]
        values = {name: given[name] for name in given if name in _OF_ROWS}
        if "drive_id" in columns:
            conditions, of_drives = self._on_drives(generation)
            values |= of_drives
            if list(of_drives) == ["drive"]:
                found += conditions
            elif conditions:
                wanted = " and ".join(conditions)
                drives = generation.in_memory("drives")
                found.append(f"drive_id in (select drive_id from {drives} where {wanted})")
        return found, values

    def narrowing(self, generation: Generation, columns: Collection[str]) -> Narrowing | None:
        """The drives that a view without drives of its own is to be computed over; None for all.

        Raises:
            NotFoundError: If a drive is asked for that there is not.
            ParameterError: If no label is among the labels.
        """
        if "drive_id" in columns:
            return None
        conditions, values = self._on_drives(generation)
        labels = None if self.labels is None else _labels(self.labels)
        if labels is None and not conditions:
            return None
        return Narrowing(" and ".join(conditions) or "true", values, labels)

    def _on_drives(self, generation: Generation) -> tuple[list[str], dict[str, Any]]:
        values = {name: value for name, value in self.given().items() if name in OF_DRIVES}
        if "drive" in values:
            values["drive"] = find_drive(generation, values["drive"])
        if "until" in values:
            values["until"] = _day_after(values["until"])
        return [OF_DRIVES[name] for name in values], values


def is_filter(name: str) -> bool:
    """Whether a parameter is a filter."""
    return name in OF_DRIVES or name in _OF_ROWS or name == "labels"


def is_applicable(name: str, view: str, columns: Collection[str]) -> bool:
    """Whether a filter makes sense on a view."""
    if name in _OF_ROWS:
        return _OF_ROWS[name][0] in columns
    if name == "labels":
        return "drive_id" not in columns and view in _over("event_counts")
    return "drive_id" in columns or view in _over("drives")


@cache
def _over(name: str) -> frozenset[str]:
    """A view, and those that are computed from it, by way of others too."""
    found = {name}
    for view in load_views():
        if view.reads & found:
            found.add(view.name)
    return frozenset(found)


def _labels(text: str) -> tuple[str, ...]:
    try:
        return parse_labels(text)
    except InputError as error:
        raise ParameterError("labels", "it names no label") from error


def _day_after(day: date) -> date:
    return day if day == date.max else day + timedelta(days=1)


def find_drive(generation: Generation, name: str) -> int:
    """The number of a drive: given as such, as DEVICE|DRIVE, or by its name alone.

    Raises:
        NotFoundError: If there is no such drive.
        ParameterError: If several drives are called so.
    """
    dongle_id, _, drive = name.replace("/", "|").rpartition("|")
    is_number = name.isascii() and name.isdecimal() and len(name) <= _MAX_DIGITS
    drives = read_drives(generation)
    found = {number: device for device, number in drives.named(dongle_id, drive)}
    if is_number and int(name) in drives.contents:
        if found.keys() - {int(name)}:
            problem = f"{name} is the number of a drive, and the name of another"
            raise ParameterError("drive", f"{problem}; write it as DEVICE|DRIVE")
        return int(name)
    if not found:
        raise NotFoundError("drive", name)
    if len(found) > 1:
        devices = ", ".join(sorted(found.values()))
        raise ParameterError("drive", f"there is one of {devices}; write it as DEVICE|DRIVE")
    return next(iter(found))


def _text(description: str) -> Any:
    return QueryParameter(max_length=_MAX_LENGTH, description=description)


def provide_filters(
    *,
    device: Annotated[str | None, _text("Dongle id of a device.")] = None,
    drive: Annotated[str | None, _text("A drive: DEVICE|DRIVE, or its name or number.")] = None,
    since: Annotated[date | None, QueryParameter(description="First day, UTC.")] = None,
    until: Annotated[date | None, QueryParameter(description="Last day, UTC.")] = None,
    car: Annotated[str | None, _text("Car fingerprint.")] = None,
    branch: Annotated[str | None, _text("Branch of the software.")] = None,
    commit: Annotated[str | None, _text("Commit of the software.")] = None,
    version: Annotated[str | None, _text("Version of openpilot.")] = None,
    fork: Annotated[str | None, _text("Fork of openpilot.")] = None,
    kind: Annotated[str | None, _text("Kind of event or intervention.")] = None,
    cause: Annotated[str | None, _text("Cause of a disengagement.")] = None,
    cause_event: Annotated[str | None, _text("The event that says so.")] = None,
    min_severity: Annotated[
        float | None, QueryParameter(description="Least severity; 1 and above is critical.")
    ] = None,
    is_critical: Annotated[bool | None, QueryParameter(description="Critical or not.")] = None,
    grouped_by: Annotated[str | None, _text("What groups are made by.")] = None,
    group_name: Annotated[str | None, _text("Name of a group.")] = None,
    event: Annotated[str | None, _text("Event that is counted.")] = None,
    label: Annotated[str | None, _text("What somebody said that an event was.")] = None,
    labels: Annotated[
        str | None, _text("Only events with one of these labels count; with commas.")
    ] = None,
) -> Filters:
    """Gather the filters of a URL."""
    return Filters(
        device, drive, since, until, car, branch, commit, version, fork, kind, cause, cause_event,
        min_severity, is_critical, grouped_by, group_name, event, label, labels,
    )  # fmt: skip
