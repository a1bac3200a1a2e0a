"""Places that are nobody's business: a point and how far around it positions are cut off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from engagement.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

# The ellipsoid of WGS 84: its greater half axis, and the square of its eccentricity.
_HALF_AXIS_M = 6_378_137.0
_ECCENTRICITY_2 = 6.694_379_990_141_317e-3

_MAX_LATITUDE_DEG = 90.0
_MAX_LONGITUDE_DEG = 180.0
_MAX_RADIUS_M = 20_100_000.0  # halfway round the Earth
_MAX_BYTES = 1 << 20

_Vector = tuple[float, float, float]
_Degrees: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
_IsIn: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"


@dataclass(frozen=True, slots=True)
class Place:
    """A point in degrees, and a radius about it."""

    latitude: float
    longitude: float
    radius_m: float

    def holds(self, latitude: float, longitude: float) -> bool:
        """Whether a position is no farther from the point than the radius."""
        return distance_m(self.latitude, self.longitude, latitude, longitude) <= self.radius_m

    def hold(self, latitude: _Degrees, longitude: _Degrees) -> _IsIn:
        """The same of many positions at once."""
        sine, cosine = np.sin(np.radians(latitude)), np.cos(np.radians(latitude))
        normal_m = _HALF_AXIS_M / np.sqrt(1 - _ECCENTRICITY_2 * sine * sine)
        east = np.radians(longitude)
        x, y, z = _vector(self.latitude, self.longitude)
        away_m = np.sqrt(
            (normal_m * cosine * np.cos(east) - x) ** 2
            + (normal_m * cosine * np.sin(east) - y) ** 2
            + (normal_m * (1 - _ECCENTRICITY_2) * sine - z) ** 2
        )
        is_in: _IsIn = away_m <= self.radius_m
        return is_in


def nearest_name(
    latitude: float, longitude: float, named: Iterable[Mapping[str, Any]]
) -> str | None:
    """What the place of a position is called; None in no place.

    Args:
        latitude: In degrees.
        longitude: In degrees.
        named: Places, each with `name`, `latitude`, `longitude` and `radius_m`; of several that
            hold the position the nearest counts.
    """
    away = [
        (distance_m(latitude, longitude, one["latitude"], one["longitude"]), one) for one in named
    ]
    near = [(away_m, one["name"]) for away_m, one in away if away_m <= one["radius_m"]]
    return min(near)[1] if near else None


def parse_place(text: str) -> Place:
    """Parse LAT,LON,RADIUS_M.

    Raises:
        InputError: If it is no such place.
    """
    parts = text.split(",")
    try:
        latitude, longitude, radius_m = map(float, parts)
    except ValueError as error:
        raise InputError(
            f"{text[:80]!r} is no place; write LAT,LON,RADIUS_M in degrees and metres, "
            "like 52.5163,13.3777,500"
        ) from error
    if not is_position(latitude, longitude):
        raise InputError(f"{text[:80]!r}: latitudes are within 90 degrees, longitudes within 180")
    if not 0 < radius_m <= _MAX_RADIUS_M:
        raise InputError(f"{text[:80]!r}: the radius is in metres and more than 0")
    return Place(latitude, longitude, radius_m)


def read_places(path: Path) -> list[Place]:
    """The places of a file: one a line as LAT,LON,RADIUS_M; what follows a # is a comment.

    Raises:
        ConfigError: If it can't be read, or a line is no place.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(path, "it is too large for a list of places")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ConfigError(path, error.strerror or "can't be read") from error
    except UnicodeDecodeError as error:
        raise ConfigError(path, "it is no text") from error
    found = []
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        try:
            found += [parse_place(text)] if text else []
        except InputError as error:
            raise ConfigError(path, str(error), where=f"line {number}") from error
    return found


def is_position(latitude: float, longitude: float) -> bool:
    """Whether these are degrees of a point on Earth."""
    return abs(latitude) <= _MAX_LATITUDE_DEG and abs(longitude) <= _MAX_LONGITUDE_DEG


def distance_m(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """The straight line from one point of the ellipsoid to another, through the ground.

    It is never longer than the way along the ground, so what lies within a radius by that does so
    by this; of 10 km it lacks a millimetre, of 100 km a metre.
    """
    return math.dist(_vector(latitude, longitude), _vector(to_latitude, to_longitude))


def _vector(latitude: float, longitude: float) -> _Vector:
    """A point of the ellipsoid in metres from the Earth's centre."""
    sine, cosine = math.sin(math.radians(latitude)), math.cos(math.radians(latitude))
    normal_m = _HALF_AXIS_M / math.sqrt(1 - _ECCENTRICITY_2 * sine * sine)
    east = math.radians(longitude)
    return (
        normal_m * cosine * math.cos(east),
        normal_m * cosine * math.sin(east),
        normal_m * (1 - _ECCENTRICITY_2) * sine,
    )
