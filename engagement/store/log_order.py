"""Whether rows of logs lie in the tables as they were logged, so that nothing has to be sorted.

They do unless segments were ingested in another order than they were driven, as when one came late,
or overlap in time. Windows over such rows take them as they lie (`as_logged` in sql/): DuckDB then
reads the table in one thread from its beginning to its end, where it otherwise sorts each drive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

# Samples that views go over by time; the windows `as_logged` must be over these alone.
TABLES = ("log.car_control", "log.car_state", "log.controls_state", "log.selfdrive_state")

_OUT_OF_ORDER = """
select drive_id
from (
    select
        drive_id,
        drive_id is distinct from lag(drive_id) over () as is_first,
        not (
            mono_ns >= lag(mono_ns) over ()
            and (
                segment_num > lag(segment_num) over ()
                or (
                    segment_num = lag(segment_num) over ()
                    and message_num > lag(message_num) over ()
                )
            )
        ) as is_before
    from {table}
    where {condition}
)
group by drive_id
having count(*) filter (where is_first) > 1 or bool_or(is_before and not is_first)
"""


def drives_out_of_order(connection: duckdb.DuckDBPyConnection, condition: str) -> set[int]:
    """The drives that have rows apart, or not in the order of time and message, in any table.

    A row of a drive among those of another one puts both apart. The condition is on `drive_id`.
    """
    queries = (_OUT_OF_ORDER.format(table=table, condition=condition) for table in TABLES)
    return {drive_id for (drive_id,) in connection.execute(" union all ".join(queries)).fetchall()}
