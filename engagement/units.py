"""Kilometres or miles: the one place where what is stored in SI becomes what a reader drives by.

And what stands for a device: the name that somebody gave it, where it has one.

Views, files, JSON and the API have SI units, which end the names of their columns; only tables,
pages and sentences convert.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    Name = Literal["metric", "imperial"]

KM_PER_MI = 1.609344
_M_PER_FT = 0.3048
_S_PER_H = 3600
_M_PER_KM = 1000


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit by its name; calling it converts a value, or None, from SI."""

    name: str
    per_si: float = 1.0

    def __call__(self, value: float | None) -> float | None:
        """The value in this unit."""
        return None if value is None else value * self.per_si

    def each(self, estimate: tuple[float | None, ...]) -> tuple[float | None, ...]:
        """An estimate and its limits in this unit."""
        return tuple(map(self, estimate))


@dataclass(frozen=True, slots=True)
class DeviceNames:
    """What devices are called: calling it gives a device's name, or its dongle id without one.

    Attributes:
        given: Dongle ids and names; no name is shown for two.
        known: All dongle ids.
    """

    given: tuple[tuple[str, str], ...] = ()
    known: tuple[str, ...] = ()
    name: str = ""

    def __call__(self, dongle_id: str | None) -> str | None:
        """The name of a device."""
        return next((name for device, name in self.given if device == dongle_id), dongle_id)

    def is_named(self, dongle_id: str | None) -> bool:
        """Whether somebody gave it a name."""
        return self(dongle_id) != dongle_id

    def letters_of(self, dongle_id: str, least: int) -> int:
        """How many of its first letters tell it from all others: at least so many."""
        n_letters = least
        others = [other for other in self.known if other != dongle_id]
        while any(other[:n_letters] == dongle_id[:n_letters] for other in others):
            n_letters += 1
            if n_letters >= len(dongle_id):
                break
        return n_letters


@dataclass(frozen=True, slots=True)
class Units:
    """The units that a reader is used to.

    Attributes:
        name: `metric` or `imperial`.
        distance: Of a drive, stored in km.
        per_distance: The distance that events are counted over, stored as per 100 km.
        speed: In tables, stored in m/s.
        road_speed: As signs and speedometers have it, stored in m/s.
        length: Of a gap or a car, stored in m.
        device: What stands for a dongle id.
    """

    name: Name
    distance: Unit
    per_distance: Unit
    speed: Unit
    road_speed: Unit
    length: Unit
    device: DeviceNames = DeviceNames()

    def __getitem__(self, quantity: str) -> Unit:
        """The unit of a quantity."""
        unit: Unit = getattr(self, quantity)
        return unit

    def naming(self, device: DeviceNames) -> Units:
        """The same with names of devices."""
        return replace(self, device=device)


_MPH = Unit("mph", _S_PER_H / _M_PER_KM / KM_PER_MI)

METRIC = Units(
    name="metric",
    distance=Unit("km"),
    per_distance=Unit("100 km"),
    speed=Unit("m/s"),
    road_speed=Unit("km/h", _S_PER_H / _M_PER_KM),
    length=Unit("m"),
)
IMPERIAL = Units(
    name="imperial",
    distance=Unit("mi", 1 / KM_PER_MI),
    per_distance=Unit("100 mi", KM_PER_MI),
    speed=_MPH,
    road_speed=_MPH,
    length=Unit("ft", 1 / _M_PER_FT),
)
UNITS: dict[str, Units] = {"metric": METRIC, "imperial": IMPERIAL}
