"""One scripted drive as every era of openpilot logged it: the same numbers must come out.

Three of the logs are examples that were given; the others are written here with the schemas that
the era had, so every message has that era's struct sizes.
"""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.support.era_drive import FORK_EVENT
from tests.support.era_store import EXAMPLES, Store, expected_of_era, expected_of_example
from tests.support.eras import ERAS, MS, SEGMENT_MS, START_NS, Era

CAUSES = {"brake": "driver_brake", "cancel": "driver_cancel", "system:canError": "system_immediate"}

# Before 2021-07-15 a qlog had one controlsState a second: too few to tell when a state ends.
SPARSE = "0.8.3-qlog"


EXPECTED = {
    path.parent.name: expected_of_example(path.parent)
    for path in sorted(EXAMPLES.glob("*/expected.json"))
} | {era.name: expected_of_era(era) for era in ERAS}


def era_name(era: Era) -> str:
    return era.name


every_drive = pytest.mark.parametrize("name", [name for name in EXPECTED if name != SPARSE])
every_era = pytest.mark.parametrize("era", ERAS, ids=era_name)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(EXPECTED, tmp_path_factory.mktemp("eras"))


@every_drive
def test_totals(store, name):
    expected = EXPECTED[name]
    query = (
        "select duration_s, known_s, engaged_s, lateral_only_s, distance_km, "
        "n_segments, n_missing_segments "
        "from drives where drive_id = $drive"
    )
    [found] = store.rows(name, query)
    about = pytest.approx
    tolerance_s = expected.tolerance_s
    assert found[:4] == (
        about(expected.duration_s, abs=tolerance_s),
        about(expected.duration_s, abs=tolerance_s),
        about(expected.engaged_s, abs=tolerance_s),
        about(expected.lateral_only_s, abs=tolerance_s),
    )
    assert found[4] == about(expected.distance_km, abs=tolerance_s * 20 / 1000)
    assert found[5:] == (expected.n_segments, 0)


@every_drive
def test_engagements(store, name):
    expected = EXPECTED[name]
    query = (
        "select duration_s, start_kind, end_kind from engagements "
        "where drive_id = $drive and mode = 'engaged' order by engagement_num"
    )
    lengths_s, start_kinds, end_kinds = zip(*store.rows(name, query), strict=True)
    assert len(lengths_s) == expected.n_engagements
    assert lengths_s == pytest.approx((15.0, 15.0, 5.0, 18.0), abs=expected.tolerance_s)
    assert set(start_kinds) == {"engaged"}
    n_ended = expected.n_engagements - expected.n_open
    assert end_kinds == ("disengagement",) * n_ended + ("end_of_log",) * expected.n_open


@every_drive
def test_causes(store, name):
    expected = EXPECTED[name]
    query = (
        "select time_s, cause, cause_event, is_counted, is_inferred, speed_mps, latitude, "
        "segment_num from disengagements where drive_id = $drive and mode = 'engaged' "
        "order by time_s"
    )
    times_s, causes, names, *rest = zip(*store.rows(name, query), strict=True)
    assert times_s == pytest.approx((20.0, 40.0, 50.0), abs=expected.tolerance_s)
    assert causes == tuple(CAUSES[cause] for cause in expected.causes)
    assert names == ("pedalPressed", "canError", "buttonCancel")
    is_counted, is_inferred, speeds_mps, latitudes, segments = rest
    assert (set(is_counted), set(is_inferred), set(speeds_mps)) == ({True}, {False}, {20.0})
    assert latitudes == pytest.approx((60.0036, 60.0072, 60.0090), abs=0.0003)
    assert set(segments) == {0}


@every_drive
def test_overrides(store, name):
    expected = EXPECTED[name]
    query = (
        "select axis, duration_s, engagement_num from overrides where drive_id = $drive "
        "order by start_mono_ns"
    )
    axes, lengths_s, numbers = zip(*store.rows(name, query), strict=True)
    assert lengths_s == pytest.approx(expected.override_s, abs=expected.tolerance_s)
    assert (axes, numbers) == (("lateral",), (1,))


@every_drive
def test_modes_do_not_flicker(store, name):
    """Services change one after the other; what they say in between is no mode of its own."""
    modes = ["manual", "engaged"] * 3 + ["manual"]
    modes += ["lateral_only", "manual"] if EXPECTED[name].lateral_only_s else []
    query = (
        "select mode from state_intervals where drive_id = $drive and mode <> 'unknown' "
        "order by start_mono_ns"
    )
    runs = [mode for mode, _ in groupby(store.column(name, query))]
    assert runs == [*modes, "engaged"]


@pytest.mark.parametrize("name", EXPECTED)
def test_identity(store, name):
    expected = EXPECTED[name]
    query = (
        "select dongle_id, drive, version, car_fingerprint, clock_source, "
        "strftime(started_at_utc, '%Y-%m-%d %H:%M') from drives where drive_id = $drive"
    )
    [found] = store.rows(name, query)
    started = "2023-11-14 22:13"
    assert found == (
        expected.dongle_id,
        expected.drive,
        expected.version,
        expected.car_fingerprint,
        "gps",
        started,
    )


