"""The server over ten thousand drives: alone, at a rate of requests, and while ingests publish.

Three simulated drives are ingested and their rows copied in SQL under other numbers, one sample in
some of each; every result is there for each copy. Run alone, it takes the options of the whole:
`python -m bench.serving --quick`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from bench.corpus import OUT
from bench.load import Load, percentile_ms
from bench.output import print_table
from bench.processes import cpu_s
from bench.runs import Setting
from engagement.extract.segment import ReadOptions
from engagement.simulate import simulate
from engagement.store.cores import default_jobs
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.load import Reply

_N_DRIVES = 10_000
_N_SIMULATED = 3
_COPIES_AT_ONCE = 200
_KEEP_ONE_OF = 5
_KEEP_ONE_OF_QUICK = 20
_PER_S = 200
_SOAK_S = 60
_SOAK_QUICK_S = 15
_N_ALONE = 300
_PUBLISH_EVERY_S = 5.0

# What is asked for alone is asked for once; at a rate, of some drives again and again, as people
# who look at a dashboard do.
_WINDOW = (
    "/api/v1/drives/{number}/samples?start_s=30&end_s=90&buckets=500"
    "&series=speed_mps,steering_angle_deg,steering_torque,gas_pressed,brake_pressed"
)
_ALONE = {
    "/devices": "/devices",
    "drives of a version": "/api/v1/drives?limit=50&version={number}",
    "drive": "/api/v1/drives/{number}",
    "drive page": "/drive/{number}",
    "sample window": _WINDOW,
    "whole drive's samples": "/api/v1/drives/{number}/samples?buckets=1000",
}
_TOGETHER = {
    "/devices": "/devices",
    "newest drives": "/api/v1/drives?limit=50",
    "drive": "/api/v1/drives/{number}",
    "drive page": "/drive/{number}",
    "sample window": _WINDOW,
}
_AIMS_MS = {"/devices": 50, "drive page": 100, "sample window": 150}
_HEAD = ("", "requests", "failed", "stale", "p50", "p99", "aim", "longest", "processor")
_N_LOOKED_AT = 20
# Else the copies of a drive would be copies of its logs, which count once.
_OF_CONTENT = {
    "content_hash": "content_hash || '-' || range as content_hash",
    "raw_crc32": "raw_crc32 + range as raw_crc32",
}
_ADDRESS = re.compile(r"at http://\S+:(\d+)/")


def run(setting: Setting) -> None:
    """Measure and print."""
    database, logs = _database(is_quick=setting.is_quick)
    duration_s = _SOAK_QUICK_S if setting.is_quick else _SOAK_S
    size = f"{_N_DRIVES} drives, {database.stat().st_size / 1e6:.0f} MB"
    rate = f"{_PER_S} requests a second for {duration_s} s, for {_N_LOOKED_AT} drives in turn"
    with server_of(database) as server:
        title = f"One request after the other, no drive twice; {size}"
        print_table(title, _HEAD, _measure_alone(server))
        print_table(rate, _HEAD, _measure_together(server, duration_s))
        rows, n_published = _measure_publishing(server, database, logs, duration_s)
    title = f"The same while an ingest publishes every {_PUBLISH_EVERY_S:g} s: {n_published} times"
    print_table(title, _HEAD, rows)


@dataclass(frozen=True, slots=True)
class _Server:
    """A server under way."""

    port: int
    pid: int


def _measure_alone(server: _Server) -> list[Sequence[str]]:
    rows = []
    for name, template in _ALONE.items():
        # The first page of a kind is the one that its template is compiled for.
        Load(server.port, [template.format(number=1)]).run_in_turn()
        urls = [template.format(number=number) for number in range(7, 7 + _N_ALONE)]
        before_s = cpu_s(server.pid)
        replies = Load(server.port, urls).run_in_turn()
        rows.append(_row(name, replies, cpu_s(server.pid) - before_s))
    return rows


def _measure_together(server: _Server, duration_s: int) -> list[Sequence[str]]:
    before_s = cpu_s(server.pid)
    replies = Load(server.port, _looked_at()).run(_PER_S, duration_s)
    return _by_kind(replies, cpu_s(server.pid) - before_s)


def _measure_publishing(
    server: _Server, database: Path, logs: Path, duration_s: int
) -> tuple[list[Sequence[str]], int]:
    """The same beside ingests, and how many generations were published."""
    newest, ended = [0], threading.Event()
    publisher = threading.Thread(target=_publish_on, args=(database, logs, ended, newest))
    first, before_s = _generation(database), cpu_s(server.pid)
    publisher.start()
    load = Load(server.port, _looked_at(), published=lambda: newest[0])
    replies = load.run(_PER_S, duration_s)
    used_s = cpu_s(server.pid) - before_s
    n_published = max(newest[0] - first, 0)
    ended.set()
    publisher.join()
    return _by_kind(replies, used_s), n_published


def _looked_at() -> list[str]:
    """Addresses of each kind in turn."""
    return [
        template.format(number=number)
        for number in range(1, 1 + _N_LOOKED_AT)
        for template in _TOGETHER.values()
    ]


def _by_kind(replies: list[Reply], used_s: float) -> list[Sequence[str]]:
    rows = [_row("all", replies, used_s)]
    for name, template in _TOGETHER.items():
        pattern = re.compile(re.escape(template).replace(r"\{number\}", r"\d+"))
        rows.append(_row(name, [one for one in replies if pattern.fullmatch(one.url)]))
    return rows


def _row(name: str, replies: list[Reply], used_s: float | None = None) -> Sequence[str]:
    """A kind of request; with the server's processor time, if that is known, for each."""
    return (
        name,
        str(len(replies)),
        str(sum(reply.status != 200 for reply in replies)),
        str(sum(reply.is_stale for reply in replies)),
        f"{percentile_ms(replies, 50):.1f} ms",
        f"{percentile_ms(replies, 99):.1f} ms",
        f"<= {_AIMS_MS[name]} ms" if name in _AIMS_MS else "",
        f"{max(reply.latency_s for reply in replies) * 1000:.0f} ms",
        "" if used_s is None else f"{used_s / len(replies) * 1000:.1f} ms",
    )


