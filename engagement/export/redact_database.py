"""A database for others: new, and of the tables' rows what tells nothing of people and places.

Nothing is copied and then removed: into an empty database goes what is listed here, so that a
column or a table that comes later stays behind. What drives did near the places is not in it, and
every result is computed from what is.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from engagement.export.ends import Cut, find_cuts
from engagement.export.redact import CAR, DEVICE_TYPES, VERSION, long_number
from engagement.extract.kept_params import kept_params
from engagement.store.copies import refresh_all
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.label_words import shipped_words
from engagement.store.schema import load_sql, refuse_views_as_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb

    from engagement.export.places import Place
    from engagement.export.pseudonyms import Pseudonyms
    from engagement.export.redact import Redaction
    from engagement.store.reader import Reader

# Tables whose numbers all pass, and their columns of text that hold names of openpilot's own.
_NUMBERS: dict[str, tuple[str, ...]] = {
    "segment": ("log_kind", "codec", "status"),  # first, as others ask which there are
    "alert": ("source", "alert_status", "alert_size"),
    "bookmark": ("source",),
    "button_event": ("button",),
    "can_message": (),
    "car_control": ("visual_alert",),
    "car_event": ("source", "name"),
    "car_params": ("brand", "steer_control_type", "fingerprint_source"),
    "car_state": ("gear",),
    "clock": (),
    "controls_state": ("state",),
    "driving_model": ("source",),
    "gps": ("source",),
    "ignition": ("source",),
    "init_data": (),
    "lane_change": ("source", "state", "direction"),
    "lead": (),
    "live_parameters": (),
    "live_torque_parameters": (),
    "longitudinal_plan": (),
    "mads": ("source", "state"),
    "model": ("source", "lane_change_state", "lane_change_direction"),
    "param": (),
    "plan": ("plan_source",),
    "selfdrive_state": ("state", "personality"),
}
_ONE_A_LOG = ("init_data", "car_params", "param")  # they are of the whole log, not of a moment
_KNOWN_REMOTE = re.compile(
    r"(?:https://|git@)github\.com[/:](commaai|sunnypilot|sunnyhaibin|frogai)/"
)
_ALERT_TYPE = "'[A-Za-z0-9]{1,60}/[A-Za-z]{1,30}'"
_PARAMETER = re.compile(r"\$(\w+)")
_PLAIN = "'[A-Za-z][A-Za-z0-9_]{0,39}'"
_NUMBER = r"'-?[0-9]{1,6}(\.[0-9]{1,6}){0,3}'"  # also a version

_FIXES = """
select segment_num, message_num, latitude, longitude
from old.log.gps
where
    drive_id = $drive_id and mono_ns between $start_ns and $end_ns
    and abs(latitude) <= 90 and abs(longitude) <= 180
