"""Which car a log is of, which bus is read and what is kept; and logs that lie about their car."""

from __future__ import annotations

from random import Random

import pyarrow as pa
import pytest

from engagement.extract import cars
from engagement.extract.car_signals import plan_car
from engagement.extract.fingerprint import find_fingerprint
from engagement.extract.segment import ReadOptions
from engagement.logs.log import Log
from engagement.logs.schema import load_schema
from tests.support.car_logs import (
    SENT_BUS,
    START_NS,
    car_log,
    car_params_bytes,
    frame,
    read_in,
    sources_of,
    values_of,
)

pytest.importorskip("opendbc")

VERSION = cars.cars_version()
FINGERPRINT = "TOYOTA_COROLLA_TSS2"
DBC = "toyota_nodsu_pt_generated"


def brake(pressed, bus):
    return frame(DBC, "BRAKE_MODULE", {"BRAKE_PRESSED": pressed}, bus)


def test_the_lowest_bus_with_the_right_length_is_read_and_nothing_that_was_sent(tmp_path):
    address, _, octets = brake(1, 2)
    other = [(address, 0, b"\xff" * 3), (address, 1, octets + b"\xff"), brake(0, SENT_BUS)]
    frames = [*other, brake(1, 2), brake(0, 4)]

    log = read_in(tmp_path, car_log(FINGERPRINT, [frames] * 3))

    assert sources_of(log)["brake_pressed"] == "BRAKE_MODULE.BRAKE_PRESSED@2"
    rows = [r for r in log.tables["can_signal"].to_pylist() if r["signal_key"] == "brake_pressed"]
    assert {(row["bus"], row["value"]) for row in rows} == {(2, 1.0)}
    longer = read_in(tmp_path, car_log(FINGERPRINT, [other]))
    assert sources_of(longer)["brake_pressed"].endswith("@1")
    sent = read_in(tmp_path, car_log(FINGERPRINT, [[brake(1, SENT_BUS), brake(1, SENT_BUS + 2)]]))
    assert sent.tables["can_signal"].num_rows == sent.tables["can_source"].num_rows == 0


def test_a_bus_that_was_only_joined_at_first_is_not_read(tmp_path):
    """Until a harness is switched, the car's bus and the camera's are one."""
    both = [brake(1, 0), brake(1, 2)]

    camera = read_in(tmp_path, car_log(FINGERPRINT, [both] * 10 + [[brake(0, 2)]] * 30))
    assert sources_of(camera)["brake_pressed"].endswith("@2")
    assert values_of(camera)["brake_pressed"] == [1.0, 0.0, 0.0]
    car = read_in(tmp_path, car_log(FINGERPRINT, [both] * 10 + [[brake(0, 0)]] * 30))
    assert sources_of(car)["brake_pressed"].endswith("@0")
    twice = read_in(tmp_path, car_log(FINGERPRINT, [both] * 10 + [[brake(0, 2)]] * 10))
    assert sources_of(twice)["brake_pressed"].endswith("@0")


def test_no_time_between_samples_is_too_short(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('[keys.brake_pressed]\nmeaning = "x"\nevery_s = 1e-12\n')
    options = ReadOptions(is_auto=True, car_signals_file=own)

    log = read_in(tmp_path, car_log(FINGERPRINT, [[brake(1, 0)]] * 3), options)

    assert values_of(log)["brake_pressed"] == [1.0] * 3


def test_of_a_pedal_changes_are_kept_and_of_wheel_speeds_ten_a_second(tmp_path):
    wheel = {"WHEEL_SPEED_FL": 12.33}
    sent = [[brake(n // 30 % 2, 0), frame(DBC, "WHEEL_SPEEDS", wheel)] for n in range(100)]

    log = read_in(tmp_path, car_log(FINGERPRINT, sent))

    rows = log.tables["can_signal"].to_pylist()
    at = {"brake_pressed": [], "wheel_speed_fl_kph": []}
    for row in rows:
        if row["signal_key"] in at:
            at[row["signal_key"]].append((row["mono_ns"] - START_NS) // 10_000_000)
    assert at == {"brake_pressed": [0, 30, 60, 90, 99], "wheel_speed_fl_kph": [*range(0, 100, 10)]}
    sources = log.tables["can_source"].to_pylist()
    assert {r["n_samples"] for r in sources if r["signal_key"] in at} == {100}
    assert "can_message" not in log.tables


OTHER = "HONDA_CIVIC"


def test_the_car_is_named_by_the_message_then_the_param_then_the_drive_then_old_params(tmp_path):
    def car(content, known=None):
        options = ReadOptions(is_auto=True, fingerprint=known)
        return read_in(tmp_path, content, options).fingerprint

    own, old = car_params_bytes("OWN"), car_params_bytes("OLD")
    everything = {"CarParams": own, "CarParamsPersistent": old, "CarParamsCache": old}
    assert car(car_log(FINGERPRINT, [[]], params=everything), OTHER) == FINGERPRINT
    nameless = {"has_car_params": False}
    assert car(car_log("", [[]], params=everything, **nameless), OTHER) == "OWN"
    only_old = {"CarParamsCache": old}
    assert car(car_log("", [[]], params=only_old, **nameless), OTHER) == OTHER
    assert car(car_log("", [[]], params=only_old, **nameless)) == "OLD"
    assert car(car_log("", [[]], **nameless)) is None


@pytest.mark.parametrize(
    "octets",
    [b"", b"\0", b"\xff" * 64, bytes(8), car_params_bytes("X")[:-8], b"\0" * 7 + b"\xff" * 800],
    ids=repr,
)
def test_a_car_params_param_that_is_none_names_no_car(tmp_path, octets):
    content = car_log("", [[brake(1, 0)]], params={"CarParams": octets}, has_car_params=False)

    log = read_in(tmp_path, content)

    assert (log.fingerprint, log.status) == (None, "ok")
    assert log.profile == f"auto:none (opendbc {VERSION})"
    assert not {"can_signal", "can_source"} & log.tables.keys()


def test_any_damage_to_the_param_is_survived():
    rng = Random(5)
    whole = car_params_bytes("TOYOTA_COROLLA")
    for _ in range(300):
        octets = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            octets[rng.randrange(len(octets))] = rng.randrange(256)
        params = {"CarParams": bytes(octets)}
        log = Log(car_log("", [[]], params=params, has_car_params=False), load_schema())
        assert isinstance(find_fingerprint(log, None, None), str | None)


@pytest.mark.parametrize("fingerprint", ["../../etc/passwd", "\U0001f697", "x" * 10_000, "MOCK"])
def test_a_car_that_is_not_known_has_no_signals_and_says_so(tmp_path, fingerprint):
    log = read_in(tmp_path, car_log(fingerprint, [[brake(1, 0)]]))

    assert log.profile == f"auto:none (opendbc {VERSION})"
    assert log.fingerprint == fingerprint[:200]
    assert "can_signal" not in log.tables


def test_a_profile_goes_before_the_car(tmp_path):
    place = plan_car(FINGERPRINT).places["brake_pressed"][0]
    options = ReadOptions(specs=place, profile="mine", is_auto=True)

    log = read_in(tmp_path, car_log(FINGERPRINT, [[brake(1, 0)]]), options)

    assert log.profile == "mine"
    assert values_of(log) == {"brake_pressed": [1.0]}
    assert isinstance(log.tables["can_message"], pa.Table)
