"""What may stand in an expression: columns of `samples`, and words for what openpilot does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.find.expressions import Comparison, Condition, Junction, Signal, Text
from engagement.store.views import OF_MESSAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement.find.expressions import Sort
    from engagement.store.query_types import Queryable

SERVICES = ("car", "control", "curvature", "lead", "gps")
MODES = ("engaged", "lateral_only", "pre_enabled", "manual")
_STATE = ("mode", "lateral_active", "longitudinal_active")
_OVERRIDES = ("is_lateral_override", "is_longitudinal_override")
# What `services_at` computes, and the services that it computes it from.
_COMPUTED = {
    "is_lead_known": ("lead",),
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
select table_name, column_name, data_type
from duckdb_columns()
where schema_name = 'main' and (table_name = 'samples' or ends_with(table_name, '_samples'))
order by table_name, column_index
"""


def known_signals(reader: Queryable) -> dict[str, Signal]:
    """The columns of a database's `samples` that an expression may name."""
    rows = reader.rows(_COLUMNS)
    types = {r["column_name"]: r["data_type"] for r in rows if r["table_name"] == "samples"}
    services: dict[str, tuple[str, ...]] = {
        row["column_name"]: (row["table_name"].removesuffix("_samples"),)
        for row in rows
        if row["table_name"].removesuffix("_samples") in SERVICES
    }
    services |= _COMPUTED
    return {
        name: Signal(name, _SORTS.get(kind, "number"), frozenset(services[name]), _absent(name))
        for name, kind in types.items()
        if name not in OF_MESSAGES and name in services
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
