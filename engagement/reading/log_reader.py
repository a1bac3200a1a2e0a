"""`read_log`: chosen fields of the logs of a drive as one Arrow table, `iter_log` log by log."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from itertools import groupby
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from engagement.errors import InputError, LogError
from engagement.extract.frames import open_log, started_ns
from engagement.logs.codec import DEFAULT_LIMIT_BYTES
from engagement.logs.schema import load_schema
from engagement.reading.drive_logs import find_drive_logs
from engagement.reading.field_columns import read_messages
from engagement.reading.field_names import find_fields
from engagement.reading.time_grid import Series, join

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engagement.logs.find import LogFile
    from engagement.logs.log import Log
    from engagement.reading.field_names import Wanted

    Source = str | PathLike[str] | Sequence[str | PathLike[str]]

DAMAGE_KEY = b"damage"
"""In the metadata of a table's schema: JSON, a list of `{"path": ..., "damage": ...}`."""

_LONGEST_S = 9e9  # as ns it is an int64
_MAX_GRID_HZ = 10_000


@dataclass(frozen=True, slots=True)
class LogPart:
    """What one log has of the fields.

    Attributes:
        path: The log.
        segment_num: Which minute of the drive it is, None where its name does not say.
        table: `mono_ns` and a column a field, as `read_log` has them.
        damage: What is wrong with the log, None for a whole one. What could be read is there.
        n_damaged: Messages that were left out because they are broken.
    """

    path: Path
    segment_num: int | None
    table: pa.Table
    damage: str | None
    n_damaged: int


@dataclass(frozen=True, slots=True)
class _Read:
    """One log's series, a service each; `start_ns` is the time of its first message."""

    file: LogFile
    series: list[Series]
    start_ns: int
    damage: str | None
    n_damaged: int


def read_log(
    source: Source,
    fields: Sequence[str],
    *,
    grid_hz: float | None = None,
    between_s: tuple[float, float] | None = None,
    schema_dir: str | PathLike[str] | None = None,
    max_log_bytes: int = DEFAULT_LIMIT_BYTES,
) -> pa.Table:
    """Read fields of a log, or of all logs of a drive, in the order of time.

    Args:
        source: A log, the folder of a drive, or several of these. Where a segment has both, its
            rlog is read, not its qlog.
        fields: As `carState.vEgo`, `modelV2.leadsV3[0].prob`, `carState.*` or `can[0x25,bus=0]`;
            docs/reading.md has the grammar.
        grid_hz: Put all services on ticks of this rate, each with its latest value that is not too
            old. Without it each message is a row, null in the fields of other services.
        between_s: Only messages in this half-open range, seconds from the drive's first message.
        schema_dir: A fork's own schemas, instead of those that come with this package.
        max_log_bytes: Read no more of one log, decompressed.

    Returns:
        `mono_ns` (logMonoTime, int64) and a column a field, named as asked for: numbers as on the
        wire, enums and texts as dictionaries of names, bytes, lists. Null is what the writer of the
        log did not have. The metadata `damage` of its schema tells what is broken, as JSON.

    Raises:
        InputError: If there is no log, they are of several drives, or a field has no meaning.
        NotFoundError: If there is no such service or field.
        LogError: If no log can be read.
    """
    options = _Options.of(fields, grid_hz, between_s, schema_dir, max_log_bytes)
    logs = list(_read_each(source, options))
    by_service = zip(*(each.series for each in logs), strict=True)
    table = join([_concatenated(list(parts)) for parts in by_service], grid_hz=grid_hz)
    return _with_damage(_ordered(table, options), logs)


def iter_log(
    source: Source,
    fields: Sequence[str],
    *,
    grid_hz: float | None = None,
    between_s: tuple[float, float] | None = None,
    schema_dir: str | PathLike[str] | None = None,
    max_log_bytes: int = DEFAULT_LIMIT_BYTES,
) -> Iterator[LogPart]:
    """Read like `read_log`, one log after the other: memory is that of the largest.

    Each log has a grid of its own. A log that can't be read is a part without rows.

    Raises:
        InputError, NotFoundError, LogError: As `read_log`.
    """
    options = _Options.of(fields, grid_hz, between_s, schema_dir, max_log_bytes)
    for read in _read_each(source, options):
        table = _with_damage(_ordered(join(read.series, grid_hz=grid_hz), options), [read])
        number = read.file.name.segment_num
        yield LogPart(read.file.path, number, table, read.damage, read.n_damaged)


