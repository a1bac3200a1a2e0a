"""Names that people give to devices and places: written into the next generation, lost by nothing.

A device has one name, and a name is of one device or place, whatever its case: two are never shown
alike. Names stand in no file that `redact` writes, as that copies only what it lists.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engagement.errors import InputError, NotFoundError, StoreMissingError
from engagement.names import starting_so
from engagement.store.copies import refresh_all
from engagement.store.database_writer import Writer, writer_lock
from engagement.units import DeviceNames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Any, Protocol

    import duckdb

    class _Rows(Protocol):
        def rows(self, query: str) -> list[dict[str, Any]]: ...


_MAX_LETTERS = 60
_HEX = re.compile(r"[0-9a-f]{8,}\W*")
_HAS_NAMES = (
    "from duckdb_tables() where schema_name = 'store' and table_name = 'device_name' limit 1"
)


def check_name(text: str) -> str:
    """A name as it is kept: its spaces single, its letters in one form.

    Raises:
        InputError: If it is empty, too long, no text, or looks like a dongle id.
    """
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    if not name.isprintable() or not any(letter.isalnum() for letter in name):
        raise InputError(f"{text!a} is no name: letters or digits make one, and nothing unseen")
    if len(name) > _MAX_LETTERS:
        raise InputError(f"a name has up to {_MAX_LETTERS} letters; this one has {len(name)}")
    if _HEX.fullmatch(name.lower()):
        raise InputError(f"{name!r} looks like a dongle id; a name is something else")
    return name


def name_device(database: Path, device: str, text: str) -> tuple[str, str]:
    """Give a device a name, in the place of its old one.

    Args:
        database: The database file.
        device: The dongle id or its start, or the name that it has.
        text: The name.

    Returns:
        The dongle id, and the name as it is kept.

    Raises:
        NotFoundError: If there is no such device.
        InputError: If several devices start so, or the name is none or taken.
        StoreError: If the database can't be written.
    """
    name = check_name(text)
    with _writer(database) as writer:
        connection = writer.connection
        dongle_id = _find_device(connection, device)
        _refuse_taken(connection, name, dongle_id)
        is_gone = _delete(connection, "device_name where dongle_id = ?", dongle_id)
        connection.execute(
            "insert into store.device_name values (?, ?, ?)", [dongle_id, name, _now()]
        )
        writer.publish(complete=is_gone)
    return dongle_id, name


def name_place(database: Path, place: tuple[float, float, float], text: str) -> str:
    """Give what is about a point a name, which may have been that of another point.

    Args:
        database: The database file.
        place: Latitude and longitude in degrees, and the radius in m.
        text: The name.

    Raises:
        InputError: If the name is none, or a device's.
        StoreError: If the database can't be written.
    """
    name = check_name(text)
    with _writer(database) as writer:
        connection = writer.connection
        _refuse_taken(connection, name)
        is_gone = _delete(connection, "place_name where lower(name) = lower(?)", name)
        connection.execute(
            "insert into store.place_name values (?, ?, ?, ?, ?)", [*place, name, _now()]
        )
        writer.publish(complete=is_gone)
    return name


def remove_name(database: Path, word: str) -> str:
    """Take away the name of a place or a device, which is named by it or by its dongle id.

    Returns:
        The name.

    Raises:
        NotFoundError: If nothing is called so.
        InputError: If several devices start so.
        StoreError: If the database can't be written.
    """
    with _writer(database) as writer:
        connection = writer.connection
        places = connection.execute("select name from store.place_name").fetchall()
        found = [name for (name,) in places if name.casefold() == word.casefold()]
        if found:
            _delete(connection, "place_name where name = ?", found[0])
        else:
            dongle_id = _find_device(connection, word)
            query = "select name from store.device_name where dongle_id = ?"
            found = [name for (name,) in connection.execute(query, [dongle_id]).fetchall()]
            if not _delete(connection, "device_name where dongle_id = ?", dongle_id):
                raise NotFoundError("name", word)
        writer.publish(complete=True)
    return str(found[0])


def read_names(reader: _Rows) -> list[dict[str, Any]]:
    """All names: of a device its dongle id, of a place its middle and radius."""
    return reader.rows(
        "select name, dongle_id, latitude, longitude, radius_m from ("
        "from store.device_name union all by name from store.place_name) order by name"
    )


def move_name(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> None:
    """Let the name of a device that becomes another one come along, unless that has one."""
    connection.execute(
        "update store.device_name set dongle_id = $new where dongle_id = $old"
        " and not exists (from store.device_name where dongle_id = $new)",
        {"old": old, "new": new},
    )
    connection.execute("delete from store.device_name where dongle_id = ?", [old])


def read_device_names(reader: _Rows) -> DeviceNames:
    """What each device of a database is shown as; a database of older tables has no names."""
    devices = [row["dongle_id"] for row in reader.rows("select distinct dongle_id from drives")]
    given: dict[str, str] = {}
    if reader.rows(_HAS_NAMES):
        rows = reader.rows("select dongle_id, name from store.device_name order by named_at_utc")
        given = {row["dongle_id"]: row["name"] for row in rows}
    return shown_names(devices, given)


def device_called(reader: _Rows, text: str) -> str:
    """The dongle id of the device that has a name, whatever its case; else the text as it is."""
    given = read_device_names(reader).given
    return next((one for one, name in given if name.casefold() == text.casefold()), text)


def read_places(reader: _Rows) -> list[dict[str, Any]]:
    """The places that have a name, each with its middle and radius; older tables have none."""
    return [row for row in read_names(reader) if row["radius_m"]] if reader.rows(_HAS_NAMES) else []


def shown_names(devices: Iterable[str], given: Mapping[str, str]) -> DeviceNames:
    """Names that no other device has for a name or an id, so that no two are shown alike."""
    known = sorted(set(devices))
    n_alike: dict[str, int] = {}
    for text in [*known, *(given[one] for one in known if one in given)]:
        n_alike[text.casefold()] = n_alike.get(text.casefold(), 0) + 1
    pairs = [
        (one, given[one]) for one in known if one in given and n_alike[given[one].casefold()] == 1
    ]
    return DeviceNames(tuple(pairs), tuple(known))


def _find_device(connection: duckdb.DuckDBPyConnection, device: str) -> str:
    known = {
        row[0] for row in connection.execute("select distinct dongle_id from log.drive").fetchall()
    }
    named = connection.execute("select name, dongle_id from store.device_name").fetchall()
    by_name = {name.casefold(): dongle_id for name, dongle_id in named}
    found = starting_so(device, known) or [
        dongle_id for name, dongle_id in by_name.items() if name == device.casefold()
    ]
    if not found:
        raise NotFoundError("device", device, known)
    if len(found) > 1:
        raise InputError(f"device {device!r} is the start of {', '.join(found)}")
    return found[0]


def _refuse_taken(
    connection: duckdb.DuckDBPyConnection, name: str, dongle_id: str | None = None
) -> None:
    """Refuse the name or the id of another device; without `dongle_id` of any, else of places."""
    taken = connection.execute(
        "select name, dongle_id from store.device_name"
        " union all select dongle_id, dongle_id from log.drive"
        " union all select name, null from store.place_name where $is_device",
        {"is_device": dongle_id is not None},
    ).fetchall()
    for other, owner in taken:
        if other.casefold() == name.casefold() and (owner is None or owner != dongle_id):
            of = "a place" if owner is None else f"device {owner}"
            raise InputError(f"{name!r} is the name of {of}; no two are called alike")


def _delete(connection: duckdb.DuckDBPyConnection, rows: str, value: str) -> bool:
    """Delete rows; whether there were any, which are to be nowhere any more."""
    deleted = connection.execute(f"delete from store.{rows}", [value]).fetchall()
    return bool(deleted[0][0])


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@contextmanager
def _writer(database: Path) -> Iterator[Writer]:
    """A writer of a database that is there, its results current."""
    if not database.exists():
        raise StoreMissingError(database)
    with writer_lock(database), Writer(database) as writer:
        if writer.is_outdated:
            refresh_all(writer.connection)
        yield writer
