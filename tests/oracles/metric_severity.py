"""How dangerous a moment was, and what followed an alert, read sample by sample."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import fsum
from typing import TYPE_CHECKING, Any

from tests.oracles.metric_causes import braked, gassed, steered
from tests.oracles.metric_drive import without
from tests.oracles.metric_interventions import is_override
from tests.oracles.metric_overrides import (
    blinker_side,
    is_away,
    lane_change_side,
    lane_changes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.oracles.metric_drive import Row
    from tests.oracles.metric_model import Metrics
    from tests.oracles.metric_overrides import Override
    from tests.oracles.metric_runs import Run

INPUTS = {"steering": steered, "gas": gassed, "brake": braked}
EXEMPT = ("carried_in", "nudge", "nag_answer", "resume")
WARNINGS = {"fcw": ("fcw", "stockFcw"), "aeb": ("aeb", "stockAeb")}


@dataclass(frozen=True, slots=True)
class Moment:
    """An event: when it was, and the windows before and after it."""

    metrics: Metrics
    mono_ns: int

    def seconds(self, name: str) -> int:
        return self.metrics.parameters.ns(name)

    def value(self, name: str) -> float:
        value: float = getattr(self.metrics.parameters, name)
        return value

    @property
    def start_ns(self) -> int:
        return self.mono_ns - self.seconds("severity_before_s")

    @property
    def stop_ns(self) -> int:
        return self.mono_ns + self.seconds("severity_after_s")

    def rows(self, table: str, start_ns: int, stop_ns: int) -> list[Row]:
        """The rows of [start_ns, stop_ns], in their order."""
        return self.metrics.drive.within(table, start_ns, stop_ns)

    # The car ahead

    def lead(self) -> Row:
        gap_ns = self.seconds("max_gap_s")
        near = self.rows("lead", self.mono_ns - gap_ns, self.mono_ns)
        now = near[-1] if near else None
        before = self.rows("lead", self.start_ns, self.mono_ns)
        ttc, thw, drac = (
            [f(row) for row in before] for f in (self._ttc_s, self._thw_s, self._drac_mps2)
        )
        is_seen = now is not None and now["is_present"]
        return {
            "lead_distance_m": now["d_rel_m"] if now and is_seen else None,
            "closing_speed_mps": -now["v_rel_mps"] if now and is_seen else None,
            "ttc_s": self._ttc_s(now) if now else None,
            "thw_s": self._thw_s(now) if now else None,
            "drac_mps2": self._drac_mps2(now) if now else None,
            "min_ttc_s": _best(min, ttc),
            "min_thw_s": _best(min, thw),
            "max_drac_mps2": _best(max, drac),
        }

    def _ttc_s(self, row: Row) -> float | None:
        is_closing = row["v_rel_mps"] < -self.value("ttc_min_closing_mps")
        if row["is_present"] and row["d_rel_m"] > 0 and is_closing:
            return row["d_rel_m"] / -row["v_rel_mps"]
        return None

    def _thw_s(self, row: Row) -> float | None:
        speed = self._speed_before(row["mono_ns"])
        is_moving = speed is not None and speed > self.value("thw_min_speed_mps")
        if row["is_present"] and row["d_rel_m"] > 0 and speed is not None and is_moving:
            return row["d_rel_m"] / speed
        return None

    def _drac_mps2(self, row: Row) -> float | None:
        is_far = row["d_rel_m"] > self.value("drac_min_distance_m")
        if row["is_present"] and is_far and row["v_rel_mps"] < 0:
            return row["v_rel_mps"] ** 2 / (2 * row["d_rel_m"])
        return None

    def _speed_before(self, mono_ns: int) -> float | None:
        """The last speed at or before a moment, within the gap."""
        rows = self.rows("car_state", mono_ns - self.seconds("max_gap_s"), mono_ns)
        return next(
            (r.get("v_ego_mps") for r in reversed(rows) if r.get("v_ego_mps") is not None), None
        )

    # The car itself

    def motion(self) -> Row:
        after = self.rows("car_state", self.mono_ns, self.stop_ns)
        decelerations = [-r.get("a_ego_mps2") for r in after if r.get("a_ego_mps2") is not None]
        jerks = [self._slope("a_ego_mps2", r["mono_ns"]) for r in after]
        rates = [self._slope("steering_angle_deg", r["mono_ns"]) for r in after]
        return {
            "peak_deceleration_mps2": max(0.0, *decelerations) if decelerations else None,
            "peak_jerk_mps3": _best(max, map(_size, jerks)),
            "peak_steering_rate_deg_per_s": _best(max, map(_size, rates)),
            "peak_lateral_acceleration_mps2": self._lateral_acceleration(),
        }

    def _slope(self, column: str, mono_ns: int) -> float | None:
        """The slope of the line through the samples of the window around a moment."""
        half_ns = self.seconds("jerk_window_s") // 2
        rows = self.rows("car_state", mono_ns - half_ns, mono_ns + half_ns)
        points = [
            ((r["mono_ns"] - mono_ns) / 1e9, r.get(column))
            for r in rows
            if r.get(column) is not None
        ]
        if len(points) < 3:
            return None
        mean_x, mean_y = (fsum(values) / len(points) for values in zip(*points, strict=True))
        spread = fsum((x - mean_x) ** 2 for x, _ in points)
        return fsum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else None

    def _lateral_acceleration(self) -> float | None:
        rows = self.rows("controls_state", self.mono_ns, self.stop_ns)
        found = [
            (abs(r.get("curvature_per_m")), speed)
            for r in rows
            if r.get("curvature_per_m") is not None
            and (speed := self._speed_before(r["mono_ns"])) is not None
        ]
        if not any(curvature for curvature, _ in found):
            return None
        return max(curvature * speed**2 for curvature, speed in found)

    # Warnings, plans and what came next

    def warned(self, kind: str) -> bool | None:
        """Whether a warning rose in the window; None if nothing would tell of it."""
        lists = self.metrics.event_lists
        told = self._rises("car_state", lambda row: row.get(f"stock_{kind}"))
        if kind == "fcw":
            told += self._plan_rises()
            shown = self._rises("car_control", _is_shown, is_held=False)
            told += [True for is_risen in shown if is_risen]
        if lists.source:
            told += [lists.began(name, self.start_ns, self.stop_ns) for name in WARNINGS[kind]]
        return any(told) if told else None

    def _rises(
        self, table: str, value: Callable[[Row], bool | None], *, is_held: bool = True
    ) -> list[bool]:
        """Of each row of the window that says something, whether it is true and was not before."""
        source = self.metrics.drive.samples(table)
        rows = source.within(self.start_ns, self.stop_ns)
        told = [False for row in rows if value(row) is not None]
        steps = source.steps_within(self.start_ns, self.stop_ns, is_held=is_held)
        return told + [True for old, new in steps if value(new) and value(old) is False]

    def _plan_rises(self) -> list[bool]:
        """Rows of the plan stand where it changes: each holds to the next, however far."""
        rows = self.metrics.drive.rows("longitudinal_plan")
        risen = [new["mono_ns"] for old, new in pairwise(rows) if new["fcw"] and not old["fcw"]]
        return [self.start_ns <= mono_ns <= self.stop_ns for mono_ns in risen] or [False] * len(
            rows
        )

    def is_planned(self, speed_mps: float | None, row: Row, source: Override | Run) -> bool | None:
        """Whether it looks meant: a sign of that, and nothing against it."""
        if self._is_alarming(row, source):
            return False
        signs = [
            self._has_blinker(),
            self._has_lane_change(),
            self._accelerates(),
            self._parks(source) or None,
        ]
        if speed_mps is not None:
            signs.append(speed_mps < self.value("planned_max_speed_mps"))
        known = [sign for sign in signs if sign is not None]
        return any(known) if known else None

    def _is_alarming(self, row: Row, source: Override | Run) -> bool:
        is_against = is_away(self._turned(source), self._side())
        slowing = [
            r.get("a_ego_mps2")
            for r in self.rows(
                "car_state", self.mono_ns - self.seconds("unplanned_before_s"), self.mono_ns
            )
        ]
        limit = -self.value("unplanned_deceleration_mps2")
        has_slowed = any(a is not None and a < limit for a in slowing)
        is_phantom = bool(self._has_gas()) and has_slowed
        return is_against or is_phantom or bool(row["is_critical"])

    def _turned(self, source: Override | Run) -> float | None:
        """The torque at the wheel, if that is what the driver used."""
        if is_override(source):
            return source.torque  # type: ignore[union-attr]
        if self.metrics.cause(source).cause != "driver_steer":  # type: ignore[arg-type]
            return None
        torques = [row.get("steering_torque") for row in self._just_before()]
        return next((torque for torque in reversed(torques) if torque is not None), None)

    def _side(self) -> str | None:
        """To which side the car is about to go: that of the lane change, else of the blinker."""
        changing = lane_change_side(self.metrics.drive, self.mono_ns)
        return changing or next(map(blinker_side, reversed(self._just_before())), None)

    def _just_before(self) -> list[Row]:
        """The samples of carState that are not too old."""
        return self.rows("car_state", self.mono_ns - self.seconds("max_gap_s"), self.mono_ns)

    def _has_blinker(self) -> bool | None:
        rows = self.rows("car_state", self.start_ns, self.mono_ns)
        signs = [either(r.get("left_blinker"), r.get("right_blinker")) for r in rows]
        known = [sign for sign in signs if sign is not None]
        return any(known) if known else None

    def _has_lane_change(self) -> bool | None:
        told = lane_changes(self.metrics.drive, self.start_ns, self.mono_ns)
        states = {state for state, _ in told} - {None}
        return bool(states - {"off"}) if states else None

    def _has_gas(self) -> bool | None:
        close = self.rows(
            "car_state",
            self.mono_ns - self.seconds("cause_before_s"),
            self.mono_ns + self.seconds("cause_after_s"),
        )
        return any(r.get("gas_pressed") for r in close) if close else None

    def _accelerates(self) -> bool | None:
        before = self._just_before()
        acceleration = before[-1].get("a_ego_mps2") if before else None
        has_gas = self._has_gas()
        if has_gas is False or (acceleration is not None and acceleration <= 0):
            return False
        return None if has_gas is None or acceleration is None else True

    def _parks(self, source: Override | Run) -> bool:
        """Whether it is the drive's last end, and the car is in park soon after."""
        metrics = self.metrics
        if hasattr(source, "axis") or source is not metrics.engagements[-1]:
            return False
        if source.end_kind != "disengagement":
            return False
        drive, end_ns = metrics.drive, source.end_ns
        parks = (r["mono_ns"] for r in drive.car_state.rows if r["gear"] == "park")
        park_ns = next((mono_ns for mono_ns in parks if mono_ns >= end_ns), None)
        if park_ns is None:
            return False
        way = [step for step in metrics.steps if end_ns < step.end_ns and step.start_ns < park_ns]
        known = [(step.start_ns, step.end_ns) for step in way]
        is_whole = not without([(end_ns, park_ns)], known)
        distance_m = sum(step.distance_m for step in way if step.start_ns >= end_ns)
        return is_whole and distance_m <= self.value("planned_park_m")

    def input_after(self, stop_ns: int) -> tuple[int, str] | None:
        """When (ns from here) the driver first did something, and what."""
        drive = self.metrics.drive
        found = [
            (max(start_ns, self.mono_ns), name)
            for name, is_on in INPUTS.items()
            for start_ns, end_ns in drive.car_state.spans(is_on)
            if start_ns <= stop_ns and end_ns > self.mono_ns
        ]
        found += [
            (r["mono_ns"], "button")
            for r in self.rows("button_event", self.mono_ns, stop_ns)
            if r.get("pressed")
        ]
        return (min(found)[0] - self.mono_ns, min(found)[1]) if found else None

    def severity(self, row: Row) -> Row:
        """The judgement over the measures of a row."""
        limits = [
            (row["min_ttc_s"], self.value("critical_ttc_s"), True),
            (row["min_thw_s"], self.value("critical_thw_s"), True),
            (row["max_drac_mps2"], self.value("critical_drac_mps2"), False),
            (row["peak_deceleration_mps2"], self.value("critical_deceleration_mps2"), False),
        ]
        known = [(value, limit, less) for value, limit, less in limits if value is not None]
        flags = [row[name] for name in ("has_fcw", "has_aeb") if row[name] is not None]
        beyond = [value < limit if less else value > limit for value, limit, less in known]
        ratios = [limit / value if less else value / limit for value, limit, less in known]
        return {
            "severity": max(ratios, default=None),
            "is_critical": any(beyond) or any(flags) if beyond or flags else None,
        }


