"""The rows of the metric views, computed the slow and obvious way: the oracle that SQL answers to.

Nothing here is shared with the package. Base-table rows go in, rows of the views come out.

What the definitions leave open, and what is done here:

- A drive without control samples and carState has sums of 0, no duration and no ratios.
- Two carState rows of one time make no step, not a step of zero length.
- `cruiseState.enabled` that fell up to the end is a cause of its own (`car_cruise`, not inferred)
  where an rlog has events; elsewhere it stands last among what the controls tell.
- The time with longitudinal control is null, not 0, where no carParams says who controls speed.
- The segment of an intervention is found like that of a disengagement: by its last control sample.
- A speed is known at an end when the last carState row is not older than the largest gap, even if
  no row follows in time.
- carState.steeringDisengage tells `driver_steer` without any event, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracles.metric_drive import DEFAULTS, Drive
from tests.oracles.metric_model import Metrics
from tests.oracles.metric_severity import alerts, events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.oracles.metric_drive import Parameters, Row, Tables


def compute(tables: Tables, parameters: Parameters = DEFAULTS) -> dict[str, list[Row]]:
    """The sorted rows of every metric view, by the view's name."""
    by_drive: dict[int, Tables] = {row["drive_id"]: {} for row in tables["drive"]}
    for table, rows in tables.items():
        for row in rows:
            by_drive[row["drive_id"]].setdefault(table, []).append(row)
    all_metrics = [Metrics(Drive(by_drive[drive_id], parameters)) for drive_id in sorted(by_drive)]
    return {
        name: [row for metrics in all_metrics for row in view(metrics)]
        for name, view in VIEWS.items()
    }


def state_intervals(metrics: Metrics) -> list[Row]:
    return [
        {
            "drive_id": metrics.drive.drive_id,
            "start_mono_ns": interval.start_ns,
            "end_mono_ns": interval.end_ns,
            "mode": interval.mode,
            "enabled": interval.enabled,
            "active": interval.active,
            "lateral_active": interval.lateral_active,
            "longitudinal_active": interval.longitudinal_active,
        }
        for interval in metrics.intervals
    ]


def engagements(metrics: Metrics) -> list[Row]:
    return [
        {
            "drive_id": metrics.drive.drive_id,
            "engagement_num": engagement.number,
            "start_mono_ns": engagement.start_ns,
            "end_mono_ns": engagement.end_ns,
            "duration_s": (engagement.end_ns - engagement.start_ns) / 1e9,
            "distance_km": _km(
                step.distance_m
                for step in metrics.steps
                if step.mode == "engaged"
                and engagement.start_ns <= step.start_ns < engagement.end_ns
            ),
            "start_kind": engagement.start_kind,
            "end_kind": engagement.end_kind,
        }
        for engagement in metrics.engagements
    ]


def disengagements(metrics: Metrics) -> list[Row]:
    rows = []
    for engagement, cause, is_counted in metrics.disengagements:
        latitude, longitude = metrics.position(engagement.end_ns)
        rows.append(
            metrics.where(engagement.end_ns)
            | {
                "cause": cause.cause,
                "cause_event": cause.cause_event,
                "is_counted": is_counted,
                "is_inferred": cause.is_inferred,
                "speed_mps": metrics.speed(engagement.end_ns),
                "latitude": latitude,
                "longitude": longitude,
            }
        )
    return rows


def overrides(metrics: Metrics) -> list[Row]:
    return [
        {
            "drive_id": metrics.drive.drive_id,
            "axis": axis,
            "start_mono_ns": start_ns,
            "end_mono_ns": end_ns,
            "duration_s": (end_ns - start_ns) / 1e9,
        }
        for axis, spans in metrics.overrides.items()
        for start_ns, end_ns in spans
    ]


def interventions(metrics: Metrics) -> list[Row]:
    kinds = [
        (start_ns, f"{axis}_override")
        for axis, axis_spans in metrics.overrides.items()
        for start_ns, _ in axis_spans
    ] + [
        (engagement.end_ns, "disengagement")
        for engagement, cause, is_counted in metrics.disengagements
        if is_counted and cause.cause.startswith("driver")
    ]
    return [metrics.where(mono_ns) | {"kind": kind} for mono_ns, kind in sorted(kinds)]


