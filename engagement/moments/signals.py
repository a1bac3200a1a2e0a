"""What may stand in an expression: columns of `samples`, and words for what openpilot does."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from engagement.moments.expressions import Comparison, Condition, Junction, Signal, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from engagement.moments.expressions import Sort

    Rows = Callable[[str], list[dict[str, Any]]]

SERVICES = ("car", "control", "curvature", "lead", "gps", "plan", "model", "driver")
MODES = ("engaged", "lateral_only", "pre_enabled", "manual")
_STATE = ("mode", "lateral_active", "longitudinal_active")
_OVERRIDES = ("is_lateral_override", "is_longitudinal_override")
# What `services_at` computes, and the services that it computes it from.
_COMPUTED = {
    # At every tick at which anything is known.
    "is_lead_known": (*SERVICES, "state"),
    **dict.fromkeys((*_STATE, *_OVERRIDES), ("state",)),
    "lead_ttc_s": ("lead",),
    "lead_thw_s": ("lead", "car"),
    "lateral_acceleration_mps2": ("curvature", "car"),
    "looks_planned": ("car",),
}
# When a number is known to be none: where what it is computed from is there.
_ABSENT = {
    "lead_ttc_s": (
        "not is_lead_present or "
        "(lead_ttc_s is null and lead_d_rel_m is not null and lead_v_rel_mps is not null)"
    ),
    "lead_thw_s": (
        "not is_lead_present or "
        "(lead_thw_s is null and lead_d_rel_m is not null and v_ego_mps is not null)"
    ),
}
_SORTS: Mapping[str, Sort] = {"VARCHAR": "text", "BOOLEAN": "flag"}
_COLUMNS = """
select distinct table_name, column_name, data_type
from duckdb_columns()
where schema_name = 'main' and (table_name = 'samples' or ends_with(table_name, '_samples'))
order by all
"""


def known_signals(read_rows: Rows) -> dict[str, Signal]:
    """The columns of a database's `samples` that an expression may name.

    Args:
        read_rows: Asks the database.
    """
    rows = read_rows(_COLUMNS)
    types = {r["column_name"]: r["data_type"] for r in rows if r["table_name"] == "samples"}
    of_services = [
        (row["column_name"], row["table_name"].removesuffix("_samples"))
        for row in rows
        if row["table_name"].removesuffix("_samples") in SERVICES
    ]
    n_services = Counter(name for name, _ in of_services)
    services: dict[str, tuple[str, ...]] = {name: (service,) for name, service in of_services}
    services |= _COMPUTED
    return {
        name: Signal(name, _SORTS.get(kind, "number"), frozenset(services[name]), _absent(name))
        for name, kind in types.items()
        if name in services and n_services[name] <= 1  # others say of each message where it is
    }


def _absent(name: str) -> str:
    if name in _ABSENT:
        return _ABSENT[name]
    is_of_lead = name.startswith("lead_") or name == "is_lead_radar"
    return "not is_lead_present" if is_of_lead else ""


def known_words(signals: Mapping[str, Signal]) -> dict[str, Condition]:
    """Words that stand for conditions: modes, and short names of some columns."""
    if "mode" not in signals:
        return {}
    modes: dict[str, Condition] = {
        mode: Comparison("=", signals["mode"], Text(mode)) for mode in MODES
    }
    return modes | {
        "assisted": Junction("or", modes["engaged"], modes["lateral_only"]),
        "planned": signals["looks_planned"],
    }
