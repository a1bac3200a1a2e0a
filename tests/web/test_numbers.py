"""Every number that a page shows is the views', to the last digit."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.web.conftest import exact

WITHOUT_SCRIPT = {"java_script_enabled": False}


def is_sum(shown, value):
    """Whether a page shows a value: DuckDB adds in any order, so that the last digit may differ."""
    return shown == exact(value) or float(shown) == pytest.approx(value, rel=1e-13, abs=0)


def test_the_overview_says_what_the_views_say(visit, reader, drive):
    for grouped_by, name in (
        ("all", "all"),
        ("device", drive["dongle_id"]),
        ("car", drive["car_fingerprint"]),
        ("version", drive["version"]),
    ):
        path = "/" if name == "all" else f"/?{urlencode({grouped_by: name})}"
        shown = visit(path, **WITHOUT_SCRIPT)
        [group] = reader.rows(
            "from groups where grouped_by = ? and group_name = ?", [grouped_by, name]
        )
        [rate] = reader.rows(
            "from rates where grouped_by = ? and group_name = ? and mode = 'engaged' "
            "and event = 'intervention'",
            [grouped_by, name],
        )

        values = shown.values(".figures")

        for column in (
            "engaged_fraction",
            "distance_engaged_fraction",
            "engagement_median_s",
        ):
            assert is_sum(values[column], group[column]), column
        assert is_sum(values["per_100km"], rate["per_100km"])
        assert is_sum(shown.values(".lede")["distance_km"], group["distance_km"])


def test_the_overview_counts_causes_and_bands_like_the_views(visit, reader):
    shown = visit("/", **WITHOUT_SCRIPT)

    causes = reader.rows(
        "select cause, count(*) as n_disengagements, count(*) filter (where is_counted) as "
        "n_counted from disengagements where mode = 'engaged' group by cause"
    )
    for row in causes:
        values = shown.values(f"[data-cause={row['cause']}]")
        assert values == {name: exact(row[name]) for name in ("n_disengagements", "n_counted")}
    bands = reader.rows(
        "select groups.*, per_100km, n_events from groups inner join rates "
        "using (grouped_by, group_name) where grouped_by = 'speed_band' "
        "and rates.mode = 'engaged' and event = 'intervention'"
    )
    assert len(bands) == 3
    for row in bands:
        values = shown.values(f"[data-band={row['group_name']}]")
        assert float(values["engaged_fraction"]) == pytest.approx(row["engaged_fraction"])
        assert float(values["interventions_per_100km"]) == pytest.approx(row["per_100km"])
        assert values["n_interventions"] == exact(row["n_events"])


def test_days_that_hold_every_drive_give_the_same_as_no_days(visit, reader):
    shown = visit("/?since=2000-01-01&until=2040-01-01", **WITHOUT_SCRIPT)
    [group] = reader.rows("from groups where grouped_by = 'all'")
    [rate] = reader.rows(
        "from rates where grouped_by = 'all' and mode = 'engaged' and event = 'intervention'"
    )

    values = shown.values(".figures")

    for column in ("engaged_fraction", "distance_engaged_fraction"):
        assert float(values[column]) == pytest.approx(group[column], rel=1e-12)
    assert float(values["per_100km"]) == pytest.approx(rate["per_100km"], rel=1e-12)


def test_the_list_of_drives_says_what_the_view_says(visit, reader):
    shown = visit("/drives", **WITHOUT_SCRIPT)
    rows = reader.rows("from drives")

    assert shown.page.locator("[data-drive]").count() == len(rows) == 9
    for row in rows:
        values = shown.values(f"[data-drive='{row['drive_id']}']")
        assert values == {name: exact(row[name]) for name in values}
        assert "engaged_fraction" in values


def test_drives_are_filtered_and_sorted_by_the_address(visit, reader, drive):
    path = f"/drives?device={drive['dongle_id']}&sort=distance"
    shown = visit(path, **WITHOUT_SCRIPT)
    rows = reader.rows(
        "from drives where dongle_id = ? order by distance_km desc", [drive["dongle_id"]]
    )

    found = shown.page.locator("[data-drive]").evaluate_all(
        "all => all.map(one => +one.dataset.drive)"
    )
    assert found == [row["drive_id"] for row in rows]


def test_a_drive_says_what_the_views_say(visit, reader, addresses, drive):
    shown = visit(addresses["drive"], **WITHOUT_SCRIPT)

    values = shown.values(".figures")
    for column in ("engaged_fraction", "distance_engaged_fraction", "n_interventions", "coverage"):
        assert values[column] == exact(drive[column])
    events = reader.rows("from events where drive_id = ?", [drive["drive_id"]])
    assert shown.page.locator("[data-event]").count() == len(events) > 3
    for row in events:
        values = shown.values(f"[data-event='{row['event_id']}']")
        assert values == {name: exact(row[name]) for name in values}
        assert {"time_s", "severity", "min_ttc_s", "peak_deceleration_mps2"} <= set(values)


def test_places_quality_and_glossary_say_what_the_views_say(visit, reader):
    places = visit("/places", **WITHOUT_SCRIPT)
    [row] = reader.rows(
        "select count(*) as n_places, count(*) filter (where is_hot_spot) as n_hot_spots, "
        "count(*) filter (where n_interventions > 0) as n_with_intervention, "
        "sum(n_interventions)::bigint as n_interventions from places"
    )
    values = places.values(".figures")
    assert {name: values[name] for name in row} == {name: exact(row[name]) for name in row}
    assert places.page.locator(".map rect.cell").count() == row["n_with_intervention"]
    quiet = places.page.locator(".map path.quiet").evaluate_all(
        "all => all.map(one => one.getAttribute('d').split('M').length - 1)"
    )
    assert sum(quiet) == row["n_places"] - row["n_with_intervention"]

    quality = visit("/quality", **WITHOUT_SCRIPT)
    [row] = reader.rows("select count(*) as n from drives where n_missing_segments > 0")
    assert quality.values("[data-check=segments_missing]") == {"n_rows": exact(row["n"])}
    for row in reader.rows("from data_quality where n_clock_jumps > 0"):
        values = quality.values(f"[data-drive='{row['drive_id']}']")
        assert values["n_clock_jumps"] == exact(row["n_clock_jumps"])
        assert values["odometer_difference_fraction"] == exact(row["odometer_difference_fraction"])

    glossary = visit("/glossary", **WITHOUT_SCRIPT).page
    for view in reader.views():
        comments = reader.comments(view)
        meanings = glossary.locator(f"[data-view={view}] tbody td:nth-child(2)").all_inner_texts()
        assert meanings == list(comments.values())


@pytest.mark.parametrize("per", ["100km", "hour"])
def test_rates_of_groups_say_what_the_view_says(visit, reader, per):
    page = visit(f"/rates?by=version&per={per}&event=critical_event", **WITHOUT_SCRIPT)
    rows = reader.rows(
        "from rates where grouped_by = 'version' and mode = 'engaged' and event = 'critical_event'"
    )

    groups = page.page.locator("[data-group]").evaluate_all(
        "all => all.map(one => one.dataset.group)"
    )
    known = {row["group_name"]: row for row in rows}
    assert sorted(groups) == sorted(known)
    for number, group in enumerate(groups):
        values = page.values(f"[data-group] >> nth={number}")
        for column in (f"per_{per}", f"per_{per}_upper", f"per_{per}_dispersion", "n_events"):
            assert values[column] == exact(known[group][column])


def test_rates_of_two_dimensions_have_their_crossed_groups(visit):
    page = visit("/rates?by=model&also=night&mode=assisted", **WITHOUT_SCRIPT).page

    names = page.locator("[data-group]").evaluate_all("all => all.map(one => one.dataset.group)")
    assert names
    assert all(name.endswith((", day", ", night", ", unknown")) for name in names)


def test_a_comparison_is_that_of_the_command(visit, reader):
    shown = visit("/compare?by=device&a=a1b2c3d4&b=7f0e1d2c", **WITHOUT_SCRIPT)

    row = shown.page.locator("[data-measure=interventions_per_100km]")
    values = row.locator("[data-value]").evaluate_all("all => all.map(one => one.dataset.value)")
    rates = [
        reader.rows(
            "select per_100km from rates where grouped_by = 'device' and mode = 'engaged' "
            "and event = 'intervention' and starts_with(group_name, ?)",
            [device],
        )[0]["per_100km"]
        for device in ("a1b2c3d4", "7f0e1d2c")
    ]
    assert [float(value) for value in values[:2]] == pytest.approx(rates, rel=1e-12)
    assert row.locator("[data-answer]").get_attribute("data-answer") == "too_few"
    assert values[3] == ""
    assert "too few drives" in shown.page.locator(".verdict").inner_text().lower()
    assert "per 100 km" in shown.page.locator(".lead").inner_text()
