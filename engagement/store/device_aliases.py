"""What devices were called that somebody joined with others: asked before a name becomes a device.

A name may be joined with one that is joined itself: A with B, B with C. Each pair is kept as it was
said, so that each can be taken back, and read as where it leads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.errors import EngagementError
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb

_HAS_ALIASES = """
from duckdb_tables()
where database_name = current_database() and schema_name = 'store' and table_name = 'device_alias'
"""


def read_aliases(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Old names, each with the device's name now; a database of older tables has none."""
    if not connection.execute(_HAS_ALIASES).fetchall():
        return {}
    query = "select old_dongle_id, dongle_id from store.device_alias order by joined_at_utc"
    return ends_of(dict(connection.execute(query).fetchall()))


def aliases_of(database: Path) -> dict[str, str]:
    """The same of a file; none where there is no database, or none that can be read."""
    try:
        with Reader(database, any_version=True) as reader:
            return read_aliases(reader.connection)
    except EngagementError:
        return {}


def remember_alias(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> None:
    """Keep that a name is another device's from now on."""
    forget_alias(connection, old)
    connection.execute(
        "insert into store.device_alias values (?, ?, now() at time zone 'utc')", [old, new]
    )


def forget_alias(connection: duckdb.DuckDBPyConnection, old: str) -> None:
    """Let a name be a device of its own again."""
    connection.execute("delete from store.device_alias where old_dongle_id = ?", [old])


def ends_of(said: Mapping[str, str]) -> dict[str, str]:
    """Where each name leads in the end; a circle, as a stranger's file may have, ends somewhere."""
    ends: dict[str, str] = {}
    for old in said:
        name, way = old, dict[str, None]()
        while name in said and name not in ends and name not in way:
            way[name] = None
            name = said[name]
        ends |= dict.fromkeys(way, ends.get(name, name))
    return {old: end for old, end in ends.items() if old != end}
