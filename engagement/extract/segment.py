"""One log, whole: from a file to the Arrow tables of its segment.

This is what a worker process runs, so everything that goes in and comes out can be pickled.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from engagement.extract.batches import build
from engagement.extract.can_tables import read_can
from engagement.extract.cars import is_current_label, is_unknown_car
from engagement.extract.clocks import wall_time
from engagement.extract.fingerprint import find_fingerprint
from engagement.logs.codec import DEFAULT_LIMIT_BYTES, decompress_file
from engagement.logs.log import Log
from engagement.logs.other_formats import other_format
from engagement.logs.schema import load_schema
from engagement.names import MAX_SEGMENT_NUM, is_short_for, parse_dongle_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engagement.extract.can_tables import Wanted
    from engagement.extract.rows import Rows
    from engagement.extract.signal_specs import SignalSpec
    from engagement.logs.codec import Decompressed
    from engagement.logs.find import LogFile

_DECIMATED_PERIOD_NS = 50_000_000  # carState comes at 100 Hz in an rlog, at 10 Hz in a qlog
_SMALL_BYTES = 32 * 1024**2  # of a raw log: an rlog of a minute mostly, or a qlog of half an hour
_SMALL_MESSAGES = 1 << 18  # two minutes have fewer
_HASHED_BYTES = 1 << 20  # at once
_SEGMENT_NS = 60_000_000_000  # how long openpilot makes a segment


class LargeLogError(Exception):
    """A log is not as small as it had to be."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How logs are read.

    Attributes:
        specs: The CAN signals of a vehicle profile.
        profile: The name of that.
        dbc_note: What is to be said of its DBC, if not all of that could be read.
        is_auto: Find CAN signals by the car instead, with the extra `cars`.
        is_default: The user did not choose: segments that were read by a profile may stay.
        car_signals_file: The user's own table beside config/car_signals.toml.
        fingerprint: The car of a log that does not name one.
        schema_dir: A fork's own schemas.
        limit_bytes: Read no more of one log, decompressed.
        only_small: Refuse a log that could take much memory, before it does.
        device: The device of logs that name none.
        drive: The drive of logs whose path names none.
        keep_params: Params to keep besides those of config/kept_params.toml.
    """

    specs: tuple[SignalSpec, ...] = ()
    profile: str | None = None
    dbc_note: str = ""
    is_auto: bool = False
    is_default: bool = False
    car_signals_file: Path | None = None
    fingerprint: str | None = None
    schema_dir: Path | None = None
    limit_bytes: int = DEFAULT_LIMIT_BYTES
    only_small: bool = False
    device: str | None = None
    drive: str | None = None
    keep_params: tuple[str, ...] = ()

    @property
    def wants_can(self) -> bool:
        """Whether any CAN signal is wanted."""
        return bool(self.specs) or self.is_auto

    @property
    def lacks_cars(self) -> bool:
        """Whether CAN signals are left out only because the extra `cars` is not installed."""
        return self.is_default and not self.wants_can

    def is_met_by(self, profile: str | None) -> bool:
        """Whether a segment of a profile has the CAN signals that are wanted, if any are."""
        if not self.is_auto:
            return self.profile is None or profile == self.profile
        if self.is_default and profile and not is_unknown_car(profile):
            return True
        return profile is not None and is_current_label(profile)


@dataclass(frozen=True, slots=True)
class SegmentLog:
    """One log as read: its device, drive and time, its damage, and its tables.

    `status` is `ok`, `partial` (what came before or around the damage is here) or `failed` (no
    message could be read). Times are logMonoTime; `started_at_utc` is by the log's best clock.
    `fingerprint` is the car, `profile` says which profile, or which car's DBC, the CAN signals are
    of.
    """

    file: LogFile
    dongle_id: str | None
    drive: str | None
    segment_num: int
    log_kind: str
    content_hash: str
    codec: str
    raw_size_bytes: int
    raw_crc32: int
    status: str
    damage: str | None
    n_messages: int
    n_damaged_messages: int
    read_at_utc: datetime
    start_mono_ns: int | None = None
    end_mono_ns: int | None = None
    started_at_utc: datetime | None = None
    tables: dict[str, pa.Table] = field(default_factory=dict)
    fingerprint: str | None = None
    profile: str | None = None


def read_segment(file: LogFile, options: ReadOptions) -> SegmentLog:
    """Read one log.

    Raises:
        OSError: If the file can't be read.
        ConfigError: If the schemas of `options` don't compile.
        LargeLogError: If only a small one may be read.
    """
    with file.path.open("rb") as stream:
        content_hash = _hash(stream, options.limit_bytes)
        decompressed = _decompress(stream, options)
    log = _open(decompressed.raw, options)
    tables, fingerprint, profile = _read(log, options)
    # Only now: reading a field may show that its message is damaged.
    damage = _damage(log, decompressed)
    is_empty = len(log) <= log.n_damaged
    start_ns, end_ns = _span(log)
    log.close()
    result = SegmentLog(
        file=file,
        dongle_id=file.name.dongle_id,
        drive=options.drive or file.name.drive,
        segment_num=file.name.segment_num or 0,
        log_kind=file.name.log_kind or "rlog",
        content_hash=content_hash,
        codec=decompressed.codec,
        raw_size_bytes=len(decompressed.raw),
        raw_crc32=zlib.crc32(decompressed.raw),
        status="failed" if is_empty else "partial" if damage else "ok",
        damage=damage,
        n_messages=len(log) - log.n_damaged,
        n_damaged_messages=log.n_damaged,
        read_at_utc=datetime.now(UTC).replace(tzinfo=None),
        start_mono_ns=start_ns,
        end_mono_ns=end_ns,
        tables={} if is_empty else tables,
        fingerprint=fingerprint,
        profile=profile,
    )
    return _identify(result, options)


def unread_segment(file: LogFile, options: ReadOptions, problem: str) -> SegmentLog:
    """A log that can't be read although its file can: it ended its process, or takes too much.

    Raises:
        OSError: If the file can't be read either.
    """
    nothing = replace(file, path=Path(os.devnull))
    read = read_segment(nothing, options)
    with file.path.open("rb") as stream:
        content_hash = _hash(stream, options.limit_bytes)
    return replace(read, file=file, content_hash=content_hash, damage=problem)


def _decompress(stream: IO[bytes], options: ReadOptions) -> Decompressed:
    if not options.only_small:
        return decompress_file(stream, limit_bytes=options.limit_bytes)
    limit_bytes = min(options.limit_bytes, _SMALL_BYTES)
    decompressed = decompress_file(stream, limit_bytes=limit_bytes)
    if limit_bytes == _SMALL_BYTES and len(decompressed.raw) == _SMALL_BYTES:
        raise LargeLogError
    return decompressed


def _open(raw: bytes, options: ReadOptions) -> Log:
    schema = load_schema(options.schema_dir)
    log = Log(raw, schema, max_messages=_SMALL_MESSAGES if options.only_small else None)
    if options.only_small and len(log) == _SMALL_MESSAGES:
        log.close()
        raise LargeLogError
    log.refuse_lost_times()
    return log


def _hash(stream: IO[bytes], limit_bytes: int) -> str:
    """SHA-256 of a file, or of its beginning where it is longer than a log may be."""
    found = hashlib.sha256()
    left = limit_bytes + _HASHED_BYTES
    while left > 0 and (piece := stream.read(min(left, _HASHED_BYTES))):
        found.update(piece)
        left -= len(piece)
    return found.hexdigest()


def _damage(log: Log, decompressed: Decompressed) -> str | None:
    """A description of all that is wrong with a log."""
    if not len(log):
        other = other_format(decompressed.raw)
        return other or decompressed.damage or log.damage or "there is no message in it"
    damages = [decompressed.damage or log.damage]
    if log.n_damaged:
        first = int(np.argmax(log.is_damaged))
        damages.append(
            f"{log.n_damaged} of {len(log)} messages have bad pointers or times, "
            f"the first is {first}"
        )
    return "; ".join(text for text in [*damages, *log.notes] if text) or None


def _identify(log: SegmentLog, options: ReadOptions) -> SegmentLog:
    """Fill in from the log itself what its path did not say."""
    init_data = _init_data(log)
    log_kind = log.file.name.log_kind or _kind(log.tables.get("car_state"))
    own_dongle_id = _dongle_id(log.tables.get("init_data"))
    named_dongle_id = own_dongle_id if is_short_for(log.dongle_id, own_dongle_id) else log.dongle_id
    dongle_id = named_dongle_id or own_dongle_id or options.device
    started_at_utc = None
    if log.start_mono_ns is not None:
        started_at_utc = wall_time(log.tables, log.start_mono_ns, log.read_at_utc)
    number = log.file.name.segment_num
    return replace(
        log,
        dongle_id=dongle_id,
        drive=log.drive or _drive_name(log, dongle_id, init_data),
        segment_num=_segment_num(log, init_data) if number is None else number,
        log_kind=log_kind,
        started_at_utc=started_at_utc,
    )


def _dongle_id(init_data: pa.Table | None) -> str | None:
    if init_data is None:
        return None
    for value in init_data["dongle_id"].to_pylist():
        if value and parse_dongle_id(value):
            return parse_dongle_id(value)
    return None


def _init_data(log: SegmentLog) -> dict[str, Any] | None:
    """The first initData of a log; a device repeats that of a drive in each of its segments."""
    table = log.tables.get("init_data")
    return table.slice(0, 1).to_pylist()[0] if table is not None and table.num_rows else None


def _drive_name(log: SegmentLog, dongle_id: str | None, init_data: dict[str, Any] | None) -> str:
    """A name for a log whose path has none, in the form of a counter: a time would be a local one.

    Logs of one drive have the same initData, so they get the same.
    """
    drive = f"{dongle_id} {init_data['mono_ns']}" if init_data else log.content_hash
    digest = hashlib.sha256(drive.encode()).hexdigest()
    return f"{digest[:8]}--{digest[8:18]}"


def _segment_num(log: SegmentLog, init_data: dict[str, Any] | None) -> int:
    """The number of a segment whose path has none: how many whole ones fit before it."""
    if init_data is None or log.start_mono_ns is None:
        return 0
    since_start_ns = log.start_mono_ns - int(init_data["mono_ns"])
    return min(max(round(since_start_ns / _SEGMENT_NS), 0), MAX_SEGMENT_NUM)


def _kind(car_state: pa.Table | None) -> str:
    minimum = 2
    if car_state is None or car_state.num_rows < minimum:
        return "rlog"
    period_ns = np.median(np.diff(np.sort(car_state["mono_ns"].to_numpy())))
    return "qlog" if period_ns > _DECIMATED_PERIOD_NS else "rlog"


def _span(log: Log) -> tuple[int | None, int | None]:
    """First and last time; initData is left out: it repeats the drive's first in every segment."""
    is_good = ~log.is_damaged
    is_good[log.numbers_of("initData")] = False
    times = log.mono_ns[is_good]
    return (int(times.min()), int(times.max())) if len(times) else (None, None)


