"""What the newest version of the old system counts, message by message; nothing of the package.

What its description leaves open, and what is done here: a gap belongs to the speed before it and to
the flag at its end; a press or a disengagement to the speed of the newest carState, 0 before the
first; the pause of 10 s runs from the last press that counted, over the whole drive.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.oracles.legacy_messages import Can, CarState, Controls, Drive

S = 1_000_000_000


@dataclass(slots=True)
class World:
    """What is kept over a drive."""

    is_active: bool | None = None
    n_flips: int = 0
    flip_ns: int | None = None
    speed_mps: float = 0.0
    is_pressed: bool = False
    counted_ns: int | None = None
    odometer: list[tuple[float, bool]] = field(default_factory=list)
    active_time: int = 0
    ends: list[str] = field(default_factory=list)
    sums: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {key: defaultdict(int) for key in ("city", "road", "highway")}
    )


def bucket_of(speed_mps: float) -> str:
    """The bucket of a speed; a negative one is city."""
    if speed_mps < 15.3:
        return "city"
    return "road" if speed_mps < 25 else "highway"


def compute(drive: Drive) -> World:
    """Sums by bucket, disengagements in order, and the whole drive's active time and odometer."""
    world = World()
    for segment in drive.segments:
        last_controls: Controls | None = None
        last_state: CarState | None = None
        for message in segment.messages:
            match message:
                case Controls():
                    _controls(world, last_controls, message)
                    last_controls = message
                case CarState():
                    _car_state(world, last_state, message)
                    last_state = message
                case Can():
                    world.odometer += [
                        (frame["odometer"], bool(world.is_active))
                        for frame in message.frames
                        if "odometer" in frame
                    ]
    return world


def _controls(world: World, last: Controls | None, message: Controls) -> None:
    if last is not None and last.active and message.active:
        gap_ns = message.mono_ns - last.mono_ns
        world.active_time += gap_ns if gap_ns <= S else 0
    if world.is_active is not None and world.is_active != message.active:
        world.n_flips += 1
        world.flip_ns = message.mono_ns
        if not message.active:
            world.ends.append(bucket_of(world.speed_mps))
    world.is_active = message.active


def _car_state(world: World, last: CarState | None, message: CarState) -> None:
    if last is not None and 0 < (gap_ns := message.mono_ns - last.mono_ns) <= S:
        sums = world.sums[bucket_of(last.v_ego_mps)]
        km = last.v_ego_mps * (gap_ns / 1e9) / 1000
        for name in ("", "engaged_") if world.is_active else ("",):
            sums[f"{name}time_ns"] += gap_ns
            sums[f"{name}distance_km"] += km
            sums[f"{name}drive_time_ns"] += gap_ns if last.v_ego_mps > 1 else 0
    world.speed_mps = message.v_ego_mps
    is_rise = message.is_pressed and not world.is_pressed
    world.is_pressed = message.is_pressed
    is_stable = world.flip_ns is None or message.mono_ns - world.flip_ns > 3 * S
    is_rested = world.counted_ns is None or message.mono_ns - world.counted_ns > 10 * S
    if is_rise and world.is_active and is_stable and is_rested:
        world.counted_ns = message.mono_ns
        world.sums[bucket_of(message.v_ego_mps)]["steer_intervention_count"] += 1


def odometer_km(world: World, *, engaged: bool) -> float | None:
    """Steps under a kilometre; None with fewer than two values."""
    if len(world.odometer) < 2:
        return None
    pairs = zip(world.odometer, world.odometer[1:], strict=False)
    steps = [(after[0] - before[0], after[1]) for before, after in pairs]
    return sum(km for km, is_active in steps if 0 < km < 1 and (is_active or not engaged))