"""
_UNIX_MS = 1_000_000  # nanoseconds


@dataclass(frozen=True, slots=True)
class DatabaseReport:
    """What was written: drives, and those left out as they never left the places.

    `n_positions` are fixes that are in it, `n_cut` those that were there and are not.
    """

    n_drives: int
    n_left_out: int
    n_positions: int
    n_cut: int


@dataclass(frozen=True, slots=True)
class _Drive:
    """A drive, by what it is called from now on, and the part of it that is shared."""

    drive_id: int
    dongle_id: str
    drive: str
    old_dongle_id: str
    old_drive: str
    shift_ns: int | None
    cut: Cut


def write_redacted_database(
    reader: Reader, redaction: Redaction, out: Path, *, ends_m: float = 0.0
) -> DatabaseReport:
    """Write a database of the drives that the reader was narrowed to.

    Args:
        reader: The database.
        redaction: What to hide; around its places drives are cut off at their ends, and have no
            positions in between.
        out: The file, which is replaced.
        ends_m: The radius about where drives begin and end that counts as places too; 0 for none.

    Raises:
        StoreError: If one of the databases can't be read or written.
        OSError: If the file can't be put in its place.
    """
    found = reader.rows("select drive_id, dongle_id, drive from drives order by drive_id")
    ids = [row["drive_id"] for row in found]
    cuts = find_cuts(reader, ids, redaction.places or (), ends_m, redaction.pseudonyms)
    drives = [
        _named(row, cuts.by_drive[row["drive_id"]], redaction)
        for row in found
        if cuts.by_drive[row["drive_id"]].is_anything
    ]
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
        path = Path(folder) / "engagement.duckdb"
        with writer_lock(path), Writer(path, reads=reader.path.resolve()) as writer:
            _fill(writer.connection, reader, drives, cuts.places, redaction)
            [(n_positions,)] = writer.connection.execute(
                "select count(*) from log.gps where latitude is not null"
            ).fetchall()
            writer.publish()
        path.replace(out)
    n_cut = cuts.n_fixes - n_positions
    return DatabaseReport(len(drives), len(found) - len(drives), n_positions, n_cut)


def _named(row: dict[str, Any], cut: Cut, redaction: Redaction) -> _Drive:
    dongle_id, drive = row["dongle_id"], row["drive"]
    name = redaction.pseudonyms.name("drive", dongle_id, drive)
    return _Drive(
        drive_id=row["drive_id"],
        dongle_id=redaction.pseudonyms.name("device", dongle_id),
        drive=f"{name[:8]}--{name[8:]}00",  # as openpilot names a drive by its count
        old_dongle_id=dongle_id,
        old_drive=drive,
        shift_ns=_shift_ns(redaction, dongle_id),
        cut=cut,
    )


def _shift_ns(redaction: Redaction, dongle_id: str) -> int | None:
    """What to add to the clock; None for no clock at all."""
    if redaction.times == "keep":
        return 0
    epoch = datetime(2000, 1, 1, tzinfo=UTC)
    shifted = redaction.pseudonyms.shifted(dongle_id, epoch)
    if redaction.times == "none" or shifted is None:
        return None
    return round((shifted - epoch).total_seconds()) * 10**9


def _fill(
    connection: duckdb.DuckDBPyConnection,
    reader: Reader,
    drives: Sequence[_Drive],
    places: Sequence[Place],
    redaction: Redaction,
) -> None:
    quoted = str(reader.path.resolve()).replace("'", "''")
    connection.execute(f"attach '{quoted}' as old (type duckdb, read_only)")
    refuse_views_as_tables(connection, reader.path, "old")
    # What a parameter is for is said in words of the owner's own.
    changed = connection.execute(
        "update store.parameter as parameter set value = theirs.value from old.store.parameter "
        "as theirs where parameter.name = theirs.name and parameter.value <> theirs.value "
        "returning parameter.name"
    ).fetchall()
    load_sql(connection, is_forced=bool(changed))
    _register_words(connection, redaction.pseudonyms)
    selects = {table: _select(connection, table) for table in _NUMBERS}
    for drive in drives:
        connection.execute("begin")
        _add_drive(connection, drive, selects)
        _add_labels(connection, drive)
        _add_positions(connection, drive, None if redaction.places is None else places)
        connection.execute("commit")
    connection.unregister("named")
    connection.execute("detach old")
    refresh_all(connection)


def _register_words(connection: duckdb.DuckDBPyConnection, pseudonyms: Pseudonyms) -> None:
    """What branches, commits, versions, remotes and cars are called from now on, as a relation."""
    rows: list[tuple[str, str, str | None]] = []
    for kind, column, table in (
        ("branch", "git_branch", "init_data"),
        ("commit", "git_commit", "init_data"),
        ("version", "version", "init_data"),
        ("os", "os_version", "init_data"),
        ("remote", "git_remote", "init_data"),
        ("car", "car_fingerprint", "car_params"),
    ):
        query = f"select distinct {column} from old.log.{table} where {column} is not null"
        for (text,) in connection.execute(query).fetchall():
            rows.append((kind, text, _word(kind, text, pseudonyms)))
    kinds, old, new = zip(*rows, strict=True) if rows else ((), (), ())
    strings = pa.string()
    words = pa.table(
        {
            "kind": pa.array(kinds, strings),
            "old": pa.array(old, strings),
            "new": pa.array(new, strings),
        }
    )
    connection.register("named", words)


def _word(kind: str, text: str, pseudonyms: Pseudonyms) -> str | None:
    if kind in ("branch", "commit"):
        return pseudonyms.name(kind, text)
    if kind in ("version", "os"):
        match = VERSION.match(text)
        return match[0] if match else None
    if kind == "remote":
        found = _KNOWN_REMOTE.match(text.lower())
        return f"https://github.com/{found[1]}/openpilot.git" if found else None
    return None if not CAR.fullmatch(text) or long_number(text) else text


def _select(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """The columns of a table, redacted; `$shift_ns` is null for no clock."""
    columns = connection.execute(
        "select column_name, data_type, is_nullable from duckdb_columns() "
        "where schema_name = 'log' and table_name = ? and database_name = current_database() "
        "order by column_index",
        [table],
    ).fetchall()
    special = _SPECIAL.get(table, {})
    chosen = {
        name: special.get(name) or _plain(table, name, kind, is_nullable=is_nullable)
        for name, kind, is_nullable in columns
    }
    listed = ", ".join(f"{expression} as {name}" for name, expression in chosen.items())
    return f"insert into log.{table} by name select {listed} from old.log.{table} as rows"


def _plain(table: str, name: str, kind: str, *, is_nullable: bool) -> str:
    if kind != "VARCHAR":
        return f"rows.{name}"
    if name not in _NUMBERS[table]:
        return "null" if is_nullable else "''"
    word = f"case when regexp_full_match(rows.{name}, {_PLAIN}) then rows.{name} end"
    return word if is_nullable else f"coalesce({word}, 'other')"


def _renamed(kind: str, column: str) -> str:
    return f"(select new from named where kind = '{kind}' and old = rows.{column})"


_SPECIAL: dict[str, dict[str, str]] = {
    "alert": {
        "alert_type": f"case when regexp_full_match(rows.alert_type, {_ALERT_TYPE}) "
        "then rows.alert_type end",
    },
    "car_params": {
        "car_fingerprint": _renamed("car", "car_fingerprint"),
        "mono_ns": "greatest(rows.mono_ns, $start_ns)",
    },
    "clock": {"wall_time_ns": "rows.wall_time_ns + $shift_ns"},
    "gps": {
        "latitude": "null",
        "longitude": "null",
        "altitude_m": "null",
        "unix_ms": f"rows.unix_ms + $shift_ns // {_UNIX_MS}",
    },
    "init_data": {
        "dongle_id": "$dongle_id",
        "version": _renamed("version", "version"),
        "os_version": _renamed("os", "os_version"),
        "git_branch": _renamed("branch", "git_branch"),
        "git_commit": _renamed("commit", "git_commit"),
        "git_remote": _renamed("remote", "git_remote"),
        "device_type": "case when list_contains($device_types, rows.device_type) "
        "then rows.device_type end",
        "wall_time_ns": "rows.wall_time_ns + $shift_ns",
        "mono_ns": "greatest(rows.mono_ns, $start_ns)",
    },
    "param": {
        "name": "rows.name",
        "value": f"case when regexp_full_match(rows.value, {_NUMBER}) then rows.value end",
    },
    "segment": {
        "path": "$drive || '--' || rows.segment_num || '/' || rows.log_kind",
        "content_hash": "$drive || '--' || rows.segment_num",
        "size_bytes": "0",
        "raw_size_bytes": "0",
        "mtime_ns": "0",
        "ingested_at_utc": "coalesce(rows.ingested_at_utc + to_microseconds($shift_ns // 1000), "
        "timestamp '2000-01-01')",
        "raw_crc32": "null",
        "start_mono_ns": "greatest(rows.start_mono_ns, $start_ns)",
        "end_mono_ns": "least(rows.end_mono_ns, $end_ns)",
    },
}


def _add_drive(
    connection: duckdb.DuckDBPyConnection, drive: _Drive, selects: dict[str, str]
) -> None:
    values = {
        "drive_id": drive.drive_id,
        "start_ns": drive.cut.start_ns,
        "end_ns": drive.cut.end_ns,
        "dongle_id": drive.dongle_id,
        "drive": drive.drive,
        "shift_ns": drive.shift_ns,
        "device_types": sorted(DEVICE_TYPES),
        "kept_params": sorted(kept_params()),
    }
    connection.execute(
        "insert into log.drive values (?, ?, ?, '')",
        [drive.drive_id, drive.dongle_id, drive.drive],
    )
    for table, select in selects.items():
        query = f"{select} where rows.drive_id = $drive_id and {_within(table)}"
        if table == "param":  # others were kept on purpose, which is no purpose of sharing
            query += " and list_contains($kept_params, rows.name)"
        if table == "clock" and drive.shift_ns is None:
            continue
        connection.execute(query, {name: values[name] for name in _PARAMETER.findall(query)})


def _within(table: str) -> str:
    """Which rows of a table are of the part of the drive that is shared."""
    if table == "segment":
        return "rows.start_mono_ns <= $end_ns and rows.end_mono_ns >= $start_ns"
    if table in _ONE_A_LOG:
        return (
            "rows.segment_num in (select segment_num from log.segment where drive_id = $drive_id)"
        )
    return "rows.mono_ns between $start_ns and $end_ns"


def _add_labels(connection: duckdb.DuckDBPyConnection, drive: _Drive) -> None:
    """Labels of the shipped words, without notes and without when they were given.

    Those of saved moments are left out: what these are called are a user's words.
    """
    connection.execute(
        "insert into store.event_label "
        "select ?, ?, kind, mono_ns, if(list_contains(?, label), label, 'other'), null, "
        "timestamp '2000-01-01' from old.store.event_label "
        "where dongle_id = ? and drive = ? and mono_ns between ? and ? "
        "and not is_saved_moment(kind)",
        [
            drive.dongle_id, drive.drive, sorted(shipped_words()),
            drive.old_dongle_id, drive.old_drive, drive.cut.start_ns, drive.cut.end_ns,
        ],
    )  # fmt: skip


def _add_positions(
    connection: duckdb.DuckDBPyConnection, drive: _Drive, places: Sequence[Place] | None
) -> None:
    """Give the fixes that lie in no place their positions."""
    if places is None:
        return
    fixes = (
        connection.sql(
            _FIXES,
            params={
                "drive_id": drive.drive_id,
                "start_ns": drive.cut.start_ns,
                "end_ns": drive.cut.end_ns,
            },
        )
        .to_arrow_reader()
        .read_all()
    )
    is_shown = ~_in_any(fixes, places)
    connection.register("shown", fixes.filter(pa.array(is_shown)))
    connection.execute(
        "update log.gps as gps set latitude = shown.latitude, longitude = shown.longitude "
        "from shown where gps.drive_id = ? and gps.segment_num = shown.segment_num "
        "and gps.message_num = shown.message_num",
        [drive.drive_id],
    )
    connection.unregister("shown")


def _in_any(fixes: pa.Table, places: Iterable[Place]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    latitude = fixes.column("latitude").to_numpy()
    longitude = fixes.column("longitude").to_numpy()
    is_in = np.zeros(len(latitude), np.bool_)
    for place in places:
        is_in |= place.hold(latitude, longitude)
    return is_in