@dataclass(frozen=True, slots=True)
class _Options:
    wanted: list[Wanted]
    between_s: tuple[float, float] | None
    schema_dir: Path | None
    max_log_bytes: int

    @classmethod
    def of(
        cls,
        fields: Sequence[str],
        grid_hz: float | None,
        between_s: tuple[float, float] | None,
        schema_dir: str | PathLike[str] | None,
        max_log_bytes: int,
    ) -> _Options:
        if isinstance(fields, str):
            fields = [fields]
        if grid_hz is not None and not 0 < grid_hz <= _MAX_GRID_HZ:
            raise InputError(f"grid_hz is {grid_hz:g}: it is above 0 and at most {_MAX_GRID_HZ}")
        if any(math.isnan(bound_s) for bound_s in between_s or ()):
            raise InputError("a time is a number of seconds, not nan")
        folder = None if schema_dir is None else Path(schema_dir)
        return cls(find_fields(fields, load_schema(folder)), between_s, folder, max_log_bytes)

    @property
    def groups(self) -> list[list[Wanted]]:
        """Fields that have their rows in common: of one service, frames of one address apart."""
        ordered = sorted(self.wanted, key=_rows_of)
        return [list(group) for _, group in groupby(ordered, key=_rows_of)]


def _rows_of(wanted: Wanted) -> tuple[str, str]:
    return wanted.service, wanted.name if wanted.frames else ""


def _read_each(source: Source, options: _Options) -> Iterator[_Read]:
    paths = [source] if isinstance(source, (str, PathLike)) else source
    files, _ = find_drive_logs([Path(path) for path in paths])
    first_ns: int | None = None
    last: LogError | None = None
    n_read = 0
    for file in files:
        try:
            read = _read(file, options, first_ns)
        except LogError as error:
            last = error
            yield _Read(file, [_nothing(group) for group in options.groups], 0, error.problem, 0)
            continue
        n_read += 1
        first_ns = read.start_ns if first_ns is None else first_ns
        yield read
    if last and not n_read:
        raise last


def _read(file: LogFile, options: _Options, first_ns: int | None) -> _Read:
    folder, limit = options.schema_dir, options.max_log_bytes
    with open_log(file.path, schema_dir=folder, limit_bytes=limit) as (log, damage):
        start_ns = started_ns(log)
        series = [_series(log, group) for group in options.groups]
        if options.between_s is not None:
            zero_ns = start_ns if first_ns is None else first_ns
            series = [_between(each, zero_ns, options.between_s) for each in series]
        broken = f"{log.n_damaged} broken messages" if log.n_damaged else None
        said = "; ".join(filter(None, [damage, broken, *log.notes])) or None
        return _Read(file, series, start_ns, said, log.n_damaged)


def _series(log: Log, group: list[Wanted]) -> Series:
    mono_ns, fields = read_messages(log, group[0].service, group)
    return Series(mono_ns, fields)


def _nothing(group: list[Wanted]) -> Series:
    return Series(np.zeros(0, np.int64), pa.table({each.name: pa.nulls(0) for each in group}))


def _between(series: Series, zero_ns: int, range_s: tuple[float, float]) -> Series:
    bounds_ns = [round(min(max(bound_s, -_LONGEST_S), _LONGEST_S) * 1e9) for bound_s in range_s]
    start, stop = np.searchsorted(series.mono_ns - zero_ns, bounds_ns, side="left").tolist()
    kept = slice(start, max(start, stop))
    return Series(series.mono_ns[kept], series.fields.slice(start, max(stop - start, 0)))


def _concatenated(parts: list[Series]) -> Series:
    """One service in all logs, in the order of time: consecutive logs overlap a little."""
    if len(parts) == 1:
        return parts[0]
    mono_ns = np.concatenate([part.mono_ns for part in parts])
    fields = pa.concat_tables([part.fields for part in parts], promote_options="default")
    fields = fields.unify_dictionaries()
    if (np.diff(mono_ns) >= 0).all():
        return Series(mono_ns, fields)
    order = np.argsort(mono_ns, kind="stable")
    return Series(mono_ns[order], fields.take(order))


def _ordered(table: pa.Table, options: _Options) -> pa.Table:
    return table.select(["mono_ns", *(each.name for each in options.wanted)])


def _with_damage(table: pa.Table, logs: Sequence[_Read]) -> pa.Table:
    damage = [{"path": str(log.file.path), "damage": log.damage} for log in logs if log.damage]
    return table.replace_schema_metadata({DAMAGE_KEY: json.dumps(damage).encode()})
