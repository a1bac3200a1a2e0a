"""Which drives have not changed since an older generation: a fingerprint of each.

Every answer about one drive is computed from the rows of its logs, its labels, the parameters and
the definitions in sql/. An ingest that writes a segment gives its row in `segment` a new time, so
the rows of the logs themselves need not be hashed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.store.drive_names import DriveNames, NamedDrive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement.store.generation import Generation

# Every table with rows of drives, except results and logs, which `segment` represents. Videos are
# found without a log that is read again.
DRIVE_TABLES = (
    "log.drive",
    "log.segment",
    "log.video",
    "store.imported_drive",
    "store.event_label",
)
# The same for all drives.
SHARED_TABLES = ("store.parameter", "store.device_name", "store.saved_moment")
# No answer about one drive is read from these.
OTHER_TABLES = (
    "store.state",
    "store.place_zone",  # only grows, by what drives that are written need
    "store.schema_migration",
    "store.ingest_run",
    "store.imported_debug_event",
    "store.place_name",
    "store.device_alias",  # what it changes stands in log.drive
)

# A drive has logs, or an entry of the old system. How many logs are left out is said of it too.
# Each row's hash is hashed again: DuckDB combines the columns of a row by exclusive or, so the same
# change of the last column in two rows would cancel out.
_OF_DRIVES = """
select
    named.drive_id,
    named.dongle_id,
    named.drive,
    hash(named, logs.content, videos.content, entries.content, labels.content, labels.n_labels)
        as content
from log.drive as named
left join (
    select
        abs(drive_id) as drive_id,
        bit_xor(hash(hash(stored))) as content
    from log.segment as stored
    group by abs(drive_id)
    having max(drive_id) > 0
) as logs on named.drive_id = logs.drive_id
left join (
    select
        drive_id,
        bit_xor(hash(hash(stored))) as content
    from log.video as stored
    group by drive_id
) as videos on named.drive_id = videos.drive_id
left join (
    select
        drive_id,
        bit_xor(hash(hash(stored))) as content
    from store.imported_drive as stored
    group by drive_id
) as entries on named.drive_id = entries.drive_id
left join (
    select
        dongle_id,
        drive,
        bit_xor(hash(hash(stored))) as content,
        count(*) as n_labels
    from store.event_label as stored
    group by dongle_id, drive
) as labels on named.dongle_id = labels.dongle_id and named.drive = labels.drive
where logs.content is not null or entries.content is not null
"""
_OF_ALL = """
select
    (select sql_hash from store.state) as sql_hash,
    (select bit_xor(hash(hash(stored))) from store.parameter as stored) as parameters,
    (select bit_xor(hash(hash(stored))) from result.thresholds as stored) as thresholds,
    (select bit_xor(hash(hash(stored))) from store.device_name as stored) as device_names,
    (select bit_xor(hash(hash(stored))) from store.saved_moment as stored) as saved_moments
"""

Fingerprint = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Drives:
    """The drives of a generation.

    Attributes:
        names: Of those that anything is known of.
        contents: A hash of the rows of each, by its number.
        shared: A hash of the rows that belong to no drive.
    """

    names: DriveNames
    contents: Mapping[int, int]
    shared: Fingerprint

    def fingerprint(self, drive_id: int) -> Fingerprint:
        """Differs from that of an older generation if an answer about the drive may differ."""
        return self.contents.get(drive_id), *self.shared


def read_drives(generation: Generation) -> Drives:
    """The drives of a generation, read once in its life."""
    return generation.cached("drives by name", lambda: _read(generation))


def _read(generation: Generation) -> Drives:
    names, contents = DriveNames(), {}
    for drive_id, dongle_id, drive, content in zip(
        *generation.table(_OF_DRIVES).to_pydict().values(), strict=True
    ):
        names.add(NamedDrive(drive_id, dongle_id, drive))
        contents[drive_id] = content
    [shared] = generation.rows(_OF_ALL)
    return Drives(names, contents, tuple(shared.values()))
