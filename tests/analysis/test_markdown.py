from __future__ import annotations

import re

import pytest

from engagement.analysis.gate import Verdict
from engagement.analysis.markdown import render_markdown
from engagement.analysis.summary import findings, headline
from tests.analysis.conftest import RATES, compare_branches
from tests.analysis.fleets import Fleet


def tables(report):
    """Runs of lines that begin with |, split at unescaped bars."""
    found, last = [], None
    for line in report.splitlines():
        if line.startswith("|"):
            if last is None:
                last = []
                found.append(last)
            last.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        else:
            last = None
    return found


@pytest.mark.parametrize("per", ["100km", "hour"])
def test_a_report_has_a_heading_a_sentence_and_two_tables(comparison, per):
    report = render_markdown(comparison, [], per)
    lines = report.splitlines()
    said = headline(comparison, per)
    assert lines[0] == "### `tuning` against `master`, by branch"
    assert lines[2] == f"**{said}.**"
    groups, measures = tables(report)
    assert groups[0] == ["", "A, baseline", "B, candidate"]
    assert groups[3] == ["drives", "24", "31"]
    assert measures[0] == [
        "", "A", "A 95 %", "B", "B 95 %", "B / A (95 %)", "p", "naive p", "dispersion",
        "still needed",
    ]  # fmt: skip
    for table in (groups, measures):
        assert {len(row) for row in table} == {len(table[0])}
    labels = [row[0] for row in measures[2:]]
    unit = {"100km": "per 100 km", "hour": "per hour"}[per]
    assert labels[:2] == [f"**events {unit} engaged**", "interventions"]
    assert "share of time engaged" in labels
    assert "steering oscillation, deg" in labels
    assert "Neither has any: unplanned interventions, disengagements by openpilot, " in report
    assert report.endswith("</details>\n")


def test_findings_come_with_how_many_chance_would_give(comparison):
    said = findings(comparison, "100km")
    assert len(said) > 1
    assert re.fullmatch(
        r"\d+ of \d+ measures have p < 0.05; if nothing differed, about \d+ would by chance",
        said[-1],
    )


def test_verdicts_and_warnings_are_in_the_report():
    fleet = Fleet()
    fleet.add("master", 3, per_100km=RATES)
    fleet.add("tuning", 6, per_100km=RATES, car="HONDA_CIVIC_BOSCH")
    verdicts = [
        Verdict("x > 1", holds=True, why="x is 2"),
        Verdict("y > 1", holds=None, why="nothing can be said"),
    ]
    report = render_markdown(compare_branches(fleet), verdicts, "100km")
    assert "> [!WARNING]\n> - The cars differ: A has TOYOTA COROLLA TSS2 2019; B has " in report
    assert "- Condition `x > 1` **holds**: x is 2." in report
    assert "- Condition `y > 1` **can't be told**: nothing can be said." in report


def test_names_from_logs_are_no_markup():
    fleet = Fleet()
    hostile = "a`|<img src=x>\n# b"
    fleet.add(hostile, 6, per_100km=RATES, car="<b>|`car`\r\n")
    fleet.add("tuning", 6, per_100km=RATES)
    report = render_markdown(compare_branches(fleet, a=hostile), [], "100km")
    outside_code = re.sub(r"`[^`]*`", "", report)
    assert "<img" not in outside_code
    assert not re.search(r"(?<!\\)<b>", outside_code)
    assert "\n# b" not in report
    for table in tables(report):
        assert {len(row) for row in table} == {len(table[0])}
