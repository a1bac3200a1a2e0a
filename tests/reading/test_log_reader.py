"""`read_log` over the logs of a drive: rows by message or tick, ranges, damage, errors."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engagement
from engagement.errors import EngagementError, InputError, LogError, NotFoundError
from engagement.logs.writer import EventBuilder
from engagement.reading.time_grid import Series, join

DRIVE = "2024-01-02--03-04-05"
S = 10**9
FIELDS = ["carState.vEgo", "radarState.leadOne.dRel"]


@pytest.fixture(scope="module")
def builder():
    return EventBuilder()


@pytest.fixture
def drive(tmp_path, builder):
    """Two segments of two seconds: carState at 10 Hz, radarState at 2 Hz, CAN at 1 Hz."""
    for segment in range(2):
        start_ns = (5 + 2 * segment) * S
        parts = [builder.event("initData", S, {})]
        for number in range(20):
            mono_ns = start_ns + number * S // 10
            if number % 5 == 0:
                lead = {"leadOne": {"dRel": 30.0 + segment, "status": True}}
                parts.append(builder.event("radarState", mono_ns + 1, lead))
            if number % 10 == 0:
                parts.append(builder.can(mono_ns, [(0x25, 0, b"ab"), (0x25, 1, b"c"), (9, 0, b"")]))
            state = {"vEgo": 20.0 * segment + number, "gearShifter": "drive"}
            parts.append(builder.event("carState", mono_ns, state))
        path = tmp_path / "logs" / f"{DRIVE}--{segment}" / "rlog"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"".join(parts))
    return tmp_path / "logs"


def test_each_message_is_a_row_and_null_in_the_fields_of_others(drive):
    table = engagement.read_log(drive, FIELDS)

    assert table.column_names == ["mono_ns", *FIELDS]
    mono_ns = table.column("mono_ns").to_pylist()
    assert mono_ns == sorted(mono_ns)
    rows = table.to_pylist()
    speeds = [row["carState.vEgo"] for row in rows if row["carState.vEgo"] is not None]
    leads = [row["radarState.leadOne.dRel"] for row in rows if row[FIELDS[1]] is not None]
    assert speeds == list(range(40))
    assert leads == [30.0] * 4 + [31.0] * 4
    assert len(rows) == 48
    assert json.loads(table.schema.metadata[b"damage"]) == []


def test_a_tick_has_the_latest_value_of_each_service_that_is_not_too_old(drive):
    table = engagement.read_log(drive, FIELDS, grid_hz=5)

    rows = table.to_pylist()
    assert [row["mono_ns"] for row in rows] == [5 * S + number * S // 5 for number in range(20)]
    assert [row["carState.vEgo"] for row in rows] == [2.0 * number for number in range(20)]
    assert rows[0][FIELDS[1]] is None  # its first message is a nanosecond later
    assert {row[FIELDS[1]] for row in rows[1:11]} == {30.0}
    assert {row[FIELDS[1]] for row in rows[11:]} == {31.0}


def test_a_service_that_stops_is_null_after_three_of_its_periods():
    times = np.arange(0, 2 * S, S // 10)
    stopped = Series(times, pa.table({"a.x": np.arange(len(times))}))
    other = Series(np.array([0, 4 * S]), pa.table({"b.y": [1, 2]}))

    rows = join([stopped, other], grid_hz=10).to_pylist()

    last = int(times[-1])
    for row in rows:
        assert (row["a.x"] is None) == (row["mono_ns"] - last > 3 * S // 10)


def test_a_range_is_half_open_and_counts_from_the_first_log(drive):
    table = engagement.read_log(drive, ["carState.vEgo"], between_s=(0.5, 2.1))

    assert table.column("carState.vEgo").to_pylist() == list(range(5, 21))
    assert not engagement.read_log(drive, ["carState.vEgo"], between_s=(3, 1)).num_rows


def test_frames_of_an_address_are_rows(drive):
    everywhere, one = "can[0x25]", "can[37,bus=1]"

    assert engagement.read_log(drive, [everywhere]).column(1).to_pylist() == [b"ab", b"c"] * 4
    assert engagement.read_log(drive, [one]).column(1).to_pylist() == [b"c"] * 4
    both = engagement.read_log(drive, [everywhere, one])
    assert both.num_rows == 12
    listed = engagement.read_log(drive, ["can.address"]).column(1).to_pylist()
    assert listed == [[0x25, 0x25, 9]] * 4


def test_enums_are_names_and_all_fields_of_a_struct_are_asked_for_by_a_star(drive):
    table = engagement.read_log(drive, ["carState.gearShifter", "carState.wheelSpeeds.*"])

    assert set(table.column("carState.gearShifter").to_pylist()) == {"drive"}
    assert table.column_names[2:] == [
        f"carState.wheelSpeeds.{name}" for name in ("fl", "fr", "rl", "rr")
    ]


def test_log_by_log_it_is_the_same(drive):
    parts = list(engagement.iter_log(drive, ["carState.vEgo"]))

    assert [part.segment_num for part in parts] == [0, 1]
    assert [part.damage for part in parts] == [None, None]
    whole = engagement.read_log(drive, ["carState.vEgo"])
    assert pa.concat_tables([part.table for part in parts]).equals(whole)


def test_what_is_broken_is_said_and_the_rest_is_there(drive):
    logs = sorted(drive.glob("*/rlog"))
    logs[0].write_bytes(logs[0].read_bytes()[:-20])
    logs[1].write_bytes(b"<html>")

    table = engagement.read_log(drive, ["carState.vEgo"])

    damage = json.loads(table.schema.metadata[b"damage"])
    assert [each["path"] for each in damage] == list(map(str, logs))
    assert "HTML" in damage[1]["damage"]
    logs[0].write_bytes(b"")
    with pytest.raises(LogError):
        engagement.read_log(drive, ["carState.vEgo"])


@pytest.mark.parametrize(
    ("names", "error", "words"),
    [
        ([], InputError, "name a field"),
        (["carState"], InputError, "carState.* reads them all"),
        (["carstate.vEgo"], NotFoundError, "did you mean 'carState'"),
        (["carState.vego"], NotFoundError, "did you mean 'vEgo'"),
        (["carState.vEgo[0]"], InputError, "is no list"),
        (["carState.vEgo.x"], InputError, "has no fields below"),
        (["chestnutState"], InputError, "does not say what it is made of"),
        (["carState..vEgo"], InputError, "is no name of a field"),
        (["*"], InputError, "is no name of a field"),
        (["a" * 10_000], InputError, "too long"),
    ],
)
def test_a_name_without_a_meaning_is_answered(drive, names, error, words):
    with pytest.raises(error, match=words.replace("*", r"\*")):
        engagement.read_log(drive, names)


@given(name=st.text(alphabet="carStevEgo.[]*-0123can,bus=x ", max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_other_text_is_answered_too(name):
    with pytest.raises(EngagementError):  # at the latest, as there is no such log
        engagement.read_log("/nowhere", [name])


def test_a_grid_that_is_too_fine_is_refused(drive):
    for grid_hz in (0, -1, 1e9, float("nan")):
        with pytest.raises(InputError):
            engagement.read_log(drive, FIELDS, grid_hz=grid_hz)


def test_importing_the_package_imports_nothing():
    code = "import engagement, sys; print({'numpy', 'pyarrow', 'capnp'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"
