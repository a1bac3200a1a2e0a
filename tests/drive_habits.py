"""What drivers do around assisted runs of a random drive: they hold on, pause, confirm, answer.

Everything is placed on, just inside and just outside the thresholds of the definitions.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.drive_signals import SECOND_NS, TENTH_NS, Pulses, random_pulses, seconds

if TYPE_CHECKING:
    from random import Random

    from tests.drive_messages import Scene

Row = dict[str, Any]
Timed = list[tuple[int, str, Row]]  # when (ns), the table, the row

TOUCHES_S = (0.2, 0.3, 0.4, 1.4, 1.5, 1.6, 3.0)
BEFORE_S = (0.0, 0.1, 0.9, 1.0, 1.1)
RETURNS_S = (0.0, 0.5, 1.9, 2.0, 2.0, 2.1)
NAGS = (
    "preDriverUnresponsive", "promptDriverUnresponsive", "driverUnresponsive",
    "driverUnresponsive2", "preDriverDistracted",
)  # fmt: skip
MADS_STATES = ("enabled", "enabled", "overriding", "softDisabling", "paused")


def habits(scene: Scene, rng: Random, ends_ns: list[int]) -> Timed:
    """Change the signals of a scene, and tell what they lack: lane changes, MADS, the plan."""
    found: Timed = []
    for end_ns in ends_ns:
        if rng.random() < 0.5:
            endings = (_pedal, _pedal, _button, _stalk, _stalk, _belt, _switch)
            rng.choice(endings)(scene, rng, end_ns)
    for (_, phase), (end_ns, _) in pairwise(
        zip(scene.phases.starts_ns, scene.phases.values, strict=True)
    ):
        if phase == "lateral_only" and rng.random() < 0.7:
            rng.choice((_pedal, _pedal, _button, _switch))(scene, rng, end_ns)
    _hold_on(scene, rng)
    _pause(scene, rng)
    for _ in range(rng.choice((0, 0, 1, 3, 5))):
        start_ns = scene.start_ns + TENTH_NS * rng.randrange(
            (scene.end_ns - scene.start_ns) // TENTH_NS
        )
        habit = rng.choice((_nudge, _nudge, _answer, _resume, _follow))
        found += habit(scene, rng, start_ns)
    return found + _mads(scene, rng) + _plan(scene, rng)


def _hold_on(scene: Scene, rng: Random) -> None:
    """Presses that go on when an engagement begins, or begin with it."""
    for start_ns in scene.phases.starts_ns[1:]:
        if rng.random() < 0.25:
            pulses = rng.choice((scene.steering, scene.gas))
            early_s = rng.choice((0.0, 0.1, 0.3, 1.0, -0.1))
            pulses.add(start_ns - seconds(early_s), early_s + rng.choice((0.2, 0.3, 0.4, 2.0)))


def _pause(scene: Scene, rng: Random) -> None:
    """A blinker, or standstill, for as long as steering pauses, or not quite."""
    for place, (phase_ns, next_ns) in enumerate(pairwise(scene.phases.starts_ns)):
        pulses = rng.choice((scene.left, scene.right, scene.still, scene.still, None))
        if scene.phases.values[place] == "paused" and pulses is not None:
            start_ns = phase_ns - seconds(rng.choice((0.2, 0.2, 0.0, -0.2)))
            end_ns = next_ns - seconds(rng.choice(RETURNS_S))
            if end_ns > start_ns:
                pulses.spans.append((start_ns, end_ns))


def _pedal(scene: Scene, rng: Random, end_ns: int) -> None:
    """A pedal or the wheel that disengages, what the lists say of it, and what follows from it."""
    pulses, name = rng.choice(
        (
            (scene.brake, "pedalPressed"),
            (scene.brake, "pedalPressed"),
            (scene.regen, "pedalPressed"),
            (scene.gas, "pedalPressed"),
            (scene.gas, "pedalPressed"),
            (scene.steering, "steerDisengage"),
        )
    )
    pulses.add(end_ns - seconds(rng.choice((0.0, 0.1, 0.3, 0.5, 0.6))), rng.choice((0.4, 0.6, 2.0)))
    if rng.random() < 0.8:
        _tell(scene, end_ns - seconds(rng.choice((0.0, 0.0, 0.1))), "user_disable", name)
    _consequence(scene, rng, end_ns)


def _button(scene: Scene, rng: Random, end_ns: int) -> None:
    """A cancel button, in time or told late."""
    at_ns = end_ns + seconds(rng.choice((-0.1, -0.1, 0.0, 0.3, 0.5)))
    scene.buttons.append((at_ns, "cancel", True))
    if rng.random() < 0.6:
        _tell(scene, min(at_ns, end_ns), "user_disable", "buttonCancel")
    _consequence(scene, rng, end_ns)


def _stalk(scene: Scene, rng: Random, end_ns: int) -> None:
    """Cruise that falls, by a stalk that no message tells, or by the car itself."""
    scene.cruise_off.add(end_ns - seconds(rng.choice((0.0, 0.1, 0.4))), 1.0)
    scene.cruise_off.spans[:] = [
        span for span in scene.cruise_off.spans if not span[0] < end_ns - SECOND_NS < span[1]
    ]
    if rng.random() < 0.3:
        scene.still.add(end_ns - SECOND_NS, 1.5)
    if rng.random() < 0.3:
        at_ns = end_ns + seconds(rng.choice((-0.1, 0.2, 0.3, 0.5, 0.6)))
        rng.choice((scene.brake, scene.gas)).add(at_ns, 0.5)
    if rng.random() < 0.2:
        _tell(scene, end_ns, rng.choice(("immediate_disable", "warning")), "accFaulted")
    if rng.random() < 0.7:
        _consequence(scene, rng, end_ns)


def _belt(scene: Scene, rng: Random, end_ns: int) -> None:
    """What counts as the driver's only with a pedal or the wheel: park, belt, no attention."""
    flag, name = rng.choice(
        (
            ("user_disable", "parkBrake"),
            ("user_disable", "doorOpen"),
            ("immediate_disable", "driverDistracted3"),
            ("immediate_disable", "speedTooLow"),
        )
    )
    _tell(scene, end_ns, flag, name)
    if rng.random() < 0.6:
        pulses = rng.choice((scene.brake, scene.gas, scene.steering))
        pulses.add(end_ns - seconds(rng.choice((3.0, 1.0, 0.1))), rng.choice((0.3, 1.0, 1.1)))


