"""Samples, and samples on a grid, by brute force over base rows and results of other views."""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Row = dict[str, Any]
Tables = dict[str, list[Row]]

SECOND_NS = 10**9
PLACE = ("drive_id", "segment_num", "message_num", "mono_ns", "time_s", "at_utc")


def _plan_accel(row: Row) -> float | None:
    wanted: float | None = row["target_accel_mps2"]
    return row["first_accel_mps2"] if wanted is None else wanted


def _awareness(row: Row) -> float | None:
    by_camera: float | None = row["awareness_fraction"]
    by_wheel: float | None = row["wheel_awareness_fraction"]
    return by_wheel if row["is_by_camera"] is False and by_wheel is not None else by_camera


# Of each view: its base table, and its columns where they are called otherwise than there, or made
# of several.
VIEWS: Mapping[str, tuple[str, Mapping[str, str | Callable[[Row], Any]]]] = {
    "car_samples": ("car_state", {}),
    "control_samples": (
        "car_control",
        {
            "is_control_enabled": "enabled",
            "accel_command_mps2": "accel_mps2",
            "torque_command": "torque",
            "steering_angle_command_deg": "steering_angle_deg",
            "curvature_command_per_m": "curvature_per_m",
        },
    ),
    "curvature_samples": ("controls_state", {}),
    "lead_samples": (
        "lead",
        {
            "is_lead_present": "is_present",
            "lead_d_rel_m": "d_rel_m",
            "lead_v_rel_mps": "v_rel_mps",
            "lead_y_rel_m": "y_rel_m",
            "lead_v_mps": "v_lead_mps",
            "lead_a_mps2": "a_lead_mps2",
            "lead_model_prob_fraction": "model_prob_fraction",
            "is_lead_radar": "is_radar",
        },
    ),
    "gps_samples": ("gps", {"gps_speed_mps": "speed_mps"}),
    "plan_samples": (
        "plan",
        {
            "plan_accel_mps2": _plan_accel,
            "plan_has_lead": "has_lead",
            "plan_should_stop": "should_stop",
            "plan_fcw": "fcw",
        },
    ),
    "model_samples": (
        "model",
        {
            "model_curvature_per_m": "curvature_per_m",
            "model_accel_mps2": "accel_mps2",
            "model_should_stop": "should_stop",
            "model_frame_drop_percent": "frame_drop_percent",
        },
    ),
    "driver_samples": (
        "driver_monitoring",
        {
            "is_driver_face_detected": "is_face_detected",
            "is_driver_distracted": "is_distracted",
            "driver_awareness_fraction": _awareness,
            "is_driver_watched_by_camera": "is_by_camera",
            "driver_alert_level": "alert_level",
        },
    ),
    "can_samples": ("can_signal", {}),
}
ON_GRID = [name for name in VIEWS if name != "can_samples"]


