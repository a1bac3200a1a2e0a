"""Labels in what a server answers, also in what it had answered before there were any."""

from __future__ import annotations

import shutil

import pytest

from engagement.store.labels import label_events, remove_labels
from engagement.store.reader import Reader

EVENTS = "/api/v1/events"


@pytest.fixture
def copied(database, tmp_path):
    return shutil.copy(database, tmp_path / "engagement.duckdb")


def test_a_label_shows_at_once_in_rows_documents_and_the_page(serve, copied):
    client = serve(copied, requests_per_s=0)
    with Reader(copied) as reader:
        [event, other] = reader.rows("from events order by mono_ns limit 2")
    event_id = event["event_id"]
    assert client.get(f"{EVENTS}/{event_id}").json()["event"]["label"] is None
    assert "Label</dt>" not in client.get(f"/event/{event_id}").text

    label_events(copied, [event_id], "planned", "the <b>exit</b>")

    assert client.get(f"{EVENTS}/{event_id}").json()["event"]["label"] == "planned"
    assert client.get(f"{EVENTS}/{other['event_id']}").json()["event"]["label"] is None
    page = client.get(f"/event/{event_id}").text
    assert "<dt>Label</dt>" in page
    assert "planned" in page
    assert "the &lt;b&gt;exit&lt;/b&gt;" in page
    rows = client.get(EVENTS, params={"label": "planned"}).json()["rows"]
    assert [(row["event_id"], row["note"]) for row in rows] == [(event_id, "the <b>exit</b>")]
    assert client.get(EVENTS, params={"label": "nothing"}).json()["rows"] == []
    [listed] = client.get("/api/v1/views/event_labels").json()["rows"]
    assert listed["event_id"] == event_id

    remove_labels(copied, [event_id])

    assert client.get(f"{EVENTS}/{event_id}").json()["event"]["label"] is None
    assert "Label</dt>" not in client.get(f"/event/{event_id}").text


def test_rates_count_labelled_events_alone(serve, copied):
    client = serve(copied, requests_per_s=0)
    with Reader(copied) as reader:
        rows = reader.rows("from events where is_intervention order by event_id")
    label_events(copied, [row["event_id"] for row in rows[:2]], "true")
    label_events(copied, [rows[2]["event_id"]], "planned")
    exposure = ("n_drives", "exposure_h", "exposure_km")

    def rate(**wanted):
        params = {"grouped_by": "all", "event": "intervention", "mode": "assisted"} | wanted
        [row] = client.get("/api/v1/rates", params=params).json()["rows"]
        return row

    every = rate()
    counts = {}
    for labels in ("true", "planned", "true,Planned", "nothing"):
        row = rate(labels=labels)
        assert [row[name] for name in exposure] == [every[name] for name in exposure]
        counts[labels] = row["n_events"]

    assert counts == {"true": 2, "planned": 1, "true,Planned": 3, "nothing": 0}
    assert every["n_events"] == len(rows)
    device = rows[0]["dongle_id"]
    row = rate(labels="true,planned", device=device)
    assert row["n_events"] == sum(one["dongle_id"] == device for one in rows[:3])


def test_labels_that_make_no_sense_are_refused(client):
    assert client.get("/api/v1/rates", params={"labels": ","}).status_code == 400
    for view in ("events", "drives", "mtbf", "groups", "disengagements"):
        assert client.get(f"/api/v1/{view}", params={"labels": "true"}).status_code == 400


def test_views_without_labels_can_t_be_filtered_by_one(client):
    answer = client.get("/api/v1/drives", params={"label": "true"})
    assert answer.status_code == 400
    assert "label" in answer.text
