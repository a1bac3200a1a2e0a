"""What the logs say around a moment, beside samples: events in force, buttons and alerts.

These are what the cause of a disengagement is read from. Times are seconds from the drive's first
sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engagement.store.query_types import Queryable
    from engagement.store.samples import Window

_FLAGS = (
    "enable",
    "no_entry",
    "warning",
    "user_disable",
    "soft_disable",
    "immediate_disable",
    "pre_enable",
    "permanent",
    "override_lateral",
    "override_longitudinal",
)
_WHERE = """
where drive_id = $drive_id and mono_ns >= $start_ns and mono_ns < $end_ns
order by mono_ns, segment_num, message_num
"""
_TIME = "(mono_ns - $first_mono_ns) / 1e9 as time_s"


def events_in_force(reader: Queryable, part: Window) -> list[dict[str, Any]]:
    """Each event of each message: its time, its name, and the flags that it has."""
    flags = ", ".join(f"case when {flag} then '{flag}' end" for flag in _FLAGS)
    return _rows(
        reader,
        part,
        f"select {_TIME}, name, source, "
        f"list_filter([{flags}], lambda flag: flag is not null) as flags from log.car_event "
        f"{_WHERE.replace('order', 'and name is not null order')}",
    )


def buttons(reader: Queryable, part: Window) -> list[dict[str, Any]]:
    """Each button that was pressed or let go of."""
    query = f"select {_TIME}, button, pressed as is_pressed from log.button_event {_WHERE}"
    return _rows(reader, part, query)


def states(reader: Queryable, part: Window) -> list[dict[str, Any]]:
    """What openpilot was doing, from the interval that the window begins in."""
    return _rows(
        reader,
        part,
        "select (start_mono_ns - $first_mono_ns) / 1e9 as start_s, "
        "(end_mono_ns - $first_mono_ns) / 1e9 as end_s, mode, enabled, active, lateral_active, "
        "longitudinal_active from result.state_intervals where drive_id = $drive_id "
        "and start_mono_ns < $end_ns and end_mono_ns > $start_ns order by start_mono_ns",
    )


def alerts(reader: Queryable, part: Window) -> list[dict[str, Any]]:
    """The alerts that were up."""
    return _rows(
        reader,
        part,
        "select (start_mono_ns - $first_mono_ns) / 1e9 as time_s, "
        "(end_mono_ns - start_mono_ns) / 1e9 as duration_s, alert_type, text1, text2, alert_status "
        "from result.alerts where drive_id = $drive_id "
        "and start_mono_ns < $end_ns and end_mono_ns > $start_ns order by start_mono_ns",
    )


def _rows(reader: Queryable, part: Window, query: str) -> list[dict[str, Any]]:
    values = {
        "drive_id": part.drive_id,
        "first_mono_ns": part.first_mono_ns,
        "start_ns": part.start_ns,
        "end_ns": part.end_ns,
    }
    return reader.rows(query, values)
