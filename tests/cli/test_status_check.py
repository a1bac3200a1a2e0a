"""`engagement status --check`: what the checks found, row by row."""

from __future__ import annotations

import json

import pytest

from engagement.analysis import checks
from engagement.cli import status
from engagement.cli.exit_codes import ExitCode


def test_check_shows_the_rows_that_were_found(run):
    plain, full = run("status"), run("status", "--check")
    assert full.exit_code == ExitCode.OK
    assert full.stdout.startswith(plain.stdout)
    lines = full.stdout.removeprefix(plain.stdout).splitlines()
    start = lines.index("Drives with segments that have no readable log")
    assert [line.split() for line in lines[start + 1 : start + 3]] == [
        ["dongle_id", "drive", "n_segments", "n_missing_segments"],
        ["7f0e1d2c3b4a5968", "2023-08-22--16-03-48", "6", "1"],
    ]


def test_the_json_document_has_the_rows_of_every_check(run):
    document = json.loads(run("status", "--json", "--check").stdout)
    rows = {check["name"]: check["rows"] for check in document["checks"]}
    assert all(len(rows[check["name"]]) == check["n_rows"] for check in document["checks"])
    assert [row["n_missing_segments"] for row in rows["segments_missing"]] == [1]
    assert rows["logs_damaged"] == []


def test_without_check_there_are_only_numbers_of_rows(run):
    document = json.loads(run("status", "--json").stdout)
    assert {tuple(check) for check in document["checks"]} == {("name", "title", "level", "n_rows")}


def test_a_failing_check_is_exit_1_and_its_rows_are_shown(run, one_check):
    one_check("-- Segments, all of them.\n-- level: fail\nselect * from segments;\n")
    result = run("status", "--check")
    assert result.exit_code == ExitCode.FAILED
    title, heading, *found = result.stdout.split("\n\n")[-1].splitlines()
    assert title == "Segments, all of them"
    assert heading.split()[:3] == ["dongle_id", "drive", "segment_num"]
    assert len(found) == json.loads(run("status", "--json").stdout)["n_segments"]


def test_a_terminal_gets_some_rows_of_each_check(run, one_check, monkeypatch):
    one_check(
        "-- Numbers.\n-- level: warn\nselect n as drive_id, n / 7 as x from range(50) t(n);\n"
    )
    assert [line.strip() for line in run("status", "--check").stdout.splitlines()[-50:]] == [
        f"{n / 7:.3f}" for n in range(50)
    ]
    monkeypatch.setattr(status, "is_terminal", lambda _stream: True)
    *_, last, more = run("status", "--check").stdout.splitlines()
    assert last.strip() == f"{19 / 7:.3f}"
    assert more == "30 more: --json has them all"


@pytest.fixture
def one_check(tmp_path, monkeypatch):
    """Replace all checks by one."""

    def write(text):
        (tmp_path / "checks").mkdir()
        (tmp_path / "checks" / "any_rows.sql").write_text(text)
        monkeypatch.setattr(checks, "resource_dir", lambda _name: tmp_path)

    return write
