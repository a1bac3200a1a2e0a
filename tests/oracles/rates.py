"""Rates of groups of drives, by brute force, with scipy.stats for the limits."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any

from scipy import stats

from tests.oracles.group_counts import (
    EVENTS,
    LEGACY_EVENTS,
    SINGLE,
    drive_groups,
    drive_parts,
    event_counts,
    happened_in,
    imported_bands,
    legacy_counts,
    members_of,
    part_at,
    part_bands,
    part_groups,
    speed_bands,
)
from tests.oracles.groups import engagement_lengths, groups

if TYPE_CHECKING:
    from tests.oracles.group_counts import Row, Tables

SHIPPED_DISPERSION = 6.0
DISPERSION_DEGREES = 8.0
OTHER_MIN_DRIVES = 30


def compute(tables: Tables, *crossed: tuple[str, ...], others: Tables | None = None) -> Tables:
    """The rows of every view of groups, those of the drives included.

    With `crossed` only the groups of these groupings. `others` has drives of the database that are
    in no group, with the counts of all.
    """
    cells = part_groups(tables, *(crossed or [(name,) for name in SINGLE]))
    memberships = drive_groups(cells)
    others = others or tables
    with_imported = drive_groups(part_groups(others, ("all",)))
    everything = [row for row in with_imported if not row["is_imported"]]
    counts = event_counts(tables)
    own = [row for row in memberships if not row["is_imported"]]
    return {
        "event_counts": counts,
        "speed_bands": speed_bands(tables)
        + [{k: v for k, v in row.items() if k != "part_num"} for row in imported_bands(tables)],
        "part_bands": part_bands(tables),
        "drive_parts": drive_parts(tables),
        "drive_groups": memberships,
        "rates": rates(cells, own, counts, everything, event_counts(others))
        + legacy_rates(memberships, legacy_counts(tables), with_imported, legacy_counts(others)),
        "mtbf": mtbf(cells, own, tables, everything, others),
        "engagement_lengths": engagement_lengths(cells, tables),
        "groups": groups(cells, memberships, tables),
    }


Pairs = list[tuple[float, float]]  # counts and exposures of drives, which have exposure


def rates(
    cells: list[Row],
    memberships: list[Row],
    counts: list[Row],
    everything: list[Row],
    all_counts: list[Row],
) -> list[Row]:
    """Rates of every group; `everything` and `all_counts` are of all drives of the database."""
    found = []
    in_group = members_of(cells)
    for group, drives in members_of(memberships).items():
        own = happened_in(in_group[group], counts)
        found += group_rates(drives, own, group, others_of(drives, everything), all_counts)
    return found


def legacy_rates(
    memberships: list[Row], counts: list[Row], everything: list[Row], all_counts: list[Row]
) -> list[Row]:
    """Rates of what the old system counted, over the whole drives in which it could."""
    found = []
    for event in LEGACY_EVENTS:
        own = [row for row in counts if row["event"] == event]
        told = {row["drive_id"] for row in own}
        told_of_all = {row["drive_id"] for row in all_counts if row["event"] == event}
        whole = [row for row in everything if row["drive_id"] in told_of_all]
        drives = [row for row in memberships if row["is_whole"] and row["drive_id"] in told]
        for group, members in members_of(drives).items():
            ids = {row["drive_id"] for row in members}
            mine = [row for row in own if row["drive_id"] in ids]
            others = others_of(members, whole)
            rows = group_rates(members, mine, group, others, all_counts, events=(event,))
            found += [row for row in rows if row["mode"] == "engaged"]
    return found


def others_of(drives: list[Row], everything: list[Row]) -> list[Row]:
    own = {row["drive_id"] for row in drives}
    return [row for row in everything if row["drive_id"] not in own]


MODES = {
    "engaged": ("engaged",),
    "lateral_only": ("lateral_only",),
    "assisted": ("engaged", "lateral_only"),
}
UNITS = {"per_hour": ("s", 3600), "per_100km": ("km", 100)}


def group_rates(
    drives: list[Row],
    counts: list[Row],
    group: tuple[str, str],
    others: list[Row],
    other_counts: list[Row],
    *,
    events: tuple[str, ...] = EVENTS,
) -> list[Row]:
    found = []
    for event, (mode, modes) in product(events, MODES.items()):
        row = {
            "grouped_by": group[0],
            "group_name": group[1],
            "mode": mode,
            "event": event,
            "n_drives": len(drives),
            "n_qlog_drives": sum(drive["log_kind"] in ("qlog", "mixed") for drive in drives),
        }
        for unit, (suffix, size) in UNITS.items():
            own = counted(drives, counts, event, modes, (suffix, size))
            beside = counted(others, other_counts, event, modes, (suffix, size))
            row |= {
                "n_events": sum(x for x, _ in own),
                f"exposure_{'h' if suffix == 's' else 'km'}": math.fsum(e for _, e in own)
                * (1 if suffix == "s" else 100),
            }
            row |= {f"{unit}{name}": value for name, value in rate_of(own, beside).items()}
        found.append(row)
    return found


def counted(
    drives: list[Row],
    counts: list[Row],
    event: str,
    modes: tuple[str, ...],
    unit: tuple[str, float],
) -> Pairs:
    """How often it happened in each drive, and in what exposure."""
    suffix, size = unit
    n_by_drive: dict[int, int] = {}
    for row in counts:
        if row["event"] == event and row["mode"] in modes:
            drive_id = row["drive_id"]
            n_by_drive[drive_id] = n_by_drive.get(drive_id, 0) + row["n_events"]
    return [
        (
            n_by_drive.get(drive["drive_id"], 0),
            sum(drive[f"{mode}_{suffix}"] or 0 for mode in modes) / size,
        )
        for drive in drives
    ]


def rate_of(drives: Pairs, others: Pairs) -> dict[str, Any]:
    """Rate, limits, dispersion and where that is from: Garwood's limits of the scaled count."""
    names = ("", "_lower", "_upper", "_dispersion", "_dispersion_source")
    n, exposure = sum(x for x, _ in drives), math.fsum(e for _, e in drives)
    if not exposure:
        return dict.fromkeys(names)
    exposed = [pair for pair in drives if pair[1] > 0]
    beside = [pair for pair in others if pair[1] > 0]
    is_known = len(beside) >= OTHER_MIN_DRIVES and any(x for x, _ in beside)
    other = max(dispersion_of(beside) or 1.0, 1.0) if is_known else SHIPPED_DISPERSION
    mean = max(sum(x for x, _ in exposed), 0.5) / len(exposed)
    own = dispersion_of(exposed)
    own = other if own is None else own
    alike = max(own, 1.0) if not is_known and len(exposed) >= OTHER_MIN_DRIVES else other
    kurtosis = 6 * (alike - 1) / mean + 1 / (mean * alike)
    n_degrees = (len(exposed) - 1) * 2 / (2 + 0.3 * kurtosis)
    together = n_degrees + DISPERSION_DEGREES
    dispersion = max((n_degrees * own + DISPERSION_DEGREES * other) / together, 1.0)
    scale = dispersion * (stats.t.ppf(0.975, together) / stats.norm.ppf(0.975)) ** 2
    lower, upper = poisson_limits(n / scale)
    lower = lower if n / scale >= 0.25 else 0.0
    values = (
        n / exposure,
        lower * scale / exposure,
        upper * scale / exposure,
        dispersion,
        "database" if is_known else "shipped",
    )
    return dict(zip(names, values, strict=True))


