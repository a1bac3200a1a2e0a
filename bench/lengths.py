"""How often the limits of the median engagement hold the true one, over simulated groups.

Each group is a device of one database, so that the view `groups` gives all of them at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from bench.one_rate import store
from bench.output import print_table

if TYPE_CHECKING:
    import duckdb

    from bench.runs import Setting

_REPETITIONS, _REPETITIONS_QUICK = 500, 50
_SEED = 16
_N_TRUE = 400_000
_TABLES = (
    (
        "insert into log.drive by name select drive_id, device as dongle_id, "
        "'drive ' || drive_id as drive, '' as host from simulated_drives"
    ),
    (
        "insert into log.segment by name select drive_id, 0 as segment_num, 'rlog' as log_kind, "
        "'none' as codec, '' as path, 1 as size_bytes, 1 as mtime_ns, '' as content_hash, "
        "'ok' as status, 1 as raw_size_bytes, 1 as n_messages, 0 as n_damaged_messages, "
        "now()::timestamp as ingested_at_utc, 0 as start_mono_ns, 1 as end_mono_ns "
        "from simulated_drives"
    ),
    (
        "insert into result.engagements by name select drive_id, duration_s, 'engaged' as mode, "
        "'engaged' as start_kind, case when is_end then 'disengagement' else 'end_of_drive' end "
        "as end_kind from simulated"
    ),
)
_FOUND = (
    "select engagement_median_lower_s as lower_s, engagement_median_upper_s as upper_s from groups "
    "where grouped_by = 'device'"
)


@dataclass(frozen=True, slots=True)
class Drives:
    """What simulated drives are like.

    Attributes:
        n_drives: In a group.
        n_engagements: In a drive, on average.
        log_sd: Of the drives' own lengths' logarithm: 0 is alike.
        censoring: Rate of what cuts engagements short, by that of disengagements.
    """

    n_drives: int
    n_engagements: float
    log_sd: float
    censoring: float


def settings() -> list[Drives]:
    """Every setting."""
    values = product((8, 12, 20, 60), (3.0, 8.0), (0.0, 0.5, 1.0), (0.2, 0.8))
    return [Drives(*value) for value in values]


def coverage(
    connection: duckdb.DuckDBPyConnection, drives: Drives, n_repetitions: int, seed: int
) -> tuple[float, float]:
    """How often the limits hold the true median, and how often there is no upper one."""
    rng = np.random.default_rng((_SEED, seed))
    true_s = np.median(rng.exponential(60, _N_TRUE) * np.exp(rng.normal(0, drives.log_sd, _N_TRUE)))
    n_all = n_repetitions * drives.n_drives
    counts = 1 + rng.poisson(drives.n_engagements - 1, n_all)
    own_s = np.repeat(60 * np.exp(rng.normal(0, drives.log_sd, n_all)), counts)
    ends_s = rng.exponential(1, counts.sum()) * own_s
    cut_s = rng.exponential(60 / drives.censoring, counts.sum())
    drive_ids = np.arange(1, n_all + 1)
    devices = [f"{number // drives.n_drives}" for number in range(n_all)]
    connection.register("simulated_drives", pa.table({"drive_id": drive_ids, "device": devices}))
    simulated = {
        "drive_id": np.repeat(drive_ids, counts),
        "duration_s": np.minimum(ends_s, cut_s),
        "is_end": ends_s <= cut_s,
    }
    connection.register("simulated", pa.table(simulated))
    connection.execute("begin")
    for statement in _TABLES:
        connection.execute(statement)
    found = connection.sql(_FOUND).to_arrow_table().to_pydict()
    connection.execute("rollback")
    lower_s = np.array([-np.inf if s is None else s for s in found["lower_s"]])
    upper_s = np.array([np.inf if s is None else s for s in found["upper_s"]])
    held = (lower_s <= true_s) & (true_s <= upper_s)
    return float(held.mean()), float(np.isinf(upper_s).mean())


def run(setting: Setting) -> None:
    """Measure and print."""
    n_repetitions = _REPETITIONS_QUICK if setting.is_quick else _REPETITIONS
    connection = store()
    found = {
        drives: coverage(connection, drives, n_repetitions, number)
        for number, drives in enumerate(settings())
    }
    rows = []
    for n_drives in sorted({drives.n_drives for drives in found}):
        held = [share for drives, (share, _) in found.items() if drives.n_drives == n_drives]
        is_open = [share for drives, (_, share) in found.items() if drives.n_drives == n_drives]
        shares = np.mean(held), min(held), max(held), np.mean(is_open)
        rows.append((f"{n_drives}", *(f"{100 * share:.1f}" for share in shares)))
    print_table(
        f"Coverage of the median engagement's 95 % interval, in %, {n_repetitions} groups each",
        ("drives", "mean", "least", "most", "no upper limit"),
        rows,
    )
