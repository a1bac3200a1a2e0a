"""What the table says against opendbc's own carState, which reads the same frames.

By default one car of each brand; with ENGAGEMENT_ALL_DBCS=1 all of them.
"""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random

import pytest

from engagement.extract import cars
from engagement.extract.can_decoding import extract_signals
from engagement.extract.car_signals import plan_car
from tests.oracles.can import make_frames

car_helpers = pytest.importorskip("opendbc.car.car_helpers")
opendbc_car = pytest.importorskip("opendbc.car")

FIELDS = {
    "steering_driver_torque": "steeringTorque",
    "steering_driver_torque_raw": "steeringTorque",
    "steering_motor_torque": "steeringTorqueEps",
    "steering_motor_torque_raw": "steeringTorqueEps",
    "gas_pressed": "gasPressed",
    "brake_pressed": "brakePressed",
    "left_blinker": "leftBlinker",
    "right_blinker": "rightBlinker",
}
ONE_A_BRAND = sorted({brand: name for name, brand in cars.fingerprints().items()}.values())
WANTED = sorted(cars.fingerprints()) if os.environ.get("ENGAGEMENT_ALL_DBCS") else ONE_A_BRAND


def told_by_opendbc(fingerprint, params, frames, field):
    """The field after each frame, each of which comes often enough to be believed."""
    interface = car_helpers.interfaces[fingerprint](params)
    found = []
    for number, frame in enumerate(frames):
        for repeat in range(2):
            state = interface.update([((2 * number + repeat + 1) * 10_000_000, [frame])])
            for parser in interface.can_parsers.values():
                for message in parser.message_states.values():  # random frames have no checksum
                    message.ignore_checksum = message.ignore_counter = True
        found.append(float(getattr(state, field)))
    return found


def payloads(rng, length, key):
    """Nothing first, so that no message is met for the first time with what is compared."""
    n_random = 8 if "torque" in key else 60
    return [bytes(length)] * 2 + [
        rng.choice([bytes(length), rng.randbytes(length), rng.randbytes(length)])
        for _ in range(n_random)
    ]


def is_told(key, ours, theirs):
    """Whether carState says the same, its torques in a unit of its own.

    It holds a blinker for a while, and of some cars a brake.
    """
    if key == "gas_pressed":
        return ours == theirs
    if key.endswith(("pressed", "blinker")):
        return set(ours) == {0.0, 1.0} and all(b >= a for a, b in zip(ours, theirs, strict=True))
    ratios = {round(b / a, 3) for a, b in zip(ours, theirs, strict=True) if a}
    return len(ratios) == 1 and min(ratios) > 0


def compare(fingerprint, params, key, place, rng):
    """On each bus that opendbc reads the message from: whether it says what is read here."""
    interface = car_helpers.interfaces[fingerprint](params)
    octets = payloads(rng, place[0].message_length_bytes, key)
    for bus in sorted({parser.bus for parser in interface.can_parsers.values()}):
        frames = [(place[0].address, payload, bus) for payload in octets]
        theirs = told_by_opendbc(fingerprint, params, frames, FIELDS[key])[1:]
        if len(set(theirs)) > 1:
            read = make_frames([(address, bus, payload) for address, payload, _ in frames[1:]])
            got = extract_signals(read, [replace(spec, bus=bus) for spec in place])
            yield is_told(key, got.value.tolist(), theirs)


@pytest.mark.parametrize("fingerprint", WANTED)
def test_carstate_says_what_the_table_says(fingerprint):
    """Of each key it reads one of the places, from one of the buses at least."""
    rng = Random(fingerprint)
    empty = opendbc_car.gen_empty_fingerprint()
    params = car_helpers.interfaces[fingerprint].get_params(
        fingerprint, empty, [], alpha_long=False, is_release=False, docs=False
    )
    for key, places in plan_car(fingerprint).places.items():
        if key in FIELDS:
            told = (list(compare(fingerprint, params, key, place, rng)) for place in places)
            first = next((found for found in told if found), [])
            assert set(first) == {True}, key
