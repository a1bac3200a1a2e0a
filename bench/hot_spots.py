"""How many of the cells that `places` calls hot spots are none, over simulated fleets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from bench.one_rate import store
from bench.output import print_table

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from bench.runs import Setting

_REPETITIONS, _REPETITIONS_QUICK = 40, 10
_SEED = 15
_FOUND = "select cell_column from places where is_hot_spot"


@dataclass(frozen=True, slots=True)
class Fleet:
    """What simulated drives are like.

    Attributes:
        n_drives: Each passes a stretch of neighbouring cells.
        n_cells: Of a road.
        n_passed: Cells of a drive, on average.
        share: Of a drive's cells with an intervention, on average.
        is_alike: Whether drives have the same share; else a gamma distribution's of shape 1/2.
        n_in_burst: Neighbouring cells that an intervention goes on in, on average.
        n_hot: Cells in which drives intervene more often.
        ratio: How much more often; what is more goes on in no other cell.
    """

    n_drives: int
    share: float
    is_alike: bool
    n_in_burst: float = 1.0
    n_hot: int = 0
    ratio: float = 1.0
    n_cells: int = 5000
    n_passed: int = 400


def settings() -> list[Fleet]:
    """Fleets without a hot spot, then some with."""
    nothing = [
        Fleet(n_drives, share, is_alike, n_in_burst)
        for n_drives in (40, 300)
        for share in (0.01, 0.05)
        for is_alike, n_in_burst in ((True, 1.0), (False, 1.0), (False, 3.0))
    ]
    return nothing + [
        Fleet(n_drives, 0.01, is_alike=False, n_in_burst=2.0, n_hot=50, ratio=ratio)
        for n_drives in (40, 300)
        for ratio in (5.0, 15.0, 40.0)
    ]


def draw(rng: np.random.Generator, fleet: Fleet) -> tuple[pa.Table, NDArray[np.int64]]:
    """Rows of `result.passed_cells`, and the cells that are hot."""
    hot = rng.choice(fleet.n_cells, fleet.n_hot, replace=False)
    ratios = np.ones(fleet.n_cells)
    ratios[hot] = fleet.ratio
    parts = []
    for drive_id in range(1, fleet.n_drives + 1):
        n_passed = min(1 + rng.poisson(fleet.n_passed * rng.gamma(2, 0.5)), fleet.n_cells)
        start = rng.integers(fleet.n_cells - n_passed + 1)
        cells = np.arange(start, start + n_passed)
        own = fleet.share if fleet.is_alike else fleet.share * rng.gamma(0.5, 2)
        begins = rng.random(n_passed) < own / fleet.n_in_burst
        lengths = rng.geometric(1 / fleet.n_in_burst, n_passed) * begins
        reach = np.maximum.accumulate(np.where(begins, np.arange(n_passed) + lengths, 0))
        is_extra = rng.random(n_passed) < own * (ratios[cells] - 1)
        intervened = (np.arange(n_passed) < reach) | is_extra
        parts.append((np.full(n_passed, drive_id), cells, intervened))
    drives, cells, intervened = (np.concatenate(part) for part in zip(*parts, strict=True))
    is_engaged = intervened | (rng.random(len(drives)) < 0.9)
    table = {
        "drive_id": drives,
        "cell_row": np.full(len(drives), 90_000),
        "cell_column": cells,
        "is_engaged": is_engaged,
        "n_interventions": intervened.astype(int),
        "n_unplanned_interventions": intervened.astype(int),
    }
    return pa.table(table), hot


def hot_spots(connection: duckdb.DuckDBPyConnection, passed: pa.Table) -> NDArray[np.int64]:
    """The columns of the cells that the view calls hot spots."""
    connection.register("passed", passed)
    connection.execute("delete from result.passed_cells")
    connection.execute("insert into result.passed_cells by name select * from passed")
    connection.execute(
        "create or replace temp table drives as select distinct drive_id from passed"
    )
    connection.unregister("passed")
    found = connection.sql(_FOUND).to_arrow_table().column(0).to_numpy()
    return found.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Discoveries:
    """Over the repetitions: how often any cell was called hot, the false share, the power."""

    fleet: Fleet
    any_found: float
    mean_found: float
    false_share: float
    power: float | None


def measure(
    connection: duckdb.DuckDBPyConnection, fleet: Fleet, n_repetitions: int, seed: int
) -> Discoveries:
    """Simulate a fleet that often."""
    rng = np.random.default_rng((_SEED, seed))
    found, false, true = [], [], []
    for _ in range(n_repetitions):
        passed, hot = draw(rng, fleet)
        called = hot_spots(connection, passed)
        n_true = np.isin(called, hot).sum()
        found.append(len(called))
        false.append((len(called) - n_true) / max(len(called), 1))
        true.append(n_true / max(fleet.n_hot, 1))
    return Discoveries(
        fleet,
        float(np.mean(np.array(found) > 0)),
        float(np.mean(found)),
        float(np.mean(false)),
        float(np.mean(true)) if fleet.n_hot else None,
    )


def run(setting: Setting) -> None:
    """Measure and print."""
    n_repetitions = _REPETITIONS_QUICK if setting.is_quick else _REPETITIONS
    connection = store()
    rows = []
    for number, fleet in enumerate(settings()):
        found = measure(connection, fleet, n_repetitions, number)
        rows.append(
            (
                f"{fleet.n_drives} drives, {'alike' if fleet.is_alike else 'differ'}",
                f"{100 * fleet.share:.0f} %",
                f"{fleet.n_in_burst:.0f}",
                f"{fleet.n_hot} x {fleet.ratio:.0f}" if fleet.n_hot else "none",
                f"{100 * found.any_found:.0f}",
                f"{found.mean_found:.1f}",
                f"{100 * found.false_share:.1f}",
                "" if found.power is None else f"{100 * found.power:.0f}",
            )
        )
    print_table(
        f"Hot spots of 5000 cells, over {n_repetitions} fleets each; in %",
        ("", "cells with", "burst", "hot cells", "any found", "found", "false share", "power"),
        rows,
    )
