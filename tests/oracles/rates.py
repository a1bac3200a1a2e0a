"""Rates of groups of drives, by brute force, with scipy.stats for the limits."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any

from scipy import stats

from tests.oracles.group_counts import (
    EVENTS,
    drive_groups,
    event_counts,
    members_of,
    speed_bands,
)
from tests.oracles.groups import engagement_lengths, groups

if TYPE_CHECKING:
    from tests.oracles.group_counts import Row, Tables

DISPERSION_MAX = 1.5


def compute(tables: Tables) -> Tables:
    """The rows of every view of groups, those of the drives included."""
    memberships = drive_groups(tables)
    counts = event_counts(tables)
    bands = speed_bands(tables)
    return {
        "event_counts": counts,
        "speed_bands": bands,
        "drive_groups": memberships,
        "rates": rates(memberships, counts, bands),
        "mtbf": mtbf(memberships, tables),
        "engagement_lengths": engagement_lengths(memberships, tables),
        "groups": groups(memberships, bands, tables),
    }


def rates(memberships: list[Row], counts: list[Row], bands: list[Row]) -> list[Row]:
    found = []
    for (grouped_by, group_name), drives in members_of(memberships).items():
        found += group_rates(drives, counts, (grouped_by, group_name))
    everything = [row for row in memberships if row["grouped_by"] == "all"]
    for band in ("city", "road", "highway", "unknown"):
        in_band = [row for row in counts if row["speed_band"] == band]
        exposures = {row["drive_id"]: row for row in bands if row["speed_band"] == band}
        there = exposures.keys() | {row["drive_id"] for row in in_band}
        nothing = dict.fromkeys(
            ("engaged_s", "engaged_km", "lateral_only_s", "lateral_only_km"), 0.0
        )
        drives = [
            row | {name: exposures.get(row["drive_id"], nothing)[name] for name in nothing}
            for row in everything
            if row["drive_id"] in there
        ]
        if drives:
            found += group_rates(drives, in_band, ("speed_band", band))
    return found


MODES = {
    "engaged": ("engaged",),
    "lateral_only": ("lateral_only",),
    "assisted": ("engaged", "lateral_only"),
}


def group_rates(drives: list[Row], counts: list[Row], group: tuple[str, str]) -> list[Row]:
    found = []
    for event, (mode, modes) in product(EVENTS, MODES.items()):
        of_event = [row for row in counts if row["event"] == event and row["mode"] in modes]
        n_by_drive = [
            sum(row["n_events"] for row in of_event if row["drive_id"] == drive["drive_id"])
            for drive in drives
        ]
        hours = [sum(drive[f"{name}_s"] or 0 for name in modes) / 3600 for drive in drives]
        kilometres = [sum(drive[f"{name}_km"] or 0 for name in modes) for drive in drives]
        row = {
            "grouped_by": group[0],
            "group_name": group[1],
            "mode": mode,
            "event": event,
            "n_drives": len(drives),
            "n_qlog_drives": sum(drive["log_kind"] != "rlog" for drive in drives),
            "n_events": sum(n_by_drive),
            "exposure_h": math.fsum(hours),
            "exposure_km": math.fsum(kilometres),
        }
        hundreds = [km / 100 for km in kilometres]
        for unit, exposures in (("per_hour", hours), ("per_100km", hundreds)):
            names = (
                unit,
                *(f"{unit}_{part}" for part in ("lower", "upper", "dispersion", "interval")),
            )
            row |= dict(zip(names, rate_of(n_by_drive, exposures), strict=True))
        found.append(row)
    return found


def rate_of(counts: list[int], exposures: list[float]) -> tuple[Any, ...]:
    """Rate, lower and upper limit, dispersion, kind of interval."""
    n, exposure = sum(counts), math.fsum(exposures)
    if not exposure:
        return (None,) * 5
    rate = n / exposure
    pairs = [(x, rate * e) for x, e in zip(counts, exposures, strict=True) if e > 0]
    pearson = None
    if sum(x for x, _ in pairs) and len(pairs) > 1:
        pearson = math.fsum((x - mu) ** 2 / mu for x, mu in pairs) / (len(pairs) - 1)
    if pearson is None or pearson < DISPERSION_MAX:
        lower, upper = poisson_limits(n)
        return rate, lower / exposure, upper / exposure, pearson, "poisson"
    factor = quasi_poisson_factor(pairs, n)
    return rate, rate / factor, rate * factor, pearson, "quasi_poisson"


def quasi_poisson_factor(pairs: list[tuple[float, float]], n: float) -> float:
    """What the rate is divided by and multiplied with; pairs are counts and their expectations."""
    n_degrees = len(pairs) - 1
    pearson = math.fsum((x - mu) ** 2 / mu for x, mu in pairs) / n_degrees
    of_the_sum = math.fsum((x - mu) ** 2 for x, mu in pairs) * len(pairs) / n_degrees / n
    exponent = stats.t.ppf(0.975, n_degrees) * math.sqrt(max(pearson, of_the_sum) / n)
    return math.exp(min(exponent, 300))  # beyond any rate, and still a number


def poisson_limits(n: int) -> tuple[float, float]:
    """Garwood's, by the quantiles of chi-square."""
    lower = stats.chi2.ppf(0.025, 2 * n) / 2 if n else 0.0
    return float(lower), float(stats.chi2.ppf(0.975, 2 * n + 2) / 2)


def mtbf(memberships: list[Row], tables: Tables) -> list[Row]:
    mine = {row["drive_id"] for row in memberships}
    failures = [
        row
        for row in tables["result.disengagements"]
        if row["drive_id"] in mine
        and row["mode"] == "engaged"
        and row["cause"] in ("system_immediate", "system_soft")
    ]
    found = []
    for (grouped_by, group_name), drives in members_of(memberships).items():
        ids = {row["drive_id"] for row in drives}
        engaged_h = math.fsum((row["engaged_s"] or 0) / 3600 for row in drives)
        for event in {row["cause_event"] for row in failures} | {"any"}:
            n = sum(
                row["drive_id"] in ids and event in (row["cause_event"], "any") for row in failures
            )
            lower, upper = poisson_limits(n)
            found.append(
                {
                    "grouped_by": grouped_by,
                    "group_name": group_name,
                    "event": event,
                    "n_failures": n,
                    "engaged_h": engaged_h,
                    "mtbf_h": engaged_h / n if n and engaged_h else None,
                    "mtbf_lower_h": engaged_h / upper if engaged_h else None,
                    "mtbf_upper_h": engaged_h / lower if n and engaged_h else None,
                }
            )
    return found
