"""The OpenAPI document: true to the server by schemathesis, and to the views."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from engagement.api.app import create_app
from engagement.api.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.store.reader import Reader

load_all_checks()
N_EXAMPLES = 12
N_OPERATIONS = 26

# No schema says which cursors there are, which day is after which, what each view can be filtered
# by, and how a group is called: that such is refused is not held against the server.
UNSAYABLE = {"cursor", "start_s", "end_s", "since", "until"}
UNSAYABLE_PATHS = ("/api/v1/views/{view}", "/api/v1/comparison")


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
        "view": "events",
    }


@pytest.mark.parametrize("mode", GenerationMode)
def test_the_server_does_what_the_document_says(described, known, mode):
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) == N_OPERATIONS
    for operation in operations:
        # Any text may stand in a path, so only a query can break the rules.
        if mode is GenerationMode.POSITIVE or len(operation.query):
            call(operation, mode, known)


def call(operation: Any, mode: GenerationMode, known: dict[str, str]) -> None:
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
        is_sayable = not (operation.path.startswith(UNSAYABLE_PATHS) or UNSAYABLE & {*case.query})
        case.call_and_validate(
            checks=CHECKS.get_all(),
            excluded_checks=[] if is_sayable else [CHECKS.get_one("positive_data_acceptance")],
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
        others = {"drive": 1, "is_critical": "true", "sort": columns[0], "fields": columns[0]}
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
