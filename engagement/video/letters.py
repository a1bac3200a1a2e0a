"""Letters to draw on pictures, five dots wide and seven high: PyAV has none."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Dots = NDArray[np.bool_]

HEIGHT = 7
_WIDTH, _STEP = 5, 6
# Of each letter the rows from above, two hexadecimal digits each; the highest of 5 bits is left.
_ROWS = {
    "A": "0e11111f111111", "B": "1e11111e11111e", "C": "0e11101010110e", "D": "1e11111111111e",
    "E": "1f10101e10101f", "F": "1f10101e101010", "G": "0e11101711110f", "H": "1111111f111111",
    "I": "0e04040404040e", "J": "0702020202120c", "K": "11121418141211", "L": "1010101010101f",
    "M": "111b1515111111", "N": "11191513111111", "O": "0e11111111110e", "P": "1e11111e101010",
    "Q": "0e11111115120d", "R": "1e11111e141211", "S": "0f10100e01011e", "T": "1f040404040404",
    "U": "1111111111110e", "V": "11111111110a04", "W": "1111111515150a", "X": "11110a040a1111",
    "Y": "11110a04040404", "Z": "1f01020408101f", "0": "0e11131519110e", "1": "040c040404040e",
    "2": "0e11010204081f", "3": "1f02040201110e", "4": "02060a121f0202", "5": "1f101e0101110e",
    "6": "0608101e11110e", "7": "1f010204080808", "8": "0e11110e11110e", "9": "0e11110f01020c",
    ".": "00000000000c0c", ":": "000c0c000c0c00", "/": "01010204081010", "-": "0000001f000000",
    " ": "00000000000000",
}  # fmt: skip


@cache
def line_of(text: str, scale: int) -> Dots:
    """A line of text as dots, `HEIGHT * scale` high; what has no letter here is a space."""
    dots = np.zeros((HEIGHT, max(len(text), 1) * _STEP), np.bool_)
    for place, letter in enumerate(text.upper()):
        rows = bytes.fromhex(_ROWS.get(letter, _ROWS[" "]))
        bits = np.unpackbits(np.frombuffer(rows, np.uint8)[:, None], axis=1)[:, -_WIDTH:]
        dots[:, place * _STEP : place * _STEP + _WIDTH] = bits
    return dots.repeat(scale, axis=0).repeat(scale, axis=1)
