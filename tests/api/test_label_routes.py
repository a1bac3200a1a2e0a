"""Labels written over HTTP: by whom, from where, and what they are kept beside."""

from __future__ import annotations

import shutil
from urllib.parse import quote

import pytest

from engagement.api.settings import hash_token
from engagement.cli.group import main
from engagement.store.database_writer import writer_lock
from engagement.store.labels import label_events
from engagement.store.reader import Reader

HERE = {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}


@pytest.fixture
def copied(database, tmp_path):
    return shutil.copy(database, tmp_path / "engagement.duckdb")


@pytest.fixture
def event_id(copied):
    with Reader(copied) as reader:
        return reader.rows("from events order by mono_ns limit 1")[0]["event_id"]


@pytest.fixture
def client(serve, copied):
    return serve(copied, requests_per_s=0, allow_labels=True)


def path_of(event_id):
    return f"/api/v1/events/{quote(event_id, safe='')}/label"


def kept(database):
    with Reader(database) as reader:
        rows = reader.rows("select event_id, label, note from event_labels order by event_id")
    return {row["event_id"]: (row["label"], row["note"]) for row in rows}


def test_a_label_is_written_changed_and_taken_away(client, copied, event_id):
    url = path_of(event_id)

    given = client.put(url, json={"label": "Planned", "note": "the exit"}, headers=HERE)
    assert given.json() == {"event_id": event_id, "label": "planned"}
    assert kept(copied) == {event_id: ("planned", "the exit")}
    client.put(url, json={"label": "true"})  # of a program, which names no site
    assert kept(copied) == {event_id: ("true", "the exit")}
    assert f'data-event="{event_id}" data-label="true"' in client.get("/events").text

    assert client.delete(url).json() == {"event_id": event_id, "label": None}
    assert kept(copied) == {}
    assert client.delete(url).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:81"},
        {"origin": "http://["},
        {"origin": "null"},
    ],
)
def test_a_page_of_another_site_labels_nothing(client, copied, event_id, headers):
    for answer in (
        client.put(path_of(event_id), json={"label": "true"}, headers=headers),
        client.delete(path_of(event_id), headers=headers),
    ):
        assert answer.status_code == 403
    assert kept(copied) == {}


def test_a_form_of_another_site_can_send_no_label(serve, copied, event_id):
    client = serve(copied, allow_labels=True, cors_origins=frozenset({"https://other.example"}))
    url = path_of(event_id)

    as_text = client.put(url, content='{"label": "true"}', headers={"content-type": "text/plain"})
    assert as_text.status_code == 415
    assert client.post(url, json={"label": "true"}).status_code == 405
    asked = {"origin": "https://other.example", "access-control-request-method": "PUT"}
    allowed = client.options(url, headers=asked).headers["access-control-allow-methods"]
    assert "PUT" not in allowed
    assert kept(copied) == {}


def test_a_server_that_takes_no_labels_says_how_it_would(serve, copied, event_id):
    client = serve(copied)

    answer = client.put(path_of(event_id), json={"label": "true"}, headers=HERE)

    assert answer.status_code == 403
    assert "--allow-labels" in answer.json()["detail"]
    assert "data-may-label" not in client.get("/events").text
    assert kept(copied) == {}


def test_a_token_is_needed_where_there_are_some(serve, copied, event_id):
    hashes = frozenset({hash_token("a-token-of-sixteen")})
    client = serve(copied, allow_labels=True, token_hashes=hashes)
    url = path_of(event_id)

    assert client.put(url, json={"label": "true"}, headers=HERE).status_code == 401
    signed = {**HERE, "authorization": "Bearer a-token-of-sixteen"}
    assert client.put(url, json={"label": "true"}, headers=signed).status_code == 200


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"label": "no word"}, "is no label"),
        ({"label": "plannd"}, "did you mean"),
        ({"label": "true", "note": "\x1b[2J"}, "a note is text"),
        ({"label": "true", "note": "x" * 2001}, "up to 2000"),
        ({"label": "true", "other": 1}, "other"),
        ({"label": None}, "label"),
        ([], "object"),
    ],
)
def test_what_is_no_label_is_refused_by_name(client, copied, event_id, sent, problem):
    answer = client.put(path_of(event_id), json=sent)

    assert answer.status_code == 400
    assert problem in answer.text
    assert kept(copied) == {}


def test_a_word_that_looks_misspelt_is_taken_once_it_is_meant(client, copied, event_id):
    sent = {"label": "plannd", "is_new": True}

    assert client.put(path_of(event_id), json=sent).status_code == 200
    assert kept(copied) == {event_id: ("plannd", None)}


def test_an_event_is_named_in_full(client, copied, event_id):
    start = event_id.rpartition("|")[0]

    for name in (start, "nothing", "' or true --", "../../label"):
        assert client.put(path_of(name), json={"label": "true"}).status_code in (404, 405)
    large = client.put(path_of(event_id), json={"label": "true", "note": "x" * 70_000})
    assert large.status_code == 413
    assert kept(copied) == {}


def test_while_another_writes_nothing_is_lost_and_the_answer_says_so(client, copied, event_id):
    with Reader(copied) as reader:
        other = reader.rows("from events order by mono_ns desc limit 1")[0]["event_id"]
    with writer_lock(copied):
        answer = client.put(path_of(event_id), json={"label": "true"})
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert "is writing to this database" in answer.json()["detail"]
        assert str(copied) not in answer.text

    label_events(copied, [other], "planned")
    assert client.put(path_of(event_id), json={"label": "true"}).status_code == 200
    assert kept(copied) == {event_id: ("true", None), other: ("planned", None)}


def test_labels_are_taken_here_alone_or_with_a_token(capsys, database):
    with pytest.raises(SystemExit) as left:
        main(["serve", "--db", str(database), "--host", "192.0.2.1", "--public", "--allow-labels"])

    assert left.value.code == 2
    assert "--token-file" in capsys.readouterr().err
