"""Presses of wheel and accelerator while assisted: which are overrides, and what they answer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.oracles.metric_drive import common, joined

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.oracles.metric_causes import Cause
    from tests.oracles.metric_control import Control
    from tests.oracles.metric_drive import Drive, Row, Samples, Span
    from tests.oracles.metric_events import Events
    from tests.oracles.metric_runs import Run, Runs
    from tests.oracles.metric_states import Interval

COLUMNS = {"lateral": "steering_pressed", "longitudinal": "gas_pressed"}
DISENGAGING = {"lateral": "driver_steer", "longitudinal": "driver_gas"}
PRE_LANE_CHANGE = frozenset({"preLaneChangeLeft", "preLaneChangeRight"})
STANDSTILL_MPS = 0.1  # where carState has no word for it
NAGS = frozenset(
    {
        "preDriverUnresponsive", "promptDriverUnresponsive", "driverUnresponsive",
        "driverUnresponsive1", "driverUnresponsive2", "driverUnresponsive3",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """A press, assisted or not: it began at its start, or unseen at some time since `since_ns`.

    `goes_on` is that of a press that was there when its source fell silent, and is there again.
    """

    start_ns: int
    end_ns: int
    since_ns: int
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Press:
    """A press that lasts long enough while assisted, and when it was let go."""

    start_ns: int
    end_ns: int
    released_ns: int
    is_carried_in: bool


@dataclass(frozen=True, slots=True)
class Override:
    """Presses of one axis close to each other, and what they are beside."""

    axis: str
    run: Run
    start_ns: int
    end_ns: int
    is_carried_in: bool
    is_nudge: bool
    is_nag_answer: bool
    is_resume: bool
    torque: float | None

    @property
    def is_input(self) -> bool:
        """Whether the driver takes over by it."""
        flags = self.is_carried_in, self.is_nudge, self.is_nag_answer, self.is_resume
        return not any(flags)


class Overrides:
    """The overrides of a drive."""

    def __init__(
        self,
        drive: Drive,
        events: Events,
        control: Control,
        runs: Runs,
        cause: Callable[[Run], Cause],
    ) -> None:
        self.drive = drive
        self.control = control
        self.events = events
        self.runs = runs
        self.cause = cause
        self.seconds = drive.parameters.ns

    def overrides(self) -> list[Override]:
        """Lateral ones over assisted runs, longitudinal ones over the engaged runs."""
        found = [o for chain in self.runs.assisted for o in self._overrides("lateral", chain)]
        for run in self.runs.runs:
            if run.mode == "engaged":
                found += self._overrides("longitudinal", [run])
        return found

    def _overrides(self, axis: str, chain: list[Run]) -> list[Override]:
        presses = sorted(self._presses(axis, chain), key=lambda p: (p.start_ns, p.end_ns))
        carried_in: dict[int, list[Press]] = defaultdict(list)
        for press in (press for press in presses if press.is_carried_in):
            carried_in[press.start_ns].append(press)
        later: list[list[Press]] = []
        for press in (press for press in presses if not press.is_carried_in):
            until_ns = max((p.end_ns for p in later[-1]), default=0) if later else 0
            if later and press.start_ns - until_ns < self.seconds("override_merge_s"):
                later[-1].append(press)
            else:
                later.append([press])
        return [self._override(axis, chain, group) for group in [*carried_in.values(), *later]]

    def _presses(self, axis: str, chain: list[Run]) -> list[Press]:
        stretches = joined(
            [piece for run in chain for piece in self._steered(axis, run)],
            self.seconds("engagement_min_off_s"),
        )
        return [
            Press(
                start_ns=start_ns,
                end_ns=end_ns,
                released_ns=held.end_ns,
                is_carried_in=held.since_ns <= stretch[0],
            )
            for held in self._pressed(axis)
            if not any(self._disengages(axis, held.start_ns, run) for run in chain)
            for stretch in stretches
            for start_ns, end_ns in common((held.start_ns, held.end_ns), [stretch])
            if end_ns - start_ns >= self.seconds("override_min_s")
        ]

    def _steered(self, axis: str, run: Run) -> list[Span]:
        """A run without what MADS pauses in it, as by a blinker: whoever steers then, drives.

        So does the driver who is engaged with MADS switched off: he steers himself throughout.
        """
        return [
            (interval.start_ns, interval.end_ns)
            for interval in self.runs.intervals
            if run.start_ns <= interval.start_ns < run.end_ns
            and interval.mode == run.mode
            and (
                interval.lateral_active is not False
                or (run.mode == "engaged" and (axis == "longitudinal" or self._has_mads(interval)))
            )
        ]

    def _has_mads(self, interval: Interval) -> bool:
        """Whether MADS, where the fork logs it, is on at both ends of an interval."""
        told = [self.drive.mads(time) for time in (interval.start_ns, interval.end_ns - 1)]
        return all(
            row is None or (row["enabled"] is True and row.get("state") != "paused") for row in told
        )

    def _disengages(self, axis: str, pressed_ns: int, run: Run) -> bool:
        """Whether a press is what ended a run."""
        if run.end_kind != "disengagement":
            return False
        before_ns = run.end_ns - self.seconds("cause_before_s")
        is_close = before_ns <= pressed_ns <= run.end_ns
        return is_close and self.cause(run).cause == DISENGAGING[axis]

    def _pressed(self, axis: str) -> list[Held]:
        """The presses of wheel or accelerator, as the best source tells each."""
        column, flag = COLUMNS[axis], f"override_{axis}"
        sampled = sampled_presses(self.drive.car_state, column)
        if self.events.tells(flag):
            # What was in a silence of carState, the lists know.
            sampled = [
                replace(held, goes_on=False)
                for held in sampled
                if not self._is_in_qlog(held.start_ns)
            ]
        listed = [
            Held(span[0], span[1], self.events.unseen_since(span[0]))
            for span in self.events.override_runs(flag)
            if self._is_in_qlog(span[0]) or self._is_silent(span)
        ]
        return one_of_each([*sampled, *listed])

    def _is_silent(self, span: Span) -> bool:
        """Whether carState is missing at some moment of a span."""
        samples = self.drive.car_state
        times = [span[0], *(row["mono_ns"] for row in samples.within(*span))]
        return any(samples.known(time) is None for time in times if time < span[1])

    def _is_in_qlog(self, mono_ns: int) -> bool:
        return self.control.segment_num(mono_ns) in self.drive.qlogs

    # What a press is beside

    def _override(self, axis: str, chain: list[Run], presses: list[Press]) -> Override:
        start_ns, end_ns = presses[0].start_ns, max(press.end_ns for press in presses)
        is_short = max(p.released_ns for p in presses) - start_ns <= self.seconds("nudge_max_s")
        is_touch = axis == "lateral" and is_short
        turned = self._turned(start_ns, end_ns) if axis == "lateral" else None
        return Override(
            axis=axis,
            run=[run for run in chain if run.start_ns <= start_ns][-1],
            start_ns=start_ns,
            end_ns=end_ns,
            is_carried_in=presses[0].is_carried_in,
            is_nudge=is_touch and self._confirms_lane_change(start_ns, turned),
            is_nag_answer=is_touch and self._answers(start_ns),
            is_resume=axis == "longitudinal" and self._resumes(start_ns),
            torque=turned,
        )

    def _turned(self, start_ns: int, end_ns: int) -> float | None:
        """The first torque that carState says while pressed, if that is soon; left is positive."""
        rows = self.drive.car_state.within(start_ns, start_ns + self.seconds("max_gap_s"))
        rows = [r for r in rows if r.get("steering_torque") is not None and r["mono_ns"] < end_ns]
        first = [row for row in rows if row["mono_ns"] == rows[0]["mono_ns"]]
        return first[-1]["steering_torque"] if first else None

    def _in_force_before(self, names: frozenset[str], mono_ns: int) -> bool:
        return self.events.in_force(names, mono_ns - self.seconds("prompt_before_s"), mono_ns)

    def _answers(self, mono_ns: int) -> bool:
        """Whether a touch of the wheel was asked for, by an event or an alert."""
        start_ns = mono_ns - self.seconds("prompt_before_s")
        if self._in_force_before(NAGS, mono_ns):
            return True
        return any(
            shown_ns <= mono_ns and until_ns > start_ns and name in NAGS
            for name, shown_ns, until_ns in shown_alerts(self.drive)
        )

    def _confirms_lane_change(self, mono_ns: int, turned: float | None) -> bool:
        """Whether a lane change waits for the press, and not for one to the other side."""
        start_ns = mono_ns - self.seconds("prompt_before_s")
        row = self.drive.car_state.known(mono_ns)
        blinker = blinker_side(row) if row else None
        asked = {
            blinker if side in ("none", None) else side
            for state, side in lane_changes(self.drive, start_ns, mono_ns)
            if state == "preLaneChange"
        } | {
            name.removeprefix("preLaneChange").lower()
            for name in PRE_LANE_CHANGE
            if self._in_force_before(frozenset({name}), mono_ns)
        }
        if any(not is_away(turned, side) for side in asked):
            return True
        if blinker is None or self.drive.rows("lane_change"):
            return False
        return bool(turned) and not is_away(turned, blinker)

    def _resumes(self, mono_ns: int) -> bool:
        """Whether it starts again from a stop; the accelerator may tell of that with the end."""
        still = self.drive.car_state.spans(stands)
        is_still = any(start_ns <= mono_ns <= end_ns for start_ns, end_ns in still)
        return is_still or self.events.in_force(frozenset({"resumeRequired"}), mono_ns - 1, mono_ns)


def sampled_presses(samples: Samples, column: str) -> list[Held]:
    """The presses that carState tells, sample by sample."""
    found: list[Held] = []
    before, before_ns = None, 0
    goes_on = False
    for index, row in enumerate(samples.rows):
        mono_ns = row["mono_ns"]
        if index + 1 < len(samples.rows) and samples.times[index + 1] == mono_ns:
            continue
        now = row.get(column) if samples.is_contiguous(index) else None
        if now and before:
            pass
        elif now:
            found.append(Held(mono_ns, mono_ns, mono_ns if before is False else before_ns, goes_on))
        elif before:
            found[-1] = replace(found[-1], end_ns=mono_ns)
        if now is not None or before is not None:
            goes_on = bool(before) and now is None
        if index == 0 or now is not before:
            before_ns = mono_ns
        before = now
    return [held for held in found if held.end_ns > held.start_ns]


def one_of_each(presses: list[Held]) -> list[Held]:
    """Presses that touch are one, and so is one that goes on after a silence."""
    found: list[Held] = []
    for held in sorted(presses, key=lambda h: (h.start_ns, not h.goes_on, h.end_ns)):
        if found and (held.goes_on or held.start_ns <= found[-1].end_ns):
            last = found[-1]
            if held.start_ns == last.start_ns and last.since_ns < held.start_ns == held.since_ns:
                last = replace(last, since_ns=held.since_ns)
            found[-1] = replace(last, end_ns=max(last.end_ns, held.end_ns))
        else:
            found.append(held)
    return found


def stands(row: Row) -> bool:
    """Whether the car stands still in a row of carState."""
    if row.get("standstill") is not None:
        return row["standstill"] is True
    speed = row.get("v_ego_mps")
    return speed is not None and abs(speed) < STANDSTILL_MPS


def shown_alerts(drive: Drive) -> list[tuple[str, int, int]]:
    """(name, from, until) of every alert on screen; the name is what alertType begins with."""
    source = "selfdriveState" if drive.rows("selfdrive_state") else "controlsState"
    rows = [row for row in drive.rows("alert") if row["source"] == source]
    return [
        ((row["alert_type"] or "").partition("/")[0], row["mono_ns"], following["mono_ns"])
        for row, following in pairwise(rows)
        if following["segment_num"] - row["segment_num"] <= 1
    ]


def is_away(torque: float | None, side: str | None) -> bool:
    """Whether the wheel is turned away from a side; left is positive."""
    if side not in ("left", "right") or not torque:
        return False
    return (torque > 0) == (side == "right")


def blinker_side(row: Row) -> str | None:
    """The side of the one blinker that is on."""
    on = [side for side in ("left", "right") if row.get(f"{side}_blinker")]
    return on[0] if len(on) == 1 else None


def lane_changes(drive: Drive, start_ns: int, end_ns: int) -> set[tuple[str | None, str | None]]:
    """Every (state, side) of a lane change that holds at some moment of [start_ns, end_ns]."""
    found = set()
    rows = drive.rows("lane_change")
    for source in {row["source"] for row in rows}:
        past = [r for r in rows if r["source"] == source and r["mono_ns"] <= end_ns]
        held = past[-1:] + [row for row, after in pairwise(past) if after["mono_ns"] > start_ns]
        found |= {(row["state"], row.get("direction")) for row in held}
    return found


def lane_change_side(drive: Drive, mono_ns: int) -> str | None:
    """To which side lanes are being changed at a moment."""
    newest = {row["source"]: row for row in drive.rows("lane_change") if row["mono_ns"] <= mono_ns}
    sides = {row.get("direction") for row in newest.values() if row["state"] not in ("off", None)}
    return "right" if "right" in sides else "left" if "left" in sides else None
