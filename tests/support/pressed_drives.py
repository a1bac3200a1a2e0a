"""Drives full of presses of every length, at a device's rate: as rlogs, and as the qlogs of them.

Each is a drive in which somebody presses the wheel or the accelerator every few seconds, and ends
each engagement in some way, so that a few of them have hundreds of events.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from engagement.extract.segment import ReadOptions
from engagement.simulate import write_drive
from engagement.simulate.eras import DENSE
from engagement.simulate.fleet import COROLLA, TICI
from engagement.simulate.scenario import (
    Cause,
    Drive,
    Engagement,
    LaneChange,
    LateralOnly,
    Press,
    Signs,
    Why,
)
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.simulate.scenario import Era

DRIVE_S = 600.0
MIN_S, MEDIAN_S, SIGMA, MAX_S = 0.05, 0.55, 0.9, 3.0


def length_s(rng):
    """A skewed length: a third of all last 0.2 to 0.5 s."""
    return float(np.clip(MEDIAN_S * rng.lognormal(0, SIGMA), MIN_S, MAX_S))


@dataclass
class Played:
    """What has been played of a drive, on a grid of 0.01 s."""

    era: Era
    rng: np.random.Generator
    now_s: float = 6.0
    engagements: list[Engagement] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    lane_changes: list[LaneChange] = field(default_factory=list)
    lateral_only: list[LateralOnly] = field(default_factory=list)

    def wait(self, least_s, most_s):
        self.now_s = round(self.now_s + self.rng.uniform(least_s, most_s), 2)

    def press(self, axis, lasting_s, why=Why.TAKEOVER):
        end_s = round(self.now_s + lasting_s, 2)
        self.presses.append(Press(axis, self.now_s, end_s, why))
        self.now_s = end_s

    def press_somehow(self):
        """Mostly the wheel; in some versions the accelerator would disengage."""
        has_gas, draw = self.era.has_override_events, self.rng.random()
        if draw < 0.1:
            start_s = self.now_s
            self.wait(1.0, 2.0)
            self.lane_changes.append(LaneChange(start_s, self.now_s, "left"))
            self.press("lateral", self.rng.uniform(0.35, 1.2), Why.NUDGE)
            self.now_s = max(self.now_s, self.lane_changes[-1].end_s)
        elif draw < 0.15:
            self.wait(2.1, 3.0)
            self.press("lateral", self.rng.uniform(0.35, 1.2), Why.NAG_ANSWER)
            self.wait(0.6, 1.0)  # what comes within a second is the same press
        else:
            self.press("longitudinal" if draw < 0.4 and has_gas else "lateral", length_s(self.rng))

    def engage(self):
        """An engagement with some presses, then its end, then a while by hand."""
        start_s = self.now_s
        if self.era.has_override_events and self.rng.random() < 0.1:
            self.presses.append(
                Press(
                    "longitudinal",
                    round(start_s - 0.7, 2),
                    round(start_s + length_s(self.rng), 2),
                    Why.CARRIED_IN,
                )
            )
        self.wait(2.5, 5)
        for _ in range(self.rng.integers(1, 6)):
            self.press_somehow()
            self.wait(0.6, 6)
        cause, signs = self.end()
        self.wait(3.5, 6) if cause.is_soft else self.wait(0.3, 4)
        self.engagements.append(Engagement(start_s, self.now_s, cause, signs=signs))
        if self.rng.random() < 0.1:
            self.wait(1.0, 1.8)
        elif self.era.has_mads and self.rng.random() < 0.5:
            self.steer_alone()
        else:
            self.wait(3, 5)

    def steer_alone(self):
        start_s = self.now_s
        for _ in range(self.rng.integers(1, 4)):
            self.wait(2.5, 8)
            self.press("lateral", length_s(self.rng))
        self.wait(3, 6)
        is_switched_off = bool(self.rng.random() < 0.4)
        self.lateral_only.append(LateralOnly(start_s, self.now_s, is_switched_off=is_switched_off))
        if is_switched_off:
            self.wait(5, 8)

    def end(self):
        """A cause and its signs, as often as they may be on real drives."""
        ways = [
            (0.36, Cause.BRAKE, Signs.TOLD),
            (0.1, Cause.BRAKE, Signs.LATE),
            (0.14, Cause.CANCEL, Signs.TOLD),
            (0.08, Cause.CANCEL, Signs.STALK),
            (0.05, Cause.CANCEL, Signs.SILENT),
            (0.07, Cause.MAIN, Signs.TOLD),
            (0.06, Cause.CAN_ERROR, Signs.TOLD),
            (0.06, Cause.COMM_ISSUE, Signs.TOLD),
            (0.03, Cause.SEATBELT, Signs.TOLD),
            (0.05, Cause.GAS if not self.era.has_override_events else Cause.STEER, Signs.TOLD),
        ]
        chosen = self.rng.choice(len(ways), p=[share for share, *_ in ways])
        return ways[chosen][1:]


def pressed_drive(era, number, *, seed):
    """One drive of about ten minutes on a road without red lights."""
    rng = np.random.default_rng([seed, number])
    played = Played(era, rng)
    while played.now_s < DRIVE_S - 50:
        played.engage()
    assert all(a.end_s < b.start_s for a, b in pairwise(played.engagements))
    started_at = datetime(era.year, 5, 1 + number, 9, tzinfo=UTC)
    names = {True: f"{started_at:%Y-%m-%d--%H-%M-%S}", False: f"{number:08x}--0123456789"}
    return Drive(
        device=TICI,
        car=COROLLA,
        era=era,
        name=names[era.has_date_names],
        started_at=started_at + timedelta(seconds=float(rng.uniform(0, 60))),
        boot_s=round(float(rng.uniform(40, 900)), 3),
        duration_s=round(played.now_s + 5),
        traffic=((0, "road"),),
        engagements=tuple(played.engagements),
        presses=tuple(sorted(played.presses, key=lambda press: press.start_s)),
        lane_changes=tuple(played.lane_changes),
        lateral_only=tuple(played.lateral_only),
        parks=False,
        seed=number,
    )


def ingested(folder: Path, drives: list[Drive], *, as_qlogs: bool) -> Path:
    """A database of the drives' logs, all of one kind."""
    for drive in drives:
        segments = frozenset(range(drive.n_segments)) if as_qlogs else frozenset()
        for _ in write_drive(folder, replace(drive, qlog_segments=segments), recording=DENSE):
            pass
    database = folder / "engagement.duckdb"
    ingest([folder], database, IngestOptions(read=ReadOptions(), jobs=1))
    return database
