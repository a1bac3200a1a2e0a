"""Which signals of a DBC follow what openpilot's carState says of the car.

Logs are added one after the other; of each signal on each bus only sums are stored, and the times
at which a slow one changes. A signal that carState is computed from differs from it only by a delay
and a unit, so a straight line explains nearly all of its variance; for a flag, the signal is
replaced by whether it is not 0, as in a profile. Buttons are matched by the times of their changes,
and an odometer must rise with the integral of the speed, and not with the clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engagement.extract.frames import decode_values, is_sent
from engagement.extract.references import COLUMNS, DISTANCE, FLAGS, VALUES
from engagement.extract.tallies import LAGS_S, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engagement.extract.can_decoding import CanFrames
    from engagement.extract.frames import DbcSignal, Values
    from engagement.extract.references import Reference
    from engagement.logs.arrays import (
        Bool,
        ColumnsByMessages,
        Float,
        Int,
        PerEvent,
        PerMessage,
        PerValue,
        ValuesByColumns,
    )

ODOMETER, BUTTONS, WHEELS = "odometer", "cruise_state", "wheel_speed"
KEYS = (ODOMETER, BUTTONS, *VALUES, *FLAGS)
FITS_FROM = {ODOMETER: 0.8, BUTTONS: 0.6, **dict.fromkeys(VALUES, 0.7), **dict.fromkeys(FLAGS, 0.6)}
_OF_FLAGS = slice(COLUMNS.index(next(iter(FLAGS))) * len(LAGS_S), len(COLUMNS) * len(LAGS_S))
_MIN_VALUES = 20
_MIN_DISTANCE_KM = 0.3
_GAP_NS = 1_000_000_000
_UNITS_KM = (1.0, 1.609344, 0.001, 0.1, 0.01)  # km, miles, metres, and tenths, hundredths of a km
UNIT_TOLERANCE = 0.06  # tyres wear, and a speedometer may show more than the speed
_BUTTON_TOLERANCE_S = 0.25
_MIN_GAIN = 0.01  # a lower share is chance


@dataclass(frozen=True, slots=True)
class Candidate:
    """A signal on a bus, and how well it follows; 1 is exactly, 0 not at all.

    Value * `scale` + `offset` is what carState says, `lag_s` later. `scale` is 1 for buttons and
    flags.
    """

    signal: DbcSignal
    bus: int
    score: float
    scale: float
    offset: float
    lag_s: float
    n_values: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates for one key, the best first.

    Attributes:
        key: Of a profile.
        source: What of carState they are to follow.
        problem: Why there is no ranking; empty if there is one.
        candidates: All signals with a score above 0.
        best: Those that the key is best made of: one, or several for buttons that are signals of
            their own; none if nothing fits.
    """

    key: str
    source: str
    problem: str
    candidates: tuple[Candidate, ...] = ()
    best: tuple[Candidate, ...] = ()


