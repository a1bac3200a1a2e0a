"""What groups of drives were like, by brute force, with scipy.stats for curves and limits."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from scipy import stats

from tests.oracles.group_counts import members_of

MEDIAN_MIN_DRIVES = 8

if TYPE_CHECKING:
    from tests.oracles.group_counts import Row, Tables


def lengths_of(ids: set[int], tables: Tables) -> tuple[list[float], list[float]]:
    """How long engagements lasted that ended in a disengagement, and those that are censored."""
    mine = [
        row
        for row in tables["result.engagements"]
        if row["drive_id"] in ids and row["mode"] == "engaged" and row["start_kind"] != "unknown"
    ]
    ended = [row["duration_s"] for row in mine if row["end_kind"] == "disengagement"]
    return ended, [row["duration_s"] for row in mine if row["end_kind"] != "disengagement"]


def survival(ended: list[float], censored: list[float]) -> list[Row]:
    """Where the Kaplan-Meier curve steps, by scipy."""
    if not ended:
        return []
    sample = stats.CensoredData(uncensored=ended, right=censored)
    curve = stats.ecdf(sample).sf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where none is left the limits are nan, and it says so
        limits = curve.confidence_interval(0.95, method="log-log")
    everyone = ended + censored
    found = []
    for i, length in enumerate(curve.quantiles.tolist()):
        if length in ended:
            lower, upper = (float(ci.probabilities[i]) for ci in (limits.low, limits.high))
            found.append(
                {
                    "duration_s": length,
                    "n_at_risk": sum(other >= length for other in everyone),
                    "n_ended": ended.count(length),
                    "survival_fraction": float(curve.probabilities[i]),
                    "survival_lower_fraction": None if math.isnan(lower) else lower,
                    "survival_upper_fraction": None if math.isnan(upper) else upper,
                }
            )
    return found


def engagement_lengths(memberships: list[Row], tables: Tables) -> list[Row]:
    found = []
    for (grouped_by, group_name), drives in members_of(memberships).items():
        group = {"grouped_by": grouped_by, "group_name": group_name}
        ids = {row["drive_id"] for row in drives}
        found += [group | row for row in survival(*lengths_of(ids, tables))]
    return found


def groups(memberships: list[Row], bands: list[Row], tables: Tables) -> list[Row]:
    found = []
    for (grouped_by, group_name), drives in members_of(memberships).items():
        row = {"grouped_by": grouped_by, "group_name": group_name} | sizes_of(drives)
        found.append(row | group_of({drive["drive_id"] for drive in drives}, tables))
    everything = {row["drive_id"]: row for row in memberships if row["grouped_by"] == "all"}
    whole = found[0].keys() if found else ()
    for band in {row["speed_band"] for row in bands if row["drive_id"] in everything}:
        mine = [r for r in bands if r["speed_band"] == band and r["drive_id"] in everything]
        row = {"grouped_by": "speed_band", "group_name": band}
        row |= sizes_of([everything[r["drive_id"]] for r in mine])
        row |= exposure_of(mine, known_km=total(mine, "distance_km"))
        found.append(dict.fromkeys(whole) | row)
    return found


def sizes_of(drives: list[Row]) -> Row:
    n_qlog_drives = sum(drive["log_kind"] != "rlog" for drive in drives)
    return {"n_drives": len(drives), "n_qlog_drives": n_qlog_drives}


def exposure_of(rows: list[Row], *, known_km: float) -> Row:
    known_s, engaged_s = total(rows, "known_s"), total(rows, "engaged_s")
    return {
        "known_h": known_s / 3600,
        "engaged_h": engaged_s / 3600,
        "distance_km": total(rows, "distance_km"),
        "engaged_km": total(rows, "engaged_km"),
        "engaged_fraction": share(engaged_s, known_s),
        "distance_engaged_fraction": share(total(rows, "engaged_km"), known_km),
    }


def group_of(ids: set[int], tables: Tables) -> Row:
    rows = [row for row in tables["result.drive_metrics"] if row["drive_id"] in ids]
    controlled = [row for row in rows if row["longitudinal_s"] is not None]
    engaged = [row for row in rows if row["engaged_s"] > 0]
    n_clean = sum(row["n_interventions"] == 0 for row in engaged)
    wilson = (
        stats.binomtest(n_clean, len(engaged)).proportion_ci(method="wilson") if engaged else None
    )
    stretches = [
        row["engaged_km"] for row in tables["result.clean_stretches"] if row["drive_id"] in ids
    ]
    known_s = total(rows, "known_s")
    steps = survival(*lengths_of(ids, tables))
    lower_s, upper_s = median_limits(ids, tables, steps)
    overridden_s = total(rows, "override_s")
    return exposure_of(rows, known_km=total(rows, "known_km")) | {
        "moving_engaged_fraction": share(total(rows, "moving_engaged_s"), total(rows, "moving_s")),
        "lateral_only_fraction": share(total(rows, "lateral_only_s"), known_s),
        "longitudinal_fraction": share(
            total(controlled, "longitudinal_s"), total(controlled, "known_s")
        ),
        "override_fraction": share(overridden_s, known_s),
        "engaged_not_overriding_fraction": share(total(rows, "engaged_s") - overridden_s, known_s),
        "n_engaged_drives": len(engaged),
        "n_clean_drives": n_clean,
        "clean_drive_fraction": share(n_clean, len(engaged)),
        "clean_drive_fraction_lower": wilson and float(wilson.low),
        "clean_drive_fraction_upper": wilson and float(wilson.high),
        "longest_clean_km": max(stretches, default=None),
        "n_engagements": int(total(rows, "n_engagements")),
        "engagement_median_s": median_of(steps, "survival_fraction"),
        "engagement_median_lower_s": lower_s,
        "engagement_median_upper_s": upper_s,
    }


def total(rows: list[Row], name: str) -> float:
    return math.fsum(row[name] for row in rows)


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def median_of(steps: list[Row], name: str) -> float | None:
    """Where a curve comes down to a half, rounding aside."""
    down = (s["duration_s"] for s in steps if s[name] is not None and s[name] <= 0.5 + 1e-12)
    return min(down, default=None)


def median_limits(ids: set[int], tables: Tables, steps: list[Row]) -> tuple[Any, Any]:
    """Where the curve comes down to the limits of a half, by how it moves with each drive's weight.

    The derivatives are taken numerically: the curve at the median with one drive a bit heavier.
    """
    by_drive = {one: lengths_of({one}, tables) for one in sorted(ids)}
    drives = [(ended, censored) for ended, censored in by_drive.values() if ended or censored]
    if len(drives) < MEDIAN_MIN_DRIVES or not steps:
        return None, None
    median_s = median_of(steps, "survival_fraction") or steps[-1]["duration_s"]
    moved = []
    for number in range(len(drives)):
        up, down = (
            log_survival(drives, median_s, {number: 1 + change}) for change in (1e-4, -1e-4)
        )
        moved.append((up - down) / 2e-4)
    n_drives = len(drives)
    variance = n_drives / (n_drives - 1) * math.fsum(move**2 for move in moved)
    reach = stats.t.ppf(0.975, n_drives - 1) * math.sqrt(variance) / math.log(2)
    limits = []
    for sign in (-1, 1):
        fraction = 0.5 ** math.exp(sign * reach)
        down_to = (s["duration_s"] for s in steps if s["survival_fraction"] <= fraction)
        limits.append(min(down_to, default=None))
    return limits[0], limits[1]


def log_survival(
    drives: list[tuple[list[float], list[float]]], until_s: float, weights: dict[int, float]
) -> float:
    """Minus the summed hazard of ends, drives weighed: what moves with the curve's logarithm."""
    everyone = [
        (length, is_end, weights.get(number, 1.0))
        for number, lengths in enumerate(drives)
        for is_end, some in zip((True, False), lengths, strict=True)
        for length in some
    ]
    return -math.fsum(
        weight / math.fsum(other for longer, _, other in everyone if longer >= length)
        for length, is_end, weight in everyone
        if is_end and length <= until_s
    )
