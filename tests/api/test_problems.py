"""What goes wrong, and what the client is told of it."""

from __future__ import annotations

import inspect
import logging
import time

import duckdb
import pytest
from litestar import get
from litestar.testing import create_test_client

from engagement import errors
from engagement.api.problems import HANDLERS, STATUSES, ParameterError
from engagement.store.serving import Limits

FACTS = {
    errors.StoreVersionError: ("file", 1, 2),
    errors.QueryTimeoutError: (1.5,),
    errors.OtherDefinitionsError: ("file", "comparison", 1),
}
EXPECTED = {
    errors.NotFoundError: 404,
    errors.InputError: 400,
    errors.ConfigError: 400,
    ParameterError: 400,
    errors.QueryTimeoutError: 504,
    errors.QueryTooLargeError: 413,
    errors.ServerBusyError: 503,
    errors.VideoError: 404,
    errors.VideoExtraError: 501,
    errors.StoreError: 503,
    errors.StoreBusyError: 503,
    errors.StoreMissingError: 503,
    errors.StoreVersionError: 503,
    errors.StoreOutdatedError: 503,
    errors.OtherDefinitionsError: 409,
    errors.ViewError: 503,
}


def kinds(kind: type[errors.EngagementError]) -> list[type[errors.EngagementError]]:
    below = [one for child in kind.__subclasses__() for one in kinds(child)]
    return [kind, *below]


def n_facts(kind: type[Exception]) -> int:
    """How many facts an error is made of."""
    if "__init__" not in {name for one in kind.__mro__[:-3] for name in vars(one)}:
        return 1
    return sum(
        one.default is one.empty and one.name != "self"
        for one in inspect.signature(kind.__init__).parameters.values()
    )


def raised(error: Exception):
    @get("/", sync_to_thread=False)
    def fail() -> None:
        raise error

    return create_test_client([fail], exception_handlers=HANDLERS, logging_config=None)


@pytest.mark.parametrize(
    "kind", [kind for kind in kinds(errors.EngagementError) if "." in kind.__module__]
)
def test_every_error_of_ours_is_a_problem_with_its_message(kind):
    error = kind(*FACTS.get(kind, ["fact"] * n_facts(kind)))
    with raised(error) as client:
        response = client.get("/")

    problem = response.json()
    status = next((EXPECTED[base] for base in kind.__mro__ if base in EXPECTED), 500)
    assert response.status_code == problem["status"] == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert problem["type"].startswith("urn:engagement:")
    if isinstance(error, errors.StoreError):
        assert "fact: " not in problem["detail"]
        assert "file: " not in problem["detail"]
    elif status < 500 or status in (501, 503, 504):
        assert problem["detail"] == str(error)
    assert ("retry-after" in response.headers) == (status == 503)


def test_a_more_special_kind_stands_before_its_base():
    seen: list[type] = []
    for kind in STATUSES:
        assert not any(issubclass(kind, before) for before in seen)
        seen.append(kind)


def test_what_nobody_foresaw_is_logged_and_not_told(caplog):
    with raised(ZeroDivisionError("the secret of it")) as client, caplog.at_level(logging.ERROR):
        response = client.get("/")

    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.json()["type"] == "urn:engagement:internal-server-error"
    assert "the secret of it" in caplog.text


def test_a_query_of_ours_that_duckdb_refuses_is_our_mistake(caplog):
    with raised(errors.QueryError("select secret from nowhere")) as client:
        response = client.get("/")

    assert response.status_code == 500
    assert "secret" not in response.text
    assert "nowhere" in caplog.text


@pytest.mark.parametrize(
    "path", ["/devices", "/api/v1/drives", "/stats", "/api/v1/views/drives/csv"]
)
def test_without_a_database_there_is_a_503_and_a_time_to_come_back(serve, tmp_path, path):
    client = serve(tmp_path / "none.duckdb")

    response = client.get(path)

    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert response.json()["type"] == "urn:engagement:store-missing"
    assert "engagement_database_usable 0.0" in client.get("/metrics").text


def test_a_database_of_another_version_is_a_503_that_says_so(serve, tmp_path, database):
    path = tmp_path / "other.duckdb"
    path.write_bytes(database.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute("insert into store.schema_migration values (9999, 'x', 'x', now())")

    response = serve(path).get("/devices")

    assert response.status_code == 503
    assert response.json()["type"] == "urn:engagement:store-version"
    assert "update engagement" in response.json()["detail"]


def test_a_query_over_its_time_is_a_504(serve, monkeypatch):
    endless = "select count(*) from range(100000000000) as one, range(1000000) as other"
    monkeypatch.setattr(
        "engagement.api.glossary_routes.glossary", lambda generation: generation.rows(endless)
    )
    client = serve(limits=Limits(time_limit_s=1.5))

    response = client.get("/api/v1/glossary")

    assert response.status_code == 504
    assert response.json()["type"] == "urn:engagement:query-timeout"
    assert client.get("/api/v1/drives").status_code == 200


@pytest.mark.parametrize(
    ("path", "target", "media_type"),
    [("/api/v1/glossary", "engagement.api.glossary_routes.glossary", "application/problem+json"),
     ("/quality", "engagement.api.pages.quality_page._checks", "text/html; charset=utf-8")],
)  # fmt: skip
def test_queries_that_are_short_but_many_are_a_504_too(
    serve, monkeypatch, path, target, media_type
):
    made = []

    def many(generation):
        for _ in range(200):
            made.append(generation.rows("select 1 as one"))
            time.sleep(0.02)

    monkeypatch.setattr(target, many)
    client = serve(limits=Limits(time_limit_s=1.5))
    assert client.get("/api/v1/drives").status_code == 200

    response = client.get(path)

    assert response.status_code == 504
    assert response.headers["content-type"] == media_type
    assert "longer than 1.5 s" in response.text
    assert 1 <= len(made) < 150
    assert client.get("/api/v1/drives").status_code == 200


def test_an_answer_over_its_size_is_a_413(serve):
    client = serve(limits=Limits(result_bytes=2000))

    response = client.get("/api/v1/drives/1/samples", params={"buckets": 5000})

    assert response.status_code == 413
    assert response.json()["type"] == "urn:engagement:query-too-large"
