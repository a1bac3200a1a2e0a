"""The simulated logs read back through pycapnp, and say what the plan of their drive says."""

from __future__ import annotations

import bz2
import hashlib
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise

import cantools
import pytest

from engagement.logs.schema import load_schema
from engagement.logs.writer import zstd
from engagement.names import parse_any_path
from engagement.resources import resource_dir
from engagement.simulate import plan_drives, simulate, truth_of, write_drive, write_segment
from engagement.simulate.scenario import Cause

UNPACK = {"": bytes, ".bz2": bz2.decompress, ".zst": zstd.decompress}
PLANS = plan_drives(8)
WHOLE = [replace(plan, qlog_segments=frozenset(), missing_segments=frozenset()) for plan in PLANS]


def read(path):
    raw = UNPACK[path.suffix](path.read_bytes())
    return list(load_schema().event.read_multiple_bytes(raw))


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Each whole drive's (seconds since boot, value) by service, by the drive's number."""
    out = tmp_path_factory.mktemp("drives")
    found = {}
    for number, drive in enumerate(WHOLE):
        found[number] = defaultdict(list)
        for path in write_drive(out, drive):
            for event in read(path):
                which = event.which()
                found[number][which].append((event.logMonoTime / 1e9, getattr(event, which)))
    return found


def select(events, which):
    """(seconds since boot, value) of a service, in the order of time."""
    return sorted(events[which], key=lambda pair: pair[0])


def runs(samples):
    """Maximal runs of a true value as (start, end); a value holds until the next sample."""
    found, start = [], None
    for time, value in samples:
        if value and start is None:
            start = time
        elif not value and start is not None:
            found.append((start, time))
            start = None
    return [*found, (start, samples[-1][0])] if start is not None else found


def close(found, expected, *, within=0.06):
    return len(found) == len(expected) and all(
        abs(a - b) <= within
        for one, other in zip(found, expected, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    parts = [(str(path.relative_to(folder)), path.read_bytes()) for path in files]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        assert list(simulate(tmp_path / name, drives=2, seed=seed))
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert digest(tmp_path / "a") != digest(tmp_path / "c")


def test_files_are_named_as_logs_and_gaps_are_where_planned(tmp_path):
    written = defaultdict(list)
    for drive, path in simulate(tmp_path, drives=8):
        name = parse_any_path(path)
        assert (name.dongle_id, name.drive) == (drive.device.dongle_id, drive.name)
        expected = "qlog" if name.segment_num in drive.qlog_segments else "rlog"
        assert name.log_kind == expected
        written[drive.name].append(name.segment_num)
    for plan in PLANS:
        wanted = set(range(plan.n_segments)) - plan.missing_segments
        assert written[plan.name] == sorted(wanted)


@pytest.mark.parametrize("number", range(8))
def test_engaged_time_is_that_of_the_truth(logs, number):
    drive, events = WHOLE[number], logs[number]
    state = select(events, drive.era.state_service)
    found = runs([(time - drive.boot_s, value.active) for time, value in state])
    truth = truth_of(drive)
    assert close(found, [(i.start_s, i.end_s) for i in truth.engaged])
    assert sum(b - a for a, b in found) == pytest.approx(truth.engaged_s, abs=0.06)


@pytest.mark.parametrize("number", range(8))
def test_enabled_leads_active_only_while_pre_enabled(logs, number):
    drive, events = WHOLE[number], logs[number]
    state = [value for _, value in select(events, drive.era.state_service)]
    for value in state:
        assert value.active == (str(value.state) in {"enabled", "softDisabling", "overriding"})
        assert value.enabled == (value.active or str(value.state) == "preEnabled")
    waits = {engagement.pre_enabled_s > 0 for engagement in drive.engagements}
    assert ("preEnabled" in {str(value.state) for value in state}) == (True in waits)


@pytest.mark.parametrize("number", range(8))
def test_state_stands_in_one_service_only(logs, number):
    era, which = WHOLE[number].era, {which: len(found) for which, found in logs[number].items()}
    other_events = {"carEvents": "onroadEvents", "onroadEvents": "carEvents"}[era.events_service]
    assert era.events_service in which
    assert other_events not in which
    assert ("selfdriveState" in which) == era.is_split
    assert ("selfdriveStateSP" in which) == era.has_mads
    if era.is_split:
        for _, value in select(logs[number], "controlsState"):
            assert (value.enabled, value.active, value.vCruise) == (False, False, 0)
    else:
        assert not any(value.vCruise for _, value in select(logs[number], "carState"))


@pytest.mark.parametrize("number", range(8))
def test_lateral_and_longitudinal_control(logs, number):
    drive, events = WHOLE[number], logs[number]
    control = [(time - drive.boot_s, value) for time, value in select(events, "carControl")]
    if not drive.era.has_lat_active:
        assert not any(value.latActive or value.longActive for _, value in control)
        assert any(value.active for _, value in control)
        return
    alone = runs([(time, value.latActive and not value.enabled) for time, value in control])
    assert close(alone, [(i.start_s, i.end_s) for i in drive.lateral_only])
    assert any(v.longActive for _, v in control) == drive.car.openpilot_longitudinal
    if drive.era.has_mads:
        mads = select(events, "selfdriveStateSP")
        assert any(value.mads.active for _, value in mads)


@pytest.mark.parametrize("number", range(8))
def test_each_disengagement_has_its_event(logs, number):
    drive, events = WHOLE[number], logs[number]
    lists = select(events, drive.era.events_service)
    flags = {
        Cause.CAN_ERROR: ("canError", "immediateDisable"),
        Cause.COMM_ISSUE: ("commIssue", "softDisable"),
        Cause.SEATBELT: ("seatbeltNotLatched", "softDisable"),
        Cause.BRAKE: ("pedalPressed", "userDisable"),
        Cause.GAS: ("pedalPressed", "userDisable"),
        Cause.CANCEL: ("buttonCancel", "userDisable"),
        Cause.MAIN: ("wrongCarMode", "userDisable"),
        Cause.PARK: ("parkBrake", "userDisable"),
        Cause.STEER: ("steerDisengage", "userDisable"),
        Cause.CAR_CRUISE: ("pcmDisable", "userDisable"),
    }
    for ended in truth_of(drive).disengagements:
        end = drive.boot_s + ended.time_s
        near = [e for time, value in lists if end - 0.5 <= time <= end + 0.1 for e in value]
        name, flag = flags[ended.cause]
        assert (name, True) in {(str(e.name), getattr(e, flag)) for e in near}
        system = {str(e.name) for e in near if e.immediateDisable or e.softDisable}
        assert system <= {name}


@pytest.mark.parametrize("number", range(8))
def test_pedals_and_buttons_go_with_the_cause(logs, number):
    drive, events = WHOLE[number], logs[number]
    car = [(time - drive.boot_s, value) for time, value in select(events, "carState")]
    for ended in truth_of(drive).disengagements:
        near = [v for t, v in car if ended.time_s - 0.5 <= t <= ended.time_s + 0.1]
        pressed = {str(b.type) for v in near for b in v.buttonEvents if b.pressed}
        assert any(v.brakePressed for v in near) == (ended.cause is Cause.BRAKE)
        assert any(v.gasPressed for v in near) == (ended.cause is Cause.GAS)
        assert ("cancel" in pressed) == (ended.cause is Cause.CANCEL)
        assert ("mainCruise" in pressed) == (ended.cause is Cause.MAIN)
        assert any(v.steeringPressed for v in near) == (ended.cause is Cause.STEER)


@pytest.mark.parametrize("number", range(8))
def test_overrides_hold_the_wheel_or_the_gas(logs, number):
    drive, events = WHOLE[number], logs[number]
    car = [(time - drive.boot_s, value) for time, value in select(events, "carState")]
    wheel = runs([(time, value.steeringPressed) for time, value in car])
    gas = runs([(time, value.gasPressed) for time, value in car])
    for override in drive.overrides:
        found = wheel if override.axis == "lateral" else gas
        assert any(close([run], [(override.start_s, override.end_s)]) for run in found)
    flagged = [
        e for _, value in select(events, drive.era.events_service) for e in value
        if e.overrideLateral or e.overrideLongitudinal
    ]  # fmt: skip
    assert bool(flagged) == (drive.era.has_override_events and bool(drive.overrides))


def test_every_cause_and_both_axes_occur_in_the_fleet():
    causes = {engagement.cause for drive in PLANS for engagement in drive.engagements}
    assert causes == set(Cause)
    assert {override.axis for drive in PLANS for override in drive.overrides} == {
        "lateral",
        "longitudinal",
    }


@pytest.mark.parametrize("number", range(8))
def test_segments_open_and_close_as_devices_write_them(tmp_path, number):
    drive = replace(WHOLE[number], duration_s=130.0)
    segments = [read(path) for path in write_drive(tmp_path, drive)]
    assert len({events[0].as_builder().to_bytes() for events in segments}) == 1
    assert len(segments) == 3
    for events in segments:
        assert events[0].which() == "initData"
        assert events[0].initData.version == drive.era.version
        times = [event.logMonoTime for event in events[1:]]
        assert times != sorted(times)
        assert max(times) - min(times) < 60.1e9
    if drive.era.has_sentinel:
        kinds = [(str(s[1].sentinel.type), str(s[-1].sentinel.type)) for s in segments]
        assert kinds[0] == ("startOfRoute", "endOfSegment")
        assert kinds[-1] == ("startOfSegment", "endOfRoute")
    params = [e for events in segments for e in events if e.which() == "carParams"]
    assert [round(e.logMonoTime / 1e9 - drive.boot_s) for e in params] == [0, 50, 100]


def test_the_wall_clock_is_that_of_the_plan_and_jumps_where_planned(logs):
    jumps = set()
    for number, drive in enumerate(WHOLE):
        clocks = select(logs[number], "clocks")
        offsets = {round(value.wallTimeNanos / 1e9 - time, 3) for time, value in clocks}
        start = round(drive.started_at.timestamp() - drive.boot_s, 3)
        assert max(offsets) == start  # a clock that nobody has set is behind
        assert len(offsets) == (1 if drive.clock_jump_s is None else 2)
        jumps.add(len(offsets))
        for time, value in select(logs[number], drive.era.gps_service):
            assert value.unixTimestampMillis / 1e3 == pytest.approx(time + start, abs=0.02)
    assert jumps == {1, 2}


@pytest.mark.parametrize("number", range(8))
def test_places_go_with_the_speed(logs, number):
    fixes = [value for _, value in select(logs[number], WHOLE[number].era.gps_service)]
    car = select(logs[number], "carState")
    driven = sum((b[0] - a[0]) * a[1].vEgo for a, b in pairwise(car))
    degrees = sum(
        ((b.latitude - a.latitude) ** 2 + ((b.longitude - a.longitude) * 0.63) ** 2) ** 0.5
        for a, b in pairwise(fixes)
    )
    assert degrees * 111_195 == pytest.approx(driven, rel=0.06)


def test_bookmarks_and_alerts(logs):
    texts = set()
    for number, drive in enumerate(WHOLE):
        found = [time - drive.boot_s for time, _ in select(logs[number], "userBookmark")]
        assert found == pytest.approx(drive.bookmarks_s, abs=0.06)
        for _, value in select(logs[number], drive.era.state_service):
            texts.add((value.alertText2, str(value.alertStatus)))
    assert ("CAN Error: Check Connections", "critical") in texts
    assert ("Turn Exceeds Steering Limit", "userPrompt") in texts


def test_the_odometer_on_can_goes_with_the_speed(logs):
    database = cantools.database.load_file(resource_dir("config") / "demo_car.dbc")
    number = next(n for n, drive in enumerate(WHOLE) if drive.car.has_demo_can)
    cluster = [
        (time, database.decode_message(frame.address, bytes(frame.dat)))
        for time, frames in select(logs[number], "can")
        for frame in frames
        if frame.address == 1264
    ]
    odometer = [values["CF_Clu_Odometer"] for _, values in cluster]
    car = select(logs[number], "carState")
    driven = sum((b[0] - a[0]) * a[1].vEgo for a, b in pairwise(car))
    assert odometer[-1] - odometer[0] == pytest.approx(driven / 1000, abs=0.11)
    assert odometer == sorted(odometer)
    assert {str(values["CF_Clu_CruiseSwState"]) for _, values in cluster} >= {"none", "set"}


def test_torques_on_can_part_while_the_driver_holds_the_wheel(logs):
    database = cantools.database.load_file(resource_dir("config") / "demo_car.dbc")
    number = next(
        n for n, d in enumerate(WHOLE) if d.car.has_demo_can and d.overrides[0].axis == "lateral"
    )
    held = WHOLE[number].overrides[0]
    gaps = [
        abs(
            database.decode_message(357, bytes(frames[0].dat))["CR_Mdps_StrTq"]
            - database.decode_message(559, bytes(frames[1].dat))["STEERING_TORQUE"]
        )
        for time, frames in select(logs[number], "can")
        if held.start_s < time - WHOLE[number].boot_s < held.end_s
    ]
    assert min(gaps) > 1.5


def test_a_qlog_is_decimated_but_keeps_every_event(tmp_path):
    drive = replace(WHOLE[0], duration_s=60.0, bookmarks_s=(30.0,))
    counts = []
    for qlogs in (frozenset(), frozenset({0})):
        (path,) = write_drive(tmp_path, replace(drive, qlog_segments=qlogs))
        counts.append(Counter(event.which() for event in read(path)))
    rlog, qlog = counts
    assert (rlog["carState"], qlog["carState"]) == (1200, 600)
    for which in ("carEvents", "userBookmark", "clocks", "carParams"):
        assert qlog[which] == rlog[which] > 0


def test_a_full_size_segment_is_like_a_devices(tmp_path):
    path = write_segment(tmp_path, codec="none")
    events = read(path)
    which = Counter(event.which() for event in events)
    assert 20e6 < path.stat().st_size < 30e6
    assert which["carState"] == which["selfdriveState"] == which["can"] == 6000
    assert 130_000 < sum(len(e.can) for e in events if e.which() == "can") < 140_000
    packed = write_segment(tmp_path, codec="zst")
    assert 2.2 < path.stat().st_size / packed.stat().st_size < 4.5
