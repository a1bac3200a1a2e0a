"""Over a database that lacks what most have, each page and each answer says so, and none fails."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from litestar.testing import TestClient

from engagement.api.app import create_app
from engagement.api.settings import Settings
from engagement.definitions import DEFINITIONS
from engagement.store.reader import Reader
from tests.api import odd_databases
from tests.api.conftest import BASE_URL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::engagement.definitions.OtherDefinitionsWarning")

NONE = "none-of-that-name"
PAGES = (
    "/", "/drives", "/compare", "/places", "/quality", "/glossary", "/stats", "/stats_mod",
    "/health", "/metrics", "/api/docs",
)  # fmt: skip
DAYS = {"by": "date", "a": "2019-01-01..2022-01-01", "b": "2022-01-02..2026-01-01"}
PARAMETERS = {
    "/": [{"since": "2020-01-01"}, {"until": "2000-01-01"}],
    "/drives": [{"sort": "rate"}, {"until": "2000-01-01"}, {"number": "3"}],
    "/compare": [{"by": "branch"}, {"by": "month"}, DAYS],
    "/api/v1/comparison": [DAYS],
    "/api/v1/moments": [{"find": "engaged or v_ego_mps > 3"}],
    "/api/v1/drives": [{"sort": "-started_at_utc", "limit": 1}],
    "/api/v1/rates": [{"since": "2020-01-01"}, {"grouped_by": "device"}],
    "/api/v1/places": [{"until": "2000-01-01"}],
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "engagement.duckdb"
    odd_databases.make_empty(path)
    return path


@pytest.fixture(scope="module")
def usual(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("usual") / "engagement.duckdb"
    shutil.copyfile(empty, path)
    odd_databases.make_usual(path)
    return path


@pytest.fixture(scope="module", params=odd_databases.NAMES)
def odd(
    request: pytest.FixtureRequest,
    empty: Path,
    usual: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """One after the other in the same place, as a server sees them when they are published."""
    path = tmp_path_factory.mktemp("odd") / "engagement.duckdb"
    odd_databases.make(request.param, empty, usual, path)
    return path.replace(usual.with_name("served.duckdb"))


@pytest.fixture(scope="module")
def odd_client(usual: Path) -> Iterator[TestClient[Any]]:
    app = create_app(usual.with_name("served.duckdb"), settings=Settings(requests_per_s=0))
    with TestClient(app, base_url=BASE_URL) as client:
        yield client


def known(odd: Path) -> dict[str, list[str]]:
    """The parts that paths have: the first and the last that there is, else one that is not."""
    with Reader(odd) as reader:
        drives = reader.rows("from drives order by drive_id")
        events = reader.rows("from events order by event_id limit 1")
        views = list(reader.views())
    some = [*drives[:1], *drives[1:][-1:]]
    devices = list({drive["dongle_id"] for drive in some})
    return {
        "dongle_id": devices or [NONE],
        "device_id": devices or [NONE],
        "drive": [f"{drive['dongle_id']}|{drive['drive']}" for drive in some] or [NONE],
        "event_id": [event["event_id"] for event in events] or [NONE],
        "view": views,
        "segment": ["0"],
    }


def addresses(paths: list[str], parts: dict[str, list[str]]) -> Iterator[str]:
    for path in paths:
        before, brace, after = path.partition("{")
        if not brace:
            yield path
            continue
        name, _, rest = after.partition("}")
        filled = [before + quote(part, safe="") for part in parts[name.partition(":")[0]]]
        for rest_filled in addresses([rest], parts):
            yield from (one + rest_filled for one in filled)


def check(client: TestClient[Any], address: str, **params: Any) -> None:
    answer = client.get(address, params=params)
    may_lack = params or NONE in address or address.endswith(("/samples", "/track", "/video/0"))
    allowed = {200, 404} if may_lack or address.startswith("/devices/") else {200}
    is_other = client.get("/").headers["engagement-definitions"] != str(DEFINITIONS)
    if is_other and {"a", "find"} & {*params}:
        allowed = {409}  # a comparison, or moments
    assert answer.status_code in allowed, (address, params, answer.text[:300])


def test_every_page_is_there(odd, odd_client):
    parts = known(odd)
    for address in addresses([*PAGES, "/drive/{drive}", "/event/{event_id}"], parts):
        check(odd_client, address)
        for params in PARAMETERS.get(address, ()):
            check(odd_client, address, **params)
    for device in parts["dongle_id"][:1]:
        check(odd_client, "/", device=device)
        check(odd_client, "/drives", device=device)


def test_every_answer_of_the_api_is_there(odd, odd_client):
    paths = list(odd_client.get("/api/openapi.json").json()["paths"])
    paths = [path for path in paths if not path.endswith(("/csv", "/parquet", "/arrow"))]
    for address in addresses(paths, known(odd)):
        if address.endswith("/picture"):
            check(odd_client, address, time_s=0)
        elif address not in ("/api/v1/comparison", "/api/v1/moments"):
            check(odd_client, address)
        for params in PARAMETERS.get(address, ()):
            check(odd_client, address, **params)


def test_a_number_that_is_also_the_name_of_another_drive_is_neither(usual, tmp_path):
    path = tmp_path / "engagement.duckdb"
    shutil.copyfile(usual, path)
    names = ["1", "2", "3", "4"]
    odd_databases.import_entries(path, [{"device_id": "aa", "drive": name} for name in names])
    with Reader(path) as reader:
        numbers = {row["drive"]: row["drive_id"] for row in reader.rows("from drives")}
    with TestClient(create_app(path), base_url=BASE_URL) as client:
        for name in names:
            found = client.get(f"/api/v1/drives/aa%7C{name}").json()
            assert (found["drive"]["drive"], found["drive"]["drive_id"]) == (name, numbers[name])
            answer = client.get(f"/api/v1/drives/{name}")
            is_other = int(name) in numbers.values() and numbers[name] != int(name)
            assert answer.status_code == (400 if is_other else 200)
            assert ("DEVICE|DRIVE" in answer.text) == is_other
    assert numbers["1"] != 1
