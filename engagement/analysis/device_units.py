"""Which units the drivers of a database are used to: what they have told their devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from engagement.units import IMPERIAL, METRIC

if TYPE_CHECKING:
    from engagement.units import Units

_SETTINGS = """
select distinct arg_max(params.value, drives.started_at) as is_metric
from params
inner join drives on params.drive_id = drives.drive_id
where params.name = 'IsMetric'
group by drives.dongle_id
"""


class _Rows(Protocol):
    """What can be asked for rows."""

    def rows(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query."""


def read_units(reader: _Rows) -> Units:
    """What the newest drive of each device says, in `IsMetric`; metric unless all say miles."""
    settings = [row["is_metric"] for row in reader.rows(_SETTINGS)]
    return IMPERIAL if settings == ["0"] else METRIC
