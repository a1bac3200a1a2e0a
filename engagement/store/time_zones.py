"""The time zones of the places where drives started.

Zones are borders on a map, which SQL does not have: the writer looks a place up once, keeps the
zone's name by cell, and the views take local time from that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

_CELLS_PER_DEGREE = 100  # as in staging.start_places

_NEW_CELLS = """
select distinct places.latitude_cell, places.longitude_cell
from staging.start_places as places
anti join store.place_zone as known
    on places.latitude_cell = known.latitude_cell
    and places.longitude_cell = known.longitude_cell
where places.drive_id in (select unnest(?::integer[]))
"""
# A name that DuckDB does not know would end the query that reckons with it.
_INSERT = """
insert into store.place_zone by name
select found.* from found_zones as found
semi join pg_timezone_names() as known on found.time_zone = known.name
"""


def find_time_zones(connection: duckdb.DuckDBPyConnection, drive_ids: Iterable[int]) -> None:
    """Look up the zone of each place where one of the drives started, where it is not known yet."""
    cells = connection.execute(_NEW_CELLS, [list(drive_ids)]).fetchall()
    if not cells:
        return
    latitude_cells, longitude_cells = zip(*cells, strict=True)
    found = pa.table(
        {
            "latitude_cell": latitude_cells,
            "longitude_cell": longitude_cells,
            "time_zone": [_zone(*cell) for cell in cells],
        }
    )
    connection.register("found_zones", found)
    connection.execute(_INSERT)
    connection.unregister("found_zones")


def forget_time_zones(connection: duckdb.DuckDBPyConnection) -> None:
    """Have every place looked up again, as zones and their borders change."""
    connection.execute("delete from store.place_zone")


def _zone(latitude_cell: int, longitude_cell: int) -> str | None:
    """The IANA name of the zone in the middle of a cell; at sea one of fixed offset."""
    # Only here, as the map takes a third of a second and 35 MB to unpack.
    from tzfpy import get_tz  # noqa: PLC0415

    latitude, longitude = (
        (cell + 0.5) / _CELLS_PER_DEGREE for cell in (latitude_cell, longitude_cell)
    )
    return get_tz(longitude, latitude) or None
