"""Types of the arrays that a log is read into: the name says what each element stands for.

`PerRow[Int]` has one int64 per row of some structs, `PerMessage[Bool]` one flag per message of the
log. All have one dimension; mypy can't tell them apart, people can.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

_Kind = TypeVar("_Kind", bound=np.generic)

Int = np.int64
Index = np.int32  # of words, messages and rows: the largest log has 2^29 words
Bool = np.bool_
Float = np.float64

PerMessage = np.ndarray[tuple[int], np.dtype[_Kind]]
"""One per message of a log, in file order."""

PerSegment = np.ndarray[tuple[int], np.dtype[_Kind]]
"""One per segment of the messages, in file order: a message has one segment or several."""

PerRow = np.ndarray[tuple[int], np.dtype[_Kind]]
"""One per struct, where each row is a struct of the same type."""

PerElement = np.ndarray[tuple[int], np.dtype[_Kind]]
"""One per element of lists that lie one after the other, or of the bytes of a log."""

PerFrame = np.ndarray[tuple[int], np.dtype[_Kind]]
"""One per CAN frame."""

PerEvent = np.ndarray[tuple[int], np.dtype[_Kind]]
"""One per moment at which something changed or was pressed."""

PerValue = np.ndarray[tuple[int], np.dtype[_Kind]]
"""One per decoded value of a CAN signal."""

RowsByWords = np.ndarray[tuple[int, int], np.dtype[Any]]
"""The data sections of structs: a row each, a column per word."""

ColumnsByMessages = np.ndarray[tuple[int, int], np.dtype[Any]]
"""Fields of messages: a row per field, a column per message."""

ValuesByColumns = np.ndarray[tuple[int, int], np.dtype[Any]]
"""What is expected of a signal: a row per value, a column per quantity."""
