from __future__ import annotations

import json
import shlex

import pytest

from engagement.analysis import checks
from engagement.analysis.selection import select
from engagement.cli import status
from engagement.cli.exit_codes import ExitCode
from engagement.store.reader import Reader


def test_status_says_what_is_there_and_what_is_missing(run, database):
    result = run("status")
    assert result.exit_code == ExitCode.OK
    assert str(database) in result.stdout
    assert "2 devices, 3 drives, " in result.stdout
    assert "7f0e1d2c3b4a5968|2023-08-22--16-03-48\t3\n" in result.stdout
    assert "logs_decimated" in result.stdout


def test_the_json_status_has_stable_keys(run, database):
    document = json.loads(run("status", "--json").stdout)
    assert list(document) == [
        "database", "size_bytes", "engagement_version", "definitions", "schema_version",
        "generation",
        "published_at_utc", "n_devices", "n_drives", "n_imported_drives", "n_segments", "known_s",
        "distance_km", "last_ingest", "damaged_logs", "missing_segments",
        "left_out_copies", "joined_devices", "saved_moments", "checks",
    ]  # fmt: skip
    assert document["size_bytes"] == database.stat().st_size
    assert document["missing_segments"][0]["missing"] == [3]
    assert document["last_ingest"]["n_ingested"] == document["n_segments"]
    assert {check["level"] for check in document["checks"]} == {"fail", "warn"}


def test_missing_segments_agree_with_the_view(database):
    with Reader(database) as reader:
        drives = select(reader).drives()
        missing = {row["drive"]: len(row["missing"]) for row in reader.rows(status._MISSING)}
    assert missing == {
        d["drive"]: d["n_missing_segments"] for d in drives if d["n_missing_segments"]
    }


@pytest.mark.parametrize(("level", "code"), [("fail", ExitCode.FAILED), ("warn", ExitCode.OK)])
def test_only_a_check_of_level_fail_changes_the_exit_status(
    run, tmp_path, monkeypatch, level, code
):
    (tmp_path / "checks").mkdir()
    text = f"-- Drives, all of them.\n-- level: {level}\nselect * from drives;\n"
    (tmp_path / "checks" / "any_drive.sql").write_text(text)
    monkeypatch.setattr(checks, "resource_dir", lambda _name: tmp_path)
    result = run("status")
    assert result.exit_code == code
    assert [level, "3", "Drives, all of them"] == [*result.stdout.splitlines()[-1].split("\t")][:3]


def test_recompute_publishes_the_same_numbers(run_alone, database, tmp_path):
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(database.read_bytes())
    before = json.loads(run_alone("report", "--json", "--db", copy).stdout)
    result = run_alone("recompute", "--db", copy)
    assert result.exit_code == ExitCode.OK
    assert result.stderr.startswith("recomputed 3 drives in ")
    after = json.loads(run_alone("report", "--json", "--db", copy).stdout)
    assert after.pop("definitions") == before.pop("definitions")
    for part, rows in before.items():
        for row, row_after in zip(rows, after[part], strict=True):
            assert row_after == pytest.approx(row, nan_ok=True)


def test_recompute_with_a_broken_file_of_parameters_is_exit_2(run_alone, database, tmp_path):
    (tmp_path / "strict.toml").write_text("[parameters]\nmax_gap_s = 3\n")
    result = run_alone("recompute", "--db", database, "--parameters", "strict.toml")
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.startswith("engagement: strict.toml: ")


def test_the_demo_ingests_as_it_says(run_alone):
    made = run_alone("demo", "--drives", "1", "--out", "made")
    assert made.exit_code == ExitCode.OK
    assert made.stderr.startswith("wrote 1 drive as 10 logs, ")
    words = shlex.split(made.stdout.splitlines()[1])
    typed = words[words.index("ingest") :]
    assert typed[:4] == ["ingest", "made", "--profile", "demo"]
    assert run_alone(*typed).exit_code == ExitCode.OK
    report = run_alone("report", "--json", *typed[4:])
    assert len(json.loads(report.stdout)["drives"]) == 1
