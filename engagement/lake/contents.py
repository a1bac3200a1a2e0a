"""What is in a lake: drives, snapshots, and the files of each table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engagement.store.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path

# DuckLake's own tables, as the DuckLake specification 1.0 has them.
_TABLES = """
with removed as (
    select data_file_id, sum(delete_count) as n_rows
    from __ducklake_metadata_engagement.ducklake_delete_file
    where end_snapshot is null
    group by data_file_id
)

select
    schemas.schema_name || '.' || tables.table_name as "table",
    (sum(files.record_count) - coalesce(sum(removed.n_rows), 0))::bigint as n_rows,
    count(*) as n_files,
    sum(files.file_size_bytes)::bigint as size_bytes
from __ducklake_metadata_engagement.ducklake_data_file as files
inner join __ducklake_metadata_engagement.ducklake_table as tables
    on files.table_id = tables.table_id and tables.end_snapshot is null
inner join __ducklake_metadata_engagement.ducklake_schema as schemas
    on tables.schema_id = schemas.schema_id and schemas.end_snapshot is null
left join removed on files.data_file_id = removed.data_file_id
where files.end_snapshot is null
group by all
order by size_bytes desc, "table"
"""
_DRIVES = """
select
    count(*) as n_drives,
    max(committed_at_utc) as committed_at_utc,
    (select count(*) from ducklake_snapshots('engagement')) as n_snapshots
from lake.unit
"""


def read_contents(path: Path) -> dict[str, Any]:
    """Numbers of drives and snapshots, the time of the last commit, and what each table holds.

    Raises:
        StoreError: If the lake can't be read.
    """
    with Reader(path) as reader:
        [found] = reader.rows(_DRIVES)
        return found | {"tables": reader.rows(_TABLES)}
