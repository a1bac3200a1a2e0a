"""Makes a profile of suggested signals, in the units of its keys."""

from __future__ import annotations

import re
from math import copysign
from typing import TYPE_CHECKING

from engagement.extract.profiles import SignalEntry, Transform
from engagement.extract.references import VALUES
from engagement.extract.suggestions import ODOMETER, UNIT_TOLERANCE, WHEELS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engagement.extract.suggestions import Candidate, Ranking

_UNITS_KPH = (1.0, 1.609344, 3.6)  # km/h, mph, m/s
_KPH_PER_MPS = 3.6
_MIN_SURE = 0.9  # a score; below it the zero of the fit is random
_CORNERS = {  # and their names in DBCs, German ones too
    "fl": ("fl", "lf", "vl"),
    "fr": ("fr", "rf", "vr"),
    "rl": ("rl", "lr", "hl"),
    "rr": ("rr", "hr"),
}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")  # of WHL_SPD_FL, WheelSpeedFL, SpdFLVal
_MAX_BEHIND = 0.05  # of the best score: a signal below is no wheel


def profile_entries(rankings: Iterable[Ranking]) -> dict[str, list[SignalEntry]]:
    """What a profile would have, by key.

    Torques keep the unit of the DBC and take the sign of carState's, and its zero; odometers become
    km, and speeds those of the four wheels in km/h, if the names of the signals tell them apart.
    """
    found: dict[str, list[SignalEntry]] = {}
    for ranking in rankings:
        if ranking.key == WHEELS:
            found |= _wheels(ranking)
        elif ranking.best:
            found[ranking.key] = [_entry(ranking.key, each) for each in ranking.best]
    return found


def _entry(key: str, candidate: Candidate) -> SignalEntry:
    if key in VALUES:
        sign = copysign(1.0, candidate.scale)
        return _as_entry(candidate, Transform(sign, _zero(candidate)))
    return _as_entry(candidate, Transform(candidate.scale if key == ODOMETER else 1.0))


def _zero(candidate: Candidate) -> float:
    """The offset that makes 0 the same as in carState, in steps of the signal; 0 if unknown."""
    step = abs(float(candidate.signal.spec.field.scale))
    if candidate.score < _MIN_SURE or not step or not candidate.scale:
        return 0.0
    steps = round(candidate.offset / abs(candidate.scale) / step)
    return float(f"{steps * step:.6g}")


def _as_entry(candidate: Candidate, transform: Transform) -> SignalEntry:
    signal = candidate.signal
    return SignalEntry(signal.message, signal.signal, candidate.bus, transform)


def _wheels(ranking: Ranking) -> dict[str, list[SignalEntry]]:
    found: dict[str, list[SignalEntry]] = {}
    for best in ranking.best:
        for candidate in ranking.candidates:
            corner = _corner(candidate.signal.signal)
            key = f"wheel_speed_{corner}_kph"
            if corner and key not in found and candidate.score >= best.score - _MAX_BEHIND:
                found[key] = [_as_entry(candidate, Transform(_kph_scale(candidate)))]
    return found


def _corner(name: str) -> str | None:
    """Which wheel a signal is of by its name, None if that does not say."""
    words = {word.lower() for word in _WORDS.findall(name)}
    return next((corner for corner, names in _CORNERS.items() if words & {*names}), None)


def _kph_scale(candidate: Candidate) -> float:
    """What makes its values km/h: the number for its unit if that is near."""
    kph = candidate.scale * _KPH_PER_MPS
    return next((unit for unit in _UNITS_KPH if abs(kph / unit - 1) < UNIT_TOLERANCE), kph)
