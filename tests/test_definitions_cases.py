"""Scripted drives, each for one kind of moment, and what a person who watches them counts.

`expected.json` was written with the drives: times (`t`) are seconds of the drive.
"""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from tests.oracles import metrics
from tests.store.stores import Store

Row = dict[str, Any]
Views = dict[str, list[Row]]

DATA = Path(__file__).parent / "data" / "definitions"
CASES: dict[str, Row] = json.loads((DATA / "expected.json").read_text())
VALUES = [(drive, name) for drive, case in CASES.items() for name in case if name != "case"]
# What base tables alone don't tell: clocks, and logs that are there twice.
OF_THE_STORE = {"started_at_unix", "once"}
VIEWS = ("drives", "interventions", "overrides", "disengagements", "events")
TOLERANCE_S = 0.15


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("definitions"))
    store.ingest(DATA / "rlogs")
    return store


@pytest.fixture(scope="module")
def views(store) -> Views:
    return {view: store.rows(f"from {view}") for view in VIEWS}


@pytest.fixture(scope="module")
def expected_views(store) -> Views:
    """The same by the oracle, from what the logs hold."""
    names = store.rows(
        "select distinct schema_name, table_name from duckdb_columns()"
        " where column_name = 'drive_id' and schema_name in ('main', 'log')"
        " and not starts_with(table_name, 'event_') and table_name not like 'imported%'"
    )
    tables = {
        row["table_name"]: store.rows(f"from {row['schema_name']}.{row['table_name']}")
        for row in names
        if row["table_name"] not in ("can_signal", "can_message", "can_source")
    }
    # Copies are kept apart, under drives of their own that no table of drives lists.
    drives = {row["drive_id"] for row in tables["drive"]}
    return metrics.compute(
        {name: [row for row in rows if row["drive_id"] in drives] for name, rows in tables.items()}
    )


@pytest.mark.parametrize(("drive", "name"), VALUES)
def test_views_say_what_a_person_counts(drive, name, views):
    check(drive, name, views)


@pytest.mark.parametrize(("drive", "name"), [v for v in VALUES if v[1] not in OF_THE_STORE])
def test_the_oracle_says_what_a_person_counts(drive, name, expected_views):
    check(drive, name, expected_views)


def check(drive: str, name: str, views: Views) -> None:
    """Compare one value of a case."""
    ids = {row["drive_id"] for row in views["drives"] if row["drive"] == drive}
    mine = {view: [row for row in rows if row["drive_id"] in ids] for view, rows in views.items()}
    wanted = CASES[drive][name]
    if name == "interventions":
        found = sorted(mine["interventions"], key=lambda row: row["time_s"])
        of = ("inputs", "ends_engagement")
        assert [[row[key] for key in of] for row in found] == [
            [w[key] for key in of] for w in wanted
        ]
        times_s = [row["time_s"] for row in found]
        assert times_s == pytest.approx([w["t"] for w in wanted], abs=TOLERANCE_S)
    else:
        assert READ[name](mine) == wanted


def started_at_unix(views: Views) -> float | None:
    [drive] = views["drives"]
    started = drive["started_at_utc"]
    return None if started is None else round(started.replace(tzinfo=UTC).timestamp())


def is_counted_once(views: Views) -> bool:
    """Whether of two devices with the same drive only one has what happened in it."""
    engaged_s = [row["engaged_s"] for row in views["drives"] if row["engaged_s"]]
    return len(engaged_s) == len(views["interventions"]) == 1


def n_overrides(views: Views, axis: str) -> int:
    return sum(row["axis"] == axis for row in views["overrides"])


READ = {
    "n_lateral_overrides": lambda views: n_overrides(views, "lateral"),
    "n_longitudinal_overrides": lambda views: n_overrides(views, "longitudinal"),
    "n_interventions": lambda views: len(views["interventions"]),
    "modes": lambda views: sorted({row["mode"] for row in views["interventions"]}),
    "causes": lambda views: [row["cause"] for row in views["disengagements"]],
    "inferred": lambda views: [row["is_inferred"] for row in views["disengagements"]],
    "n_counted": lambda views: sum(row["is_counted"] for row in views["disengagements"]),
    "n_critical": lambda views: sum(row["is_critical"] is True for row in views["events"]),
    "engaged_km": lambda views: pytest.approx(views["drives"][0]["engaged_km"], abs=0.005),
    "engaged_s": lambda views: pytest.approx(views["drives"][0]["engaged_s"], abs=0.05),
    "started_at_unix": started_at_unix,
    "once": is_counted_once,
}


def test_there_is_a_log_of_every_case():
    folders = {path.parent.name.rpartition("--")[0] for path in DATA.rglob("?log.zst")}
    assert folders == CASES.keys()
    assert len(VALUES) == 66
