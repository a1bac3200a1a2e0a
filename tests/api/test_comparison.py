"""The comparison over HTTP is the analysis' own."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import pytest
from litestar.testing import TestClient

from engagement.analysis.comparison import compare
from engagement.analysis.grouping import divide, parse_grouping
from engagement.analysis.summary import verdict_text
from engagement.analysis.wording import sentence
from engagement.api.app import create_app
from engagement.api.settings import Settings
from tests.analysis.fleets import Fleet
from tests.api.conftest import BASE_URL
from tests.support.fleet_database import write_fleet

URL = "/api/v1/comparison"
DEVICES = {"by": "device", "a": "4d3c2b1a09f8e7d6", "b": "7f0e1d2c3b4a5968"}


def test_a_comparison_has_the_numbers_and_sentences_of_the_analysis(client, reader):
    drives = [row["drive_id"] for row in reader.rows("from drives where not is_imported")]
    grouping = parse_grouping("device")
    division = divide(reader, grouping, DEVICES["a"], DEVICES["b"], drives)
    wanted = compare(reader, division, others=drives)

    found = client.get(URL, params=DEVICES).json()

    assert found["a"] == json.loads(json.dumps(asdict(wanted.a)))
    assert found["b"]["n_drives"] == wanted.b.n_drives
    assert len(found["measures"]) == len(wanted.differences)
    for measure, difference in zip(found["measures"], wanted.differences, strict=True):
        assert measure["name"] == difference.name
        assert measure["p_value"] == difference.p_value
        assert measure["sentence"] == sentence(difference)
        assert measure["a"]["value"] == pytest.approx(difference.a.value)
    assert found["n_others"] == wanted.n_others
    assert found["verdict"] == verdict_text(wanted, "100km")
    assert found["headline"]


def test_looks_after_every_drive_are_of_the_measure_that_is_named(client):
    wanted = {"sequential": "disengagements_per_hour", "until_drives": 40}
    found = client.get(URL, params=DEVICES | wanted).json()
    by_name = {measure["name"]: measure["sequence"] for measure in found["measures"]}
    assert by_name["disengagements_per_hour"]["until_drives"] == 40
    assert sum(sequence is not None for sequence in by_name.values()) == 1
    assert found["sequences"][0].startswith("disengagements per hour: no look yet")


def test_the_order_of_parameters_does_not_matter(client):
    again = dict(reversed(DEVICES.items()))

    assert client.get(URL, params=DEVICES).json() == client.get(URL, params=again).json()


@pytest.mark.parametrize(
    ("parameters", "status", "word"),
    [
        ({}, 400, "required query parameter"),
        ({"by": "colour", "a": "1", "b": "2"}, 400, "by"),
        ({"by": "branch", "a": "nope", "b": "2"}, 404, "nope"),
        ({"by": "date", "a": "2025", "b": "2026"}, 400, "2025"),
        ({"by": "param:nope", "a": "1", "b": "2"}, 404, "nope"),
        (DEVICES | {"sequential": "nope"}, 400, "no measure 'nope'"),
        (DEVICES | {"until_drives": 0}, 400, "until_drives"),
        (DEVICES | {"kind": "x"}, 400, "kind"),
        (DEVICES | {"drive": "nope"}, 404, "nope"),
        ({"by": "device", "a": "' or 1=1 --", "b": "x"}, 404, "or 1=1"),
    ],
)
def test_a_comparison_that_can_not_be_is_refused(client, parameters, status, word):
    response = client.get(URL, params=parameters)

    assert response.status_code == status, response.text
    assert word in response.json()["detail"]


def test_one_comparison_at_a_time_is_computed(serve):
    client = serve()
    turn = client.app.state.comparisons
    with turn:
        busy = client.get(URL, params=DEVICES)
    free = client.get(URL, params=DEVICES)

    assert busy.status_code == 503
    assert "retry-after" in busy.headers
    assert free.status_code == 200


def test_the_page_says_what_looks_told_and_draws_them(tmp_path):
    fleet = Fleet()
    fleet.add("older", 40, per_100km={"intervention": 10.0})
    fleet.add("master", 15, per_100km={"intervention": 10.0})
    fleet.add("worse", 25, per_100km={"intervention": 60.0})
    path = tmp_path / "fleet.duckdb"
    write_fleet(fleet, path)
    with TestClient(create_app(path, settings=Settings()), base_url=BASE_URL) as client:
        page = client.get("/compare", params={"by": "branch", "a": "master", "b": "worse"}).text

    assert '<p class="verdict" data-state="worse">B is worse than A: interventions (' in page
    assert re.search(
        r"Interventions per 100 km: decided after \d+ drives \(15 of A, \d+ of B\)", page
    )
    assert page.count('class="dot warm"') == 1


def test_the_page_lists_groups_of_two_dimensions(client):
    page = client.get("/compare", params={"by": "device", "also": "night"})
    assert page.status_code == 200
    assert 'data-group="' in page.text
    assert "<option selected>night</option>" in page.text
    assert "<option selected>device</option>" in page.text
    assert "Groups by device and night</h2>" in page.text
