"""A profile out of what was suggested: the signals that fit, in the units that keys have."""

from __future__ import annotations

from math import copysign
from typing import TYPE_CHECKING

from engagement.extract.references import VALUES
from engagement.extract.suggestions import FITS_FROM, ODOMETER, UNIT_TOLERANCE, WHEELS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engagement.extract.frames import DbcSignal
    from engagement.extract.suggestions import Ranking

_UNITS_KPH = (1.0, 1.609344, 3.6)  # km/h, mph, m/s
_KPH_PER_MPS = 3.6
_CORNERS = ("fl", "fr", "rl", "rr")


def profile_entries(
    rankings: Iterable[Ranking],
) -> dict[str, list[tuple[DbcSignal, int, float]]]:
    """What a profile would have: by key the signals, their bus and scale.

    Torques keep the unit of the DBC and take only the sign of carState's, odometers become km,
    and speeds those of the four wheels in km/h, if the names of the signals tell them apart.
    """
    found: dict[str, list[tuple[DbcSignal, int, float]]] = {}
    for ranking in rankings:
        best = ranking.best
        if ranking.key == WHEELS:
            found |= _wheels(ranking)
        elif ranking.key in VALUES:
            found |= {ranking.key: [(c.signal, c.bus, copysign(1.0, c.scale)) for c in best]}
        else:
            is_distance = ranking.key == ODOMETER
            found[ranking.key] = [(c.signal, c.bus, c.scale if is_distance else 1.0) for c in best]
    return {key: entries for key, entries in found.items() if entries}


def _wheels(ranking: Ranking) -> dict[str, list[tuple[DbcSignal, int, float]]]:
    fits = [c for c in ranking.candidates if c.score >= FITS_FROM[WHEELS]] if ranking.best else []
    found = {}
    for corner in _CORNERS:
        named = [c for c in fits if corner in c.signal.signal.lower()]
        if named:
            kph = named[0].scale * _KPH_PER_MPS
            scale = next((u for u in _UNITS_KPH if abs(kph / u - 1) < UNIT_TOLERANCE), kph)
            found[f"wheel_speed_{corner}_kph"] = [(named[0].signal, named[0].bus, scale)]
    return found
