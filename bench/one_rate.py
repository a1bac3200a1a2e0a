"""How often the 95 % interval of a rate holds the true rate, over simulated groups of drives.

The limits are those of the macros that the views call; only the sums over drives, which the macros
take, are made here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
from scipy import special

from bench.output import print_table
from engagement.store import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from bench.runs import Setting

    Floats = NDArray[np.float64]

_REPETITIONS, _REPETITIONS_QUICK = 2000, 200
_SEED = 14
_MANY = 30
_LIMITS = """
with

own_sums as (
    select
        *,
        known_dispersion(
            n_other_drives,
            n_other_events,
            other_exposure,
            other_ratios,
            other_squares,
            other_products,
            other_exposure_squares
        ) as known_dispersion
    from simulated
)

select rate_lower, rate_upper, dispersion_source = 'database' as is_known
from rate_limits('own_sums')
order by place
"""


@dataclass(frozen=True, slots=True)
class Drives:
    """What simulated drives are like.

    Attributes:
        n_drives: In the group.
        dispersion: Variance of a drive's count over its mean, for a drive of mean length.
        mean: Events a drive of mean length; the true rate per unit of exposure.
        family: Why counts vary: events in bursts, drives that differ, or two kinds of drive.
        log_sd: Of the lengths' logarithm.
        n_others: Other drives in the database, of the same family.
        other_dispersion: Of these.
    """

    n_drives: int
    dispersion: float
    mean: float
    family: str
    log_sd: float
    n_others: int = 100
    other_dispersion: float = 1.0


def settings() -> list[Drives]:
    """Every setting of the aim; where drives are a Poisson process there is one family."""
    found = []
    for n_drives, dispersion, mean, log_sd in product(
        (4, 8, 15, 30, 60), (1.0, 3.0, 6.0), (0.3, 1.0, 3.0), (0.0, 0.8)
    ):
        families = ("bursts", "differ", "two kinds") if dispersion > 1 else ("Poisson",)
        found += [
            Drives(n_drives, dispersion, mean, family, log_sd, other_dispersion=dispersion)
            for family in families
        ]
    return found


def simulate(
    rng: np.random.Generator, drives: Drives, n_repetitions: int
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Sums over the drives of as many groups, and over the other drives of each."""
    own = _draw(rng, drives, (n_repetitions, drives.n_drives))
    beside = replace(drives, dispersion=drives.other_dispersion)
    return sums_of(*own), sums_of(*_draw(rng, beside, (n_repetitions, drives.n_others)))


def sums_of(counts: Floats, exposure: Floats) -> dict[str, Floats]:
    """What the macros take, of groups along the first axis; all drives have exposure."""
    return {
        "n_drives": np.full(len(counts), float(counts.shape[1])),
        "n_events": counts.sum(1),
        "exposure": exposure.sum(1),
        "ratios": (counts**2 / exposure).sum(1),
        "squares": (counts**2).sum(1),
        "products": (counts * exposure).sum(1),
        "exposure_squares": (exposure**2).sum(1),
    }


