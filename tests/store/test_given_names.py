"""Names of devices and places: no two alike, and nothing loses one but who takes it away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.analysis.selection import select
from engagement.api.request_filters import Filters
from engagement.errors import InputError, NotFoundError
from engagement.export.places import distance_m
from engagement.filters import Selection
from engagement.store.devices import join_devices
from engagement.store.given_names import (
    check_name,
    name_device,
    name_place,
    read_device_names,
    read_names,
    remove_name,
    shown_names,
)
from engagement.store.ingestion import recompute
from engagement.store.reader import Reader
from tests.store.small_logs import ONE, OTHER, write

DEVICE, SECOND = ONE.dongle_id, OTHER.dongle_id


@pytest.fixture
def devices(store):
    """Two devices with a drive each."""
    assert DEVICE != SECOND
    write(store.logs, ONE, 0)
    write(store.logs, OTHER, 0)
    store.ingest()
    return store


def names(store):
    rows = store.rows("select dongle_id, device_name from devices")
    drives = store.rows("select dongle_id, device_name from drives")
    found = {row["dongle_id"]: row["device_name"] for row in rows}
    assert found == {row["dongle_id"]: row["device_name"] for row in drives}
    return found


def test_a_name_outlives_ingests_recomputation_and_a_join(devices):
    assert name_device(devices.database, DEVICE[:6], "  Blue   Civic ") == (DEVICE, "Blue Civic")
    write(devices.logs, ONE, 1)
    devices.ingest(reprocess=True)
    recompute(devices.database)
    assert names(devices) == {DEVICE: "Blue Civic", SECOND: None}
    name_device(devices.database, "blue civic", "Grey Civic")
    assert names(devices)[DEVICE] == "Grey Civic"
    with Reader(devices.database) as reader:
        wanted = Selection.of(device="GREY civic")
        [drive] = select(reader, wanted).drives()  # a filter takes the name for the id
        assert drive["dongle_id"] == DEVICE
        filters = Filters(wanted.values)
        assert filters.drives(reader).values == {"device": DEVICE}
        with pytest.raises(NotFoundError):
            select(reader, Selection.of(device="nobody's"))
    assert b"Blue Civic" not in devices.database.read_bytes()
    join_devices(devices.database, DEVICE, SECOND)
    assert names(devices) == {SECOND: "Grey Civic"}
    assert remove_name(devices.database, SECOND) == "Grey Civic"
    assert names(devices) == {SECOND: None}
    assert b"Grey Civic" not in devices.database.read_bytes()


def test_no_two_are_called_alike(devices):
    name_device(devices.database, DEVICE, "Civic")
    name_place(devices.database, (52.5, 13.4, 200.0), "Home")
    before = devices.state()
    for text in ("civic", "CIVIC ", "\uff23ivic", "home"):
        with pytest.raises(InputError, match="no two are called alike"):
            name_device(devices.database, SECOND, text)
    with pytest.raises(InputError, match="of device"):
        name_place(devices.database, (1.0, 2.0, 3.0), "civic")
    with pytest.raises(NotFoundError):
        name_device(devices.database, "nobody", "x")
    with pytest.raises(NotFoundError):
        remove_name(devices.database, SECOND)
    assert devices.state() == before
    name_device(devices.database, DEVICE, "CIVIC")
    assert names(devices)[DEVICE] == "CIVIC"


@pytest.mark.parametrize(
    "text", ["", " ", "...", "a\u200bb", "a\x1b[1mb", "x" * 61, "0123456789abcdef", "A1B2C3D4…"]
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(InputError):
        check_name(text)


@given(
    ids=st.sets(st.text("0123456789abcdef", min_size=9, max_size=12), max_size=6),
    data=st.data(),
)
def test_what_is_shown_is_never_the_same_of_two_devices(ids, data):
    words = st.sampled_from([*ids, "Civic", "civic", "CIVIC", "Kia"])
    given_names = {one: data.draw(words) for one in ids if data.draw(st.booleans())}
    found = shown_names(ids, given_names)
    shown = [found(one) if found.is_named(one) else one[: found.letters_of(one, 8)] for one in ids]
    assert len({text.casefold() for text in shown}) == len(ids)


def test_a_place_is_named_as_far_as_it_goes(devices):
    name_place(devices.database, (52.5, 13.4, 150.0), "near")
    name_place(devices.database, (52.5, 13.4, 5.0), "Near")
    with Reader(devices.database) as reader:
        [row] = read_names(reader)
        assert row == {
            "name": "Near", "dongle_id": None, "latitude": 52.5, "longitude": 13.4, "radius_m": 5.0
        }  # fmt: skip
        assert read_device_names(reader).given == ()
        query = "select ground_distance_m(?, ?, ?, ?) as m"
        for latitude in (0.0, 52.5, -70.0):
            where = (latitude, 13.4, latitude + 0.002, 13.403)
            [found] = reader.rows(query, list(where))
            assert found["m"] == pytest.approx(distance_m(*where), rel=0.01)
