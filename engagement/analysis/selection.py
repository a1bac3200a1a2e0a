"""The public views, narrowed to the drives that were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.errors import InputError, NotFoundError, suggestion
from engagement.filters import DRIVE_FILTERS, Selection
from engagement.names import starting_so
from engagement.store.drive_names import find_drive
from engagement.store.given_names import device_called

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement.filters import Filter
    from engagement.store.query_types import Queryable
    from engagement.store.reader import Reader

_SPEED_BANDS = """
select
    dongle_id,
    speed_band,
    sum(known_s) as known_s,
    sum(engaged_s) as engaged_s,
    sum(engaged_s) / nullif(sum(known_s), 0) as engaged_fraction,
    sum(distance_km) as distance_km,
    sum(engaged_km) as engaged_km
from speed_bands
where {where}
group by dongle_id, speed_band
order by dongle_id, list_position(['city', 'road', 'highway'], speed_band)
"""

_COUNTS = """
select
    count(*) as n_drives,
    count(distinct dongle_id) as n_devices,
    count(*) filter (where is_imported) as n_imported,
    count(*) filter (where log_kind <> 'rlog') as n_decimated,
    coalesce(sum(n_missing_segments), 0)::bigint as n_missing_segments,
    (
        select count(*)
        from segments
        semi join drives on segments.drive_id = drives.drive_id
        where segments.status <> 'ok'
    ) as n_damaged_logs
from drives
"""


@dataclass(frozen=True, slots=True)
class SelectedDrives:
    """Some drives of a database: `drives` and the views that read it have no others."""

    reader: Reader

    def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of a query over `drives` and the views that read it."""
        return self.reader.rows(query, parameters or {})

    def drives(self, sort: str | None = None) -> list[dict[str, Any]]:
        """Drives, newest first; else by a column, text from A, numbers from the greatest.

        Raises:
            InputError: If there is no such column.
        """
        newest = "started_at desc nulls last, drive desc, dongle_id"
        if sort is None:
            return self.rows(f"from drives order by {newest}")
        types = self.reader.rows("select column_name, column_type from (describe drives)")
        type_by_column = {row["column_name"]: row["column_type"] for row in types}
        if sort not in type_by_column:
            raise InputError(
                f"--sort: no column of drives {sort!r}{suggestion(sort, type_by_column)}"
            )
        direction = "asc" if type_by_column[sort] == "VARCHAR" else "desc"
        return self.rows(f'from drives order by "{sort}" {direction} nulls last, {newest}')

    def devices(self) -> list[dict[str, Any]]:
        """Devices, with the totals of the selected drives."""
        return self.rows("from devices order by dongle_id")

    def speed_bands(self) -> list[dict[str, Any]]:
        """Time and distance of each device by speed band."""
        return read_speed_bands(self.reader, "drive_id in (select drive_id from drives)")

    def counts(self) -> dict[str, Any]:
        """How many drives there are, and what they lack."""
        return self.rows(_COUNTS)[0]


def select(reader: Reader, selection: Selection | None = None) -> SelectedDrives:
    """Select drives, by values as users type them: see `Filter.is_start_enough`.

    Raises:
        NotFoundError: If there is no such drive, device, car and so on.
        InputError: If several start so.
    """
    given = (selection or Selection()).values
    known = {name: _known(reader, DRIVE_FILTERS[name], value) for name, value in given.items()}
    wanted = Selection(known)
    reader.narrow(wanted.where, wanted.values)
    return SelectedDrives(reader)


def read_speed_bands(
    reader: Queryable, where: str, values: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Time and distance of each device by speed band, over the rows of `speed_bands` that fit."""
    return reader.rows(_SPEED_BANDS.format(where=where), values or {})


def _known(reader: Reader, one: Filter, value: Any) -> Any:
    """A value that there is: what was typed, or the only one that starts so."""
    if one.name == "drive":
        return find_drive(reader, value).drive_id
    if one.kind is not str:
        return value
    rows = reader.rows(f"select distinct {one.column} as name from drives where name is not null")
    known = [row["name"] for row in rows]
    if one.name == "device":
        value = device_called(reader, value)
    alike = starting_so(value, known) if one.is_start_enough else {value}.intersection(known)
    if not alike:
        raise NotFoundError(one.name, value, known)
    if len(alike) > 1:
        raise InputError(f"{one.flag} {value!r} is the start of {', '.join(alike)}")
    return next(iter(alike))
