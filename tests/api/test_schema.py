"""The OpenAPI document: true to the server by schemathesis, and to the views."""

from __future__ import annotations

import re
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from engagement.api.app import create_app
from engagement.api.request_filters import FILTERS
from engagement.api.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.store.reader import Reader

load_all_checks()
N_EXAMPLES = 12
N_OPERATIONS = 35

# What no schema can say of a query: it is refused for what there is, or for how two values are.
EXPRESSION = "engaged"
ORDERED = (("since", "until"), ("start_s", "end_s"))
OF_VIEWS_ALONE = {"sort", "fields", *FILTERS}


def is_sayable(operation: Any, case: Any) -> bool:
    """Whether the document says all that decides if a query is sound; the rest must be taken."""
    query = case.query
    days, seconds = ([query.get(name) for name in names] for names in ORDERED)
    return not (
        # A cursor is the end of a page that this server gave.
        "cursor" in query
        # The later of two comes after the earlier.
        or (None not in days and days[0] > days[1])
        or (None not in seconds and seconds[0] >= seconds[1])
        # One operation for all views: which columns and filters there are depends on the path.
        or (operation.path.startswith("/api/v1/views/{view}") and OF_VIEWS_ALONE & {*query})
        # What is an expression says its grammar.
        or query.get("find", EXPRESSION) != EXPRESSION
        # Two ranges of days, which do not overlap; two groups, which are not the same.
        or (
            operation.path == "/api/v1/comparison"
            and ("date" in query["by"] or query["a"] == query["b"])
        )
    )


@pytest.fixture(scope="module")
def described(database: Path) -> Any:
    settings = Settings(hosts=frozenset({"*"}), requests_per_s=0)
    return schemathesis.openapi.from_asgi(
        "/api/openapi.json", create_app(database, settings=settings)
    )


@pytest.fixture(scope="module")
def known(reader: Reader) -> dict[str, str]:
    """Something that there is, for each part of a path."""
    [event] = reader.rows("from events order by event_id limit 1")
    return {
        "device_id": event["dongle_id"],
        "dongle_id": event["dongle_id"],
        "drive": event["drive"],
        "event_id": event["event_id"],
        "segment": "0",
        "view": "events",
    }


@pytest.mark.parametrize("mode", GenerationMode)
def test_the_server_does_what_the_document_says(described, known, mode):
    n_sayable: Counter[str] = Counter()
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) == N_OPERATIONS
    for operation in operations:
        # Any text may stand in a path, so only a query can break the rules.
        if mode is GenerationMode.POSITIVE or len(operation.query):
            call(operation, mode, known, n_sayable)
    assert all(
        n_sayable[operation.path] for operation in operations if mode is GenerationMode.POSITIVE
    )


def call(
    operation: Any, mode: GenerationMode, known: dict[str, str], n_sayable: Counter[str]
) -> None:
    @settings(
        max_examples=N_EXAMPLES,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
    def check(case: Any, is_known: bool) -> None:  # noqa: FBT001
        if mode is GenerationMode.POSITIVE and is_known:
            case.path_parameters |= {name: known[name] for name in case.path_parameters}
            case.query |= {"find": EXPRESSION} if "find" in (case.query or ()) else {}
        is_refusable = mode is GenerationMode.POSITIVE and not is_sayable(operation, case)
        excluded = ["positive_data_acceptance"] if is_refusable else []
        n_sayable[operation.path] += not is_refusable
        response = case.call()
        if (
            mode is GenerationMode.NEGATIVE
            and response.status_code == HTTPStatus.REQUEST_URI_TOO_LONG
        ):
            return  # refused before anybody looks at the parameters
        case.validate_response(
            response,
            checks=CHECKS.get_all(),
            excluded_checks=[CHECKS.get_one(name) for name in excluded],
        )

    check()


def test_a_listing_has_the_filters_of_its_view_and_names_its_columns(client, reader):
    paths = client.get("/api/openapi.json").json()["paths"]
    n_filters = 0
    for path, item in paths.items():
        view = path.removeprefix("/api/v1/")
        parameters = {one["name"]: one for one in item["get"].get("parameters", [])}
        if view not in reader.views():
            continue
        columns = list(reader.comments(view))
        for column in columns:
            assert re.fullmatch(parameters["sort"]["schema"]["pattern"], f"-{column}")
            assert re.fullmatch(parameters["fields"]["schema"]["pattern"], f"{column},{column}")
        assert not re.fullmatch(parameters["sort"]["schema"]["pattern"], "nope")
        values = {"limit": 1, "since": "2020-01-01", "until": "2020-01-01", "min_severity": 1}
        flags = dict.fromkeys(("is_critical", "is_planned", "is_unlabelled"), "true")
        others = {"drive": 1, **flags, "sort": columns[0], "fields": columns[0],
                  "kind": "disengagement", "group_by": "car,night"}  # fmt: skip
        for name in parameters.keys() - {"cursor"}:
            given = {name: (values | others).get(name, "x")}
            assert client.get(path, params=given).status_code == 200, (path, name)
            n_filters += 1
        assert all(one["schema"].get("type") for one in parameters.values())
    assert n_filters > 50


def test_the_documents_page_works_offline(client):
    page = client.get("/api/docs")

    assert page.status_code == 200
    assert "/api/v1/drives/{drive}" in page.text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert addresses
    for address in addresses:
        assert address.startswith("/")
        assert client.get(address).status_code in (200, 404 if address == "/" else 200)
    assert client.get("/api/docs.js").headers["content-type"].startswith("text/javascript")
