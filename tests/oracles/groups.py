"""What groups of drives were like, by brute force, with scipy.stats for curves and limits."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from scipy import stats

from tests.oracles.group_counts import happened_in, members_of, part_at

MEDIAN_MIN_DRIVES = 8

if TYPE_CHECKING:
    from tests.oracles.group_counts import Row, Tables


def lengths_of(cells: list[Row], tables: Tables) -> tuple[list[float], list[float]]:
    """How long engagements lasted that ended in a disengagement, and those that are censored."""
    mine = happened_in(
        [cell for cell in cells if cell["speed_band"] is None],
        [
            row | where(row, tables)
            for row in tables["result.engagements"]
            if row["mode"] == "engaged" and row["start_kind"] != "unknown"
        ],
    )
    ended = [row["duration_s"] for row in mine if row["end_kind"] == "disengagement"]
    return ended, [row["duration_s"] for row in mine if row["end_kind"] != "disengagement"]


def where(engagement: Row, tables: Tables) -> Row:
    """The part in which an engagement began; its speed changes, so it is at none."""
    part_num = part_at(tables, engagement["drive_id"], engagement["start_mono_ns"])
    return {"part_num": part_num, "speed_band": None}


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


def engagement_lengths(cells: list[Row], tables: Tables) -> list[Row]:
    found = []
    for (grouped_by, group_name), mine in members_of(cells).items():
        group = {"grouped_by": grouped_by, "group_name": group_name}
        found += [group | row for row in survival(*lengths_of(mine, tables))]
    return found


def groups(cells: list[Row], memberships: list[Row], tables: Tables) -> list[Row]:
    found = []
    in_group = members_of(cells)
    for group, drives in members_of(memberships).items():
        row = {"grouped_by": group[0], "group_name": group[1]} | sizes_of(drives)
        row |= exposure_of(drives) | group_of(drives, in_group[group], tables)
        found.append(row)
    return found


def sizes_of(drives: list[Row]) -> Row:
    return {
        "n_drives": len(drives),
        "n_qlog_drives": sum(drive["log_kind"] in ("qlog", "mixed") for drive in drives),
        "n_imported_drives": sum(drive["is_imported"] for drive in drives),
    }


def exposure_of(rows: list[Row]) -> Row:
    known_s, engaged_s = total(rows, "known_s"), total(rows, "engaged_s")
    overridden = told(rows, "override_s")
    known_told_s, override_s = total(overridden, "known_s"), total(overridden, "override_s")
    return {
        "known_h": known_s / 3600,
        "engaged_h": engaged_s / 3600,
        "distance_km": total(rows, "distance_km"),
        "engaged_km": total(rows, "engaged_km"),
        "engaged_fraction": share(engaged_s, known_s),
        "distance_engaged_fraction": share(total(rows, "engaged_km"), total(rows, "known_km")),
        "moving_engaged_fraction": share(total(rows, "moving_engaged_s"), total(rows, "moving_s")),
        "lateral_only_fraction": share_of_known(rows, "lateral_only_s"),
        "longitudinal_fraction": share_of_known(rows, "longitudinal_s"),
        "motion_coverage": share_of_known(rows, "speed_known_s"),
        "override_fraction": share_of_known(rows, "override_s"),
        "engaged_not_overriding_fraction": share(
            total(overridden, "engaged_s") - override_s, known_told_s
        ),
    }


def told(rows: list[Row], name: str) -> list[Row]:
    return [row for row in rows if row[name] is not None]


def share_of_known(rows: list[Row], name: str) -> float | None:
    """The share of the known time of those drives that tell of it."""
    known = told(rows, name)
    return share(total(known, name), total(known, "known_s"))


def group_of(drives: list[Row], cells: list[Row], tables: Tables) -> Row:
    """What only drives with logs, whole or in part, have: at some speed it is None."""
    is_of_speed = any(row["is_of_speed"] for row in drives)
    engaged = [
        row for row in drives if (row["engaged_s"] or 0) > 0 and row["n_interventions"] is not None
    ]
    n_clean = sum(row["n_interventions"] == 0 for row in engaged)
    wilson = (
        stats.binomtest(n_clean, len(engaged)).proportion_ci(method="wilson") if engaged else None
    )
    whole = {row["drive_id"] for row in drives if row["is_whole"]}
    stretches = [
        row["engaged_km"] for row in tables["result.clean_stretches"] if row["drive_id"] in whole
    ]
    steps = survival(*lengths_of(cells, tables))
    lower_s, upper_s = median_limits(cells, tables, steps)
    begun = told(drives, "n_engagements")
    return {
        "n_engaged_drives": None if is_of_speed else len(engaged),
        "n_clean_drives": None if is_of_speed else n_clean,
        "clean_drive_fraction": share(n_clean, len(engaged)),
        "clean_drive_fraction_lower": wilson and float(wilson.low),
        "clean_drive_fraction_upper": wilson and float(wilson.high),
        "longest_clean_km": max(stretches, default=None),
        "n_engagements": int(total(begun, "n_engagements")) if begun else None,
        "engagement_median_s": median_of(steps, "survival_fraction"),
        "engagement_median_lower_s": lower_s,
        "engagement_median_upper_s": upper_s,
        "engagement_median_bias": median_bias(cells, tables),
    }


def total(rows: list[Row], name: str) -> float:
    return math.fsum(row[name] or 0 for row in rows)


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def median_of(steps: list[Row], name: str) -> float | None:
    """Where a curve comes down to a half, rounding aside."""
    down = (s["duration_s"] for s in steps if s[name] is not None and s[name] <= 0.5 + 1e-12)
    return min(down, default=None)


def median_limits(cells: list[Row], tables: Tables, steps: list[Row]) -> tuple[Any, Any]:
    """Where the curve comes down to the limits of a half, by how it moves with each drive's weight.

    The derivatives are taken numerically: the curve at the median with one drive a bit heavier.
    """
    drives = lengths_by_drive(cells, tables)
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


def lengths_by_drive(cells: list[Row], tables: Tables) -> list[tuple[list[float], list[float]]]:
    """`lengths_of` each drive that has engagements."""
    names = ("result.engagements", "result.part_spans")
    drives = []
    for one in sorted({cell["drive_id"] for cell in cells}):
        own = {name: [row for row in tables[name] if row["drive_id"] == one] for name in names}
        ended, censored = lengths_of([cell for cell in cells if cell["drive_id"] == one], own)
        drives += [(ended, censored)] * bool(ended or censored)
    return drives


def median_bias(cells: list[Row], tables: Tables) -> str | None:
    """Whether ends and cuts of drives go together: each counted against what all drives would have.

    Of equal lengths ends come first.
    """
    drives = lengths_by_drive(cells, tables)
    if len(drives) < MEDIAN_MIN_DRIVES or not any(ended for ended, _ in drives):
        return None
    everyone = sorted(
        (length, is_cut)
        for lengths in drives
        for is_cut, some in enumerate(lengths)
        for length in some
    )

    def expected(until: tuple[float, int], is_cut: int) -> float:
        return math.fsum(
            1 / sum(other >= one for other in everyone)
            for one in everyone
            if one <= until and one[1] == is_cut
        )

    products = []
    for lengths in drives:
        own = [(length, is_cut) for is_cut, some in enumerate(lengths) for length in some]
        surplus = [
            len(some) - math.fsum(expected(one, is_cut) for one in own)
            for is_cut, some in enumerate(lengths)
        ]
        products.append(math.prod(surplus))
    size = math.sqrt(math.fsum(product**2 for product in products))
    if abs(math.fsum(products)) <= size * stats.t.ppf(0.975, len(drives) - 1):
        return None
    return "too long" if math.fsum(products) > 0 else "too short"


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
