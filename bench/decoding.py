"""Decoding alone, from bytes in memory to Arrow, against the plain reader of the same fields.

Both run in this process, on one core, over the same raw segments in turn. Before that, both read
one segment, and what they give is compared.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from bench.corpus import raw_segments
from bench.demo_profile import read_options
from bench.output import print_table, ratio, seconds
from bench.plain import PlainReader
from engagement.extract.can_tables import read_can
from engagement.extract.segment import tables_but_can
from engagement.logs.log import Log
from engagement.logs.schema import load_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.runs import Setting

    Tables = dict[str, pa.Table]

_AIM = 20
# The decoder gives a message without events a row, keeps other alerts than the plain reader, and of
# plans, models and parameters fewer.
_OTHER_ROWS = {
    "alert",
    "lane_change",
    "car_event",
    "longitudinal_plan",
    "driving_model",
    "model",
    "param",
}
_COMPARED = (
    ("car_state", "mono_ns"),
    ("car_state", "v_ego_mps"),
    ("car_state", "gear"),
    ("car_state", "cruise_enabled"),
    ("car_control", "accel_mps2"),
    ("controls_state", "curvature_per_m"),
    ("lead", "d_rel_m"),
    ("gps", "latitude"),
    ("button_event", "button"),
    ("can_signal", "frame_num"),
    ("can_signal", "value"),
    ("can_message", "n_frames"),
)


def run(setting: Setting) -> None:
    """Measure and print."""
    specs = read_options().specs
    schema = load_schema()
    plain_reader = PlainReader()
    segments = [path.read_bytes() for path in raw_segments()[: setting.repetitions]]

    def by_column(raw: bytes) -> Tables:
        log = Log(raw, schema)
        return tables_but_can(log) | read_can(log, specs)

    n_rows, n_columns = _compare(by_column(segments[0]), plain_reader.tables(segments[0]))
    times: dict[str, list[tuple[float, float]]] = {"by column": [], "plain reader": []}
    for raw in segments:
        times["by column"].append(_timed(by_column, raw))
        times["plain reader"].append(_timed(plain_reader.tables, raw))
    wall_s, cpu_s = ({k: median(t[i] for t in v) for k, v in times.items()} for i in (0, 1))
    print_table(
        "Decoding alone, a segment, from bytes in memory to Arrow; one core",
        ("", "wall", "processor", "plain / this", "aim"),
        [
            (
                name,
                seconds(wall_s[name]),
                seconds(cpu_s[name]),
                ratio(wall_s["plain reader"], wall_s[name]),
                f">= {_AIM} x" if name == "by column" else "",
            )
            for name in times
        ],
    )
    print(f"  equal: rows of {n_rows} tables, values of {n_columns} columns")


def _timed(work: Callable[[bytes], Tables], raw: bytes) -> tuple[float, float]:
    """Wall and processor seconds."""
    started_s, cpu_s = time.perf_counter(), time.process_time()
    work(raw)
    return time.perf_counter() - started_s, time.process_time() - cpu_s


def _compare(ours: Tables, theirs: Tables) -> tuple[int, int]:
    """Tables and columns that were found to be equal.

    Raises:
        ValueError: If the two readers differ.
    """
    tables = [name for name, table in theirs.items() if table.num_rows and name not in _OTHER_ROWS]
    for name in tables:
        n_ours = ours[name].num_rows if name in ours else 0
        if n_ours != theirs[name].num_rows:
            raise ValueError(f"{name}: {n_ours} rows, the plain reader has {theirs[name].num_rows}")
    for table, column in _COMPARED:
        mine = _plainly(ours[table][column])
        if not mine.equals(_plainly(theirs[table][column]).cast(mine.type)):
            raise ValueError(f"{table}.{column} differs from the plain reader's")
    return len(tables), len(_COMPARED)


def _plainly(column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    """Texts as texts, and no chunks."""
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, pa.string())
    return pa.chunked_array([column.combine_chunks()])
