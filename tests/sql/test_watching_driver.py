"""The views say of the fleet's drives what somebody who watches them would, in every era."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engagement.extract.segment import ReadOptions
from engagement.simulate import BUSY, plan_drives, truth_of, write_drive
from engagement.simulate.scenario import Why
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader

WHOLE = [
    replace(plan, qlog_segments=frozenset(), missing_segments=frozenset())
    for plan in plan_drives(8, seed=2, calm=BUSY)
]
every_drive = pytest.mark.parametrize("drive", WHOLE, ids=lambda drive: drive.name)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watched")
    for drive in WHOLE:
        for _ in write_drive(folder / "rlogs", drive):
            pass
    database = folder / "engagement.duckdb"
    ingest([folder / "rlogs"], database, IngestOptions(read=ReadOptions(), jobs=1))
    with Reader(database) as reader:
        yield reader


def rows(reader, drive, query):
    """Rows of the drive, their `time_s` counted from its first moment."""
    found = reader.rows(f"select * from ({query}) where drive = '{drive.name}' order by mono_ns")
    return [dict(row) | {"time_s": row["mono_ns"] / 1e9 - drive.boot_s} for row in found]


@every_drive
def test_interventions(reader, drive):
    found = rows(reader, drive, "from interventions")
    played = truth_of(drive).interventions
    assert [tuple(row["inputs"]) for row in found] == [moment.inputs for moment in played]
    assert [row["mode"] for row in found] == [moment.mode for moment in played]
    assert [row["ends_engagement"] for row in found] == [m.ends_engagement for m in played]
    for row, moment in zip(found, played, strict=True):
        assert row["time_s"] == pytest.approx(moment.time_s, abs=0.25)


@every_drive
def test_causes(reader, drive):
    found = rows(reader, drive, "from disengagements where mode = 'engaged'")
    ends = truth_of(drive).disengagements
    assert [row["time_s"] for row in found] == pytest.approx([e.time_s for e in ends], abs=0.06)
    for row, ended in zip(found, ends, strict=True):
        said = [row["cause"], f"{row['cause']}:{row['cause_event']}"]
        assert ("end_of_drive" if ended.is_end_of_drive else ended.cause.value) in said


def runs(presses):
    """Presses of one axis that follow another within a second belong to it."""
    found, until_s = [], {}
    for press in presses:
        if press.start_s - until_s.get(press.axis, -10) >= 1:
            found.append(press)
        until_s[press.axis] = press.end_s
    return found


@every_drive
def test_overrides_and_why_they_are_no_interventions(reader, drive):
    found = rows(
        reader,
        drive,
        "select overrides.*, drives.drive, overrides.start_mono_ns as mono_ns "
        "from overrides inner join drives using (drive_id)",
    )
    played = [p for p in truth_of(drive).overrides if p.why is not Why.CARRIED_IN]
    carried_in = [row for row in found if row["is_carried_in"]]
    others = [row for row in found if not row["is_carried_in"]]
    assert len(carried_in) == sum(press.why is Why.CARRIED_IN for press in drive.presses)
    expected = runs(played)
    assert [row["time_s"] for row in others] == pytest.approx(
        [press.start_s for press in expected], abs=0.06
    )
    for name, why in (
        ("is_nudge", Why.NUDGE),
        ("is_nag_answer", Why.NAG_ANSWER),
        ("is_resume", Why.RESUME),
    ):
        assert [row[name] for row in others] == [press.why is why for press in expected]
