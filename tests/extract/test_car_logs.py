"""Logs of cars that no profile describes: what cantools encoded is what comes out.

By default of every third car of a list; with ENGAGEMENT_ALL_DBCS=1 of all.
"""

from __future__ import annotations

import os
from random import Random

import pytest

from engagement.extract import cars
from engagement.extract.car_table import car_signals, load_car_table
from tests.oracles.can import bits
from tests.support.car_logs import car_log, database, frame, read_in, sources_of, values_of

pytest.importorskip("opendbc")

VERSION = cars.cars_version()


# By hand from what each DBC means: (message, values to encode) and what must be read.
HAND_MADE = {
    "TOYOTA_COROLLA_TSS2": (
        [
            ("UI_SETTING", {"ODOMETER": 62137, "UNITS": 2}),
            ("STEER_TORQUE_SENSOR", {"STEER_TORQUE_DRIVER": -123, "STEER_TORQUE_EPS": 45}),
            ("WHEEL_SPEEDS", {"WHEEL_SPEED_FL": 50.33, "WHEEL_SPEED_RR": 49.33}),
            ("PCM_CRUISE", {"GAS_RELEASED": 0}),
            ("BRAKE_MODULE", {"BRAKE_PRESSED": 0}),
            ("BLINKERS_STATE", {"TURN_SIGNALS": 2}),
        ],
        {
            "odometer": 62137 * 1.609344,
            "steering_driver_torque_raw": -123,
            "steering_motor_torque_raw": 45,
            "wheel_speed_fl_kph": 50.33,
            "wheel_speed_rr_kph": 49.33,
            "gas_pressed": 1,
            "brake_pressed": 0,
            "left_blinker": 0,
            "right_blinker": 1,
        },
    ),
    "HONDA CIVIC 2016 TOURING": (
        [
            ("ODOMETER", {"ODOMETER": 98765}),
            ("SCM_BUTTONS", {"CRUISE_BUTTONS": 4}),
            ("STEER_STATUS", {"STEER_TORQUE_SENSOR": 1234}),
            ("POWERTRAIN_DATA", {"PEDAL_GAS": 0, "BRAKE_PRESSED": 1}),
            ("SCM_FEEDBACK", {"LEFT_BLINKER": 1, "RIGHT_BLINKER": 0}),
        ],
        {
            "odometer": 98765,
            "cruise_state": 4,
            "steering_driver_torque_raw": 1234,
            "gas_pressed": 0,
            "brake_pressed": 1,
            "left_blinker": 1,
            "right_blinker": 0,
        },
    ),
    "VOLKSWAGEN_GOLF_MK7": (
        [
            ("Kombi_02", {"KBI_Kilometerstand": 123456}),
            ("LH_EPS_03", {"EPS_Lenkmoment": 150, "EPS_VZ_Lenkmoment": 1}),
            ("ESP_19", {"ESP_VL_Radgeschw_02": 100.5}),
            (
                "GRA_ACC_01",
                {
                    "GRA_Abbrechen": 0,
                    "GRA_Tip_Setzen": 1,
                    "GRA_Tip_Hoch": 0,
                    "GRA_Tip_Runter": 0,
                    "GRA_Tip_Wiederaufnahme": 1,
                    "GRA_Verstellung_Zeitluecke": 0,
                },
            ),
        ],
        {
            "odometer": 123456,
            "steering_driver_torque": -1.5,
            "wheel_speed_fl_kph": 100.5,
            "cruise_state": 0b010010,
        },
    ),
    "HYUNDAI_ELANTRA_2021": (
        [
            ("CLU12", {"CF_Clu_Odometer": 4321.5}),
            ("CLU11", {"CF_Clu_CruiseSwState": 2}),
            ("MDPS12", {"CR_Mdps_StrColTq": -77, "CR_Mdps_OutTq": 3.5}),
            ("TCS13", {"DriverOverride": 2}),
            ("EMS16", {"CF_Ems_AclAct": 1}),
        ],
        {
            "odometer": 4321.5,
            "cruise_state": 2,
            "steering_driver_torque_raw": -77,
            "steering_motor_torque_raw": 3.5,
            "brake_pressed": 1,
            "gas_pressed": 1,
        },
    ),
    "CHEVROLET_VOLT": (
        [
            ("ASCMSteeringButton", {"ACCButtons": 1}),
            ("PSCMStatus", {"LKADriverAppldTrq": -2.5, "LKATorqueDelivered": 1.25}),
            ("EBCMWheelSpdFront", {"FLWheelSpd": 31.1}),
            ("ECMAcceleratorPos", {"BrakePedalPos": 7}),
            ("ECMEngineStatus", {"BrakePressed": 1}),
        ],
        {
            "cruise_state": 0,
            "steering_driver_torque": -2.5,
            "steering_motor_torque_raw": 1.25,
            "wheel_speed_fl_kph": 31.1,
            "brake_pressed": 0,
        },
    ),
    "FORD_BRONCO_SPORT_MK1": (
        [
            ("Cluster_Info1_FD1", {"OdometerMasterValue": 16777215}),
            ("EPAS_INFO", {"SteeringColumnTorque": -1.5}),
            ("WheelSpeed", {"WhlFl_W_Meas": 80.25}),
        ],
        {"steering_driver_torque": -1.5, "wheel_speed_fl_radps": 80.25},
    ),
}


