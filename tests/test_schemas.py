"""The places of fields on the wire, stated apart from the schemas that must give them.

`dN` is byte N of a struct's data section, `dN.bM` a bit of it, `pN` its Nth pointer: facts about
the logs that openpilot has written since 2018. A changed ordinal or type moves what follows it.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import capnp
import pytest

from engagement.resources import resource_dir

STRUCT_SIZES = """
log Event 2 1
car CarState 10 6
car CarState.WheelSpeeds 2 0
car CarState.CruiseState 2 0
car CarState.ButtonEvent 1 0
car CarControl 4 6
car CarControl.Actuators 5 0
car CarParams 18 14
events CarEvent 1 0
events OnroadEvent 1 0
selfdrive ControlsState 24 6
selfdrive SelfdriveState 2 3
selfdrive SelfdriveStateSP 0 2
selfdrive SelfdriveStateSP.Mads 1 0
selfdrive RadarState 5 6
selfdrive RadarState.LeadData 7 0
selfdrive LiveParametersData 7 2
selfdrive LiveTorqueParametersData 6 1
selfdrive LiveLocationKalman 5 15
selfdrive LivePose 2 5
selfdrive DriverMonitoringState 2 3
selfdrive ModelDataV2.MetaData 3 3
selfdrive UserBookmark 0 0
device InitData 2 21
device PandaState 10 4
device GpsLocationData 8 1
device CanData 1 1
device Clocks 5 0
device Sentinel 1 0
"""

FIELD_PLACES = """
log Event logMonoTime d0
log Event valid d10.b0
log Event initData p0
log Event can p0
car CarState vEgo d0
car CarState gasPressed d8.b0
car CarState brakePressed d8.b1
car CarState steeringAngleDeg d16
car CarState steeringTorque d20
car CarState steeringPressed d8.b2
car CarState cruiseState p2
car CarState buttonEvents p3
car CarState events p5
car CarState gearShifter d10
car CarState aEgo d28
car CarState standstill d8.b3
car CarState leftBlinker d8.b5
car CarState doorOpen d9.b0
car CarState steeringTorqueEps d40
car CarState stockFcw d9.b6
car CarState parkingBrake d44.b5
car CarState regenBraking d45.b1
car CarState vCruise d72
car CarState steeringDisengage d46.b1
car CarState carNotReady d46.b4
car CarState.CruiseState enabled d0.b0
car CarState.CruiseState available d0.b1
car CarState.ButtonEvent type d2
car CarControl enabled d0.b0
car CarControl active d0.b1
car CarControl latActive d0.b2
car CarControl longActive d0.b3
car CarControl actuators p2
car CarParams carFingerprint p1
car CarParams openpilotLongitudinalControl d1.b1
car CarParams brand p0
car CarParams steerAtStandstill d124.b7
events CarEvent name d0
events CarEvent userDisable d2.b3
events CarEvent overrideLateral d3.b1
events OnroadEvent immediateDisable d2.b5
events OnroadEvent overrideLongitudinal d3.b0
selfdrive ControlsState enabled d88.b0
selfdrive ControlsState active d88.b3
selfdrive ControlsState state d116
selfdrive ControlsState vCruise d92
selfdrive ControlsState alertText1 p1
selfdrive ControlsState alertType p3
selfdrive ControlsState alertStatus d118
selfdrive ControlsState alertSound d168
selfdrive ControlsState desiredCurvature d176
selfdrive SelfdriveState state d0
selfdrive SelfdriveState enabled d2.b0
selfdrive SelfdriveState active d2.b1
selfdrive SelfdriveState alertType p2
selfdrive SelfdriveStateSP mads p0
selfdrive SelfdriveStateSP.Mads enabled d2.b0
selfdrive SelfdriveStateSP.Mads active d2.b1
selfdrive RadarState leadOne p1
selfdrive RadarState.LeadData dRel d0
selfdrive RadarState.LeadData vRel d8
selfdrive RadarState.LeadData status d40.b1
selfdrive LiveParametersData steerRatio d20
selfdrive LiveTorqueParametersData latAccelFactorFiltered d16
selfdrive LongitudinalPlan aTarget d52
selfdrive ModelDataV2.MetaData hardBrakePredicted d16.b0
device InitData dongleId p2
device InitData version p3
device InitData gitRemote p10
device InitData params p14
device InitData wallTimeNanos d8
device DeviceState started d24.b0
device PandaState ignitionLine d8.b0
device PandaState safetyRxChecksInvalid d60.b0
device GpsLocationData latitude d8
device GpsLocationData unixTimestampMillis d40
device GpsLocationData hasFix d60.b0
device CanData address d0
device CanData dat p0
device CanData src d6
device Clocks wallTimeNanos d24
device Sentinel type d0
"""

# The discriminant is the ordinal less 1, and less 2 after `valid`, which is outside the union.
DISCRIMINANTS = {
    "initData": 0,
    "can": 4,
    "controlsState": 6,
    "carState": 21,
    "thumbnail": 65,
    "carEvents": 66,
    "driverMonitoringState71": 69,
    "liveLocationKalman": 70,
    "userBookmark": 91,
    "selfdriveStateSP": 105,
    "selfdriveState": 128,
    "onroadEvents": 132,
    "driverMonitoringState": 149,
    "livestreamAudio": 152,
}

BITS = dict.fromkeys(["bool"], 1)
BITS |= dict.fromkeys(["int8", "uint8"], 8)
BITS |= dict.fromkeys(["int16", "uint16", "enum"], 16)
BITS |= dict.fromkeys(["int32", "uint32", "float32"], 32)
BITS |= dict.fromkeys(["int64", "uint64", "float64"], 64)


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


@functools.cache
def parser() -> Any:
    """A parser of our own: pycapnp's shared one aborts the process over a file met twice."""
    return capnp.SchemaParser()


