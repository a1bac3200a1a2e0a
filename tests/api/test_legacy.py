"""The old endpoints against what the old server said, and against an oracle."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from engagement.api import legacy_answers
from engagement.api.app import create_app
from engagement.cli import main
from engagement.legacy.imports import import_files
from tests.api.conftest import BASE_URL
from tests.oracles import legacy_api as oracle

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).parents[1] / "data" / "legacy"
ANSWERS = {
    "/devices": "devices",
    "/devices/0123abcd": "devices_0123abcd",
    "/devices/89efcdab": "devices_89efcdab",
    "/devices/nope": "devices_nope",
}
OF_THE_SERVER = ("last_loaded", "data_source")
THREE_DECIMALS = {"drive_time_hours", "active_time_hours"}
ENTRIES: list[oracle.Entry] = json.loads((DATA / "engagement_db.json").read_text())

SPARSE = [
    {"device_id": "0000aaaa", "drive": "no date at all"},
    {"device_id": "0000aaaa", "drive": "2025-02-30--10-00-00", "odo_distance": 10.1},
    {"device_id": "0000aaaa", "drive": "2024-12-31--23-59-59", "intervention_count": 4},
    {"device_id": "0000aaaa", "drive": "2025-01-01--00-00-00", "odo_distance": 0.2},
    {"device_id": "0000bbbb", "drive": "2025-01-01--00-00-00", "interventions_per_100km": None},
]


def imported(folder: Path, entries: list[oracle.Entry]) -> Path:
    old = folder / "engagement_db.json"
    old.write_text(json.dumps(entries))
    import_files(folder / "engagement.duckdb", [old])
    return folder / "engagement.duckdb"


def ingested(folder: Path) -> Path:
    """The logs that the old system made its files from."""
    profiles = DATA / "config" / "vehicle_profiles.json"
    result = CliRunner().invoke(
        main,
        [
            *("ingest", str(DATA / "rlogs"), "--jobs", "1", "--db", str(folder / "logs.duckdb")),
            *("--profile", "i30_mini", "--vehicle-profiles", str(profiles)),
        ],
    )
    assert result.exit_code == 0, result.output
    return folder / "logs.duckdb"


@pytest.fixture(scope="module", params=["imported", "ingested"])
def old_client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient[Any]]:
    folder = tmp_path_factory.mktemp("old")
    path = imported(folder, ENTRIES) if request.param == "imported" else ingested(folder)
    with TestClient(create_app(path), base_url=BASE_URL) as client:
        yield client


NEWER = {
    "total_disengagement_count", "total_disengagements_per_100km", "total_steer_intervention_km",
    "speed_bucket_summary",
}  # fmt: skip


def without_newer(answer: oracle.Entry) -> oracle.Entry:
    """An answer without what the newest server added to devices, which must be there, all of it."""
    for device in [*answer.get("devices", []), *filter(None, [answer.get("device")])]:
        assert list(device)[-len(NEWER) :] == sorted(NEWER, key=list(device).index)
        for name in NEWER:
            del device[name]
    return answer


@pytest.mark.parametrize(("url", "name"), ANSWERS.items())
def test_the_old_servers_answers_come_back_to_the_letter(old_client, url, name):
    wanted = json.loads((DATA / "api" / f"{name}.json").read_text())

    response = old_client.get(url)

    found = without_newer(response.json())
    for key in OF_THE_SERVER:
        assert (key in found) == (key in wanted)
        wanted.pop(key, None), found.pop(key, None)
    assert json.dumps(found) == json.dumps(wanted)
    assert response.status_code == (404 if name.endswith("nope") else 200)
    assert response.headers["content-type"] == "application/json"


def test_the_data_source_is_the_database_and_the_time_that_of_its_publication(old_client):
    answer = old_client.get("/devices").json()
    health = old_client.get("/health").json()

    assert answer["data_source"].endswith(".duckdb")
    assert Path(answer["data_source"]).is_file()
    assert health == {"status": "ok", "last_loaded": answer["last_loaded"]}
    assert datetime.fromisoformat(answer["last_loaded"]).utcoffset() == timedelta(0)


def test_what_old_entries_lack_is_null_in_the_answers_and_nothing_in_sums(tmp_path):
    path = imported(tmp_path, [*SPARSE, *ENTRIES])
    with TestClient(create_app(path), base_url=BASE_URL) as client:
        answer = client.get("/devices").json()
        devices = {
            device["device_id"]: client.get(f"/devices/{device['device_id']}").json()
            for device in answer["devices"]
        }

    assert [device["device_id"] for device in answer["devices"]] == sorted(devices)
    assert answer["count"] == len(devices) == 4
    for device_id, device in devices.items():
        mine = [entry for entry in [*SPARSE, *ENTRIES] if entry["device_id"] == device_id]
        assert_summary(without_newer(device)["device"], mine)
        assert [drive["drive"] for drive in device["drives"]] == oracle.newest_first(mine)
        by_name = {entry["drive"]: entry for entry in mine}
        for drive in device["drives"]:
            assert_detail(drive, by_name[drive["drive"]])


def test_disengagements_at_one_speed_are_those_of_the_drives(old_client):
    """The buckets' counts are together what the old system counted in whole drives."""
    counts: dict[str, int] = {}
    for bucket in ("city", "road", "highway"):
        answer = old_client.get(f"/api/compare?speed_bucket={bucket}").json()
        for row in answer["rows"]:
            counts.setdefault(row["device_id"], 0)
            counts[row["device_id"]] += row["disengagement_count"]
            if row["disengagement_count"]:
                assert row["disengagement_distance_km"] == row["distance_km"]
    is_ingested = "logs.duckdb" in old_client.get("/devices").json()["data_source"]
    devices = old_client.get("/devices").json()["devices"]
    wanted = {one["device_id"]: one["total_intervention_count"] * is_ingested for one in devices}
    assert counts == wanted
    totals = old_client.get("/api/total_stats").json()
    buckets = totals["speed_bucket_summary"].values()
    assert sum(bucket["disengagement_count"] for bucket in buckets) == sum(wanted.values())


