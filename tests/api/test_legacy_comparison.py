"""The old server's newer addresses, against sums over the entries that were imported."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from litestar.testing import TestClient

from engagement.api.app import create_app
from engagement.api.settings import Settings
from engagement.legacy.imports import import_files
from tests.api.conftest import BASE_URL

if TYPE_CHECKING:
    from collections.abc import Iterator

H = 3_600_000_000_000
BUCKETS = ("city", "road", "highway")


def bucket(hours: float, km: float, n_ends: int | None) -> dict[str, Any]:
    found = {
        "time_ns": int(hours * H), "engaged_time_ns": int(hours * H / 2),
        "distance_km_raw": km, "engaged_distance_km_raw": km / 4,
        "time_min": hours * 60, "engaged_time_min": hours * 30,
        "distance_km": km, "engaged_distance_km": km / 4,
    }  # fmt: skip
    if n_ends is not None:
        found |= {"disengagement_count": n_ends, "steer_intervention_count": 1}
    return found


def entry(device: str, drive: str, branch: str | None, km: float, **more: Any) -> dict[str, Any]:
    return {
        "device_id": device, "drive": drive, "git_branch": branch, "odo_distance": km,
        "engaged_distance": km / 2, "total_time": int(km / 50 * H),
        "drive_time": int(km / 60 * H), "drive_time_active": int(km / 100 * H),
        "engagement_pct": 50.0, "engagement_pct_odo": 50.0, "interventions_per_100km": 1.0,
        "intervention_count": 3, "steer_intervention_count": 2,
    } | more  # fmt: skip


CITY = {"city": bucket(0.5, 20.0, 2), "road": bucket(0, 0, 0), "highway": bucket(1, 90.0, None)}
ENTRIES = [
    entry("0123abcd", "2025-07-01--10-00-00", "master", 100.0),
    entry("0123abcd", "2025-08-01--10-00-00", "dev", 50.0, speed_buckets=CITY),
    entry("0123abcd", "00000489--d20ab4f43f", None, 7.0, recorded_at="2026-09-03T06:12:44+00:00",
          disengagement_count=9, speed_buckets={"city": bucket(0.1, 4.0, 1)}),
    entry("89efcdab", "2025-08-02--10-00-00", "dev", 30.0, steer_intervention_count=None),
]  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("compared")
    (folder / "old.json").write_text(json.dumps(ENTRIES))
    assert import_files(folder / "db.duckdb", [folder / "old.json"]).n_drives_written == 4
    return folder / "db.duckdb"


@pytest.fixture(scope="module")
def client(path: Any) -> Iterator[TestClient[Any]]:
    with TestClient(create_app(path), base_url=BASE_URL) as client:
        yield client


def test_all_speeds_have_the_odometers_distance_and_every_drives_counts(client):
    answer = client.get("/api/compare").json()

    first, second = answer["rows"]
    assert [first["device_id"], second["device_id"]] == ["0123abcd", "89efcdab"]
    assert answer["options"]["branches"] == ["dev", "master", "unknown"]
    assert answer["options"]["speed_buckets"][0] == {"key": "all", "label": "All speeds"}
    assert (answer["selected_branch"], answer["selected_speed_bucket"]) == ("all", "all")
    assert first["branch"] == "master (1), dev (1)"
    assert (first["distance_km"], first["engaged_distance_km"]) == (157.0, 78.5)
    assert first["time_hours"] == round(157 / 50, 2)
    assert first["disengagement_count"] == 3 + 3 + 9
    assert first["disengagement_distance_km"] == 157.0
    assert first["disengagements_per_100km"] == round(15 / 157 * 100, 2)
    # one drive is from before steering was counted
    assert (first["steer_intervention_count"], first["steer_distance_km"]) == (4, 57.0)
    assert (second["steer_intervention_count"], second["steer_interventions_per_100km"]) == (
        0,
        None,
    )
    assert first["speed_bucket_distance_km"] == {"city": 24.0, "road": 0, "highway": 90.0}
    assert first["speed_mix_pct"]["city"] == round(24 / 114 * 100, 2)
    assert (first["first_drive"], first["latest_drive"]) == (
        "2025-07-01--10-00-00",
        "00000489--d20ab4f43f",
    )
    totals = answer["totals"]
    assert (totals["device_id"], totals["branch"]) == ("Total", "—")
    for name in ("drive_count", "distance_km", "time_hours", "disengagement_count"):
        assert totals[name] == round(first[name] + second[name], 2)
    assert list(totals) == list(first)


def test_at_one_speed_only_drives_with_a_value_count(client):
    answer = client.get("/api/compare?speed_bucket=city").json()

    [row] = answer["rows"]
    assert row["drive_count"] == 2
    assert (row["distance_km"], row["time_hours"]) == (24.0, 0.6)
    assert (row["disengagement_count"], row["disengagements_per_100km"]) == (3, 12.5)
    assert "speed_mix_pct" not in row
    assert answer["totals"]["speed_mix_pct"] is None
    highway = client.get("/api/compare?speed_bucket=highway").json()["rows"][0]
    assert (highway["disengagement_count"], highway["disengagement_distance_km"]) == (0, 0)
    assert highway["disengagements_per_100km"] is None
    assert client.get("/api/compare?speed_bucket=road").json()["totals"] is None


@pytest.mark.parametrize(
    ("query", "devices", "branch"),
    [
        ("device=89efcdab", ["89efcdab"], "all"),
        ("device=89efcdab&device=0123abcd&branch=dev", ["0123abcd", "89efcdab"], "dev"),
        ("branch=master&branch=unknown", ["0123abcd"], "master, unknown"),
        ("device=nope&branch=nope&speed_bucket=warp", ["0123abcd", "89efcdab"], "all"),
        ("device=%00&device=%27%3B--&branch=" + "x" * 1500, ["0123abcd", "89efcdab"], "all"),
    ],
)
def test_what_is_unknown_is_dropped_and_never_refused(client, query, devices, branch):
    response = client.get(f"/api/compare?{query}")

    assert response.status_code == 200
    answer = response.json()
    assert [row["device_id"] for row in answer["rows"]] == devices
    assert answer["selected_branch"] == branch
    n_drives = Counter(row["device_id"] for row in ENTRIES if branch == "all")
    for row in answer["rows"] if branch == "all" else []:
        assert row["drive_count"] == n_drives[row["device_id"]]


def test_totals_are_sums_of_the_devices_rounded_numbers(client):
    answer = client.get("/api/total_stats").json()
    devices = client.get("/devices").json()["devices"]

    for name in ("drive_count", "total_distance_km", "total_time_hours", "total_drive_time_hours"):
        assert answer[name] == round(sum(device[name] for device in devices), 2)
    assert answer["total_disengagement_count"] == 3 + 3 + 9 + 3
    assert answer["overall_engagement_pct"] == 50.0
    city = answer["speed_bucket_summary"]["city"]
    assert city["disengagement_count"] == 3.0
    assert isinstance(city["disengagement_count"], float)
    assert city["disengagements_per_100km"] == round(3 / 24 * 100, 2)
    assert city["distance_pct_of_total"] == round(24 / 187 * 100, 2)
    assert list(answer["speed_bucket_summary"]) == list(BUCKETS)


def test_devices_have_what_the_newest_server_added(client):
    first, second = client.get("/devices").json()["devices"]

    assert first["total_disengagement_count"] == 3 + 3 + 9
    assert first["total_disengagements_per_100km"] == round(15 / 157 * 100, 2)
    # since 2025-07-07 and undated; the other device's drive does not say
    assert first["total_steer_intervention_km"] == 50.0 + 7.0
    assert second["total_steer_intervention_km"] == 0
    totals = client.get("/api/total_stats").json()
    assert totals["total_steer_interventions_per_100km"] == round(6 / 57 * 100, 2)
    city = first["speed_bucket_summary"]["city"]
    assert city["label"] == "City (≤55 km/h)"
    assert (city["time_ns"], city["engaged_time_ns"]) == (int(0.6 * H), int(0.3 * H))
    assert (city["distance_km_raw"], city["engaged_distance_km_raw"]) == (24.0, 6.0)
    assert (city["disengagement_count"], city["steer_intervention_count"]) == (3.0, 2.0)
    assert (city["engagement_pct"], city["dist_engagement_pct"]) == (50.0, 25.0)
    shared = set(totals["speed_bucket_summary"]["city"])
    raw = {"time_ns", "engaged_time_ns", "distance_km_raw", "engaged_distance_km_raw"}
    assert set(city) == shared | raw
    assert client.get("/devices/0123abcd").json()["device"] == first
    for page in ("/stats", "/stats_mod"):
        assert "Disengagements per 100 km" in client.get(page).text


def test_without_drives_totals_are_an_empty_object(tmp_path):
    (tmp_path / "old.json").write_text(json.dumps([ENTRIES[0]]))
    import_files(tmp_path / "db.duckdb", [tmp_path / "old.json"])
    from engagement.store.database_writer import Writer, writer_lock  # noqa: PLC0415

    with writer_lock(tmp_path / "db.duckdb"), Writer(tmp_path / "db.duckdb") as writer:
        writer.connection.execute("delete from store.imported_drive")
        writer.publish()
    with TestClient(create_app(tmp_path / "db.duckdb"), base_url=BASE_URL) as client:
        assert client.get("/api/total_stats").json() == {}
        assert client.get("/api/compare").json()["totals"] is None
        for page in ("/total_stats", "/compare?speed_bucket=all", "/stats", "/stats_mod"):
            assert "There are no" in client.get(page).text


@pytest.mark.parametrize("page", ["/total_stats", *(f"/total_stats/style{n}" for n in range(1, 5))])
def test_the_page_of_totals_has_every_number(client, page):
    answer = client.get("/api/total_stats").json()
    text = client.get(page).text
    for name in ("total_distance_km", "total_disengagement_count"):
        assert f"<td>{answer[name]}</td>" in text
    assert f"<td>{answer['speed_bucket_summary']['city']['distance_km']}</td>" in text
    assert client.get("/total_stats/style5").status_code == 404


def test_compare_is_the_old_page_only_with_the_old_questions(client):
    old = client.get("/compare?branch=dev&device=89efcdab").text
    assert "Devices compared" in old
    assert "<td>2025-08-02--10-00-00</td>" in old
    assert "<td>0123abcd</td>" not in old
    assert "Devices compared" in client.get("/compare?speed_bucket=city").text
    for ours in ("/compare", "/compare?by=branch&a=dev&b=master", "/compare?device=89efcdab"):
        assert "Devices compared" not in client.get(ours).text


def test_any_site_may_read_the_old_addresses_only_if_asked_for(path):
    old = ("/health", "/devices", "/devices/0123abcd", "/api/compare", "/api/total_stats", "/stats")
    ours = ("/api/v1/drives", "/", "/api/openapi.json", "/compare")
    origin = {"origin": "https://example.org"}
    for is_asked in (False, True):
        app = create_app(path, settings=Settings(has_old_cors=is_asked))
        with TestClient(app, base_url=BASE_URL) as client:
            for url in (*old, *ours):
                allowed = client.get(url, headers=origin).headers.get("access-control-allow-origin")
                assert allowed == ("*" if is_asked and url in old else None), url
            asks = origin | {"access-control-request-method": "GET"}
            preflight = client.options("/devices", headers=asks)
            assert ("access-control-allow-methods" in preflight.headers) == is_asked
            assert "access-control-allow-origin" not in client.options("/", headers=asks).headers


def test_no_number_is_a_zero_with_a_sign(tmp_path):
    back = bucket(0.5, -0.0004, 0) | {"engaged_distance_km": -0.0, "engagement_pct": -0.0}
    old = entry("0123abcd", "2025-07-01--10-00-00", "dev", -0.004, speed_buckets={"city": back})
    old |= {"engagement_pct": -0.0, "engagement_pct_odo": -0.0, "intervention_count": 0}
    (tmp_path / "old.json").write_text(json.dumps([old]))
    import_files(tmp_path / "db.duckdb", [tmp_path / "old.json"])
    addresses = (
        "/devices", "/devices/0123abcd", "/stats", "/stats_mod", "/api/total_stats",
        "/api/compare", "/api/compare?speed_bucket=city", "/compare?speed_bucket=city",
    )  # fmt: skip

    with TestClient(create_app(tmp_path / "db.duckdb"), base_url=BASE_URL) as client:
        answers = {address: client.get(address).text for address in addresses}

    assert "-0.0004" in answers["/api/compare"]
    for address, answer in answers.items():
        numbers = answer.replace(str(tmp_path), "")  # the database's path may hold such a text
        assert not re.search(r"-0(\.0+)?(?![.\d])", numbers), address