def speed_bands(metrics: Metrics) -> list[Row]:
    known = [step for step in metrics.steps if step.mode != "unknown"]
    rows = []
    for band in sorted({metrics.band(step) for step in known}):
        steps = [step for step in known if metrics.band(step) == band]
        engaged = [step for step in steps if step.mode == "engaged"]
        known_s, engaged_s = (sum(s.duration_ns for s in group) / 1e9 for group in (steps, engaged))
        rows.append(
            metrics.drive.names
            | {
                "speed_band": band,
                "known_s": known_s,
                "engaged_s": engaged_s,
                "distance_km": _km(step.distance_m for step in steps),
                "engaged_km": _km(step.distance_m for step in engaged),
                "engaged_fraction": _ratio(engaged_s, known_s),
            }
        )
    return rows


def drives(metrics: Metrics) -> list[Row]:
    """One row: the columns of the view that are metrics."""
    longitudinal = metrics.drive.openpilot_longitudinal
    sources = {True: "openpilot", False: "stock", None: None}
    return [
        metrics.drive.names
        | {"openpilot_longitudinal": longitudinal, "longitudinal_source": sources[longitudinal]}
        | _log_columns(metrics)
        | _time_columns(metrics)
        | _motion_columns(metrics)
        | _count_columns(metrics)
    ]


def _log_columns(metrics: Metrics) -> Row:
    segments = metrics.drive.rows("segment")
    n_read = sum(row["status"] != "failed" for row in segments)
    n_wanted = max((row["segment_num"] + 1 for row in segments), default=0)
    return {"n_missing_segments": n_wanted - n_read, "log_kind": metrics.drive.log_kind}


def _time_columns(metrics: Metrics) -> Row:
    span = metrics.drive.span
    duration_s = None if span is None else (span[1] - span[0]) / 1e9
    known_s = (duration_s or 0.0) - metrics.seconds(mode="unknown")
    engaged_s = metrics.seconds(mode="engaged")
    return {
        "duration_s": duration_s,
        "known_s": known_s,
        "coverage": _ratio(known_s, duration_s),
        "engaged_s": engaged_s,
        "lateral_only_s": metrics.seconds(mode="lateral_only"),
        "longitudinal_s": None
        if metrics.drive.openpilot_longitudinal is None
        else metrics.seconds(longitudinal_active=True),
        "engaged_fraction": _ratio(engaged_s, known_s),
    }


def _motion_columns(metrics: Metrics) -> Row:
    moving_min_mps = metrics.parameters.moving_min_mps
    known = [step for step in metrics.steps if step.mode != "unknown"]
    engaged = [step for step in known if step.mode == "engaged"]
    moving_s, moving_engaged_s = (
        sum(step.duration_ns for step in steps if step.speed_mps > moving_min_mps) / 1e9
        for steps in (known, engaged)
    )
    engaged_km = _km(step.distance_m for step in engaged)
    return {
        "moving_s": moving_s,
        "moving_engaged_s": moving_engaged_s,
        "distance_km": _km(step.distance_m for step in metrics.steps),
        "engaged_km": engaged_km,
        "moving_engaged_fraction": _ratio(moving_engaged_s, moving_s),
        "distance_engaged_fraction": _ratio(engaged_km, _km(step.distance_m for step in known)),
    }


def _count_columns(metrics: Metrics) -> Row:
    n_disengagements = sum(
        engagement.end_kind == "disengagement" for engagement in metrics.engagements
    )
    return {
        "n_engagements": len(metrics.engagements),
        "n_disengagements": n_disengagements,
        "n_disengagements_counted": sum(counted for *_, counted in metrics.disengagements),
        "n_lateral_overrides": len(metrics.overrides["lateral"]),
        "n_longitudinal_overrides": len(metrics.overrides["longitudinal"]),
        "n_interventions": len(interventions(metrics)),
    }


def _km(distances_m: Iterable[float]) -> float:
    return sum(distances_m) / 1000


def _ratio(part: float, whole: float | None) -> float | None:
    return part / whole if whole else None


VIEWS: dict[str, Callable[[Metrics], list[Row]]] = {
    "state_intervals": state_intervals,
    "engagements": engagements,
    "disengagements": disengagements,
    "overrides": overrides,
    "interventions": interventions,
    "speed_bands": speed_bands,
    "events": events,
    "alerts": alerts,
    "drives": drives,
}