def _read(log: Log, options: ReadOptions) -> tuple[dict[str, pa.Table], str | None, str | None]:
    """Every table's rows, in file order; the car, and the profile that its signals are of."""
    tables = tables_but_can(log, options.keep_params) if len(log) else {}
    fingerprint = find_fingerprint(log, tables.get("car_params"), options.fingerprint)
    if options.specs or not options.is_auto:
        wanted: Wanted = options.specs
        profile = options.profile
    else:
        from engagement.extract.car_signals import plan_car  # noqa: PLC0415 - it takes its time

        wanted = plan_car(fingerprint, options.car_signals_file)
        profile = wanted.label
    return tables | (read_can(log, wanted) if len(log) else {}), fingerprint, profile


def tables_but_can(log: Log, keep_params: Iterable[str] = ()) -> dict[str, pa.Table]:
    """The rows of every table but those of CAN signals, in file order."""
    return _join([rows for rows in build(log, keep_params) if len(rows.message_num)])


def _join(parts: list[Rows]) -> dict[str, pa.Table]:
    by_table: dict[str, list[pa.Table]] = {}
    for rows in parts:
        by_table.setdefault(rows.table, []).append(rows.to_arrow())
    return {name: _in_file_order(tables) for name, tables in by_table.items()}


def _in_file_order(tables: list[pa.Table]) -> pa.Table:
    joined = tables[0]
    if len(tables) > 1:
        joined = pa.concat_tables(tables, promote_options="default").unify_dictionaries()
    numbers = joined["message_num"].to_numpy()
    if (np.diff(numbers) < 0).any():
        joined = joined.take(np.argsort(numbers, kind="stable"))
    return joined.combine_chunks()
