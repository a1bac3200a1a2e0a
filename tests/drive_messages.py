"""The messages of a random drive, each with the rows of the one table that it fills."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.drive_habits import habits, motion
from tests.drive_signals import (
    AFTER_END_S,
    EVENTS,
    FIX_AGES_S,
    GRID_NS,
    NAMED,
    OFFSETS_S,
    PHASES,
    SECOND_NS,
    SOFT_OFFSETS_S,
    STARTED_S,
    STORIES,
    TENTH_NS,
    Pulses,
    Steps,
    float32,
    random_phases,
    random_pulses,
    random_speeds,
    random_times,
    seconds,
    steady_times,
)
from tests.drive_surroundings import CarMotion, surroundings

Row = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """One message of a log; the rows lack what the log's file adds."""

    mono_ns: int
    table: str
    rows: list[Row]


@dataclass
class Scene:
    """The signals of a drive; stories around the ends of engagements change them."""

    rng: Random
    extra: Random
    start_ns: int
    end_ns: int
    phases: Steps[str]
    steering: Pulses
    gas: Pulses
    brake: Pulses
    cruise_off: Pulses
    is_steady: bool
    has_curvature: bool
    main_off: Pulses = field(default_factory=lambda: Pulses([]))
    regen: Pulses = field(default_factory=lambda: Pulses([]))
    steer_off: Pulses = field(default_factory=lambda: Pulses([]))
    park: Pulses = field(default_factory=lambda: Pulses([]))
    reverse: Pulses = field(default_factory=lambda: Pulses([]))
    ignition_off: Pulses = field(default_factory=lambda: Pulses([]))
    left: Pulses = field(default_factory=lambda: Pulses([]))
    right: Pulses = field(default_factory=lambda: Pulses([]))
    still: Pulses = field(default_factory=lambda: Pulses([]))
    events: list[tuple[int, str, str]] = field(default_factory=list)
    lasting: list[tuple[int, int, str, str]] = field(default_factory=list)
    buttons: list[tuple[int, str, bool]] = field(default_factory=list)
    fixes_ns: list[int] = field(default_factory=list)

    def times(self, edges_s: float = 0.0) -> list[int]:
        """Sample times of one source, from somewhat before the start to somewhat after the end."""
        span = self.start_ns - seconds(edges_s), self.end_ns + seconds(edges_s)
        return steady_times(*span) if self.is_steady else random_times(self.rng, *span)

    def control_times(self) -> list[int]:
        """Of openpilot's state, which old qlogs have once a second."""
        times = self.times()
        if self.extra.random() < 0.1:
            period_ns = self.extra.choice((SECOND_NS, SECOND_NS + TENTH_NS, SECOND_NS // 2))
            times = list(range(self.start_ns, self.end_ns, period_ns))
        return times


def drive_messages(rng: Random) -> list[Message]:
    """All messages of one drive, in no order."""
    scene = _scene(rng)
    messages = [Message(scene.start_ns, "init_data", [{"version": "0.9.9"}])]
    control, ends_ns = _control(scene)
    for end_ns in ends_ns:
        _tell_story(scene, end_ns)
    messages += control
    more = Random(repr(scene.phases.starts_ns))
    messages += [Message(time, table, [row]) for time, table, row in habits(scene, more, ends_ns)]
    for part in (_car_state, _car_control, _events, _car_params, _positions, _ignition):
        messages += part(scene)
    messages += [
        Message(time, table, [row])
        for time, table, row in surroundings(scene.extra, scene.start_ns, scene.end_ns)
    ]
    messages += [
        Message(time, "button_event", [{"button": button, "pressed": pressed}])
        for time, button, pressed in scene.buttons
    ]
    return messages


def _scene(rng: Random) -> Scene:
    start_ns = rng.choice((0, 7, 10**12, 123_456_789_012_345)) + 10 * SECOND_NS
    end_ns = start_ns + seconds(rng.choice((1.0, 10.0, 20.0, 20.0, 40.0, 40.0, 90.0)))
    return Scene(
        rng=rng,
        extra=Random(start_ns ^ rng.getrandbits(32)),
        start_ns=start_ns,
        end_ns=end_ns,
        phases=random_phases(rng, start_ns, end_ns),
        steering=random_pulses(rng, start_ns, end_ns, 0.6),
        gas=random_pulses(rng, start_ns, end_ns, 0.5),
        brake=random_pulses(rng, start_ns, end_ns, 0.1),
        cruise_off=random_pulses(rng, start_ns, end_ns, 0.2),
        is_steady=rng.random() < 0.4,
        has_curvature=rng.random() < 0.8,
    )


def _control(scene: Scene) -> tuple[list[Message], list[int]]:
    """The control messages, and when (ns) samples have active fall."""
    rng = scene.rng
    tables = rng.choices(
        (("selfdrive_state",), ("controls_state",), ("selfdrive_state", "controls_state"), ()),
        (10, 6, 4, 1),
    )[0]
    messages, ends_ns = [], []
    for index, table in enumerate(tables):
        was_active = False
        for time in scene.control_times():
            enabled, active, state = PHASES[scene.phases.at(time)]
            if index:
                enabled, active, state = False, False, None
            row = {"enabled": enabled, "active": active, "state": state}
            if table == "controls_state":
                row |= {"curvature_per_m": _curvature(scene)}
            messages.append(Message(time, table, [row]))
            if was_active and not active:
                ends_ns.append(time)
            if active and not was_active and scene.extra.random() < 0.2:
                name = scene.extra.choice(EVENTS["enable"])
                scene.events.append((time - seconds(scene.extra.choice(STARTED_S)), "enable", name))
            was_active = active
    return messages, ends_ns


def _curvature(scene: Scene) -> float | None:
    chosen = scene.extra.choice((None, 0.0, -0.02, 0.001, 0.05))
    return None if chosen is None else float32(chosen * scene.has_curvature)


def _tell_story(scene: Scene, end_ns: int) -> None:
    """Let something happen that may be why an engagement ended, and something beside it."""
    rng = scene.rng
    scene.fixes_ns.append(end_ns - seconds(rng.choice(FIX_AGES_S)))
    was_soft = scene.phases.at(end_ns - 200_000_000) == "soft"
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        at_ns = end_ns + seconds(rng.choice(OFFSETS_S))
        length_s = rng.choice((0.2, 0.5, 1.0))
        story = "soft" if was_soft and rng.random() < 0.6 else rng.choice(STORIES)
        if story == "event":
            flag = rng.choice(("immediate_disable", *["user_disable"] * 6))
            pool = EVENTS[flag] if rng.random() < 0.6 else EVENTS[flag][-NAMED:]
            names = rng.sample(pool, k=min(rng.choice((1, 1, 2, 3)), len(pool)))
            scene.events += [(at_ns, flag, name) for name in names]
            if scene.extra.random() < 0.3:  # some stay in the list
                length_ns = seconds(scene.extra.choice((0.3, 1.0, 3.0)))
                scene.lasting += [(at_ns, at_ns + length_ns, flag, name) for name in names]
        elif story == "soft":
            at_ns = end_ns + seconds(rng.choice(SOFT_OFFSETS_S))
            scene.events.append((at_ns, "soft_disable", rng.choice(EVENTS["soft_disable"])))
        elif story == "pulse":
            pulses = (scene.brake, scene.brake, scene.gas, scene.regen, scene.steer_off)
            rng.choice(pulses).add(at_ns, length_s)
        elif story == "cruise":
            pulses = (scene.cruise_off, scene.cruise_off, scene.main_off, scene.reverse, scene.park)
            rng.choice(pulses).add(at_ns, length_s)
        elif story == "button":
            button = rng.choice(("cancel", "cancel", "resumeCruise"))
            if scene.extra.random() < 0.2:
                button = scene.extra.choice(("lkas", "mainCruise"))
            scene.buttons.append((at_ns, button, rng.random() < 0.7))
        else:
            off = rng.choice((scene.ignition_off, scene.park))
            off.add(end_ns + seconds(rng.choice(AFTER_END_S)), rng.choice((0.5, 5.0)))


def _car_state(scene: Scene) -> list[Message]:
    rng = scene.rng
    if rng.random() < 0.07:
        return []
    # carState may run longer or shorter than the control messages.
    edges_s = rng.choice((0.0, 0.0, 0.3, -2.0))
    times = scene.times(edges_s)
    n_pointers = rng.choices((None, 5, 6, 7), (3, 3, 3, 2))[0]
    follows_phase = rng.random() < 0.4
    moved = CarMotion(scene.extra, scene.start_ns, scene.end_ns)
    messages = []
    for time, speed in zip(times, random_speeds(rng, times), strict=True):
        is_set = not follows_phase or PHASES[scene.phases.at(time)][1]
        gear = "park" if scene.park.at(time) else "drive"
        row = {
            "v_ego_mps": speed,
            "steering_pressed": scene.steering.at(time),
            "steering_disengage": scene.steer_off.at(time),
            "gas_pressed": scene.gas.at(time),
            "brake_pressed": scene.brake.at(time),
            "regen_braking": scene.regen.at(time),
            "cruise_enabled": is_set and not scene.cruise_off.at(time),
            "cruise_available": not scene.main_off.at(time),
            "gear": "reverse" if scene.reverse.at(time) else gear,
            "n_pointers": n_pointers,
            **moved.row(time),
        }
        row |= motion(scene, scene.extra, time, row)
        messages.append(Message(time, "car_state", [row]))
    return messages


def _car_control(scene: Scene) -> list[Message]:
    rng = scene.rng
    if rng.random() < 0.1:
        return []
    null_odds = rng.choices((0.0, 0.05, 1.0), (7, 1, 1))[0]
    lag_ns = rng.choice((0, GRID_NS, 100_000_000, 500_000_000))
    shown_odds = scene.extra.choice((0.0, 0.0, 0.0, 0.01))
    messages = []
    for time in scene.times():
        phase = scene.phases.at(time - lag_ns)
        enabled, active, _ = PHASES[phase]
        is_null = rng.random() < null_odds
        row = {
            "enabled": enabled,
            "lat_active": None if is_null else active or phase == "lateral_only",
            "long_active": None if is_null else active and phase != "overriding",
            "visual_alert": "fcw" if scene.extra.random() < shown_odds else "none",
        }
        messages.append(Message(time, "car_control", [row]))
    return messages


def _events(scene: Scene) -> list[Message]:
    rng = scene.rng
    count = rng.choices((0, 1, 2), (2, 5, 3))[0]
    sources = rng.sample(("onroadEvents", "carEvents", "carState"), count)
    # Of two sources only one is to be used; the other one tells another story.
    stories = [scene.events, [(at, flag, "canError") for at, flag, _ in scene.events]]
    rng.shuffle(stories)
    return [
        message
        for source, story in zip(sources, stories, strict=False)
        for message in _event_messages(scene, source, story)
    ]


def _event_messages(scene: Scene, source: str, story: list[tuple[int, str, str]]) -> list[Message]:
    rng = scene.rng
    period_ns = seconds(rng.choice((0.3, 1.0, 2.0, 2.0, 2.01)))
    steering = random_pulses(rng, scene.start_ns, scene.end_ns, 0.4)
    gas = random_pulses(rng, scene.start_ns, scene.end_ns, 0.4)
    at: dict[int, list[Row]] = {}
    warnings = EVENTS["warning"] if scene.extra.random() < 0.3 else EVENTS["harmless"]
    for mono_ns in range(scene.start_ns + 30_000_000, scene.end_ns, period_ns):
        name = scene.extra.choice(warnings)
        at[mono_ns] = [{"name": name, "warning": True}] if rng.random() < 0.3 else []
    if rng.random() < 0.5:
        edges_ns = {edge for span in steering.spans + gas.spans for edge in span}
        at = {edge_ns: [] for edge_ns in edges_ns} | at
    for start_ns, end_ns, flag, name in scene.lasting:
        edges = {start_ns, max(start_ns, end_ns)} if scene.extra.random() < 0.8 else {start_ns}
        at = {edge_ns: [] for edge_ns in edges} | at
        for mono_ns in at:
            if start_ns <= mono_ns < end_ns:
                at[mono_ns].append({"name": name, flag: True})
    for mono_ns, flag, name in story:
        at.setdefault(mono_ns, []).append({"name": name, flag: True})
    unset = rng.choice((False, False, None))
    flags: dict[str, str] = {}
    messages = []
    for mono_ns, rows in sorted(at.items()):
        # An event has the same flags wherever it is.
        rows[:] = [{"name": n, flags.setdefault(n, f): True} for n, f in map(_only_flag, rows)]
        if steering.at(mono_ns):
            rows.append({"name": "steerOverride", "override_lateral": True})
        if gas.at(mono_ns):
            rows.append({"name": "gasPressedOverride", "override_longitudinal": True})
        filled = [_event_row(source, row, unset) for row in rows or [{"name": None}]]
        messages.append(Message(mono_ns, "car_event", filled))
    return messages


def _only_flag(row: Row) -> tuple[str, str]:
    [flag] = row.keys() - {"name"}
    return row["name"], flag


def _event_row(source: str, row: Row, unset: bool | None) -> Row:  # noqa: FBT001
    flags = (
        "user_disable", "soft_disable", "immediate_disable", "enable",
        "override_lateral", "override_longitudinal", "warning",
    )  # fmt: skip
    empty = dict.fromkeys(flags, None if row["name"] is None else unset)
    return {"source": source, **empty, **row}


def _car_params(scene: Scene) -> list[Message]:
    choice: tuple[bool | None, ...] = scene.rng.choice(
        ((), (True,), (True,), (False,), (False,), (None,), (None, True), (None, False, True))
    )
    follows = scene.extra.choice((True, True, False, None))
    least_mps = scene.extra.choice((None, 0.0, -1.0, 8.0, 14.3))
    return [
        Message(
            scene.start_ns + number * SECOND_NS // 4,
            "car_params",
            [
                {
                    "openpilot_longitudinal": value,
                    "pcm_cruise": follows,
                    "min_enable_speed_mps": None if least_mps is None else float32(least_mps),
                }
            ],
        )
        for number, value in enumerate(choice)
    ]


def _positions(scene: Scene) -> list[Message]:
    rng = scene.rng
    count = rng.choice((0, 1, 2, 3))
    messages = []
    for source in rng.sample(("gpsLocationExternal", "gpsLocation", "liveLocationKalman"), count):
        fix_odds = rng.choice((0.0, 0.5, 0.9))
        times = scene.times()[:: rng.choice((10, 40, 80))]
        for time in times + rng.choice(([], scene.fixes_ns)):
            row = {
                "source": source,
                "has_fix": rng.random() < fix_odds or rng.choice((False, None)),
                "latitude": rng.uniform(-90, 90),
                "longitude": rng.uniform(-180, 180),
            }
            if scene.extra.random() < 0.1:  # what a receiver says that knows nothing
                row |= {"latitude": 0.0, "longitude": 0.0}
            messages.append(Message(time, "gps", [row]))
    return messages


def _ignition(scene: Scene) -> list[Message]:
    rng = scene.rng
    messages = []
    for source in rng.sample(("pandaStates", "pandaState"), rng.choice((0, 1, 1, 2))):
        edges = [edge for span in scene.ignition_off.spans for edge in span]
        times = range(scene.start_ns, scene.end_ns, seconds(rng.choice((0.5, 1.0))))
        for time in sorted({*times, *edges}):
            row = {"source": source, "is_on": not scene.ignition_off.at(time)}
            messages.append(Message(time, "ignition", [row]))
        if rng.random() < 0.3:
            messages.append(Message(scene.end_ns, "ignition", [{"source": source, "is_on": False}]))
    return messages