class Drives:
    """Base tables, and what other views say of each drive."""

    def __init__(self, base: Tables, results: Tables) -> None:
        self.base = base
        self.results = results
        self.facts = {row["drive_id"]: row for row in results["drive_facts"]}
        self.starts = {r["drive_id"]: r["started_at_utc"] for r in results["drive_identity"]}

    def at(self, drive_id: int, mono_ns: int) -> Row:
        """When a moment is."""
        since_ns = mono_ns - self.facts[drive_id]["first_mono_ns"]
        start = self.starts.get(drive_id)
        return {
            "drive_id": drive_id,
            "mono_ns": mono_ns,
            "time_s": since_ns / 1e9,
            # Towards 0, as whole microseconds are counted from the first sample.
            "at_utc": start and start + timedelta(microseconds=int(since_ns / 1000)),
        }

    def samples(self, view: str, columns: list[str]) -> list[Row]:
        """The rows of a view of samples."""
        table, names = VIEWS[view]
        found = []
        for row in self.base.get(table, []):
            facts = self.facts.get(row["drive_id"])
            if facts and (table != "gps" or _is_fix(row, facts)):
                own = {name: _of(row, names.get(name, name)) for name in columns}
                found.append(own | self.at(row["drive_id"], row["mono_ns"]))
        return found

    def on_grid(self, columns: Mapping[str, list[str]], step_ns: int) -> Iterator[Row]:
        """The rows of `samples`, by the columns of each view of samples."""
        for drive_id, facts in self.facts.items():
            gap_ns = SECOND_NS * 3 // 2 if facts["is_qlog"] else SECOND_NS
            gaps_ns = dict.fromkeys(ON_GRID, gap_ns) | {"gps_samples": 2 * SECOND_NS}
            lasts = {
                view: self._last(view, columns[view], drive_id, gaps_ns[view]) for view in ON_GRID
            }
            for mono_ns in self._ticks(drive_id, step_ns):
                told = {view: last(mono_ns) for view, last in lasts.items()}
                state = self._during("state_intervals", drive_id, mono_ns)
                mode = state[0]["mode"] if state else "unknown"
                if mode == "unknown" and not any(told.values()):
                    continue
                row = self.at(drive_id, mono_ns)
                for view in ON_GRID:
                    row |= {name: (told[view] or {}).get(name) for name in columns[view]}
                yield row | self._state(state, mode, drive_id, mono_ns) | _derived(row, told)

    def _ticks(self, drive_id: int, step_ns: int) -> list[int]:
        tables = [VIEWS[view][0] for view in ON_GRID]
        times = [
            r["mono_ns"] for t in tables for r in self.base.get(t, []) if r["drive_id"] == drive_id
        ]
        times += [
            r["end_mono_ns"] for r in self.results["state_intervals"] if r["drive_id"] == drive_id
        ]
        if not times:
            return []
        first, last = min(times) // step_ns, (max(times) + 3 * SECOND_NS) // step_ns
        return [number * step_ns for number in range(first, last + 1)]

    def _last(
        self, view: str, columns: list[str], drive_id: int, gap_ns: int
    ) -> Callable[[int], Row | None]:
        rows = [
            r
            for r in self.samples(view, [*columns, "segment_num", "message_num"])
            if r["drive_id"] == drive_id
        ]
        rows.sort(key=lambda row: (row["mono_ns"], row["segment_num"], row["message_num"]))
        times_ns = [row["mono_ns"] for row in rows]

        def last(mono_ns: int) -> Row | None:
            number = bisect_right(times_ns, mono_ns) - 1
            is_recent = number >= 0 and mono_ns - times_ns[number] <= gap_ns
            return rows[number] if is_recent else None

        return last

    def _during(self, table: str, drive_id: int, mono_ns: int) -> list[Row]:
        return [
            row
            for row in self.results[table]
            if row["drive_id"] == drive_id and row["start_mono_ns"] <= mono_ns < row["end_mono_ns"]
        ]

    def _state(self, state: list[Row], mode: str, drive_id: int, mono_ns: int) -> Row:
        if mode == "unknown":
            names = (
                "mode",
                "lateral_active",
                "longitudinal_active",
                "is_lateral_override",
                "is_longitudinal_override",
            )
            return dict.fromkeys(names)
        axes = {row["axis"] for row in self._during("overrides", drive_id, mono_ns)}
        return {
            "mode": mode,
            "lateral_active": state[0]["lateral_active"],
            "longitudinal_active": state[0]["longitudinal_active"],
            "is_lateral_override": "lateral" in axes,
            "is_longitudinal_override": "longitudinal" in axes,
        }


def _of(row: Row, name: str | Callable[[Row], Any]) -> Any:
    return row.get(name) if isinstance(name, str) else name(row)


def _is_fix(row: Row, facts: Row) -> bool:
    latitude, longitude = row["latitude"], row["longitude"]
    is_somewhere = abs(latitude) >= 0.01 or abs(longitude) >= 0.01
    return row["source"] == facts["gps_source"] and bool(row["has_fix"]) and is_somewhere


def _derived(row: Row, told: Mapping[str, Row | None]) -> Row:
    distance, closing, speed = row["lead_d_rel_m"], row["lead_v_rel_mps"], row["v_ego_mps"]
    is_ahead = bool(row["is_lead_present"]) and distance is not None and distance > 0
    curvature = row["curvature_per_m"]
    blinkers = (row["left_blinker"], row["right_blinker"])
    signs = [*blinkers, None if speed is None else speed < 2]
    return {
        "is_lead_known": told["lead_samples"] is not None,
        "lead_ttc_s": distance / -closing
        if is_ahead and closing is not None and closing < -0.5
        else None,
        "lead_thw_s": distance / speed if is_ahead and speed is not None and speed > 0.5 else None,
        "lateral_acceleration_mps2": None
        if curvature is None or speed is None
        else curvature * speed * speed,
        "looks_planned": True if True in signs else None if None in signs else False,
    }