@contextmanager
def server_of(database: Path) -> Iterator[_Server]:
    """Run `engagement serve` over a database, in a process of its own."""
    command = [sys.executable, "-m", "engagement", "serve", "--db", str(database)]
    with subprocess.Popen(
        [*command, "--port", "0", "--rate", "0"], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            said = process.stderr.readline() if process.stderr else ""
            found = _ADDRESS.search(said)
            if not found:
                raise RuntimeError(f"the server did not start: {said}")
            yield _Server(int(found[1]), process.pid)
        finally:
            process.send_signal(signal.SIGINT)


def _publish_on(database: Path, logs: Path, ended: threading.Event, newest: list[int]) -> None:
    """Ingest one segment anew every few seconds, in a process of its own."""
    code = "import sys; from bench.serving import ingest_again; ingest_again(*sys.argv[1:])"
    while not ended.wait(_PUBLISH_EVERY_S):
        command = [sys.executable, "-c", code, str(database), str(logs)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        newest[0] = int(done.stdout.split()[-1])  # DuckDB may show its progress before


def ingest_again(database: str, logs: str) -> None:
    """Ingest the first segment of some logs once more, and print the generation that it makes."""
    from pathlib import Path  # noqa: PLC0415

    folder = min(path for path in Path(logs).glob("*/*") if path.is_dir())
    options = IngestOptions(read=ReadOptions(), jobs=1, reprocess=True)
    ingest([folder], Path(database), options)
    print(_generation(Path(database)))


def _generation(database: Path) -> int:
    with Reader(database) as reader:
        [state] = reader.rows("select generation from store.state")
    return int(state["generation"])


def _database(*, is_quick: bool) -> tuple[Path, Path]:
    """Ten thousand drives, made anew, and the logs that they are copies of."""
    folder = OUT / "serving"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for _ in simulate(folder / "rlogs", drives=_N_SIMULATED):
        pass
    path = folder / "engagement.duckdb"
    ingest([folder / "rlogs"], path, IngestOptions(read=ReadOptions(), jobs=1))
    keep_one_of = _KEEP_ONE_OF_QUICK if is_quick else _KEEP_ONE_OF
    with duckdb.connect(str(path)) as connection:
        _copy_drives(connection, keep_one_of)
        connection.execute("checkpoint")
    return path, folder / "rlogs"


def _copy_drives(connection: duckdb.DuckDBPyConnection, keep_one_of: int) -> None:
    tables = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() order by all"
    ).fetchall()
    for (table,) in tables:
        described = connection.execute(f"select column_name from (describe {table})")
        columns = [name for (name,) in described.fetchall()]
        if "drive_id" not in columns:
            continue
        connection.execute(f"create temp table original as select * from {table}")
        selected = ", ".join(_copied(table, name) for name in columns)
        is_sampled = table.startswith("log.") and {"mono_ns", "message_num"} <= {*columns}
        condition = f"where message_num % {keep_one_of} = 0" if is_sampled else ""
        order = "mono_ns" if "mono_ns" in columns else "drive_id"
        n_copies = _N_DRIVES // _N_SIMULATED
        for first in range(1, n_copies + 1, _COPIES_AT_ONCE):
            last = min(first + _COPIES_AT_ONCE, n_copies + 1)
            connection.execute(
                f"insert into {table} select {selected} "
                f"from (select * from original {condition}) cross join range({first}, {last}) "
                f"order by range, drive_id, {order}"
            )
        connection.execute("drop table original")


def _copied(table: str, column: str) -> str:
    if column == "drive_id":
        return f"(drive_id + {_N_SIMULATED} * range)::integer as drive_id"
    if table == "log.drive" and column == "drive":
        return "drive || '-' || range as drive"
    if table == "log.segment" and column in _OF_CONTENT:
        return _OF_CONTENT[column]
    return f'"{column}"'


def main() -> None:
    """Run this section alone."""
    parser = argparse.ArgumentParser(prog="python -m bench.serving", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer samples, for less long")
    arguments = parser.parse_args()
    started_s = time.monotonic()
    run(Setting(jobs=default_jobs(), repetitions=1, is_quick=arguments.quick))
    print(f"\n{(time.monotonic() - started_s) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