def _is_shown(row: Row) -> bool:
    return bool(row.get("visual_alert") == "fcw")


def either(one: bool | None, other: bool | None) -> bool | None:  # noqa: FBT001
    """SQL's `or`."""
    if one or other:
        return True
    return None if one is None or other is None else False


def _size(value: float | None) -> float | None:
    return None if value is None else abs(value)


def _best(choose: Any, values: Iterable[float | None]) -> float | None:
    return choose((v for v in values if v is not None), default=None)


@dataclass(frozen=True, slots=True)
class Judged:
    """An event with everything that is measured of it, and what it is an event of."""

    source: Override | Run
    row: Row


def judged(metrics: Metrics) -> list[Judged]:
    """Ends of engagements, then overrides."""
    parts = {id(part.source) for moment in metrics.interventions for part in moment.parts}
    found = []
    for run in metrics.disengagements:
        cause = metrics.cause(run)
        moment = Moment(metrics, run.end_ns)
        reaction = moment.input_after(moment.stop_ns)
        row = _event(moment, "disengagement", run, run)
        if cause.cause == "end_of_drive":
            row["is_critical"] = None
        row |= {
            "duration_s": None,
            "cause": cause.cause,
            "cause_event": cause.cause_event,
            "is_counted": metrics.is_counted(run),
            "is_inferred": cause.is_inferred,
            "is_intervention": id(run) in parts,
            "exempt_by": "pause" if metrics.is_pause(run) else None,
            "time_to_input_s": reaction[0] / 1e9 if reaction else None,
            "time_to_reengage_s": _reengaged_s(metrics, run),
        }
        found.append(Judged(run, row))
    for override in metrics.overrides:
        moment = Moment(metrics, override.start_ns)
        row = _event(moment, f"{override.axis}_override", override.run, override)
        row |= dict.fromkeys(("cause", "cause_event", "is_counted", "is_inferred"))
        row |= dict.fromkeys(("time_to_input_s", "time_to_reengage_s"))
        row |= {
            "duration_s": (override.end_ns - override.start_ns) / 1e9,
            "is_intervention": override.is_input,
            "exempt_by": next((name for name in EXEMPT if getattr(override, f"is_{name}")), None),
        }
        found.append(Judged(override, row))
    return found


