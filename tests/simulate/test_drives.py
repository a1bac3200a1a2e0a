"""The simulated logs read back through pycapnp, and say what the plan of their drive says."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import cantools
import pytest

from engagement.resources import resource_dir
from engagement.simulate import truth_of, write_drive
from engagement.simulate.scenario import LATE_S, Cause, Signs, Why
from tests.simulate.read_back import WHOLE, read


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
    return sorted(events.get(which, ()), key=lambda pair: pair[0])


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


def list_of(drive):
    return drive.era.events_service


def inside(time, intervals):
    """Whether a sample of this moment is in any of the intervals; it is logged somewhat later."""
    return any(i.start_s <= time - 0.003 + 1e-6 < i.end_s for i in intervals)


def close(found, expected, *, within=0.06):
    return len(found) == len(expected) and all(
        abs(a - b) <= within
        for one, other in zip(found, expected, strict=True)
        for a, b in zip(one, other, strict=True)
    )


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
    speeds = [value.vEgo for _, value in select(events, "carState")]
    for (time, value), speed_mps in zip(control, speeds, strict=True):
        alone = inside(time, drive.lateral_only)
        pauses = [pause for run in drive.lateral_only for pause in (*run.brakes, *run.blinkers)]
        is_on = alone or value.enabled
        if abs(speed_mps - 0.3) > 0.01 and not value.enabled:
            assert value.latActive == (is_on and speed_mps > 0.3 and not inside(time, pauses))
        if value.latActive:
            assert speed_mps > 0.29
    assert any(v.longActive for _, v in control) == drive.car.openpilot_longitudinal


@pytest.mark.parametrize("number", [6, 7])
def test_steering_alone_is_taken_over_paused_and_switched_off(logs, number):
    drive, events = WHOLE[number], logs[number]
    car = [(time - drive.boot_s, value) for time, value in select(events, "carState")]
    control = [(time - drive.boot_s, value) for time, value in select(events, "carControl")]
    for run in drive.lateral_only:
        inside_run = [v for t, v in car if run.start_s <= t < run.end_s]
        assert any(v.steeringPressed for v in inside_run)
        assert any(v.standstill for v in inside_run) or run.brakes
        for pause in (*run.brakes, *run.blinkers):
            held = [v for t, v in car if pause.start_s < t < pause.end_s]
            assert all(v.brakePressed for v in held) or all(v.leftBlinker for v in held)
            assert not any(v.latActive for t, v in control if pause.start_s < t < pause.end_s)
        pressed = {str(b.type) for t, v in car for b in v.buttonEvents if abs(t - run.end_s) < 0.3}
        assert ("lkas" in pressed) == run.is_switched_off
    states = {str(v.mads.state) for _, v in select(events, "selfdriveStateSP")}
    expected = {"disabled", "paused", "enabled", "overriding"} if drive.era.has_mads else set()
    assert states == expected


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
        Cause.CAR_CRUISE: ("cruiseDisabled", "immediateDisable"),
        Cause.CAR_LIMIT: ("speedTooLow", "immediateDisable"),
        Cause.INATTENTION: ("driverUnresponsive3", "immediateDisable"),
    }
    for ended in drive.engagements:
        if ended.cause is Cause.LOG_END:
            continue
        end = drive.boot_s + ended.end_s
        near = [e for time, value in lists if end - 0.5 <= time <= end + 0.25 for e in value]
        name, flag = flags[ended.cause]
        found = {(str(e.name), getattr(e, flag)) for e in near}
        assert ((name, True) in found) == ended.is_told
        if ended.signs in (Signs.STALK, Signs.STANDING, Signs.LATE):
            assert "pcmDisable" in {name for name, _ in found}
        if ended.signs is Signs.SILENT:
            assert not any(e.userDisable or e.softDisable or e.immediateDisable for e in near)
        system = {str(e.name) for e in near if e.immediateDisable or e.softDisable}
        assert system <= {name, *(name for name, _ in drive.car.cruise_off_events)}


@pytest.mark.parametrize("number", range(8))
def test_the_cars_own_cruise_ends_after_the_driver_or_before_openpilot(logs, number):
    drive, events = WHOLE[number], logs[number]
    car = [(time - drive.boot_s, value) for time, value in select(events, "carState")]
    falls = [end for _, end in runs([(t, v.cruiseState.enabled) for t, v in car])]
    lists = [(time - drive.boot_s, value) for time, value in select(events, list_of(drive))]
    for ended in drive.engagements:
        if ended.cause in (Cause.LOG_END, Cause.MAIN):
            continue
        by_itself = ended.cause in (Cause.CAR_CRUISE, Cause.CAR_LIMIT)
        is_first = by_itself or ended.signs is not Signs.TOLD
        fall = min(falls, key=lambda time: abs(time - ended.end_s))
        assert (fall < ended.end_s) == is_first
        assert abs(fall - ended.end_s) < 0.1
        for name, _ in drive.car.cruise_off_events if not is_first else ():
            told = [t for t, value in lists if name in {str(e.name) for e in value}]
            after = min(time for time in told if time > ended.end_s - 0.02)
            assert after == pytest.approx(ended.end_s + 0.03, abs=0.006)


@pytest.mark.parametrize("number", range(8))
def test_lists_of_events_come_on_change_and_once_a_second(logs, number):
    drive, events = WHOLE[number], logs[number]
    lists = select(events, list_of(drive))
    assert max(b[0] - a[0] for a, b in pairwise(lists)) < 1.01
    named = [sorted(str(e.name) for e in value) for _, value in lists]
    changes = sum(a != b for a, b in pairwise(named))
    assert changes > 15
    assert len(lists) < drive.duration_s + 1.5 * changes


@pytest.mark.parametrize("number", range(8))
def test_presses_stand_in_the_lists_frame_by_frame(logs, number):
    drive, events = WHOLE[number], logs[number]
    lists = [(time - drive.boot_s, value) for time, value in select(events, list_of(drive))]
    for axis, flag in (("lateral", "overrideLateral"), ("longitudinal", "overrideLongitudinal")):
        found = runs([(t, any(getattr(e, flag) for e in value)) for t, value in lists])
        pressed = [(p.start_s, p.end_s) for p in drive.presses if p.axis == axis]
        assert close(found, pressed if drive.era.has_override_events else [], within=0.005)


def test_each_reason_of_a_press_looks_like_one(logs):
    reasons = set()
    for number, drive in enumerate(WHOLE):
        car = [(time - drive.boot_s, value) for time, value in select(logs[number], "carState")]
        lists = [(t - drive.boot_s, v) for t, v in select(logs[number], list_of(drive))]
        for press in drive.presses:
            reasons.add(press.why)
            before = next(v for t, v in reversed(car) if t < press.start_s)
            asked = {
                str(e.name) for t, value in lists for e in value if 0 < press.start_s - t <= 1.05
            }
            engaged = any(e.start_s < press.start_s < e.end_s for e in drive.engagements)
            assert (press.duration_s < 0.299) == (press.why is Why.TOUCH)
            assert (
                engaged or press.why is Why.CARRIED_IN or inside(press.start_s, drive.lateral_only)
            )
            prompts = {"promptDriverUnresponsive", "driverUnresponsive2"}
            assert bool(asked & prompts) == (press.why is Why.NAG_ANSWER)
            if press.why is Why.RESUME:
                assert before.standstill
                assert ("resumeRequired" in asked) == (not drive.car.openpilot_longitudinal)
    assert reasons == set(Why)


@pytest.mark.parametrize("number", range(8))
def test_a_nudge_confirms_each_lane_change(logs, number):
    drive, events = WHOLE[number], logs[number]
    car = [(time - drive.boot_s, value) for time, value in select(events, "carState")]
    names = ("off", "preLaneChange", "laneChangeStarting", "laneChangeFinishing")
    for service in drive.era.lane_change_services:
        states = [
            (time - drive.boot_s, getattr(value, "meta", value))
            for time, value in select(events, service)
        ]
        for name in names[1:]:
            found = runs([(t, str(v.laneChangeState) == name) for t, v in states])
            expected = [dict(change.states)[name] for change in drive.lane_changes]
            assert close(found, [(i.start_s, i.end_s) for i in expected], within=0.25)
    nudges = [press for press in drive.presses if press.why is Why.NUDGE]
    assert [nudge.start_s for nudge in nudges] == [c.nudged_s for c in drive.lane_changes]
    for nudge, change in zip(nudges, drive.lane_changes, strict=True):
        held = [value for t, value in car if nudge.start_s <= t < nudge.end_s]
        assert all(getattr(v, f"{change.direction}Blinker") and v.steeringPressed for v in held)
        assert {v.steeringTorque > 0 for v in held} == {change.direction == "left"}
        assert min(v.vEgo for v in held) > 9
        assert nudge.duration_s < 1.5


def test_a_lead_is_tracked_nearly_always_and_a_warning_is_rare(logs):
    warned = 0
    for number, drive in enumerate(WHOLE):
        leads = [value.leadOne for _, value in select(logs[number], "radarState")]
        tracked = [lead.fcw for lead in leads if lead.status]
        assert sum(tracked) > 0.9 * len(tracked) > 0
        plans = [(t - drive.boot_s, v.fcw) for t, v in select(logs[number], "longitudinalPlan")]
        assert close(runs(plans), [(w.start_s, w.end_s) for w in drive.warnings], within=0.25)
        warned += len(drive.warnings)
    assert warned == 1


@pytest.mark.parametrize("number", range(8))
def test_pedals_and_buttons_go_with_the_cause(logs, number):
    drive, events = WHOLE[number], logs[number]
    car = [(time - drive.boot_s, value) for time, value in select(events, "carState")]
    for ended in drive.engagements:
        told_s = ended.told_s
        near = [v for t, v in car if told_s - 0.5 <= t <= told_s + 0.1]
        pressed = {str(b.type) for v in near for b in v.buttonEvents if b.pressed}
        if ended.signs is Signs.LATE:
            assert not any(v.brakePressed for t, v in car if 0.06 < told_s - t < LATE_S)
        if not ended.is_told:
            assert not pressed & {"cancel", "mainCruise"}
            assert not any(v.brakePressed or v.gasPressed for v in near)
            continue
        assert any(v.brakePressed for v in near) == (ended.cause is Cause.BRAKE)
        assert any(v.gasPressed for v in near) == (ended.cause is Cause.GAS)
        assert ("cancel" in pressed) == (ended.cause is Cause.CANCEL)
        assert ("mainCruise" in pressed) == (ended.cause is Cause.MAIN)
        is_held = ended.cause is Cause.STEER or any(
            press.start_s < told_s + 0.1 and press.end_s > told_s - 0.5 for press in drive.presses
        )
        assert any(v.steeringPressed for v in near) == is_held


@pytest.mark.parametrize("number", range(8))
def test_overrides_hold_the_wheel_or_the_gas(logs, number):
    drive, events = WHOLE[number], logs[number]
    car = [(time - drive.boot_s, value) for time, value in select(events, "carState")]
    wheel = runs([(time, value.steeringPressed) for time, value in car])
    gas = runs([(time, value.gasPressed) for time, value in car])
    for override in drive.presses:
        found = wheel if override.axis == "lateral" else gas
        assert any(close([run], [(override.start_s, override.end_s)]) for run in found)
    flagged = [
        e for _, value in select(events, drive.era.events_service) for e in value
        if e.overrideLateral or e.overrideLongitudinal
    ]  # fmt: skip
    assert bool(flagged) == (drive.era.has_override_events and bool(drive.presses))


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
        n for n, d in enumerate(WHOLE) if d.car.has_demo_can and d.presses[0].axis == "lateral"
    )
    held = max(
        (press for press in WHOLE[number].presses if press.axis == "lateral"),
        key=lambda press: press.duration_s,
    )
    gaps = [
        abs(
            database.decode_message(357, bytes(frames[0].dat))["CR_Mdps_StrTq"]
            - database.decode_message(559, bytes(frames[1].dat))["STEERING_TORQUE"]
        )
        for time, frames in select(logs[number], "can")
        if held.start_s < time - WHOLE[number].boot_s < held.end_s - 0.01
    ]
    assert min(gaps) > 1.5
