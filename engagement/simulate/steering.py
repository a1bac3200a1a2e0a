"""What openpilot's lateral control logs: the car's curvature, the one it wants, and its torque.

All of it follows from the world, so that nothing else of a drive depends on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engagement.simulate.world import STEER_RATIO, WHEELBASE_M, within

if TYPE_CHECKING:
    from engagement.simulate.scenario import Drive
    from engagement.simulate.world import Floats, World

ERROR_PERIOD_S = 8.0
LAT_ACCEL_FACTOR_MPS2 = 1.9  # lateral acceleration at full torque
_MIN_SPEED_MPS = 5.0  # slower, the same lateral acceleration would take absurd curvatures
_MAX_TORQUE = 0.95


def curvature_per_m(world: World) -> Floats:
    """The curvature that the car drives, by its steering angle."""
    return np.asarray(np.radians(world.steering_angle_deg) / (STEER_RATIO * WHEELBASE_M))


def desired_curvature_per_m(drive: Drive, world: World) -> Floats:
    """The curvature that openpilot wants: the car's is off by a sine of the era's amplitude."""
    amplitude_mps2 = drive.era.lateral_error_mps2 or 0.0
    error_mps2 = amplitude_mps2 * np.sin(2 * np.pi * world.time_s / ERROR_PERIOD_S)
    return curvature_per_m(world) + error_mps2 / _speed_mps(world) ** 2


def torque_command(drive: Drive, world: World) -> Floats:
    """The torque for the desired curvature, -1 to 1: all of it only where it is saturated."""
    wanted_mps2 = desired_curvature_per_m(drive, world) * _speed_mps(world) ** 2
    torque = np.clip(wanted_mps2 / LAT_ACCEL_FACTOR_MPS2, -_MAX_TORQUE, _MAX_TORQUE)
    limits = [e.saturated for e in drive.engagements if e.saturated]
    is_saturated = within(world.time_s, [(limit.start_s, limit.end_s) for limit in limits])
    torque[is_saturated] = np.where(torque[is_saturated] < 0, -1.0, 1.0)
    return np.where(world.lateral_active, torque, 0.0)


def _speed_mps(world: World) -> Floats:
    return np.maximum(world.speed_mps, _MIN_SPEED_MPS)
