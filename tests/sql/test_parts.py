"""The parts of a drive: which model drove, how, at what hour, and whether it was night."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests import builders
from tests.computing import compute, rows
from tests.support.empty_store import new_store

SECOND_NS = 10**9
COMMIT = "0123456789abcdef"
BUNDLE = {"displayName": "North Dakota v2", "internalName": "NDV2", "ref": "a1b2c3d4e5f6"}
MODELS = [
    ({}, "built in 01234567"),
    ({"ModelManager_ActiveBundle": json.dumps(BUNDLE)}, "North Dakota v2 a1b2c3d4"),
    ({"ModelManager_ActiveBundle": json.dumps({"internalName": "NDV2"})}, "NDV2"),
    ({"ModelManager_ActiveBundle": r"\x00\x01"}, "unknown"),
    ({"ModelManager_ActiveBundle": "{not json"}, "unknown"),
    ({"ModelManager_ActiveBundle": ""}, "built in 01234567"),
    ({"CustomDrivingModel": "1", "DrivingModelName": "Farmville",
      "DrivingModelGeneration": "3"}, "Farmville 3"),
    ({"CustomDrivingModel": "0", "DrivingModelName": "Farmville"}, "built in 01234567"),
    ({"Model": "secret-good-openpilot_default", "ModelName": "Secret Good (Default)",
      "ModelVersion": "v3"}, "Secret Good v3"),
    ({"Model": "los-angeles", "ModelRandomizer": "1"}, "unknown"),
    ({"DrivingModel": "space-lab", "RandomizedModel": "wd-40"}, "wd-40"),
    ({"DrivingModel": "space-lab"}, "space-lab"),
    ({"DrivingModelName": "The Cool People (Installing...)"}, "The Cool People"),
    ({"DrivingModelName": "rdf43", "DrivingModelVersion": "v15", "Model": "rdf43"}, "rdf43 v15"),
]  # fmt: skip


@pytest.fixture
def store():
    with new_store() as connection:
        yield connection


def place(mono_ns, segment_num=0):
    return {"drive_id": 1, "segment_num": segment_num, "message_num": 0, "mono_ns": mono_ns}


def drive(duration_s, n_segments=1, **state):
    """A drive of a sample a tenth of a second, engaged throughout at 20 m/s."""
    tables = {
        "drive": [{"drive_id": 1, "dongle_id": "d", "drive": "00000001--0123456789", "host": ""}],
        "segment": [], "selfdrive_state": [], "car_state": [], "init_data": [], "param": [],
        "gps": [], "driving_model": [],
    }  # fmt: skip
    length_ns = duration_s * SECOND_NS // n_segments
    for number in range(n_segments):
        start_ns = SECOND_NS + number * length_ns
        row = builders._segment_row(1, number, "rlog", "ok")
        tables["segment"].append(
            row | {"start_mono_ns": start_ns, "end_mono_ns": start_ns + length_ns}
        )
        tables["init_data"].append(
            place(start_ns, number) | {"git_commit": COMMIT, "is_dirty": False}
        )
        for tenth in range(length_ns // 10**8):
            at = place(start_ns + tenth * 10**8, number)
            control = {"enabled": True, "active": True, "state": "enabled"}
            tables["selfdrive_state"].append(at | control | state)
            tables["car_state"].append(at | {"v_ego_mps": 20.0, "n_pointers": 6})
    return tables


def params(tables, values, segment_num=0):
    for name, value in values.items():
        tables["param"].append(
            {"drive_id": 1, "segment_num": segment_num, "message_num": 0, "name": name,
             "value": value}
        )  # fmt: skip


def parts_of(store, tables):
    compute(store, tables, "drive_parts")
    return rows(store, "from drive_parts order by part_num")


@pytest.mark.parametrize(("values", "model"), MODELS)
def test_the_model_is_what_the_forks_params_say(store, values, model):
    tables = drive(3)
    params(tables, values)
    assert [part["model"] for part in parts_of(store, tables)] == [model]


def test_a_software_that_was_changed_has_a_model_of_no_commit(store):
    tables = drive(3)
    tables["init_data"][0]["is_dirty"] = True
    assert [part["model"] for part in parts_of(store, tables)] == ["built in"]


def test_a_switch_of_the_model_splits_the_drive_between_segments(store):
    tables = drive(30, n_segments=3)
    for number, name in enumerate(("first", "first", "second")):
        params(tables, {"DrivingModel": name}, number)
    found = {part["model"]: part["engaged_s"] for part in parts_of(store, tables)}
    assert found == {"first": pytest.approx(20), "second": pytest.approx(9.9)}


def test_the_big_model_splits_a_segment(store):
    tables = drive(20)
    for mono_s, is_big in ((1, False), (9, True), (15, False)):
        row = place(mono_s * SECOND_NS) | {"source": "modelV2", "is_big": is_big}
        tables["driving_model"].append(row)
    found = {part["model"]: part["engaged_s"] for part in parts_of(store, tables)}
    assert found == {
        "built in 01234567": pytest.approx(13.9),
        "built in 01234567 big": pytest.approx(6),
    }


@pytest.mark.parametrize("seed", range(6))
def test_time_and_distance_are_split_where_hour_or_way_of_driving_change(store, seed):
    """Against every tenth of a second taken alone."""
    rng = Random(seed)
    duration_s = 200
    tables = drive(duration_s)
    wanted = {}
    experimental, personality = False, "standard"
    before_s = rng.randrange(60, 120)
    started = datetime(2025, 7, 1, tzinfo=UTC) + timedelta(
        hours=rng.randrange(24), seconds=-before_s
    )
    start_us = round(started.timestamp() * 1e6)
    tables["clock"] = [place(SECOND_NS) | {"wall_time_ns": start_us * 1000}]
    tables["gps"] = [
        place(SECOND_NS)
        | {"source": "gpsLocation", "has_fix": True, "latitude": 0.0, "longitude": 32.6,
           "unix_ms": start_us // 1000}
    ]  # fmt: skip
    tables["drive"][0]["drive"] = "a drive"
    samples = tables["selfdrive_state"]
    for number, sample in enumerate(samples):
        if number % 11 == 0:
            experimental ^= rng.random() < 0.1
            personality = rng.choice(("aggressive", "relaxed", personality, personality))
        sample |= {"is_experimental_mode": experimental, "personality": personality}
        if number + 1 < len(samples):
            local = started + timedelta(hours=3, seconds=number / 10)  # Kampala
            name = "experimental" if experimental else "chill"
            key = name, personality, f"{local.hour:02}"
            wanted[key] = wanted.get(key, 0) + 1
    store.execute("insert into store.place_zone values (0, 3260, 'Africa/Kampala')")

    parts = parts_of(store, tables)

    found = {(p["experimental"], p["personality"], p["hour"]): p for p in parts}
    assert len(found) == len(parts) >= 2
    assert {key: round(part["engaged_s"] * 10) for key, part in found.items()} == wanted
    for key, part in found.items():
        assert part["engaged_km"] == pytest.approx(wanted[key] * 0.002)
        # On the equator it is day from before seven to after six, and night from seven to six.
        if "07" <= key[2] < "18":
            assert part["night"] == "day"
        if key[2] >= "20" or key[2] < "06":
            assert part["night"] == "night"


def test_an_old_personality_is_the_planners_or_none(store):
    tables = drive(10)
    tables["controls_state"] = [
        row | {"personality": "aggressive", "is_experimental_mode": False}
        for row in tables.pop("selfdrive_state")
    ]
    tables["selfdrive_state"] = []
    assert [part["personality"] for part in parts_of(store, tables)] == ["unknown"]


def test_the_planner_tells_it_where_controls_state_can_not(store):
    tables = drive(10)
    tables["controls_state"] = [
        row | {"personality": "aggressive", "is_experimental_mode": True}
        for row in tables.pop("selfdrive_state")
    ]
    tables["selfdrive_state"] = []
    tables["longitudinal_plan"] = [place(SECOND_NS) | {"fcw": False, "personality": "relaxed"}]
    [part] = parts_of(store, tables)
    assert (part["personality"], part["experimental"]) == ("relaxed", "experimental")


def test_what_no_clock_and_no_position_tells_is_unknown(store):
    [part] = parts_of(store, drive(5))
    names = ("hour", "night", "experimental", "personality")
    assert [part[name] for name in names] == ["unknown"] * 4
