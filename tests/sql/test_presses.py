"""Presses of the wheel that more than one source tells of, or that are no taking over."""

from __future__ import annotations

from typing import Any

from tests.computing import compute, rows
from tests.oracles import metrics
from tests.unsound_drives import SECOND_NS, START_NS, add, between, sound_drive

Row = dict[str, Any]

FLAGS = (
    "enable", "user_disable", "soft_disable", "immediate_disable", "override_lateral",
    "override_longitudinal",
)  # fmt: skip


def press(tables, start_s, end_s):
    """Let carState say that the wheel is pressed, where it says anything then."""
    for row in tables["car_state"]:
        row["steering_pressed"] = between(start_s, end_s)(row)


def list_override(tables, start_s, end_s):
    """Let lists of events, one a second, hold the wheel's override from start to end."""
    for second in range(start_s, end_s + 1):
        row: Row = {"drive_id": 1, "segment_num": second // 20, "message_num": 10_000 + second}
        row |= {"mono_ns": START_NS + 1 + second * SECOND_NS, "source": "onroadEvents"}
        is_on = second < end_s
        row |= {"name": "steerOverride" if is_on else None} | dict.fromkeys(FLAGS, False)
        add(tables, "car_event", row | {"override_lateral": is_on})


def test_a_press_that_is_carried_in_and_told_by_two_sources_is_one(connection):
    tables = sound_drive()
    press(tables, 6, 14)
    list_override(tables, 6, 14)
    # The lists tell of it while carState is missing, which is back before the engagement begins.
    tables["car_state"] = [row for row in tables["car_state"] if not between(5, 8)(row)]

    compute(connection, tables, "overrides", "events")

    expected = metrics.compute(tables)["overrides"]
    assert [row["is_carried_in"] for row in expected] == [True]
    query = "select start_mono_ns, end_mono_ns, is_carried_in from overrides"
    assert rows(connection, query) == [
        {name: row[name] for name in ("start_mono_ns", "end_mono_ns", "is_carried_in")}
        for row in expected
    ]
    assert len(rows(connection, "from events where kind = 'lateral_override'")) == 1