@pytest.mark.parametrize("page", ["/stats", "/stats_mod"])
def test_the_old_pages_name_every_device_and_drive(old_client, page):
    response = old_client.get(page)

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    for entry in ENTRIES:
        assert entry["device_id"] in response.text
        assert entry["drive"] in response.text


COLUMNS = (
    "drive", "drive_started_at", "engagement_pct", "engagement_pct_odo", "drive_time_hours",
    "active_time_hours", "odo_distance_km", "engaged_distance_km", "intervention_count",
    "interventions_per_100km", "steer_intervention_count", "steer_interventions_per_100km",
    "cruise_press_seconds", "cruise_press_seconds_per_hour",
)  # fmt: skip


def recorded(device_id: str) -> oracle.Entry:
    return json.loads((DATA / "api" / f"devices_{device_id}.json").read_text())


def cells(row: str) -> list[str]:
    return re.findall(r"<td>(.*?)</td>", row)


def shown(drives: list[oracle.Entry], columns: tuple[str, ...] = COLUMNS) -> list[list[str]]:
    return [["-" if d[c] is None else str(d[c]) for c in columns] for d in drives]


def test_the_columns_of_the_old_pages_are_those_of_the_recorded_answers(old_client):
    table = old_client.get("/stats_mod").text
    text = old_client.get("/stats").text

    for device_id in ("0123abcd", "89efcdab"):
        answer = recorded(device_id)
        found = [cells(row) for row in re.findall("<tr>(?:<td>.*?</td>)+</tr>", table)]
        assert [row for row in shown(answer["drives"]) if row not in found] == []
        for row in shown(answer["drives"]):
            assert re.search("  +".join(map(re.escape, row)), text)
        for name in ("total_distance_km", "total_engaged_distance_km", "total_time_hours"):
            assert str(answer["device"][name]) in text
        pressed_s = round(sum(drive["cruise_press_seconds"] for drive in answer["drives"]), 2)
        assert re.search(rf"Cruise buttons held \(s\): +{pressed_s}\n", text)
        entries = [entry for entry in ENTRIES if entry["device_id"] == device_id]
        for key, bucket in entries[0]["speed_buckets"].items():
            units = {
                "time_ns": 6e10, "engaged_time_ns": 6e10,
                "distance_km_raw": 1, "engaged_distance_km_raw": 1,
            }  # fmt: skip
            buckets = [one["speed_buckets"][key] for one in entries]
            sums = [round(sum(b[n] for b in buckets) / unit, 2) for n, unit in units.items()]
            [row] = [row for row in found if row[0] == bucket["label"] and row[1] == str(sums[0])]
            assert [float(row[place]) for place in (1, 2, 4, 5)] == sums