@functools.cache
def load(file: str) -> Any:
    return parser().load(str(resource_dir("schemas") / f"{file}.capnp"))


def struct_schema(file: str, path: str) -> Any:
    module = load(file)
    for name in path.split("."):
        module = getattr(module, name)
    return module.schema


def place(schema: Any, name: str) -> str:
    slot = schema.fields[name].proto.slot
    kind = str(slot.type.which)
    if kind not in BITS:
        return f"p{slot.offset}"
    bit = slot.offset * BITS[kind]
    return f"d{bit // 8}" + (f".b{bit % 8}" if kind == "bool" else "")


@pytest.mark.parametrize(("file", "path", "data_words", "pointers"), rows(STRUCT_SIZES))
def test_struct_sizes(file, path, data_words, pointers):
    node = struct_schema(file, path).node.struct
    assert (node.dataWordCount, node.pointerCount) == (int(data_words), int(pointers))


@pytest.mark.parametrize(("file", "path", "field", "expected"), rows(FIELD_PLACES))
def test_field_places(file, path, field, expected):
    assert place(struct_schema(file, path), field) == expected


def test_union_discriminants():
    schema = struct_schema("log", "Event")
    found = {name: schema.fields[name].proto.discriminantValue for name in DISCRIMINANTS}
    assert found == DISCRIMINANTS
    assert schema.node.struct.discriminantOffset == 4


def test_union_members_share_the_one_pointer():
    schema = struct_schema("log", "Event")
    assert {place(schema, name) for name in schema.union_fields} == {"p0"}


@pytest.mark.parametrize(
    ("struct", "names"),
    [
        ("CarEvent", {"canError": 0, "pedalPressed": 13, "steerOverride": 114, "aeb": 123}),
        ("OnroadEvent", {"canError": 0, "pedalPressed": 11, "steerOverride": 14, "aeb": 92}),
    ],
)
def test_the_two_numberings_of_events(struct, names):
    enumerants = struct_schema("events", f"{struct}.EventName").enumerants
    assert {name: enumerants[name] for name in names} == names


def test_defaults_that_are_not_zero():
    blank = load("log").Event.new_message()
    assert blank.valid
    assert blank.init("radarState").init("leadOne").radarTrackId == -1
    kalman = blank.init("liveLocationKalman")
    assert kalman.gpsOK
    assert kalman.sensorsOK
    assert blank.init("liveParameters").steerRatioValid


def test_every_file_of_the_folder_is_reached_from_log():
    text = "".join(path.read_text() for path in Path(resource_dir("schemas")).glob("*.capnp"))
    for path in Path(resource_dir("schemas")).glob("*.capnp"):
        assert path.stem == "log" or f'import "{path.name}"' in text
