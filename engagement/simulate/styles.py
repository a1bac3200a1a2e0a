"""What the driver sets on the way: how closely openpilot follows, and experimental mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engagement.simulate.scenario import Drive

_PERSONALITIES = 3  # aggressive, standard, relaxed, as LongitudinalPersonality numbers them
_PERSONALITY_UNTIL = 0.45  # of the drive: then it is set to the next one
_EXPERIMENTAL_FROM = 0.6  # of each second drive


def personality(drive: Drive, time_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """The number of the personality at some seconds of the drive."""
    is_later = time_s >= _PERSONALITY_UNTIL * drive.duration_s
    return (drive.seed + is_later.astype(np.int64)) % _PERSONALITIES


def is_experimental(drive: Drive, time_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether experimental mode is on at some seconds of the drive."""
    is_late: NDArray[np.bool_] = time_s >= _EXPERIMENTAL_FROM * drive.duration_s
    return is_late & (drive.seed % 2 == 0)