@every_era
def test_software_and_device(store, era):
    query = "select fork, device_type, log_kind from drives where drive_id = $drive"
    kind = "qlog" if era.is_qlog else "rlog"
    assert store.rows(era.name, query) == [(era.fork.name, era.device_type, kind)]
    query = "select distinct name, value from log.param where drive_id = $drive"
    assert store.rows(era.name, query) == ([("IsMetric", "1")] if era.date >= "2018-09-03" else [])


@every_era
def test_longitudinal(store, era):
    """By longActive, by active before it existed, and by the car's cruise where that has it."""
    query = "select longitudinal_source, longitudinal_s from drives where drive_id = $drive"
    [(source, length_s)] = store.rows(era.name, query)
    if era.date < "2019-06-28":
        assert (source, length_s) == (None, None)
    else:
        assert source == ("stock" if era.is_stock_long else "openpilot")
        if era.name != SPARSE:
            assert length_s == pytest.approx(53.0, abs=EXPECTED[era.name].tolerance_s)


@every_era
def test_what_an_era_lacks_is_null(store, era):
    query = (
        "select count(lat_active) = count(*), count(lat_active) = 0 from log.car_control "
        "where drive_id = $drive"
    )
    has_lateral = era.date >= "2022-03-16"
    assert store.rows(era.name, query) == [(has_lateral, not has_lateral)]
    query = "select distinct v_cruise_kph::int from log.car_state where drive_id = $drive"
    assert store.column(era.name, query) == [76 if era.date >= "2024-09-02" else None]


@every_era
def test_messages_were_out_of_order(store, era):
    """The logs ask something of what sorts them."""
    query = (
        "select count(*) from (select mono_ns, lag(mono_ns) over (partition by segment_num "
        "order by message_num) as previous_ns from log.car_control where drive_id = $drive) "
        "where mono_ns < previous_ns"
    )
    assert (store.column(era.name, query)[0] > 100) == (not era.is_qlog)


def test_segments_overlap_in_time(store):
    """What came late is in the segment in which it came."""
    query = (
        "select count(*) from (from log.car_state union all by name from log.car_control) "
        "where drive_id = $drive and segment_num = 1 and mono_ns < $border_ns"
    )
    border_ns = START_NS + SEGMENT_MS * MS
    found = [store.rows(era.name, query, border_ns=border_ns)[0][0] for era in ERAS]
    assert sum(count > 0 for count in found) >= 8


@every_era
def test_events_have_the_names_of_their_numbering(store, era):
    query = (
        "select distinct name, source from log.car_event "
        "where drive_id = $drive and name not null and source <> 'onroadEventsSP'"
    )
    found = store.rows(era.name, query)
    names = {"pedalPressed", "canError", "buttonCancel"}
    names |= {"pcmEnable", "pcmDisable"} if era.is_stock_long else {"buttonEnable"}
    names |= {"steerOverride"} if era.date >= "2022-09-13" else set()
    names |= {str(FORK_EVENT)} if era.is_old_sunnypilot else set()
    assert {name for name, _ in found} == names
    source = "onroadEvents" if era.date >= "2024-10-03" else "carEvents"
    assert {source for _, source in found} == {source if era.date >= "2019-06-26" else "carState"}


@every_era
def test_sunnypilots_own_events_are_read_from_its_logs_alone(store, era):
    """As a list first, then as a struct with one; other forks have something else there."""
    query = (
        "select distinct name, enable from log.car_event "
        "where drive_id = $drive and name not null and source = 'onroadEventsSP'"
    )
    assert store.rows(era.name, query) == ([("lkasEnable", True)] if era.is_sunnypilot else [])


@pytest.mark.parametrize("era", [era for era in ERAS if era.name != SPARSE], ids=era_name)
def test_the_alert_of_the_error(store, era):
    query = "select text1, alert_type, duration_s from alerts where drive_id = $drive"
    [(text, kind, length_s)] = store.rows(era.name, query)
    assert text == "TAKE CONTROL IMMEDIATELY"
    assert kind == ("canError/immediateDisable" if era.date >= "2018-10-21" else None)
    assert length_s == pytest.approx(1.0, abs=EXPECTED[era.name].tolerance_s)


def test_a_state_once_a_second_does_not_claim_more_than_it_knows(store):
    """The early qlogs' states lie a little more or less than a second apart."""
    query = "select known_s, engaged_s, n_disengagements from drives where drive_id = $drive"
    [(known_s, engaged_s, n_disengagements)] = store.rows(SPARSE, query)
    assert known_s <= 80.0
    assert engaged_s / known_s == pytest.approx(53 / 80, abs=0.03)
    assert n_disengagements <= 3
