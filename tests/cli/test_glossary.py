from __future__ import annotations

import json

import pytest

from engagement.cli import columns
from engagement.cli.exit_codes import ExitCode


def test_the_glossary_explains_every_heading_of_the_report(run):
    document = json.loads(run("glossary", "--json").stdout)
    known = {name for view in document.values() for name in view["columns"]}
    assert {column.name for column in columns.REPORT} <= known
    assert all(text for view in document.values() for text in view["columns"].values())


def test_without_a_database_it_comes_from_the_shipped_views(run, run_alone):
    assert json.loads(run_alone("glossary", "--json").stdout) == json.loads(
        run("glossary", "--json").stdout
    )


@pytest.mark.parametrize(
    ("term", "views", "names"),
    [
        ("disengagements", {"disengagements"}, {"cause", "is_counted"}),
        ("coverage", {"devices", "drives"}, {"coverage"}),
        ("log.car_state", {"log.car_state"}, {"v_ego_mps", "mono_ns"}),
        ("car_state", {"log.car_state"}, {"gear"}),
        ("cause_", {"disengagements", "events"}, {"cause_event"}),
        ("Engaged % time", {"devices", "drives", "groups", "speed_bands"}, {"engaged_fraction"}),
    ],
)
def test_a_term_is_a_view_a_column_a_heading_or_part_of_one(run, term, views, names):
    document = json.loads(run("glossary", term, "--json").stdout)
    assert set(document) == views
    assert names <= {name for view in document.values() for name in view["columns"]}


def test_the_text_lists_headings_and_views(run):
    output = run("glossary").stdout
    assert "steering overrides" in output
    assert "\ndisengagements: Ends of engagements" in output


def test_an_unknown_term_is_answered_with_the_nearest(run):
    result = run("glossary", "coverege")
    assert result.exit_code == ExitCode.FAILED
    assert "did you mean 'coverage'?" in result.stderr
