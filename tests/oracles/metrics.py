"""The rows of the metric views, computed the slow and obvious way: the oracle that SQL answers to.

Nothing here is shared with the package. Base-table rows go in, rows of the views come out.

What the definitions leave open, and what is done here:

- A drive without control samples and carState has sums of 0, no duration and no ratios.
- Two carState rows of one time make no step, not a step of zero length.
- The time with longitudinal control is null, not 0, where no carParams says who controls speed.
- The segment of an intervention is that of its first event (the override's start, the end that a
  press made): that of the last control sample before it.
- A speed is known at an end when the last carState row is not older than the largest gap, even if
  no row follows in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracles.metric_drive import DEFAULTS, Drive
from tests.oracles.metric_model import Metrics
from tests.oracles.metric_severity import alerts, judged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.oracles.metric_drive import Parameters, Row, Tables
    from tests.oracles.metric_runs import Run


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
            "engagement_num": run.number,
            "mode": run.mode,
            "start_mono_ns": run.start_ns,
            "end_mono_ns": run.end_ns,
            "duration_s": (run.end_ns - run.start_ns) / 1e9,
            "distance_km": _km(
                step.distance_m
                for step in metrics.steps
                if step.mode == run.mode and run.start_ns <= step.start_ns < run.end_ns
            ),
            "start_kind": run.start_kind,
            "end_kind": run.end_kind,
            "to_mode": run.to_mode,
            "assisted_num": number,
        }
        for number, chain in enumerate(metrics.assisted, start=1)
        for run in chain
    ]


def disengagements(metrics: Metrics) -> list[Row]:
    rows = []
    for run in metrics.disengagements:
        cause = metrics.cause(run)
        latitude, longitude = metrics.position(run.end_ns)
        rows.append(
            metrics.where(run.end_ns)
            | {
                "engagement_num": run.number,
                "mode": run.mode,
                "to_mode": run.to_mode,
                "cause": cause.cause,
                "cause_event": cause.cause_event,
                "is_counted": metrics.is_counted(run),
                "is_inferred": cause.is_inferred,
                "is_pause": metrics.is_pause(run),
                "is_intervention": any(run in moment.ends for moment in metrics.interventions),
                "end_uncertainty_s": metrics.end(run).uncertainty_s,
                "speed_mps": metrics.speed(run.end_ns),
                "latitude": latitude,
                "longitude": longitude,
            }
        )
    return rows


def overrides(metrics: Metrics) -> list[Row]:
    return [
        {
            "drive_id": metrics.drive.drive_id,
            "engagement_num": override.run.number,
            "axis": override.axis,
            "mode": override.run.mode,
            "start_mono_ns": override.start_ns,
            "end_mono_ns": override.end_ns,
            "duration_s": (override.end_ns - override.start_ns) / 1e9,
            "is_carried_in": override.is_carried_in,
            "is_nudge": override.is_nudge,
            "is_nag_answer": override.is_nag_answer,
            "is_resume": override.is_resume,
            "is_intervention": override.is_input,
        }
        for override in metrics.overrides
    ]


def interventions(metrics: Metrics) -> list[Row]:
    by_source = {id(event.source): event.row for event in judged(metrics)}
    rows = []
    for number, moment in enumerate(metrics.interventions, start=1):
        parts = [by_source[id(part.source)] for part in moment.parts]
        rows.append(
            metrics.where(moment.start_ns)
            | {
                "intervention_num": number,
                "engagement_num": parts[0]["engagement_num"],
                "mode": moment.mode,
                "end_mono_ns": moment.end_ns,
                "segment_num": metrics.control.segment_num(moment.first_event_ns),
                "inputs": moment.inputs,
                "ends_engagement": bool(moment.ends),
                "cause": _first_cause(metrics, moment.ends),
                "is_planned": every(part["is_planned"] for part in parts),
                "is_critical": some(part["is_critical"] for part in parts),
            }
        )
    return rows


def _first_cause(metrics: Metrics, ends: list[Run]) -> str | None:
    """What ended the first of the runs that an intervention ends."""
    first = min(ends, key=lambda run: run.end_ns, default=None)
    return metrics.cause(first).cause if first else None


def some(values: Iterable[bool | None]) -> bool | None:
    """SQL's `bool_or` over values."""
    known = [value for value in values if value is not None]
    return any(known) if known else None


def every(values: Iterable[bool | None]) -> bool | None:
    """SQL's `and` over values."""
    found = set(values)
    return False if False in found else None if None in found else True


def events(metrics: Metrics) -> list[Row]:
    return [event.row for event in judged(metrics)]


def speed_bands(metrics: Metrics) -> list[Row]:
    known = [step for step in metrics.steps if step.mode != "unknown"]
    rows = []
    for band in sorted({metrics.band(step) for step in known}):
        steps = [step for step in known if metrics.band(step) == band]
        engaged, alone = (
            [step for step in steps if step.mode == mode] for mode in ("engaged", "lateral_only")
        )
        known_s, engaged_s = (sum(s.duration_ns for s in group) / 1e9 for group in (steps, engaged))
        rows.append(
            metrics.drive.names
            | {
                "speed_band": band,
                "known_s": known_s,
                "engaged_s": engaged_s,
                "lateral_only_s": sum(step.duration_ns for step in alone) / 1e9,
                "lateral_only_km": _km(step.distance_m for step in alone),
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
        "speed_known_s": metrics.speed_known_s,
        "motion_coverage": _ratio(metrics.speed_known_s, known_s),
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
        "lateral_only_km": _km(s.distance_m for s in known if s.mode == "lateral_only"),
        "distance_engaged_fraction": _ratio(engaged_km, _km(step.distance_m for step in known)),
    }


def _count_columns(metrics: Metrics) -> Row:
    return {
        **_counts_of(metrics, "engaged", ""),
        "n_disengagements_counted": sum(
            metrics.is_counted(run) for run in metrics.engagements if run.mode == "engaged"
        ),
        "n_lateral_overrides": _n_overrides(metrics, "lateral", "engaged"),
        "n_longitudinal_overrides": _n_overrides(metrics, "longitudinal", "engaged"),
        **_counts_of(metrics, "lateral_only", "lateral_only_"),
    }


def _counts_of(metrics: Metrics, mode: str, prefix: str) -> Row:
    runs = [run for run in metrics.engagements if run.mode == mode]
    moments = [row for row in interventions(metrics) if row["mode"] == mode]
    return {
        f"n_{prefix}engagements": len(runs),
        f"n_{prefix}disengagements": sum(run.end_kind == "disengagement" for run in runs),
        f"n_{prefix}interventions": len(moments),
        # What is not known to be planned is not planned.
        f"n_{prefix}unplanned_interventions": sum(row["is_planned"] is not True for row in moments),
    }


def _n_overrides(metrics: Metrics, axis: str, mode: str) -> int:
    return sum(o.axis == axis and o.run.mode == mode for o in metrics.overrides)


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