def _event(moment: Moment, kind: str, run: Run, source: Override | Run) -> Row:
    metrics, mono_ns = moment.metrics, moment.mono_ns
    latitude, longitude = metrics.position(mono_ns)
    place = {"latitude": latitude, "longitude": longitude}
    row = metrics.where(mono_ns) | {"kind": kind, "engagement_num": run.number} | place
    row |= {"mode": run.mode, "speed_mps": metrics.speed(mono_ns)}
    row |= moment.lead() | moment.motion()
    row |= {"has_fcw": moment.warned("fcw"), "has_aeb": moment.warned("aeb")}
    row |= moment.severity(row)
    return row | {"is_planned": moment.is_planned(row["speed_mps"], row, source)}


def _reengaged_s(metrics: Metrics, ended: Run) -> float | None:
    following = next(
        (
            run
            for run in metrics.engagements
            if run.start_ns >= ended.end_ns and run.mode in (ended.mode, "engaged")
        ),
        None,
    )
    if following is None:
        return None
    between = [i for i in metrics.intervals if ended.end_ns <= i.start_ns < following.start_ns]
    is_known = all(interval.mode != "unknown" for interval in between)
    return (following.start_ns - ended.end_ns) / 1e9 if is_known else None


def alerts(metrics: Metrics) -> list[Row]:
    """The rows of the view: runs of one alert that asked something of the driver."""
    has_selfdrive = bool(metrics.drive.rows("selfdrive_state"))
    source = "selfdriveState" if has_selfdrive else "controlsState"
    rows = [row for row in metrics.drive.rows("alert") if row["source"] == source]
    runs: list[list[Row]] = []
    for index, row in enumerate(rows):
        before = rows[index - 1] if index else None
        is_same = before is not None and _look(before) == _look(row)
        if is_same and before and row["segment_num"] - before["segment_num"] <= 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    after = {id(row): following for row, following in pairwise(rows)}
    return [
        _alert(metrics, run, after.get(id(run[-1])))
        for run in runs
        if run[0]["alert_status"] in ("userPrompt", "critical")
    ]