def dispersion_of(drives: Pairs) -> float | None:
    """The greater of Pearson's dispersion and that of the sum, about the drives' own rate."""
    n = sum(x for x, _ in drives)
    if len(drives) < 2 or not n:
        return None
    rate = n / math.fsum(e for _, e in drives)
    n_degrees = len(drives) - 1
    pearson = math.fsum((x - rate * e) ** 2 / (rate * e) for x, e in drives) / n_degrees
    of_the_sum = math.fsum((x - rate * e) ** 2 for x, e in drives) / n * len(drives) / n_degrees
    return max(pearson, of_the_sum)


def poisson_limits(n: float) -> tuple[float, float]:
    """Garwood's, by the quantiles of the gamma distribution."""
    lower = stats.gamma.ppf(0.025, n) if n else 0.0
    return float(lower), float(stats.gamma.ppf(0.975, n + 1))


def mtbf(
    cells: list[Row],
    memberships: list[Row],
    tables: Tables,
    everything: list[Row],
    all_tables: Tables,
) -> list[Row]:
    in_group = members_of(cells)
    failures, all_failures = failures_of(tables), failures_of(all_tables)
    kinds = {row["event"] for row in happened_in(cells, failures)} | {"any"}
    found = []
    for (grouped_by, group_name), drives in members_of(memberships).items():
        if any(row["is_of_speed"] for row in drives):
            continue
        others = others_of(drives, everything)
        mine = happened_in(in_group[grouped_by, group_name], failures)
        for event in kinds:
            own, beside = (
                counted(some, of, event, ("engaged",), UNITS["per_hour"])
                for some, of in ((drives, mine), (others, all_failures))
            )
            n, engaged_h = sum(x for x, _ in own), math.fsum(e for _, e in own)
            rate = rate_of(own, beside)
            found.append(
                {
                    "grouped_by": grouped_by,
                    "group_name": group_name,
                    "event": event,
                    "n_failures": n,
                    "engaged_h": engaged_h,
                    "mtbf_h": engaged_h / n if n and engaged_h else None,
                    "mtbf_lower_h": turned_over(rate["_upper"]),
                    "mtbf_upper_h": turned_over(rate["_lower"]),
                    "dispersion": rate["_dispersion"],
                    "dispersion_source": rate["_dispersion_source"],
                }
            )
    return found


def failures_of(tables: Tables) -> list[Row]:
    return [
        {
            "drive_id": row["drive_id"],
            "part_num": part_at(tables, row["drive_id"], row["mono_ns"]),
            "speed_band": None,
            "event": event,
            "mode": "engaged",
            "n_events": 1,
        }
        for row in tables["result.end_causes"]
        if row["mode"] == "engaged" and row["cause"] in ("system_immediate", "system_soft")
        for event in (row["cause_event"], "any")
    ]


def turned_over(limit: float | None) -> float | None:
    return 1 / limit if limit else None
