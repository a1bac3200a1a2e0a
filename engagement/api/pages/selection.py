"""Which drives a page is about, as its address says it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from engagement.api.problems import ParameterError
from engagement.errors import NotFoundError

if TYPE_CHECKING:
    from engagement.store.serving import Generation

_CONDITIONS = {
    "device": "dongle_id = $device",
    "since": "started_at_utc >= $since",
    "until": "started_at_utc < $until",
    "car": "car_fingerprint = $car",
    "branch": "git_branch = $branch",
    "version": "version = $version",
}
_MAX_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """Drives of a device, between two days, both included, or with one software or car.

    An empty text asks for nothing: that is what a form sends for a field that was left alone.
    """

    device: str = ""
    since: str = ""
    until: str = ""
    car: str = ""
    branch: str = ""
    version: str = ""

    def given(self) -> dict[str, str]:
        """What was asked for, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value}

    @property
    def is_group(self) -> bool:
        """Whether the views have it as a group: everything, or one device."""
        return set(self.given()) <= {"device"}

    @property
    def group(self) -> tuple[str, str]:
        """That group, as `grouped_by` and `group_name`."""
        return ("device", self.device) if self.device else ("all", "all")

    def conditions(self, generation: Generation) -> tuple[str, dict[str, Any]]:
        """The condition on drives, and the values of the parameters in it.

        Raises:
            ParameterError: Naming what can't be read.
            NotFoundError: If there is no such device.
        """
        given = self.given()
        for name, text in given.items():
            if len(text) > _MAX_LENGTH:
                raise ParameterError(name, f"it has more than {_MAX_LENGTH} letters")
        values: dict[str, Any] = dict(given)
        for name in {"since", "until"} & set(given):
            values[name] = _parse_day(name, given[name])
        if {"since", "until"} <= set(given) and values["until"] < values["since"]:
            raise ParameterError("until", f"{self.until} is before {self.since}")
        if "until" in given and values["until"] < date.max:
            values["until"] += timedelta(days=1)
        if self.device and self.device not in known_devices(generation):
            raise NotFoundError("device", self.device, known_devices(generation))
        wanted = [_CONDITIONS[name] for name in given]
        return " and ".join(wanted) or "true", values

    def query(self, **changes: str) -> str:
        """The query of an address that asks for the same, but for some changes."""
        pairs = {name: text for name, text in (self.given() | changes).items() if text}
        return f"?{urlencode(pairs)}" if pairs else ""


def known_devices(generation: Generation) -> list[str]:
    """Every device, by its dongle id."""

    def read() -> list[str]:
        rows = generation.rows(
            f"select distinct dongle_id from {generation.in_memory('drives')} order by dongle_id"
        )
        return [row["dongle_id"] for row in rows]

    return generation.cached("devices of pages", read)


def _parse_day(name: str, text: str) -> date:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise ParameterError(name, f"{text!r} is no day; write it like 2025-07-31") from error
    return day
