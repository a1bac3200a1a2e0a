from __future__ import annotations

import re

import pytest

from engagement.analysis.gate import Ruling
from engagement.analysis.markdown import render_markdown
from engagement.analysis.summary import findings, headline, verdict_text
from engagement.definitions import DEFINITIONS
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
    assert lines[0] == "### `tuning` against `master`, by branch"
    assert lines[2] == f"**{verdict_text(comparison, per)}.**"
    assert lines[4].lower() == f"{headline(comparison, per)}.".lower()
    groups, measures = tables(report)
    assert groups[0] == ["", "A, baseline", "B, candidate"]
    assert groups[3] == ["drives", "24", "31"]
    assert measures[0] == [
        "", "B is", "A", "A 95 %", "B", "B 95 %", "B / A (95 %)", "p", "q", "naive p",
        "dispersion", "still needed",
    ]  # fmt: skip
    for table in (groups, measures):
        assert {len(row) for row in table} == {len(table[0])}
    labels = [row[0] for row in measures[2:]]
    unit = {"100km": "per 100 km", "hour": "per hour"}[per]
    assert labels[:2] == [f"**events {unit} engaged**", "interventions"]
    assert "share of time engaged" in labels
    assert "steering oscillation, deg" in labels
    assert "Neither has any: unplanned interventions, disengagements by openpilot, " in report
    assert f"\n\nNumbers of definitions {DEFINITIONS}.\n\n" in report
    assert report.endswith("</details>\n")


def test_findings_come_with_how_many_are_left_of_them(comparison):
    said = findings(comparison, "100km")
    assert len(said) > 1
    assert re.fullmatch(
        r"of \d+ measures \d+ have p < 0.05; with the share of false discoveries held at 5 %, "
        r"\d+ are left",
        said[-1],
    )


def test_rulings_and_warnings_are_in_the_report():
    fleet = Fleet()
    fleet.add("master", 3, per_100km=RATES)
    fleet.add("tuning", 6, per_100km=RATES, car="HONDA_CIVIC_BOSCH")
    rulings = [
        Ruling("x > 1", "holds", "x is 2"),
        Ruling("y > 1", "too_few", "too few to tell"),
        Ruling("z > 1", "speeds_differ", "A and B were driven at different speeds"),
    ]
    report = render_markdown(compare_branches(fleet), rulings, "100km")
    assert "> [!WARNING]\n> - The cars differ: A has TOYOTA COROLLA TSS2 2019; B has " in report
    assert "- Condition `x > 1` **holds**: x is 2." in report
    assert "- Condition `y > 1` **can't be told**: too few to tell." in report
    assert "- Condition `z > 1` **is not judged**: A and B were driven at different" in report


def test_what_was_counted_at_each_speed_is_in_the_report(paradox):
    report = render_markdown(paradox, [], "100km")
    assert re.search(
        r"^- Interventions: at like speeds the ratio is 0\.\d+, over all ", report, re.MULTILINE
    )
    assert re.search(r"city A \d+ in [\d ]+ km, B \d+ in [\d ]+ km; highway A ", report)


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
