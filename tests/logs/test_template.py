"""Stamped messages are the ones that pycapnp builds from the same values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.logs.schema import load_schema
from engagement.logs.template import Stamper
from engagement.logs.writer import EventBuilder


def read(raw):
    return list(load_schema().event.read_multiple_bytes(raw))


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 2**62),
            st.floats(width=32, allow_nan=False),
            st.booleans(),
            st.booleans(),
            st.integers(0, 9),
        ),
        max_size=8,
    )
)
def test_stamped_events_equal_built_ones(rows):
    base = {"gearShifter": "park", "standstill": True, "cruiseState": {"speed": 3.0}}
    times, speeds, standstill, enabled, gears = zip(*rows, strict=True) if rows else [()] * 5
    stamped = Stamper().events(
        "carState",
        times,
        base,
        {
            "vEgo": speeds,
            "standstill": standstill,
            "cruiseState.enabled": enabled,
            "gearShifter": gears,
        },
    )
    builder = EventBuilder()
    built = [
        builder.event(
            "carState",
            time,
            {
                "gearShifter": gear,
                "standstill": still,
                "cruiseState": {"speed": 3.0, "enabled": on},
                "vEgo": speed,
            },
        )
        for time, speed, still, on, gear in rows
    ]
    assert stamped == built


def test_defaults_other_than_zero_are_written_and_read():
    raw = Stamper().events("radarState", [1, 2], {"leadOne": {}}, {"leadOne.radarTrackId": [-1, 7]})
    assert [event.radarState.leadOne.radarTrackId for event in read(b"".join(raw))] == [-1, 7]
    raw = Stamper().events("liveParameters", [1, 2], {}, {"steerRatioValid": [True, False]})
    assert [event.liveParameters.steerRatioValid for event in read(b"".join(raw))] == [True, False]


def test_stamped_can_equals_built_can():
    frames = [(0x165, 0), (0x22F, 1), (0x4F0, 2)]
    payloads = np.arange(2 * 3 * 8, dtype=np.uint8).reshape(2, 3, 8)
    stamped = Stamper().can([10, 20], frames, payloads)
    builder = EventBuilder()
    assert stamped == [
        builder.can(time, [(*frame, bytes(row)) for frame, row in zip(frames, rows, strict=True)])
        for time, rows in zip([10, 20], payloads, strict=True)
    ]


def test_a_column_whose_struct_is_absent_is_refused():
    with pytest.raises(ValueError, match="not in the template's base"):
        Stamper().events("carState", [1], {}, {"cruiseState.enabled": [True]})


def test_a_template_of_several_segments_is_refused():
    with pytest.raises(ValueError, match="more than one segment"):
        Stamper().events("modelV2", [1], {"rawPredictions": bytes(20_000)}, {"frameId": [1]})
