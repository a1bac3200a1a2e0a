"""Which drives are as they were in an older generation: a fingerprint of each.

What is said of one drive follows from the rows of its logs, from what people said of it, from the
parameters and from the definitions in sql/. An ingest that writes a segment stamps its row in
`segment` anew, so that the logs' own rows need not be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.store.drive_names import DriveNames, NamedDrive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement.store.generation import Generation

# Every table with rows of drives, but for results and for logs, which `segment` stands for.
DRIVE_TABLES = ("log.drive", "log.segment", "store.imported_drive", "store.event_label")
# What is the same for all drives; `result.thresholds` are the parameters that results are made by.
SHARED_TABLES = ("store.parameter", "store.confidence_limit")
# What nothing that is said of one drive is read from.
OTHER_TABLES = (
    "store.state",
    "store.schema_migration",
    "store.ingest_run",
    "store.imported_debug_event",
)

# A drive is known by its logs, or by an old entry. Copies of logs are told by all logs together.
# A row's hash is hashed once more: its last column goes into it by an exclusive or, and so would
# vanish from that of two rows in which it changes likewise.
_OF_DRIVES = """
select
    named.drive_id,
    named.dongle_id,
    named.drive,
    hash(named, logs.content, entries.content, labels.content, labels.n_labels) as content
from log.drive as named
left join (
    select
        drive_id,
        bit_xor(hash(hash(stored))) as content
    from log.segment as stored
    group by drive_id
) as logs on named.drive_id = logs.drive_id
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
    (select bit_xor(hash(hash(stored))) from store.confidence_limit as stored) as limits,
    (select bit_xor(hash(hash(stored))) from result.thresholds as stored) as thresholds,
    (
        select bit_xor(hash(hash(content_hash, n_segments)))
        from (
            select
                content_hash,
                count(*) as n_segments
            from log.segment
            where status <> 'failed'
            group by content_hash
            having count(*) > 1
        ) as same_bytes
    ) as same_bytes,
    (
        select bit_xor(hash(hash(start_mono_ns, end_mono_ns, n_messages, n_segments)))
        from (
            select
                start_mono_ns,
                end_mono_ns,
                n_messages,
                count(*) as n_segments
            from log.segment
            where status <> 'failed'
            group by start_mono_ns, end_mono_ns, n_messages
            having count(*) > 1
        ) as same_times
    ) as same_times
"""

Fingerprint = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Drives:
    """The drives of a generation.

    Attributes:
        names: Of those that anything is known of.
        contents: What the rows of each come to, by its number.
        shared: What the rows of no drive come to.
    """

    names: DriveNames
    contents: Mapping[int, int]
    shared: Fingerprint

    def fingerprint(self, drive_id: int) -> Fingerprint:
        """Differs from an older generation's where anything that is said of the drive may."""
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
