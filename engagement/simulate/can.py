"""The CAN traffic of a simulated car: the messages of config/demo_car.dbc, and others beside them.

Other cars send only messages that the DBC does not know. Frames of 8 bytes on bus 0, the cluster's
at a quarter of the rate, as real ones come less often than the steering's.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import cantools
import numpy as np

from engagement.resources import resource_dir
from engagement.simulate.world import within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engagement.logs.template import Stamper
    from engagement.simulate.scenario import Drive
    from engagement.simulate.world import Floats, World

_FRAME_BYTES = 8
_CLUSTER_EVERY = 4
_FIRST_ODOMETER_KM = 48_213.4
_OTHER_ADDRESS = 0x500
_SWITCHES = {"decelCruise": 2, "accelCruise": 1, "gapAdjustCruise": 3, "cancel": 4}


def can_messages(
    stamper: Stamper,
    drive: Drive,
    world: World,
    presses: list[tuple[str, float, float]],
    *,
    mono_ns: NDArray[np.int64],
    first_sample: int,
    others: int,
) -> list[bytes]:
    """One `can` message per sample, with `others` frames that no DBC describes.

    `presses` are the buttons held, as (type, start_s, end_s); `first_sample` is the number of the
    world's first sample in the drive, so that the cluster keeps its beat across segments.
    """
    frames, payloads = _other_frames(world, others, seed=drive.seed + first_sample)
    is_cluster = (np.arange(len(mono_ns)) + first_sample) % _CLUSTER_EVERY == 0
    if not drive.car.has_demo_can:
        return stamper.can(mono_ns, frames, payloads)
    steering = _steering_frames(world, first_sample)
    cluster = {**steering, "CLU1": _cluster_values(world, presses)}
    found: dict[int, bytes] = {}
    for chosen, content in ((is_cluster, cluster), (~is_cluster, steering)):
        known = [_demo_message(name) for name in content]
        encoded = [_encode(message, content[message.name]) for message in known]
        together = np.stack([*encoded, *payloads.swapaxes(0, 1)], axis=1)[chosen]
        addressed = [(message.frame_id, 0) for message in known] + frames
        stamped = stamper.can(mono_ns[chosen], addressed, together)
        found.update(zip(np.flatnonzero(chosen).tolist(), stamped, strict=True))
    return [found[index] for index in range(len(mono_ns))]


@cache
def _demo_message(name: str) -> Any:
    path = resource_dir("config") / "demo_car.dbc"
    database: Any = cantools.database.load_file(path)
    return database.get_message_by_name(name)


def _steering_frames(world: World, first_sample: int) -> dict[str, dict[str, Floats]]:
    wheels_kph = world.speed_mps * 3.6
    return {
        "VSM2": {
            "CR_Mdps_StrTq": world.driver_torque_nm,
            "CF_Mdps_Alive": np.arange(first_sample, first_sample + len(wheels_kph), dtype=float)
            % 256,
        },
        "STEERING_STATUS": {
            "STEERING_ANGLE": world.steering_angle_deg,
            "STEERING_TORQUE": world.motor_torque_nm,
        },
        "WHL_SPD": {f"WHL_SPD_{wheel}": wheels_kph for wheel in ("FL", "FR", "RL", "RR")},
    }


def _cluster_values(world: World, presses: list[tuple[str, float, float]]) -> dict[str, Floats]:
    switch = np.zeros(len(world.time_s))
    for kind, start_s, end_s in presses:
        if kind in _SWITCHES:
            switch[within(world.time_s, [(start_s, end_s)])] = _SWITCHES[kind]
    odometer_km = _FIRST_ODOMETER_KM + world.distance_m / 1000
    return {
        "CF_Clu_CruiseSwState": switch,
        "CF_Clu_VehicleSpeed": world.speed_mps * 3.6,
        "CF_Clu_Odometer": np.floor(odometer_km * 10 + 1e-6) / 10,
    }


def _encode(message: Any, values: dict[str, Floats]) -> NDArray[np.uint8]:
    """The payloads of a message whose signals are little-endian, as (sample, byte)."""
    raw = np.zeros(len(next(iter(values.values()))), dtype="<u8")
    for name, wanted in values.items():
        signal = message.get_signal_by_name(name)
        steps = np.round((wanted - signal.offset) / signal.scale).astype(np.int64)
        bits = steps.astype(np.uint64) & np.uint64((1 << signal.length) - 1)
        raw |= bits << np.uint64(signal.start)
    return raw.view(np.uint8).reshape(-1, _FRAME_BYTES)


def _other_frames(
    world: World, count: int, *, seed: int
) -> tuple[list[tuple[int, int]], NDArray[np.uint8]]:
    """Frames with a speed, a beat and a little noise: not random, as real ones are not."""
    samples = len(world.time_s)
    payloads = np.zeros((samples, count, _FRAME_BYTES), dtype=np.uint8)
    noise = np.random.default_rng(seed).integers(0, 8, size=(samples, count, 2), dtype=np.uint8)
    payloads[:, :, 0] = (np.arange(samples) % 16)[:, None]
    payloads[:, :, 1] = (world.speed_mps * 3.6).astype(np.uint8)[:, None]
    payloads[:, :, 2] = np.arange(count, dtype=np.uint8)
    payloads[:, :, 6:] = noise
    return [(_OTHER_ADDRESS + 3 * index, index % 3) for index in range(count)], payloads