def _switch(scene: Scene, rng: Random, end_ns: int) -> None:
    """Main, or the button of MADS."""
    at_ns = end_ns - seconds(rng.choice((0.0, 0.1, 0.5, 0.6)))
    if rng.random() < 0.5:
        scene.buttons.append((at_ns, rng.choice(("lkas", "mainCruise")), True))
    else:
        scene.main_off.add(at_ns, 1.0)
    if rng.random() < 0.4:
        _tell(scene, end_ns, "user_disable", "wrongCarMode")


def _consequence(scene: Scene, rng: Random, end_ns: int) -> None:
    flag, name = rng.choice(
        (("immediate_disable", "cruiseDisabled"), ("user_disable", "pcmDisable"))
    )
    if rng.random() < 0.6:
        _tell(scene, end_ns + seconds(rng.choice((0.0, 0.03, 0.1))), flag, name)


def _tell(scene: Scene, mono_ns: int, flag: str, name: str) -> None:
    """Let a list hold an event for a while."""
    scene.lasting.append((mono_ns, mono_ns + SECOND_NS, flag, name))


def _press(scene: Scene, rng: Random, start_ns: int) -> None:
    scene.steering.add(start_ns, rng.choice(TOUCHES_S))


def _nudge(scene: Scene, rng: Random, start_ns: int) -> Timed:
    """A touch that confirms a lane change, told by its state, by an event, or by a blinker."""
    _press(scene, rng, start_ns)
    asked_ns = start_ns - seconds(rng.choice(BEFORE_S) + 0.5)
    ended_ns = start_ns - seconds(rng.choice((*BEFORE_S, -0.1)))
    told = rng.choice(("state", "event", "blinker"))
    if told == "event":
        name = rng.choice(("preLaneChangeLeft", "preLaneChangeRight"))
        scene.lasting.append((asked_ns, ended_ns, "warning", name))
    if told != "state":
        rng.choice((scene.left, scene.right)).add(start_ns - SECOND_NS, rng.choice((1.0, 1.1, 3.0)))
        return []
    source = rng.choice(("modelV2", "lateralPlan", "drivingModelData"))
    states = (
        (asked_ns, "preLaneChange"),
        (ended_ns, "laneChangeStarting"),
        (start_ns + SECOND_NS, "off"),
    )
    shared = {"source": source, "direction": rng.choice(("none", "left", "right"))}
    return [(time, "lane_change", shared | {"state": state}) for time, state in states]


