"""Moments over HTTP: those of `engagement find`, bounded, and refused in words."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from engagement.api import moment_routes
from engagement.cli.group import main
from engagement.moments.shipped import shipped_moments

URL = "/api/v1/moments"


@pytest.fixture(scope="module")
def listed(database):
    def of(*words):
        found = CliRunner().invoke(main, ["find", *words, "--json", "--db", str(database)])
        return json.loads(found.stdout)

    return of


@pytest.mark.parametrize("by", [None, "all", "device,branch"])
def test_moments_and_rates_are_those_of_the_command(client, listed, by):
    find = "engaged and v_ego_mps > 15 for 1s"
    device = listed(find)[0]["dongle_id"]
    answer = client.get(URL, params={"find": find, "limit": 1000, "device": device, "by": by})
    found = answer.json()
    of_command = listed(find, "--device", device)
    assert found["n_moments"] == len(found["moments"]) == len(of_command)
    names = ("moment", "drive_id", "mono_ns", "end_mono_ns", "time_s", "latitude", "git_branch")
    for row, wanted in zip(found["moments"], of_command, strict=True):
        assert [row[name] for name in names] == [wanted[name] for name in names]
    if by is None:
        assert found["rates"] is None
        assert found["exposure_h"] > 0
    else:
        rates = listed(find, "--rate", "--by", by, "--device", device)
        assert [row | {"definitions": found["definitions"]} for row in found["rates"]] == rates
        assert sum(row["n_events"] for row in found["rates"]) == found["n_moments"]


def test_a_name_stands_for_its_expression_and_a_limit_for_rows_alone(client):
    found = client.get(URL, params={"find": "rises(engaged)", "limit": 1}).json()
    assert len(found["moments"]) == 1 < found["n_moments"]
    named = client.get(URL, params={"find": "hard_braking"}).json()
    assert named["expression"] == shipped_moments()["hard_braking"].find


@pytest.mark.parametrize(
    ("params", "name", "words"),
    [
        ({"find": "v_egomps > 2"}, "find", "did you mean 'v_ego_mps'"),
        ({"find": "engaged and )"}, "find", "from character 13 on"),
        ({"find": "engaged; drop table drives"}, "find", "from character 8 on"),
        ({"find": "1 < 2"}, "find", "names no column"),
        ({"find": "engaged", "by": "night"}, "by", "whole drives"),
        ({"find": "engaged", "by": "brnch"}, "by", "branch"),
        ({"find": "engaged", "cause": "x"}, "cause", "no such parameter"),
        ({"find": "engaged", "limit": 0}, "limit", ""),
        ({}, "find", ""),
    ],
)
def test_what_can_not_be_asked_is_refused_with_its_place_and_the_nearest_name(
    client, params, name, words
):
    answer = client.get(URL, params=params)
    assert answer.status_code == 400
    problem = answer.json()
    assert name in problem["detail"]
    assert all(fault["parameter"] == name for fault in problem.get("errors", []))
    assert words in problem["detail"]


def test_too_many_moments_are_refused(client, monkeypatch):
    monkeypatch.setattr(moment_routes, "MAX_MOMENTS", 1)
    answer = client.get(URL, params={"find": "falls(engaged)", "since": "2000-01-01"})
    assert answer.status_code == 413
    assert "more than 1 moments" in answer.json()["detail"]


def test_the_page_lists_them_with_their_rate_and_completes_names(client):
    find = "rises(engaged)"
    found = client.get(URL, params={"find": find, "by": "all"}).json()
    page = client.get("/moments", params={"find": find}).text
    assert page.count('<th scope="row"') == min(found["n_moments"], 200)
    assert "Per hour" in page
    assert f'value="{find}"' in page
    assert '<option value="lead_ttc_s">' in page
    assert "hard_braking" in page
    wrong = client.get("/moments", params={"find": "v_egomps > <b>"})
    assert wrong.status_code == 200
    assert 'role="alert"' in wrong.text
    assert "<b>" not in wrong.text.partition('role="alert"')[2].partition("</div>")[0]
    assert "/moments" in client.get("/").text


def test_each_moment_leads_to_its_drive_at_that_second(client):
    find = "rises(engaged)"
    row = client.get(URL, params={"find": find}).json()["moments"][-1]
    assert f'href="{row["page"]}#timeline"' in client.get("/moments", params={"find": find}).text
    at = f'data-at="{row["time_s"]:.1f}"'
    assert at in client.get(row["page"]).text
    assert at in client.get(f"/drive/{row['moment']}").text  # as the command names it
    drive = f"/drive/{row['drive_id']}"
    assert 'data-at="0"' in client.get(drive).text
    assert client.get(f"{drive}@9999999").text.count(f'data-at="{row["time_s"]}') == 0
    assert client.get(f"{drive}@x").status_code == 404
