"""Random drives that reach every quirk of the old numbers, in few messages.

Times run on a coarse grid at will, so that thresholds (3 s, 10 s) are met exactly as often as
they are passed; torques wander around the detector's two thresholds in steps that binary fractions
don't hold, so that the order of additions shows.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from random import Random

from hypothesis import strategies as st

from tests.oracles.legacy_messages import (
    Can,
    CarParams,
    CarState,
    Controls,
    Drive,
    InitData,
    Message,
    Segment,
)

NAMES = (
    "2025-07-06--23-59-59",
    "2025-07-07--00-00-00",
    "2025-09-09--10-00-00",
    "2026-01-31--08-15-00",
    "0000002a--0123456789",
    "2025-13-01--10-00-00",
)
NS_PER_S = 1_000_000_000
GRID_NS = 250_000_000


@dataclass(slots=True)
class World:
    """What changes from message to message."""

    rng: Random
    mono_ns: int
    is_sorted: bool
    is_active: bool = False
    v_ego_mps: float = 10.0
    odometer_km: float = 0.0
    torque_nm: float = 0.0
    has_odometer: bool = True
    flip_rate: float = 0.03
    kinds: tuple[str, ...] = field(default=("controls", "car_state", "can"))


def drives() -> st.SearchStrategy[Drive]:
    """Drives of `random_drive`, by seed: a drive takes more choices than hypothesis hands out."""
    return st.integers(0, 2**32 - 1).map(lambda seed: random_drive(Random(seed)))


def random_drive(rng: Random, *, n_messages: int = 250, name: str | None = None) -> Drive:
    """One drive of up to five segments with about `n_messages` messages."""
    world = World(
        rng,
        mono_ns=rng.choice([0, 5 * GRID_NS, 10**12, rng.randrange(10**13)]),
        is_sorted=rng.random() < 0.8,
        odometer_km=rng.choice([0.0, 12345.6, 99999.9]),
        has_odometer=rng.random() < 0.85,
        flip_rate=rng.choice([0.005, 0.03, 0.2]),
    )
    name = name or rng.choice(NAMES)
    numbers = sorted(rng.sample(range(13), rng.choice([1, 2, 3, 5])))
    segments = []
    for number in numbers:
        world.mono_ns += rng.choice([0, 10_000_000, 60 * NS_PER_S])
        messages = _segment_messages(
            world, rng.choice([0, 0, 1, 6, *[n_messages // len(numbers)] * 9])
        )
        path = f"./rlogs/d0/{name}--{number}/rlog.zst"
        segments.append(Segment(number, path, messages))
    return Drive("d0", name, tuple(segments))


def _segment_messages(world: World, n_messages: int) -> tuple[Message, ...]:
    rng = world.rng
    messages: list[Message] = []
    if not n_messages:
        return ()
    if rng.random() < 0.7:
        messages.append(_init_data(world))
    if rng.random() < 0.7:
        messages.append(_car_params(world))
    kinds = rng.choice([world.kinds, world.kinds, world.kinds, ("can", "car_state"), ("can",)])
    late = rng.random() < 0.3
    for place in range(n_messages):
        _advance(world)
        kind = rng.choice(("can", "car_state") if late and place < 5 else kinds)
        messages.append(_message(world, kind))
    if rng.random() < 0.05:
        rng.shuffle(messages)
    return tuple(messages)


def _advance(world: World) -> None:
    rng = world.rng
    if rng.random() < 0.6:
        world.mono_ns += rng.choice([0, 1, 1, 2, 4]) * GRID_NS
    else:
        world.mono_ns += rng.randrange(300_000_000)
    if not world.is_sorted and rng.random() < 0.1:
        world.mono_ns = max(0, world.mono_ns - rng.randrange(3 * GRID_NS))
    if rng.random() < 0.01:
        world.mono_ns += 10 * NS_PER_S


def _message(world: World, kind: str) -> Message:
    rng = world.rng
    if kind == "controls":
        if rng.random() < world.flip_rate or (not world.is_active and rng.random() < 0.3):
            world.is_active = not world.is_active
        return Controls(world.mono_ns, world.is_active)
    if kind == "car_state":
        return CarState(world.mono_ns, _speed_mps(world))
    n_frames = rng.choice([0, 1, 1, 2, 3, 4])
    return Can(world.mono_ns, tuple(_frame(world) for _ in range(n_frames)))


def _speed_mps(world: World) -> float:
    """A float32: near the last one, or at or beside a limit."""
    rng = world.rng
    world.v_ego_mps = min(40.0, max(-0.5, world.v_ego_mps + rng.gauss(0.05, 2)))
    limits = [0.0, -0.0, 1.0, 15.3, 25.0, -0.02, 1.0000001]
    speed = rng.choice(limits) if rng.random() < 0.2 else world.v_ego_mps
    return float(struct.unpack("<f", struct.pack("<f", speed))[0])


def _frame(world: World) -> dict[str, float]:
    rng = world.rng
    kind = rng.choice(["other", "driver", "motor", "motor", "both", "cluster"])
    frame: dict[str, float] = {}
    if rng.random() < 0.08:
        world.torque_nm = rng.choice([0.0, 0.1, 0.3, 1.45, 1.5, 1.55, 3.0, -1.6, -4.0])
    if kind in ("driver", "both"):
        frame["steering_driver_torque"] = -(round(rng.gauss(20.48, 0.1), 2) - 20.48) - 0.2
    if kind in ("motor", "both"):
        frame["steering_motor_torque"] = world.torque_nm + rng.choice([0.0, 0.0, 0.125, -0.125])
    if kind == "cluster":
        frame["cruise_state"] = rng.choice([0.0, 0.0, 1.0, 2.0, 3.0, 4.0])
        if world.has_odometer and rng.random() < 0.7:
            frame["odometer"] = _odometer_km(world)
    return frame


def _odometer_km(world: World) -> float:
    step_km = world.rng.choice([0.0, 0.0, 0.1, 0.1, 0.2, 0.9, 1.0, 5.0, -0.1])
    world.odometer_km = round(world.odometer_km + step_km, 1)
    return round(world.odometer_km * 10) * 0.1


def _init_data(world: World) -> InitData:
    rng = world.rng
    texts = [rng.choice(["", "0.9.7"]), rng.choice(["", "release3"]), rng.choice(["", "0ff1ce"])]
    device_type = rng.choice(["neo", "tici", "unknown"])
    return InitData(world.mono_ns, *texts, device_type)


def _car_params(world: World) -> CarParams:
    rng = world.rng
    fingerprint = rng.choice(["", "HYUNDAI I30 GD 2014", "TOYOTA PRIUS"])
    return CarParams(world.mono_ns, rng.random() < 0.5, fingerprint)