class Suggester:
    """Takes logs of a drive in their order, then ranks."""

    def __init__(self, signals: Sequence[DbcSignal]) -> None:
        self._signals = signals
        self._tallies: dict[tuple[str, int], Tally] = {}
        self._switches: dict[tuple[str, int], Tally] = {}  # of whether it is not 0
        self._buttons: list[PerEvent[Int]] = []
        self._least = np.full(len(COLUMNS), np.inf)
        self._greatest = np.full(len(COLUMNS), -np.inf)
        self._start_ns: int | None = None
        self._end_ns: int | None = None
        self._distance_km = 0.0
        self._n_samples = 0

    def add(self, frames: CanFrames, reference: Reference) -> None:
        """Take one log, its frames in the order of time."""
        if len(reference) < _MIN_VALUES:
            return
        start_ns, end_ns = int(reference.mono_ns[0]), int(reference.mono_ns[-1])
        self._start_ns = start_ns if self._start_ns is None else self._start_ns
        if self._end_ns is None or not 0 <= start_ns - self._end_ns <= _GAP_NS:
            self._close_runs()
            self._distance_km = 0.0
        columns = reference.columns.copy()
        columns[0] += self._distance_km
        self._end_ns, self._distance_km = end_ns, float(columns[0, -1])
        self._least = np.minimum(self._least, columns.min(axis=1))
        self._greatest = np.maximum(self._greatest, columns.max(axis=1))
        self._n_samples += len(reference)
        self._buttons.append(reference.button_ns)
        self._add_values(frames, reference.mono_ns, columns)

    def _add_values(
        self, frames: CanFrames, mono_ns: PerMessage[Int], columns: ColumnsByMessages
    ) -> None:
        at_ns: PerValue[Int] = np.zeros(0, dtype=np.int64)
        expected: ValuesByColumns = np.zeros((0, 0))
        for values in decode_values(frames, self._signals):
            if is_sent(values.bus):
                continue
            if not np.array_equal(values.mono_ns, at_ns):
                at_ns = values.mono_ns
                clock_s = (at_ns - (self._start_ns or 0)) / 1e9
                expected = np.stack([*_expected(at_ns, mono_ns, columns), clock_s], axis=1)
            is_inside = (at_ns >= mono_ns[0]) & (at_ns <= mono_ns[-1])
            is_inside &= np.isfinite(values.value)
            value, wanted = values.value[is_inside], expected[is_inside]
            _tally_of(self._tallies, values, wanted).add(at_ns[is_inside], value, wanted)
            is_on, flags = (value != 0).astype(np.float64), wanted[:, _OF_FLAGS]
            _tally_of(self._switches, values, flags).add(at_ns[is_inside], is_on, flags)

    def _close_runs(self) -> None:
        for tally in (*self._tallies.values(), *self._switches.values()):
            tally.close_run()

    def rank(self) -> list[Ranking]:
        """Rank the signals for each key."""
        self._close_runs()
        tallies, switches = (
            [tally for tally in every.values() if tally.n_values >= _MIN_VALUES]
            for every in (self._tallies, self._switches)
        )
        if not tallies:
            problem = f"no signal of the DBC has {_MIN_VALUES} values"
            return [Ranking(key, "", problem) for key in KEYS]
        return [
            self._rank_odometers(tallies),
            self._rank_buttons(tallies),
            *(self._rank_values(key, tallies) for key in VALUES),
            *(self._rank_flags(key, switches) for key in FLAGS),
        ]

    def _rank_values(self, key: str, tallies: list[Tally]) -> Ranking:
        source = f"carState.{VALUES[key]}"
        problem = self._problem(COLUMNS.index(key), source)
        if problem:
            return Ranking(key, source, problem)
        column = COLUMNS.index(key) * len(LAGS_S)
        found = [_follow(tally, column) for tally in tallies]
        if key == WHEELS:  # torques may have the opposite sign, speeds may not
            found = [each for each in found if each.scale > 0]
        return _ranked(key, source, found)

    def _rank_flags(self, key: str, switches: list[Tally]) -> Ranking:
        source = f"carState.{FLAGS[key]}"
        problem = self._problem(COLUMNS.index(key), source)
        if problem:
            return Ranking(key, source, problem)
        column = [*FLAGS].index(key) * len(LAGS_S)
        found = [_follow(tally, column) for tally in switches]
        return _ranked(
            key, source, [replace(each, scale=1.0, offset=0.0) for each in found if each.scale > 0]
        )

    def _rank_odometers(self, tallies: list[Tally]) -> Ranking:
        source = "the integral of carState.vEgo"
        problem = "there is no carState" if not self._n_samples else ""
        driven_km = max(float(self._greatest[0]), 0.0)
        if not problem and driven_km < _MIN_DISTANCE_KM:
            problem = f"the car drives no more than {driven_km:.1f} km"
        if problem:
            return Ranking(ODOMETER, source, problem)
        return _ranked(ODOMETER, source, [_follow_distance(tally) for tally in tallies])

    def _rank_buttons(self, tallies: list[Tally]) -> Ranking:
        source = "carState.buttonEvents"
        events_ns = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *self._buttons]))
        if not len(events_ns):
            return Ranking(BUTTONS, source, "no button of the cruise control is pressed")
        found: list[tuple[Candidate, PerEvent[Int]]] = []
        for each in tallies:
            if each.changes_ns is not None and len(each.changes_ns):
                score, lag_s = _match(each.changes_ns, events_ns)
                candidate = Candidate(each.signal, each.bus, score, 1.0, 0.0, lag_s, each.n_values)
                found.append((candidate, each.changes_ns))
        ranking = _ranked(BUTTONS, source, [candidate for candidate, _ in found])
        found.sort(key=lambda pair: -pair[0].score)
        best = _union([pair for pair in found if pair[0].score > 0], events_ns)
        return Ranking(BUTTONS, source, "", ranking.candidates, best)

    def _problem(self, column: int, source: str) -> str:
        if not self._n_samples:
            return "there is no carState"
        is_changing = self._greatest[column] > self._least[column]
        return "" if is_changing else f"{source} does not change"


def _tally_of(
    tallies: dict[tuple[str, int], Tally], values: Values, expected: ValuesByColumns
) -> Tally:
    """The tally of a signal on a bus, a new one for the first of its values."""
    place = values.signal.key, values.bus
    if place not in tallies:
        tallies[place] = Tally(values.signal, values.bus, expected.shape[1])
    return tallies[place]


