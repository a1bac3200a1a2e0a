"""What becomes of a decoded value where a scale and an offset can't say it.

A torque whose sign is a signal of its own, an odometer in the unit that another signal names, a
pedal that is pressed from some value on, readings that mean "not available".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from engagement.extract.can_decoding import BitField

    Array = np.ndarray[tuple[int], np.dtype[Any]]
    Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Refinement:
    """What is done to values, in this order.

    Attributes:
        factor: Another signal of the frame, which says by what to multiply.
        factors: Its values, each with the factor; others multiply by 1.
        lowest: What is less is no reading.
        highest: What is more is no reading.
        one_of: The value becomes 1 where it is one of these, else 0.
        above: The value becomes 1 where it is greater, else 0.
    """

    factor: BitField | None = None
    factors: tuple[tuple[float, float], ...] = ()
    lowest: float = -math.inf
    highest: float = math.inf
    one_of: tuple[float, ...] | None = None
    above: float | None = None


def refine(
    value: Array, refinement: Refinement, read: Callable[[BitField], Array]
) -> tuple[Array, Bools]:
    """Give the refined values, and which of them are readings.

    Args:
        value: One a frame.
        refinement: What to do.
        read: Gives another field of the same frames, one value a frame.
    """
    if refinement.factor is not None:
        said = read(refinement.factor)
        for wanted, factor in refinement.factors:
            value = np.where(said == wanted, value * factor, value)
    is_reading = (value >= refinement.lowest) & (value <= refinement.highest)
    if refinement.one_of is not None:
        value = np.isin(value, refinement.one_of).astype(np.float64)
    elif refinement.above is not None:
        value = (value > refinement.above).astype(np.float64)
    return value, is_reading