def test_columns_of_the_old_pages_can_be_hidden_and_ordered_by(old_client):
    url = "/stats_mod?column=odo_distance_km&column=drive&sort=odo_distance_km"
    page = old_client.get(url).text

    for device_id in ("0123abcd", "89efcdab"):
        drives = sorted(recorded(device_id)["drives"], key=lambda d: d["odo_distance_km"])
        wanted = "\n".join(
            f"<tr><td>{name}</td><td>{km}</td></tr>"
            for name, km in shown(drives, ("drive", "odo_distance_km"))
        )
        assert wanted in page
    assert 'value="drive" checked' in page
    assert 'value="engagement_pct">' in page
    assert old_client.get("/stats?sort=nothing&column=nothing").text.count("Cruise buttons (s)") > 1


def test_an_imported_name_that_is_markup_is_shown_as_text(tmp_path):
    path = imported(tmp_path, [{"device_id": "<script>alert(1)</script>", "drive": "<b>&\"'"}])
    with TestClient(create_app(path), base_url=BASE_URL) as client:
        pages = [client.get(page).text for page in ("/stats", "/stats_mod")]

    for page in pages:
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "<b>" not in page


def test_without_a_database_health_is_well_and_knows_no_time(tmp_path):
    with TestClient(create_app(tmp_path / "none.duckdb"), base_url=BASE_URL) as client:
        response = client.get("/health")

    assert (response.status_code, response.json()) == (200, {"status": "ok", "last_loaded": None})


@st.composite
def drives_of_a_device(draw: st.DrawFn) -> list[oracle.Entry]:
    def entry(number: int) -> oracle.Entry:
        def maybe(values: st.SearchStrategy[Any]) -> Any:
            return draw(st.none() | values)

        time_ns = st.integers(0, 10**14)
        count = st.integers(0, 500)
        km = st.integers(0, 10**5).map(lambda tenths: tenths / 10)
        percent = st.integers(0, 10**4).map(lambda hundredths: hundredths / 100)
        names = st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001
            lambda time: time.strftime("%Y-%m-%d--%H-%M-%S")
        )
        return {
            "device_id": "0123abcd",
            "drive": draw(names | st.just(f"{number:08x}--0123456789")),
            "total_time": maybe(time_ns),
            "drive_time": maybe(time_ns),
            "drive_time_active": maybe(time_ns),
            "odo_distance": maybe(km),
            "engaged_distance": maybe(km),
            "engagement_pct": maybe(percent),
            "engagement_pct_odo": maybe(percent),
            "intervention_count": maybe(count),
            "interventions_per_100km": maybe(percent),
            "steer_intervention_count": maybe(count),
            "steer_interventions_per_100km": maybe(percent),
            "cruise_press_seconds": maybe(percent),
            "cruise_press_seconds_per_hour": maybe(percent),
            "openpilot_longitudinal": maybe(st.booleans()),
            **{
                name: maybe(st.text(max_size=5))
                for name in (
                    "car_fingerprint", "device_type", "version", "git_branch", "git_commit",
                )
            },
        }  # fmt: skip

    return [entry(number) for number in range(draw(st.integers(1, 6)))]


@given(entries=drives_of_a_device())
@settings(max_examples=150, deadline=None)
def test_sums_means_and_ratios_are_the_oracles(entries):
    columns = {name: [entry[name] for entry in entries] for name in legacy_answers.SUMMARISED}
    assert_summary(legacy_answers.summarise("0123abcd", columns), entries)
    for entry in entries:
        assert_detail(legacy_answers.describe(entry), entry)
    found = [entry["drive"] for entry in legacy_answers.newest_first(entries)]
    assert found == oracle.newest_first(entries)


def assert_summary(found: oracle.Entry, entries: list[oracle.Entry]) -> None:
    wanted = oracle.summary(entries)
    assert set(found) == set(wanted)
    for name, exact in wanted.items():
        assert oracle.is_same(found[name], exact), name


def assert_detail(found: oracle.Entry, entry: oracle.Entry) -> None:
    wanted = oracle.detail(entry)
    assert set(found) == set(wanted)
    for name, exact in wanted.items():
        n_decimals = 3 if name in THREE_DECIMALS else 2
        assert oracle.is_same(found[name], exact, n_decimals), name
