"""A profile out of what was suggested: the signals that fit, in the units that keys have."""

from __future__ import annotations

import re
from math import copysign
from typing import TYPE_CHECKING

from engagement.extract.references import VALUES
from engagement.extract.suggestions import ODOMETER, UNIT_TOLERANCE, WHEELS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engagement.extract.frames import DbcSignal
    from engagement.extract.suggestions import Candidate, Ranking

_UNITS_KPH = (1.0, 1.609344, 3.6)  # km/h, mph, m/s
_KPH_PER_MPS = 3.6
_CORNERS = {  # and what names call them, the German ones too
    "fl": ("fl", "lf", "vl"),
    "fr": ("fr", "rf", "vr"),
    "rl": ("rl", "lr", "hl"),
    "rr": ("rr", "hr"),
}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")  # of WHL_SPD_FL, WheelSpeedFL, SpdFLVal
_MAX_BEHIND = 0.05  # of the best's score: what follows less well is no wheel


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
    found: dict[str, list[tuple[DbcSignal, int, float]]] = {}
    for best in ranking.best:
        for candidate in ranking.candidates:
            corner = _corner(candidate.signal.signal)
            key = f"wheel_speed_{corner}_kph"
            if corner and key not in found and candidate.score >= best.score - _MAX_BEHIND:
                found[key] = [(candidate.signal, candidate.bus, _kph_scale(candidate))]
    return found


def _corner(name: str) -> str | None:
    """Which wheel a signal is of by its name, None if that does not say."""
    words = {word.lower() for word in _WORDS.findall(name)}
    return next((corner for corner, names in _CORNERS.items() if words & {*names}), None)


def _kph_scale(candidate: Candidate) -> float:
    """What makes its values km/h: the number for its unit if that is near."""
    kph = candidate.scale * _KPH_PER_MPS
    return next((unit for unit in _UNITS_KPH if abs(kph / unit - 1) < UNIT_TOLERANCE), kph)