def _draw(
    rng: np.random.Generator, drives: Drives, shape: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Counts and exposures; the mean exposure is 1."""
    lengths = np.exp(rng.normal(0, drives.log_sd, shape) - drives.log_sd**2 / 2)
    means = drives.mean * lengths
    extra = (drives.dispersion - 1) / drives.mean  # variance of a drive's own rate, by its square
    if extra == 0:
        return rng.poisson(means).astype(float), lengths
    if drives.family == "bursts":
        size = (drives.dispersion + 1) / 2
        n_bursts = rng.poisson(means / size)
        more = rng.negative_binomial(np.maximum(n_bursts, 1), 1 / size)
        return np.where(n_bursts > 0, n_bursts + more, 0).astype(float), lengths
    if drives.family == "differ":
        own = rng.gamma(1 / extra, extra, shape)
    else:
        share = min(0.2, 1 / (1 + extra))
        apart = np.sqrt(extra / (share * (1 - share)))
        own = np.maximum(1 - share * apart, 0) + apart * (rng.random(shape) < share)
    return rng.poisson(means * own).astype(float), lengths


def limits_of(
    connection: duckdb.DuckDBPyConnection, own: dict[str, Floats], others: dict[str, Floats] | None
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Lower and upper limits by the macros, and whether the database told the dispersion."""
    others = others or {name: np.zeros_like(values) for name, values in own.items()}
    table = {"place": np.arange(len(own["n_events"])), "n_events": own["n_events"]}
    table |= {
        {"n_drives": "n_exposed_drives", "n_events": "n_exposed_events"}.get(name, name): values
        for name, values in own.items()
    }
    table["n_events"] = own["n_events"]
    table |= {
        {"n_drives": "n_other_drives", "n_events": "n_other_events"}.get(
            name, f"other_{name}"
        ): values
        for name, values in others.items()
    }
    connection.register("simulated", pa.table(table))
    found = connection.sql(_LIMITS).to_arrow_table()
    connection.unregister("simulated")
    lower, upper, is_known = (found.column(number).to_numpy() for number in range(3))
    return lower, upper, is_known


def store() -> duckdb.DuckDBPyConnection:
    """A database without drives, for its macros."""
    connection = duckdb.connect()
    schema.create(connection)
    connection.execute("insert into result.thresholds by name from compute.thresholds")
    return connection


@dataclass(frozen=True, slots=True)
class Coverage:
    """How an interval did in one setting; shares, and the mean width by exact Poisson's."""

    drives: Drives
    covered: float
    below: float
    above: float
    width: float
    known: float


def measure(
    connection: duckdb.DuckDBPyConnection,
    wanted: Iterable[Drives],
    n_repetitions: int,
    *,
    has_others: bool = True,
) -> list[Coverage]:
    """Simulate each setting, with seeds of its own."""
    found = []
    for number, drives in enumerate(wanted):
        rng = np.random.default_rng((_SEED, number))
        own, others = simulate(rng, drives, n_repetitions)
        lower, upper, is_known = limits_of(connection, own, others if has_others else None)
        n, exposure = own["n_events"], own["exposure"]
        exact = special.gammaincinv(n + 1, 0.975)
        exact[n > 0] -= special.gammaincinv(n[n > 0], 0.025)
        found.append(
            Coverage(
                drives,
                covered=float(((lower <= drives.mean) & (drives.mean <= upper)).mean()),
                below=float((upper < drives.mean).mean()),
                above=float((lower > drives.mean).mean()),
                width=float((upper - lower).mean() / (exact / exposure).mean()),
                known=float(is_known.mean()),
            )
        )
    return found


def run(setting: Setting) -> None:
    """Measure and print."""
    n_repetitions = _REPETITIONS_QUICK if setting.is_quick else _REPETITIONS
    connection = store()
    rows, by_family = [], []
    for name, n_others, share in (
        ("100 others", 100, 1.0),
        ("30 others", 30, 1.0),
        ("100 others, half as dispersed", 100, 0.5),
        ("100 others, twice as dispersed", 100, 2.0),
        ("shipped dispersion", 0, 1.0),
    ):
        wanted = [
            replace(one, n_others=max(n_others, 1), other_dispersion=max(one.dispersion * share, 1))
            for one in settings()
        ]
        found = measure(connection, wanted, n_repetitions, has_others=n_others > 0)
        rows.append((name, *_summary(found)))
        if not by_family:
            by_family = _tables(found)
    print_table(
        f"Coverage of the 95 % interval of a rate, in %, over {len(settings())} settings of "
        f"{n_repetitions} groups each; width by exact Poisson's, where drives are Poisson",
        ("other drives", "mean", "5 % below", "least", "too low", "too high", "width"),
        rows,
    )
    print_table(
        "Least coverage, in %, with 100 others, by drives and dispersion",
        ("drives", "Poisson", "3", "6", "bursts", "differ", "two kinds"),
        by_family,
    )
    wanted = [one for one in settings() if one.n_drives >= _MANY]
    alone = measure(connection, wanted, n_repetitions, has_others=False)
    print_table(
        f"A group that is the whole database, of {_MANY} drives or more: the shipped dispersion",
        ("", "mean", "5 % below", "least", "too low", "too high", "width"),
        [("shipped dispersion", *_summary(alone))],
    )


def _summary(found: Sequence[Coverage]) -> tuple[str, ...]:
    covered = np.array([one.covered for one in found])
    shares = (
        covered.mean(),
        np.quantile(covered, 0.05),
        covered.min(),
        np.mean([one.below for one in found]),
        np.mean([one.above for one in found]),
    )
    width = np.mean([one.width for one in found if one.drives.dispersion == 1])
    return (*(f"{100 * share:.1f}" for share in shares), f"{width:.2f}")


def _tables(found: Sequence[Coverage]) -> list[tuple[str, ...]]:
    def least(**wanted: object) -> str:
        chosen = [
            one.covered
            for one in found
            if all(getattr(one.drives, name) == value for name, value in wanted.items())
        ]
        return f"{100 * min(chosen):.1f}"

    return [
        (
            f"{n_drives}",
            least(n_drives=n_drives, dispersion=1.0),
            least(n_drives=n_drives, dispersion=3.0),
            least(n_drives=n_drives, dispersion=6.0),
            *(
                least(n_drives=n_drives, family=family)
                for family in ("bursts", "differ", "two kinds")
            ),
        )
        for n_drives in sorted({one.drives.n_drives for one in found})
    ]