def _expected(
    at_ns: PerValue[Int], mono_ns: PerMessage[Int], columns: ColumnsByMessages
) -> list[PerValue[Float]]:
    """What signals are to follow at some times: each column at each lag."""
    return [
        np.interp(at_ns + round(lag_s * 1e9), mono_ns, column)
        for column in columns
        for lag_s in LAGS_S
    ]


def _ranked(key: str, source: str, found: Iterable[Candidate | None]) -> Ranking:
    """The best first; of equals the one with more values, on the lower bus."""
    candidates = [each for each in found if each is not None and each.score > 0]
    candidates.sort(key=lambda each: (-round(each.score, 3), -each.n_values, each.bus))
    fits = candidates[:1] if candidates and candidates[0].score >= FITS_FROM[key] else []
    return Ranking(key, source, "", tuple(candidates), tuple(fits))


def _follow(tally: Tally, column: int) -> Candidate:
    """How well a signal follows a column, of which the first lag is given, at the best lag."""
    fits = [tally.fit(column + lag) for lag in range(len(LAGS_S))]
    lag = max(range(len(LAGS_S)), key=lambda number: fits[number].share)
    fit = fits[lag]
    return Candidate(
        tally.signal, tally.bus, fit.share, fit.scale, fit.offset, LAGS_S[lag], tally.n_values
    )


def _follow_distance(tally: Tally) -> Candidate | None:
    """How well a signal rises with the distance, allowing for its resolution.

    A signal with few steps gets a low score, and one that falls none: a counter that wraps is no
    odometer.
    """
    fit = tally.fit(COLUMNS.index(DISTANCE) * len(LAGS_S) + LAGS_S.index(0.0))
    clock = tally.fit(-1)
    if not tally.n_rises or fit.scale <= 0:
        return None
    missed = max(1 - fit.share - tally.step_share, 0.0)
    is_clock = max(1 - clock.share - tally.step_share, 0.0) < missed / 2
    n_moves = tally.n_rises + tally.n_falls
    score = (1 - missed) * tally.n_rises / (tally.n_rises + 1)
    score *= max(1 - 10 * tally.n_falls / n_moves, 0.0) * (0.5 if is_clock else 1.0)
    scale = next((u for u in _UNITS_KM if abs(fit.scale / u - 1) < UNIT_TOLERANCE), fit.scale)
    return Candidate(tally.signal, tally.bus, score, scale, 0.0, 0.0, tally.n_values)


def _match(changes_ns: PerEvent[Int], events_ns: PerEvent[Int]) -> tuple[float, float]:
    """How well changes match events, at the best lag: F1 of what is matched on either side."""
    best = 0.0, 0.0
    for lag_s in LAGS_S:
        moved_ns = np.sort(changes_ns) + round(lag_s * 1e9)
        precision = float(_has_near(moved_ns, events_ns).mean())
        recall = float(_has_near(events_ns, moved_ns).mean())
        if precision and recall:
            score = 2 * precision * recall / (precision + recall)
            best = max(best, (score, lag_s), key=lambda pair: pair[0])
    return best


def _has_near(times_ns: PerEvent[Int], others_ns: PerEvent[Int]) -> PerEvent[Bool]:
    """Which times have one of the others, ascending, within the tolerance."""
    after = np.searchsorted(others_ns, times_ns)
    distance = np.full(len(times_ns), np.inf)
    for place in (after - 1, after):
        is_there = (place >= 0) & (place < len(others_ns))
        near = np.abs(others_ns[np.clip(place, 0, len(others_ns) - 1)] - times_ns)
        distance = np.minimum(distance, np.where(is_there, near, np.inf))
    return np.asarray(distance <= _BUTTON_TOLERANCE_S * 1e9)


def _union(
    ranked: list[tuple[Candidate, PerEvent[Int]]], events_ns: PerEvent[Int]
) -> tuple[Candidate, ...]:
    """The signals that together match best, the best first and others while they add to it."""
    chosen: list[Candidate] = []
    changes_ns: PerEvent[Int] = np.zeros(0, dtype=np.int64)
    score = 0.0
    for candidate, ours_ns in ranked:
        if chosen and candidate.bus != chosen[0].bus:
            continue
        together = np.union1d(changes_ns, ours_ns)
        new, _ = _match(together, events_ns)
        if new > score + _MIN_GAIN:
            chosen, changes_ns, score = [*chosen, candidate], together, new
    return tuple(chosen) if score >= FITS_FROM[BUTTONS] else ()
