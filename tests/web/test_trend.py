"""Weeks, months and bests of the overview, and the cards of drives."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from engagement.api.pages.trend import make_trend, read_months
from engagement.store.serving import Publication
from engagement.units import METRIC
from tests.web.test_pages import PHONE, WITHOUT_SCRIPT

MONDAY = date(2025, 3, 31)


def drive(day, *, engaged_s=300.0, moving_s=500.0, n_interventions=1):
    return {
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "is_imported": False,
        "known_s": 600.0,
        "moving_s": moving_s,
        "engaged_s": engaged_s,
        "distance_km": 10.0,
        "engaged_km": engaged_s / 60,
        "n_interventions": n_interventions,
        "n_unplanned_interventions": 0,
    }


@pytest.fixture
def generation(database):
    publication = Publication(database)
    with publication.newest() as generation:
        yield generation
    publication.close()


def test_weeks_stand_at_their_places_in_time(generation):
    days = [MONDAY, MONDAY + timedelta(weeks=1), MONDAY + timedelta(weeks=9)]

    weeks = make_trend(generation, [drive(day) for day in days], METRIC).weeks

    assert [week.x for week in weeks] == [5.0, 15.0, 95.0]
    assert [week.follows for week in weeks] == [False, True, False]


def test_an_interval_beyond_the_axis_is_marked(generation):
    many = [drive(MONDAY, engaged_s=60_000.0, n_interventions=1000) for _ in range(40)]
    one = drive(MONDAY + timedelta(weeks=1), engaged_s=60.0)

    wide, trend = make_trend(generation, [one], METRIC), make_trend(generation, [*many], METRIC)

    assert [week.is_cut for week in wide.weeks] == [True]
    assert [week.is_cut for week in trend.weeks] == [
        trend.weeks[0].row["interventions_per_100km_upper"] > 1.3 * 100
    ]


def test_a_week_of_parked_drives_has_no_share(generation):
    parked = drive(MONDAY, engaged_s=0.0, moving_s=0.0)
    by_hand = drive(MONDAY + timedelta(weeks=1), engaged_s=0.0)
    untold = drive(MONDAY + timedelta(weeks=2), engaged_s=0.0, moving_s=None)

    weeks = make_trend(generation, [parked, by_hand, untold], METRIC).weeks

    assert [week.row["engaged_fraction"] for week in weeks] == [None, 0.0, 0.0]
    assert weeks[0].share is None


def test_a_month_is_shown_beside_the_one_before_it_alone(generation):
    april, march, january = (drive(date(2025, month, 5)) for month in (4, 3, 1))

    found = read_months(generation, [january, march, march, april])

    assert [(row["start"].month, row["n_drives"]) for row in found] == [(4, 1), (3, 2)]
    assert read_months(generation, [january, march]) == read_months(generation, []) == []


def test_the_best_are_those_of_the_views(visit, reader):
    page = visit("/", **WITHOUT_SCRIPT).page

    [best] = reader.rows("select max(engaged_km) as km from clean_stretches")
    assert f"{best['km']:.1f} km" in page.locator(".bests li").first.inner_text()


@pytest.mark.parametrize("options", [WITHOUT_SCRIPT, PHONE])
def test_a_drive_is_a_card(visit, reader, options):
    page = visit("/drives", **options).page

    drives = reader.rows("from drives order by started_at desc nulls last, drive desc")
    days = list(dict.fromkeys(row["started_at"].date() for row in drives if row["started_at"]))
    assert page.locator("h2.day").count() == len(days)
    assert (
        page.locator("h2.day").first.inner_text() == f"{days[0]:%A}, {days[0].day} {days[0]:%B %Y}"
    )
    worst = reader.rows(
        "select drive_id, arg_max(event_id, (coalesce(is_critical, false), severity)) as event_id "
        "from events where severity is not null and cause is distinct from 'end_of_drive' "
        "group by drive_id"
    )
    assert len(worst) > 3
    for row in worst:
        card = page.locator(f".trip[data-drive='{row['drive_id']}']")
        assert card.locator(".outline polyline").count() == 1
        assert card.locator(".mini rect.engaged").count() >= 1
        link = card.locator("a.worst").get_attribute("href")
        assert link == f"/event/{row['event_id'].replace('|', '%7C')}"


def test_presets_are_days_up_to_the_last_drive(visit, reader):
    page = visit("/drives", **WITHOUT_SCRIPT).page
    [row] = reader.rows("select max(started_at)::date as last from drives")

    page.get_by_role("link", name="30 days").click()
    since = row["last"] - timedelta(days=29)
    page.wait_for_url(f"**since={since}*")

    [counts] = reader.rows("select count(*) as n from drives where started_at::date >= ?", [since])
    assert page.locator(".trip").count() == counts["n"]
    assert page.locator(".presets b").first.inner_text() == "30 days"
    assert f"from {since}" in page.locator("summary").inner_text()
