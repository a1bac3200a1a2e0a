"""What is known of a signal before a frame is read: where its bits lie, and what they mean."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BitField:
    """Where a number lies in a payload, and its linear conversion.

    `start_bit` counts as in a DBC: bit 7 of byte 0 is 7; it is the lowest bit of a little endian
    field and the highest of a big endian one. An int `scale` or `offset` means integer arithmetic.
    """

    start_bit: int
    length_bits: int
    is_big_endian: bool = False
    is_signed: bool = False
    is_float: bool = False
    scale: float = 1
    offset: float = 0

    @property
    def span(self) -> tuple[range, int]:
        """Payload bytes from the least significant on, and the field's lowest bit in the first."""
        if not self.is_big_endian:
            last_byte = (self.start_bit + self.length_bits - 1) // 8
            return range(self.start_bit // 8, last_byte + 1), self.start_bit % 8
        first_byte, bit = divmod(self.start_bit, 8)
        last_byte, last_bit = divmod(8 * first_byte + 7 - bit + self.length_bits - 1, 8)
        return range(last_byte, first_byte - 1, -1), 7 - last_bit


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


@dataclass(frozen=True, slots=True)
class Multiplexer:
    """A selector of a message.

    It is itself present where the selector `parent` (its place in the message's tuple, which comes
    before; None for always) has one of `parent_ids`.
    """

    field: BitField
    parent: int | None = None
    parent_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """One signal to extract: entry `entry_num` of the profile's `key`, on `bus` (None for any).

    The signal is present where the selector `multiplexers[selector]` has one of `selector_ids`,
    always if `selector` is None. `multiplexers` are all of the message.
    `message` and `signal` are its names in the DBC; nothing is decoded by them.
    """

    key: str
    entry_num: int
    is_mask: bool
    address: int
    bus: int | None
    message_length_bytes: int
    field: BitField
    transform_scale: float = 1.0
    transform_offset: float = 0.0
    multiplexers: tuple[Multiplexer, ...] = ()
    selector: int | None = None
    selector_ids: tuple[int, ...] = ()
    message: str = ""
    signal: str = ""
    refinement: Refinement | None = None
