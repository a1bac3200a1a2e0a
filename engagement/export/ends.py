"""Where drives begin and end, which tells where people live: what of a drive is to be cut off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engagement.export.places import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.export.pseudonyms import Pseudonyms
    from engagement.store.reader import Reader

_FIXES = """
select mono_ns, latitude, longitude from log.gps
where
    drive_id = $drive_id and has_fix
    and abs(latitude) <= 90 and abs(longitude) <= 180
order by mono_ns
"""
_ENDS = """
with fixes as (
    select * from log.gps
    where has_fix and abs(latitude) <= 90 and abs(longitude) <= 180 and drive_id > 0
)

select drive_id, arg_min(latitude, mono_ns) as latitude, arg_min(longitude, mono_ns) as longitude
from fixes group by drive_id
union all
select drive_id, arg_max(latitude, mono_ns), arg_max(longitude, mono_ns)
from fixes group by drive_id
order by drive_id, latitude, longitude
"""
_ALWAYS_NS = 2**62
_DEGREE_M = 111_000.0  # of latitude, about
_WIDER = 2.1  # the radius, half of it to the end, half of it to the moved middle, and a bit


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a drive that is left, in logMonoTime, both ends with it."""

    start_ns: int
    end_ns: int

    @property
    def is_anything(self) -> bool:
        """Whether anything is left."""
        return self.start_ns <= self.end_ns


_WHOLE = Cut(-_ALWAYS_NS, _ALWAYS_NS)
_NOTHING = Cut(1, 0)


@dataclass(frozen=True, slots=True)
class Cuts:
    """What is left of each drive, the places that it was cut off at, and all fixes there were."""

    by_drive: dict[int, Cut]
    places: list[Place]
    n_fixes: int


def find_cuts(
    reader: Reader,
    drive_ids: Sequence[int],
    places: Sequence[Place],
    ends_m: float,
    pseudonyms: Pseudonyms,
) -> Cuts:
    """Cut drives off at places, those found with them.

    A drive that begins in a place is cut up to its first fix outside of all, and so at its end. One
    without a fix is left whole: nothing in it says where it was.

    Args:
        reader: The database.
        drive_ids: The drives.
        places: Given ones.
        ends_m: The radius of places that are found where drives begin and end; 0 finds none.
        pseudonyms: Move the middles of found places, which an open ring would show.
    """
    fixes = {drive_id: _fixes(reader, drive_id) for drive_id in drive_ids}
    found = found_places(reader, ends_m, pseudonyms)
    all_places = [*places, *found]
    by_drive = {drive_id: _cut(of_drive, all_places) for drive_id, of_drive in fixes.items()}
    return Cuts(by_drive, all_places, sum(len(one["mono_ns"]) for one in fixes.values()))


def _fixes(reader: Reader, drive_id: int) -> dict[str, Any]:
    table = reader.table(_FIXES, {"drive_id": drive_id})
    return {name: table.column(name).to_numpy() for name in table.column_names}


def found_places(reader: Reader, ends_m: float, pseudonyms: Pseudonyms) -> list[Place]:
    """Where any drive of the database begins or ends; one place for ends that lie near each other.

    Its middle is moved by up to half the radius, and the radius is larger by that and by how far
    the ends may lie from it, so that nothing within `ends_m` of an end is outside. 0 finds none.
    """
    if not ends_m:
        return []
    middles: list[tuple[float, float]] = []
    for row in reader.rows(_ENDS):
        end = row["latitude"], row["longitude"]
        if not any(Place(*middle, ends_m / 2).holds(*end) for middle in middles):
            middles.append(end)
    return [_moved(middle, ends_m, pseudonyms) for middle in middles]


def _moved(middle: tuple[float, float], ends_m: float, pseudonyms: Pseudonyms) -> Place:
    latitude, longitude = middle
    number = int(pseudonyms.name("place", f"{latitude:.3f}", f"{longitude:.3f}"), 16)
    angle, part = number % 10_007 / 10_007 * math.tau, number // 10_007 % 10_009 / 10_009
    away_m = ends_m / 2 * math.sqrt(part)
    up = latitude + away_m * math.cos(angle) / _DEGREE_M
    across_m = _DEGREE_M * max(math.cos(math.radians(latitude)), 0.01)
    right = longitude + away_m * math.sin(angle) / across_m
    return Place(max(min(up, 90.0), -90.0), (right + 180.0) % 360.0 - 180.0, _WIDER * ends_m)


def _cut(fixes: dict[str, Any], places: Sequence[Place]) -> Cut:
    times = fixes["mono_ns"]
    if not len(times):
        return _WHOLE
    is_in = np.zeros(len(times), np.bool_)
    for place in places:
        is_in |= place.hold(fixes["latitude"], fixes["longitude"])
    if is_in.all():
        return _NOTHING
    outside = np.flatnonzero(~is_in)
    start_ns = int(times[outside[0]]) if is_in[0] else -_ALWAYS_NS
    end_ns = int(times[outside[-1]]) if is_in[-1] else _ALWAYS_NS
    return Cut(start_ns, end_ns)
