"""Drives with known rates, as the views would have them: no logs and no database file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from engagement.definitions import DEFINITIONS
from engagement.store.schema import load_parameters
from engagement.store.views import load_macros

_BANDS = ("city", "road", "highway")
_MEANS = (
    "lateral_error_mean_mps2",
    "lateral_error_p95_mps2",
    "saturated_fraction",
    "oscillation_rms_deg",
    "sign_flips_per_s",
)
_WEIGHTS = ("lateral_error_s", "command_s", "oscillation_s", "sign_flips_s")
_SPEEDS_KMH = np.array([35.0, 75.0, 115.0])
_TABLES = {
    "drives": """
        create table drives (
            drive_id integer, branch varchar, started_at timestamp, is_imported boolean,
            log_kind varchar, car_fingerprint varchar, known_s double, engaged_s double,
            moving_s double, moving_engaged_s double, distance_km double,
            known_km double, engaged_km double
        )""",
    "speed_bands": """
        create table speed_bands (
            drive_id integer, speed_band varchar, engaged_s double, engaged_km double
        )""",
    "event_counts": """
        create table event_counts (
            drive_id integer, mode varchar, speed_band varchar, event varchar, n_events bigint
        )""",
    "tuning": f"""
        create table tuning (
            drive_id integer, dongle_id varchar, drive varchar, speed_band varchar,
            {", ".join(f"{name} double" for name in (*_WEIGHTS, *_MEANS))}
        )""",
}


class MemoryReader:
    """Answers queries as a Reader does."""

    path = Path("engagement.duckdb")
    definitions = DEFINITIONS
    is_current = True

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("attach ':memory:' as engagement; use engagement")

    def table(self, query: str, parameters: Any = ()) -> pa.Table:
        return self.connection.sql(query, params=parameters or None).to_arrow_table()

    def rows(self, query: str, parameters: Any = ()) -> list[dict[str, Any]]:
        return self.table(query, parameters).to_pylist()


@dataclass
class Fleet:
    """Rows of the public views; `add` draws drives of a branch."""

    seed: int = 1
    drives: list[dict[str, Any]] = field(default_factory=list)
    speed_bands: list[dict[str, Any]] = field(default_factory=list)
    event_counts: list[dict[str, Any]] = field(default_factory=list)
    tuning: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)

    def add(
        self,
        branch: str,
        n_drives: int,
        *,
        per_100km: dict[str, float],
        shape: float = 2.0,
        engaged: bool = True,
        bands: tuple[str, ...] = _BANDS,
        car: str = "TOYOTA COROLLA TSS2 2019",
        log_kind: str = "rlog",
        error_mps2: float | None = 0.3,
        day: str = "2025-07-01",
    ) -> None:
        """Add drives whose rates vary from drive to drive by a gamma distribution."""
        for _ in range(n_drives):
            number = len(self.drives) + 1
            km = self._rng.lognormal(3, 0.7) * self._rng.dirichlet(np.ones(3) * 3)
            km *= [engaged and band in bands for band in _BANDS]
            hours = km / _SPEEDS_KMH
            self.drives.append(
                {
                    "drive_id": number,
                    "branch": branch,
                    "started_at": datetime.fromisoformat(day) + timedelta(milliseconds=number),
                    "is_imported": False,
                    "log_kind": log_kind,
                    "car_fingerprint": car,
                    "known_s": 60 + hours.sum() * 3600 * 1.4,
                    "engaged_s": hours.sum() * 3600,
                    "moving_s": 50 + hours.sum() * 3600 * 1.3,
                    "moving_engaged_s": hours.sum() * 3600 * 0.99,
                    "distance_km": 99 + km.sum() * self._rng.uniform(1.05, 1.6),
                    "known_km": 1 + km.sum() * self._rng.uniform(1.05, 1.6),
                    "engaged_km": km.sum(),
                }
            )
            factor = self._rng.gamma(shape, 1 / shape)
            for band, band_km, band_h in zip(_BANDS, km, hours, strict=True):
                if band not in bands:
                    continue
                key = {"drive_id": number, "speed_band": band}
                self.speed_bands.append(key | {"engaged_s": band_h * 3600, "engaged_km": band_km})
                for event, rate in per_100km.items():
                    n_events = int(self._rng.poisson(rate * factor * band_km / 100))
                    if n_events:
                        counts = {"mode": "engaged", "event": event, "n_events": n_events}
                        self.event_counts.append(key | counts)
                if error_mps2 is not None:
                    values = error_mps2 * self._rng.lognormal(0, 0.3, len(_MEANS))
                    values = dict(zip(_MEANS, values.tolist(), strict=True))
                    weights = {
                        name: 3600 * band_h * share
                        for name, share in zip(_WEIGHTS, (1.0, 0.9, 0.7, 0.8), strict=True)
                    }
                    self.tuning.append(key | weights | values)

    def reader(self) -> MemoryReader:
        """The views."""
        reader = MemoryReader()
        for name in ("drives", "speed_bands", "event_counts", "tuning"):
            reader.connection.execute(_TABLES[name])
            rows = getattr(self, name)
            if rows:
                reader.connection.register("added", pa.Table.from_pylist(rows))
                reader.connection.execute(f"insert into {name} by name from added")
        reader.connection.execute(
            "create table drive_groups as "
            "select drive_id, 'branch' as grouped_by, branch as group_name from drives "
            "union all select drive_id, 'car', car_fingerprint from drives"
        )
        reader.connection.execute(
            "create table legacy_counts (drive_id integer, event varchar, n_events bigint)"
        )
        reader.connection.execute("create table saved_moments (name varchar, event varchar)")
        reader.connection.execute(
            "create table params as select drive_id, 'Mode' as name, branch as value from drives"
        )
        _add_rules(reader.connection)
        return reader


def _add_rules(connection: duckdb.DuckDBPyConnection) -> None:
    """The macros and thresholds that limits of rates are made by; the dispersion is the shipped."""
    connection.execute("create schema result")
    connection.execute("create schema store")
    connection.execute(
        "create table store.place_name "
        "(latitude double, longitude double, radius_m double, name varchar)"
    )
    values = ", ".join(
        f"{parameter.value} as {name}" for name, parameter in load_parameters().items()
    )
    connection.execute(f"create table result.thresholds as select {values}")
    connection.execute(
        """
        create table event_totals (
            mode varchar, event varchar, unit varchar, n_drives bigint, n_events bigint,
            exposure double, ratios double, squares double, products double,
            exposure_squares double
        )"""
    )
    connection.execute(load_macros())
