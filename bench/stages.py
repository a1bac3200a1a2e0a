"""Where an ingest's processor time goes, segment by segment, in one process and one thread."""

from __future__ import annotations

import hashlib
import pickle
import time
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.corpus import OUT, corpus
from bench.demo_profile import read_options
from bench.output import print_table
from engagement.extract.can_tables import read_can
from engagement.extract.segment import read_segment, tables_but_can
from engagement.logs.codec import decompress
from engagement.logs.find import find_logs
from engagement.logs.log import Log
from engagement.logs.schema import load_schema
from engagement.store.database_writer import Writer
from engagement.store.results import refresh
from engagement.store.segments import drive_id_of, write_segments

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from bench.runs import Setting
    from engagement.logs.find import LogFile

_N_SEGMENTS = 12
_SHOWN_MS = 0.5


class Stopwatch:
    """Processor and wall seconds of this process, by what they went to."""

    def __init__(self) -> None:
        self.cpu_s: defaultdict[str, float] = defaultdict(float)
        self.wall_s: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what the block takes."""
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        yield
        self.cpu_s[name] += time.process_time() - cpu_s
        self.wall_s[name] += time.perf_counter() - wall_s


class _TimedConnection:
    """A connection that books each statement by its first words."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, watch: Stopwatch) -> None:
        self._connection = connection
        self._watch = watch

    def execute(self, statement: str, *arguments: Any) -> Any:
        with self._watch.stage(_heading(statement)):
            return self._connection.execute(statement, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def _heading(statement: str) -> str:
    words = statement.split()
    if words[:2] == ["insert", "into"]:
        is_result = words[2].startswith("result.")
        return f"view {words[2].removeprefix('result.')}" if is_result else f"insert {words[2]}"
    if words[:5] == ["create", "or", "replace", "temp", "table"]:
        return f"shared {words[5].removeprefix('temp.')}"
    return words[0]


def run(_setting: Setting) -> None:
    """Measure and print."""
    watch = Stopwatch()
    logs = find_logs([corpus("zst", _N_SEGMENTS).folder]).logs
    for log in logs:
        _decode(log, watch)
    _store(logs, watch)
    n_segments = len(logs)
    rows = [
        (name, f"{cpu_s / n_segments * 1000:.1f}", f"{wall_s / n_segments * 1000:.1f}")
        for name, cpu_s, wall_s in (
            (name, cpu_s, watch.wall_s[name]) for name, cpu_s in watch.cpu_s.items()
        )
        if max(cpu_s, wall_s) / n_segments * 1000 >= _SHOWN_MS
    ]
    print_table(
        f"Where the time of a segment goes: zstd, {n_segments} segments, everything in one process",
        ("", "processor ms", "wall ms"),
        rows,
    )


def _decode(file: LogFile, watch: Stopwatch) -> None:
    """Read a log as the ingest does, in pieces."""
    options = read_options()
    with watch.stage("read and hash"):
        content = file.path.read_bytes()
        hashlib.sha256(content).hexdigest()
    with watch.stage("decompress"):
        raw = decompress(content).raw
    with watch.stage("walk"):
        log = Log(raw, load_schema())
    with watch.stage("tables but CAN"):
        tables_but_can(log)
    with watch.stage("CAN tables"):
        read_can(log, options.specs)


def _store(logs: list[LogFile], watch: Stopwatch) -> None:
    options = read_options()
    database = OUT / "stages.duckdb"
    database.unlink(missing_ok=True)
    segments = [read_segment(log, options) for log in logs]
    with watch.stage("pickle and back"):
        for segment in segments:
            pickle.loads(pickle.dumps(segment, protocol=5))  # noqa: S301
    with Writer(database) as writer:
        timed: Any = _TimedConnection(writer.connection, watch)
        numbered = [
            (drive_id_of(writer.connection, log.dongle_id or "", log.drive or ""), log)
            for log in segments
        ]
        write_segments(timed, numbered)
        refresh(timed, sorted({drive_id for drive_id, _ in numbered}))
        with watch.stage("publish"):
            writer.publish()
