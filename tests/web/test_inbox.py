"""The inbox of events in a real browser: by keys, by the list alone, and what it writes."""

from __future__ import annotations

import shutil

import pytest

from engagement.store.database_writer import writer_lock
from engagement.store.given_names import name_device, name_place
from engagement.store.labels import remove_labels
from engagement.store.reader import Reader
from tests.web.conftest import serving
from tests.web.test_live import NUMBER, RENEWED
from tests.web.test_pages import PHONE, WITHOUT_SCRIPT

ROWS = "#inbox li[data-event]"
FOCUSED = "document.activeElement.closest('#inbox li')?.dataset.event"
NEWEST = """
from events
inner join drives on events.drive_id = drives.drive_id
where events.cause is distinct from 'end_of_drive'
order by
    drives.started_at desc nulls last, drives.drive desc, drives.dongle_id,
    events.mono_ns, events.kind
"""


@pytest.fixture(scope="module")
def copied(database, tmp_path_factory):
    """A database whose device and one place have names."""
    path = tmp_path_factory.mktemp("inbox") / "engagement.duckdb"
    shutil.copy(database, path)
    with Reader(path) as reader:
        [event] = reader.rows("from events where latitude is not null order by event_id limit 1")
    name_device(path, event["dongle_id"], "Blue <b>Civic</b>")
    name_place(path, (event["latitude"], event["longitude"], 50.0), "the gate")
    return path


@pytest.fixture(scope="module")
def site(copied):
    with serving(copied, "--allow-labels") as address:
        yield address


@pytest.fixture(scope="module")
def newest(copied):
    with Reader(copied) as reader:
        return [row["event_id"] for row in reader.rows(f"select events.event_id {NEWEST}")]


def labels_of(path):
    with Reader(path) as reader:
        rows = reader.rows("select event_id, label, note from event_labels")
    return {row["event_id"]: (row["label"], row["note"]) for row in rows}


def expect_refusal(opened, status):
    """The browser itself says on its console that a request was refused."""
    [said] = opened.problems
    assert f"status of {status}" in said
    opened.problems.clear()


@pytest.fixture
def unlabelled(copied):
    """The database, which has no labels before and after."""
    yield copied
    if given := labels_of(copied):
        remove_labels(copied, list(given))


def shown(page):
    return page.locator(ROWS).evaluate_all("all => all.map(row => row.dataset.event)")


def test_a_label_in_a_list_of_unlabelled_ones_is_no_news(visit, unlabelled, newest):
    page = visit("/events?is_unlabelled=true").page
    while shown(page) != newest[:40]:  # a generation may answer for two seconds after its last
        page.wait_for_timeout(300)
        page.reload()
    number = page.evaluate(NUMBER)
    for key in "jjjt":
        page.keyboard.press(key)

    page.wait_for_function(RENEWED, arg=number, timeout=20_000)

    assert page.locator("#renewed").count() == 0
    assert shown(page) == newest[:40]
    assert page.locator(".lede").inner_text().startswith(f"{len(newest) - 1} without a label")
    assert labels_of(unlabelled) == {newest[2]: ("true", None)}


def test_keys_move_label_and_take_back(visit, unlabelled, newest):
    page = visit("/events").page
    assert shown(page) == newest[:40]

    for key, place in (("j", 0), ("j", 1), ("k", 0), ("k", 0), ("j", 1)):
        page.keyboard.press(key)
        assert page.evaluate(FOCUSED) == newest[place]
    row = page.locator(ROWS).nth(1)
    for key, label in (
        ("p", "planned"),
        ("t", "true"),
        ("u", "planned"),
        ("x", ""),
        ("u", "planned"),
    ):
        page.keyboard.press(key)
        page.wait_for_function(
            "([row, label]) => row.dataset.label === label && !row.matches('.is-waiting')",
            arg=[row.element_handle(), label],
        )
        assert row.locator("select").input_value() == label
    assert labels_of(unlabelled) == {newest[1]: ("planned", None)}

    page.keyboard.press("u")
    page.wait_for_function("row => row.dataset.label === ''", arg=row.element_handle())
    page.keyboard.press("Enter")
    page.wait_for_url("**/event/**")
    assert labels_of(unlabelled) == {}


def test_a_label_of_ones_own_is_asked_for_once_more_if_it_looks_misspelt(visit, unlabelled, newest):
    opened = visit("/events")
    page = opened.page

    def give(word, note):
        page.keyboard.press("o")
        page.get_by_label("Label", exact=True).last.fill(word)
        page.get_by_label("Note").fill(note)
        page.keyboard.press("Enter")

    page.keyboard.press("j")
    with page.expect_response("**/label") as refused:
        give("plannd", "<i>exit</i>")
    assert refused.value.status == 400
    page.wait_for_selector("#said-so.is-bad")
    assert "did you mean 'planned'" in page.locator("#said-so").inner_text()
    give("plannd", "<i>exit</i>")
    page.wait_for_selector(f"{ROWS}[data-label=plannd]")

    assert labels_of(unlabelled) == {newest[0]: ("plannd", "<i>exit</i>")}
    assert page.locator("#inbox i").count() == 0
    expect_refusal(opened, 400)


def test_a_database_that_another_writes_leaves_the_row_as_it_was(visit, unlabelled):
    opened = visit("/events", **PHONE)
    page = opened.page
    select = page.locator(f"{ROWS} select").first

    with writer_lock(unlabelled):
        select.select_option("true")
        page.wait_for_selector("#said-so.is-bad")

    assert "is writing to this database" in page.locator("#said-so").inner_text()
    assert select.input_value() == ""
    expect_refusal(opened, 503)
    assert labels_of(unlabelled) == {}


def test_filters_are_in_the_address_and_hold_without_script(visit, copied, newest):
    page = visit("/events", **WITHOUT_SCRIPT).page
    assert shown(page) == newest[:40]
    assert page.locator("#inbox select:visible, .keys:visible").count() == 0
    page.locator("summary").click()
    page.get_by_label("Cause").select_option("driver_brake")
    page.locator("select[name=is_critical]").select_option("true")
    page.get_by_label("Severity from").fill("1.2")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/events?*cause=driver_brake*")

    with Reader(copied) as reader:
        rows = reader.rows(
            "from events where cause = 'driver_brake' and is_critical and severity >= 1.2"
        )
    assert sorted(shown(page)) == sorted(row["event_id"] for row in rows)
    page.get_by_role("link", name="Worst first").click()
    page.wait_for_url("**sort=worst**")
    worst = sorted(rows, key=lambda row: -row["severity"])
    assert shown(page) == [row["event_id"] for row in worst]


def test_pages_are_followed_to_the_last_event(visit, newest):
    page = visit("/events").page
    found = shown(page)

    while page.locator("a[rel=next]").count():
        page.locator("a[rel=next]").click()
        page.wait_for_url(f"**number={1 + len(found) // 40}")
        found += shown(page)

    assert found == newest


def test_names_stand_for_devices_and_places(visit, copied):
    page = visit("/events?place=the+gate").page

    assert page.locator(ROWS).count() >= 1
    assert "the gate" in page.locator("#inbox").inner_text()
    assert "Blue <b>Civic</b>" in page.locator("#inbox").inner_text()
    page.locator("summary").click()
    assert "Blue <b>Civic</b>" in page.get_by_label("Device").inner_text()
    with Reader(copied) as reader:
        [row] = reader.rows(
            "select model from result.part_spans group by model order by count(*) desc limit 1"
        )
    page.get_by_label("Model").select_option(row["model"])
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**model=*")