def _answer(scene: Scene, rng: Random, start_ns: int) -> Timed:
    """A touch that answers the demand for one."""
    _press(scene, rng, start_ns)
    ended_ns = start_ns - seconds(rng.choice((*BEFORE_S, -0.1)))
    scene.lasting.append((ended_ns - SECOND_NS, ended_ns, "warning", rng.choice(NAGS)))
    return []


def _resume(scene: Scene, rng: Random, start_ns: int) -> Timed:
    """The accelerator at a standstill, or where it is asked for."""
    scene.gas.add(start_ns, rng.choice((0.3, 1.0, 3.0)))
    if rng.random() < 0.6:
        scene.still.add(start_ns - 2 * SECOND_NS, rng.choice((1.9, 2.0, 2.1, 2.5)))
    if rng.random() < 0.6:
        ended_ns = start_ns + seconds(rng.choice((-0.1, 0.0, 0.1)))
        scene.lasting.append((start_ns - SECOND_NS, ended_ns, "warning", "resumeRequired"))
    return []


def _follow(scene: Scene, rng: Random, start_ns: int) -> Timed:
    """Inputs that follow each other, around the time within which they are one."""
    for _ in range(rng.choice((2, 3))):
        length_s = rng.choice((0.3, 0.4, 1.0))
        rng.choice((scene.steering, scene.gas)).add(start_ns, length_s)
        start_ns += seconds(length_s + rng.choice((0.5, 0.9, 1.0, 1.1, 1.9, 2.0, 2.1)))
    return []


def _mads(scene: Scene, rng: Random) -> Timed:
    """What sunnypilot tells of MADS, in some drives."""
    if rng.random() < 0.7:
        return []
    states = random_pulses(rng, scene.start_ns, scene.end_ns, 0.6)
    state = rng.choice(MADS_STATES)
    is_old = rng.random() < 0.3
    is_available = rng.random() < 0.9
    found: Timed = []
    for time in scene.times():
        phase = scene.phases.at(time)
        is_paused = phase == "paused" and states.at(time)
        is_enabled = phase in ("lateral_only", "paused")
        row: Row = {"source": "carState", "enabled": is_enabled}
        if not is_old:
            row |= {
                "source": "selfdriveStateSP",
                "state": "disabled" if not is_enabled else "paused" if is_paused else state,
                "active": is_enabled and not is_paused,
                "available": is_available,
            }
        found.append((time, "mads", row))
    return found if is_old else found + _switched_off(found, rng)


def _switched_off(told: Timed, rng: Random) -> Timed:
    """sunnypilot's own list of events, in most of its drives: sometimes MADS ends without it."""
    if rng.random() < 0.3:
        return []
    found: Timed = []
    for (_, _, old), (time, _, new) in pairwise(told):
        if old["enabled"] and not new["enabled"] and rng.random() < 0.8:
            at_ns = time + rng.choice((-6, -1, 0, 0, 1, 2)) * TENTH_NS // 2
            name = rng.choice(("lkasDisable", "lkasDisable", "silentLkasDisable", None))
            row: Row = {"source": "onroadEventsSP", "name": name}
            found.append((at_ns, "car_event", row | ({"user_disable": True} if name else {})))
    return found


def _plan(scene: Scene, rng: Random) -> Timed:
    """longitudinalPlan's collision warnings."""
    if rng.random() < 0.5:
        return []
    fcw = random_pulses(rng, scene.start_ns, scene.end_ns, 0.2)
    period_ns = rng.choice((TENTH_NS // 2, 5 * TENTH_NS, 10 * TENTH_NS, 11 * TENTH_NS))
    times = range(scene.start_ns, scene.end_ns, period_ns)
    return [(time, "longitudinal_plan", {"fcw": fcw.at(time)}) for time in times]


def motion(scene: Scene, rng: Random, mono_ns: int, row: Row) -> Row:
    """What of a row of carState follows the driver: blinkers, standstill, torque at the wheel."""
    is_still = scene.still.at(mono_ns)
    found: Row = {"standstill": is_still and rng.random() < 0.7}
    found["steering_torque"] = rng.choice((None, 0.0, -30.0, 30.0, 30.0))
    if is_still and row["v_ego_mps"] is not None:
        found["v_ego_mps"] = rng.choice((0.0, 0.0, 0.05, -0.5))
    for side in ("left", "right"):
        pulses: Pulses = getattr(scene, side)
        if pulses.at(mono_ns):
            found[f"{side}_blinker"] = True
    return found
