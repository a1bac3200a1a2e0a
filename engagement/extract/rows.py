"""Rows of one table from one log, before the store numbers their drive and segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from engagement.extract.fields import nullable

if TYPE_CHECKING:
    from engagement.extract.fields import Column
    from engagement.logs.arrays import Bool, Index, PerRow
    from engagement.logs.log import Log


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table; `message_num` is the message that each is from."""

    table: str
    log: Log
    message_num: PerRow[Index]
    columns: dict[str, Column]

    def keep(self, mask: PerRow[Bool]) -> Rows:
        """Some of the rows."""
        if mask.all():
            return self
        places: pa.Array[Any] = pa.array(np.flatnonzero(mask))
        columns = {
            name: values.take(places) if isinstance(values, pa.Array) else values[mask]
            for name, values in self.columns.items()
        }
        return Rows(self.table, self.log, self.message_num[mask], columns)

    def to_arrow(self) -> pa.Table:
        """The rows as an Arrow table."""
        arrays: dict[str, pa.Array[Any]] = {}
        arrays["message_num"] = pa.array(self.message_num.astype(np.int32))
        if self.table != "param":
            arrays["mono_ns"] = pa.array(self.log.mono_ns[self.message_num])
        arrays |= {
            name: values if isinstance(values, pa.Array) else nullable(values)
            for name, values in self.columns.items()
        }
        return pa.table(arrays)