def _look(row: Row) -> tuple[Any, ...]:
    return tuple(
        row[name] for name in ("alert_type", "text1", "text2", "alert_status", "alert_size")
    )


def _alert(metrics: Metrics, run: list[Row], following: Row | None) -> Row:
    start_ns = run[0]["mono_ns"]
    moment = Moment(metrics, start_ns)
    is_next = following and following["segment_num"] - run[-1]["segment_num"] <= 1
    end_ns = following["mono_ns"] if following and is_next else run[-1]["mono_ns"]
    stop_ns = start_ns + metrics.parameters.ns("reaction_max_s")
    reaction = moment.input_after(stop_ns)
    ends = [
        run.end_ns
        for run in metrics.engagements
        if run.mode == "engaged" and run.end_kind == "disengagement"
    ]
    ended_ns = min((end for end in ends if start_ns <= end <= stop_ns), default=None)
    names = ("alert_type", "text1", "text2", "alert_status", "alert_size")
    return (
        metrics.drive.names
        | {name: run[0][name] for name in names}
        | {
            "start_mono_ns": start_ns,
            "end_mono_ns": end_ns,
            "is_engaged": metrics.mode(start_ns) == "engaged",
            "first_input": reaction[1] if reaction else None,
            "reaction_s": reaction[0] / 1e9 if reaction else None,
            "time_to_disengagement_s": None if ended_ns is None else (ended_ns - start_ns) / 1e9,
        }
    )
