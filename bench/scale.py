"""A fleet: recomputing everything, every public view, and one drive more, over 1 000 hours.

The simulated fleet's small logs (20 samples a second) are ingested once; their rows are then copied
under other drives' numbers in SQL until there are enough hours. Recomputing goes from those rows,
so each drive costs what it costs from logs. Full-rate logs have five times as many rows: a smaller
fleet of them stands beside.
"""

from __future__ import annotations

import shutil
import time
from hashlib import sha256
from statistics import median
from typing import TYPE_CHECKING

import duckdb

from bench.corpus import N_DISTINCT, OUT, corpus
from bench.output import megabytes, print_table, seconds
from engagement.extract.segment import ReadOptions
from engagement.resources import resource_dir
from engagement.simulate import simulate
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest, recompute
from engagement.store.reader import Reader
from engagement.store.results import refresh

if TYPE_CHECKING:
    from pathlib import Path

    from bench.runs import Setting

_HOURS = {"20 samples/s": 1000, "100 samples/s": 50}
_HOURS_QUICK = {"20 samples/s": 50, "100 samples/s": 5}
_DRIVES = 48
_CHUNK_HOURS = 25.0
_DAY_S = 86_400


def run(setting: Setting) -> None:
    """Measure and print."""
    hours = _HOURS_QUICK if setting.is_quick else _HOURS
    databases = {rate: fleet_database(rate, wanted) for rate, wanted in hours.items()}
    _print_recomputing(databases)
    _print_one_more(databases, setting)
    _print_views(databases["20 samples/s"], setting)


def fleet_database(rate: str, hours: int) -> Path:
    """A database of so many hours, made once."""
    tables = "".join(path.read_text() for path in sorted(resource_dir("migrations").iterdir()))
    key = sha256(tables.encode()).hexdigest()[:10]
    path = OUT / f"fleet-{key}-{rate.split(maxsplit=1)[0]}-{hours}.duckdb"
    if not path.exists():
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        ingest([_logs(rate)], part, IngestOptions(ReadOptions()))
        _multiply(part, hours)
        part.rename(path)
    return path


def _logs(rate: str) -> Path:
    if rate.startswith("100"):
        return corpus("zst", N_DISTINCT).folder
    folder = OUT / "fleet-logs"
    shutil.rmtree(folder, ignore_errors=True)
    for _ in simulate(folder, drives=_DRIVES):
        pass
    return folder


def _multiply(path: Path, hours: int) -> None:
    """Copy the drives until there are enough; each copy is a day later and has other logs."""
    with duckdb.connect(str(path)) as connection:
        known_s, n_drives = connection.execute(
            "select sum(known_s), max(drive_id) from drives"
        ).fetchall()[0]
        n_copies = round(hours * 3600 / known_s)
        chunk = max(round(_CHUNK_HOURS * 3600 / known_s), 1)
        for table in _base_tables(connection):
            connection.execute(f"create temp table seed as from {table} order by drive_id")
            columns = f"* exclude (k) replace ({_replacements(table, n_drives)})"
            for first in range(1, n_copies, chunk):
                copies = f"range({first}, {min(first + chunk, n_copies)}) as copies (k)"
                connection.execute(
                    f"insert into {table} select {columns} from seed, {copies} order by k, drive_id"
                )
            connection.execute("drop table seed")
        connection.execute("checkpoint")


def _base_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    query = (
        "select schema_name || '.' || table_name from duckdb_columns() inner join duckdb_tables() "
        "using (schema_name, table_name, table_oid) "
        "where schema_name in ('log', 'store') and column_name = 'drive_id'"
    )
    return [name for (name,) in connection.execute(query).fetchall()]


def _replacements(table: str, n_drives: int) -> str:
    columns = {"drive_id": f"(drive_id + {n_drives} * k)::integer"}
    if table == "log.drive":
        columns["drive"] = "printf('%08x--%010x', drive_id, k)"
    if table == "log.segment":
        # Else they would be copies of a log, which count once.
        columns |= {
            "content_hash": "content_hash || k",
            "raw_crc32": "raw_crc32 + k",
            "path": "path || k",
        }
    if table == "log.clock":
        columns["wall_time_ns"] = f"wall_time_ns + k * {_DAY_S} * 1000000000"
    if table == "log.gps":
        columns["unix_ms"] = f"unix_ms + k * {_DAY_S} * 1000"
    return ", ".join(f"{value} as {name}" for name, value in columns.items())


def _print_recomputing(databases: dict[str, Path]) -> None:
    rows = []
    for rate, path in databases.items():
        started_s, cpu_s = time.perf_counter(), time.process_time()
        n_drives = recompute(path)
        taken_s, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
        with Reader(path) as reader:
            hours = reader.rows("select sum(known_s) / 3600 as h from drives")[0]["h"]
        size = megabytes(path.stat().st_size)
        each = seconds(taken_s / hours)
        row = rate, f"{hours:.0f}", f"{n_drives}", size, seconds(taken_s), seconds(cpu_s), each
        rows.append(row)
    print_table(
        "Recomputing a fleet, once; aims: 12 s for 50 hours at 100 samples/s, 60 s for 1 000 at 20",
        ("", "hours", "drives", "database", "wall", "processor", "an hour of driving"),
        rows,
    )


def _print_one_more(databases: dict[str, Path], setting: Setting) -> None:
    """The results of one drive, among all; nothing is kept."""
    rows = []
    for rate, path in databases.items():
        with duckdb.connect(str(path)) as connection:
            n_drives = connection.execute("select max(drive_id) from log.drive").fetchall()[0][0]
            times = []
            for number in range(setting.repetitions):
                connection.execute("begin")
                started_s = time.perf_counter()
                refresh(connection, [1 + number * (n_drives - 1) // setting.repetitions])
                times.append(time.perf_counter() - started_s)
                connection.execute("rollback")
        rows.append((f"{rate}, 1 of {n_drives}", seconds(median(times))))
    print_table("Computing every result of one drive of a fleet", ("", "wall"), rows)


def _print_views(path: Path, setting: Setting) -> None:
    rows = []
    with Reader(path) as reader:
        for view in reader.views():
            all_s, n_rows = _times(reader, f"from {view}", setting)
            one = ""
            if "drive_id" in reader.comments(view):
                one = seconds(_times(reader, f"from {view} where drive_id = 7", setting)[0])
            rows.append((view, f"{n_rows}", seconds(all_s), one))
    print_table(
        "Public views over the 1 000 hours, every row and column into Arrow; aim: 100 ms",
        ("", "rows", "all", "one drive"),
        rows,
    )


def _times(reader: Reader, query: str, setting: Setting) -> tuple[float, int]:
    times = []
    n_rows = 0
    for _ in range(setting.repetitions):
        started_s = time.perf_counter()
        n_rows = reader.table(query).num_rows
        times.append(time.perf_counter() - started_s)
    return median(times), n_rows