@pytest.mark.parametrize("fingerprint", HAND_MADE)
def test_what_was_encoded_is_read(tmp_path, fingerprint):
    sent, wanted = HAND_MADE[fingerprint]
    car = cars.car_database(fingerprint)
    frames = [frame(car.dbc_name, message, values) for message, values in sent]

    log = read_in(tmp_path, car_log(fingerprint, [frames]))

    found = values_of(log)
    assert {key: found[key] for key in wanted} == {k: [pytest.approx(v)] for k, v in wanted.items()}
    assert ("odometer" in found) == ("odometer" in wanted)
    assert log.fingerprint == fingerprint
    assert log.profile == f"auto:{car.fingerprint} ({car.dbc_name}, opendbc {VERSION})"


def expected(entry, meaning, decoded):
    """What a table's entry makes of a decoded message, plainly; None for no reading."""
    values = []
    for name in entry.signals:
        value = float(decoded[name])
        if (entry.scale, entry.offset) != (1, 0):
            value = value * entry.scale + entry.offset
        if entry.times:
            value *= {float(k): v for k, v in entry.times.by.items()}.get(
                float(decoded[entry.times.signal]), 1.0
            )
        if not meaning.range[0] <= value <= meaning.range[1]:
            return None
        if entry.one_of is not None:
            value = float(value in entry.one_of)
        elif entry.above is not None:
            value = float(value > entry.above)
        values.append(value)
    if len(values) == 1 and isinstance(entry.signal, str):
        return values[0]
    return float(sum(2**num for num, value in enumerate(values) if value))


CARS = [
    "TOYOTA_RAV4_TSS2_2023",
    "TOYOTA_SIENNA_4TH_GEN",
    "HONDA_ACCORD",
    "HONDA_ODYSSEY_TWN",
    "HYUNDAI_KONA_EV",
    "HYUNDAI_NEXO_1ST_GEN",
    "HYUNDAI_IONIQ_5",
    "HYUNDAI_KONA_EV_2ND_GEN",
    "VOLKSWAGEN_PASSAT_NMS",
    "PORSCHE_MACAN_MK1",
    "CHEVROLET_BOLT_EUV",
    "CHRYSLER_PACIFICA_2018",
    "JEEP_CHEROKEE_5TH_GEN",
    "RAM_1500_5TH_GEN",
    "SUBARU_OUTBACK",
    "SUBARU_CROSSTREK_HYBRID",
    "MAZDA_CX5_2022",
    "NISSAN_LEAF",
    "TESLA_MODEL_Y",
    "RIVIAN_R1_GEN1",
    "PSA_PEUGEOT_208",
]

STEP = 1 if os.environ.get("ENGAGEMENT_ALL_DBCS") else 3


@pytest.mark.parametrize("fingerprint", CARS[::STEP])
def test_random_frames_of_each_place_are_read_as_the_table_says(tmp_path, fingerprint):
    """Each key at each of its places in turn, on any bus; the frames of one place a log."""
    rng = Random(fingerprint)
    car = cars.car_database(fingerprint)
    messages = {m.name: m for m in database(car.dbc_name).messages}
    keys = load_car_table().keys
    for key, entries in car_signals(car.brand).items():
        tried = set()
        for entry in entries:
            message = messages.get(entry.message)
            wanted = {*entry.signals, *([entry.times.signal] if entry.times else [])}
            if not entry.is_for(car.fingerprint) or message is None:
                continue
            if not wanted <= {signal.name for signal in message.signals} or message.name in tried:
                continue
            tried.add(message.name)
            bus = rng.randrange(3)
            payloads = [rng.randbytes(message.length) for _ in range(12)]
            frames = [[(message.frame_id, bus, payload)] for payload in payloads]

            log = read_in(tmp_path, car_log(fingerprint, frames, every_ns=10**9))

            alone = {name: message.get_signal_by_name(name) for name in wanted}
            decoded = [decode_alone(message, alone, payload) for payload in payloads]
            told = [expected(entry, keys[key], values) for values in decoded]
            told = [value for value in told if value is not None]
            if keys[key].changes:
                told = [
                    value
                    for place, value in enumerate(told)
                    if place in (0, len(told) - 1) or value != told[place - 1]
                ]
            assert [bits(v) for v in values_of(log).get(key, [])] == [bits(v) for v in told], key
            if told:
                assert sources_of(log)[key] == f"{entry.message}.{entry.signals[0]}@{bus}"


def decode_alone(message, signals, payload):
    """Each of the signals by itself, as bits of one number: overlaps then don't matter."""
    found = {}
    for name, signal in signals.items():
        number = int.from_bytes(payload, "little")
        low = signal.start
        if signal.byte_order == "big_endian":
            number = int.from_bytes(payload, "big")
            from_top = 8 * (signal.start // 8) + 7 - signal.start % 8
            low = 8 * message.length - from_top - signal.length
        raw = number >> low & (1 << signal.length) - 1
        if signal.is_signed and raw >> (signal.length - 1):
            raw -= 1 << signal.length
        found[name] = float(raw * signal.scale + signal.offset)
    return found
