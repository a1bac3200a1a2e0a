"""Which DBC belongs to which car, and the table of signals against the DBCs of every car."""

from __future__ import annotations

import sys
from collections import defaultdict
from copy import copy
from functools import cache
from importlib.metadata import PackageNotFoundError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.errors import ConfigError
from engagement.extract import cars
from engagement.extract.car_signals import check_own_table, plan_car
from engagement.extract.car_table import car_signals, find_own_table, load_car_table
from engagement.extract.cars import MissingCarsError

pytest.importorskip("opendbc")
gm = pytest.importorskip("opendbc.car.gm.values")
hyundai = pytest.importorskip("opendbc.car.hyundai.values")

EVERYWHERE = ("gas_pressed", "brake_pressed", "left_blinker", "right_blinker")
TORQUES = ("steering_driver_torque", "steering_driver_torque_raw")
WHEELS = ("wheel_speed_fl_kph", "wheel_speed_fl_radps")
# Keys that no DBC of a brand has, by what its carState reads in their stead.
WITHOUT = {
    "cruise_state": {"body", "psa", "rivian", "tesla", "toyota"},
    "odometer": {"body", "chrysler", "gm", "mazda", "nissan", "rivian", "subaru", "tesla"},
    "wheels": {"body", "rivian"},
    "torque": {"body"},
    "pedals": {"body"},
}
BRANDS = cars.fingerprints()


@cache
def plans():
    """Of every car, those that share a DBC after one another."""
    names = sorted(BRANDS, key=lambda name: cars.car_database(name).dbc_name)
    return {name: plan_car(name) for name in names}


@pytest.fixture
def without_opendbc(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "opendbc"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opendbc", None)
    caches = (cars._platforms, cars._dbc_paths, plan_car)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.parametrize(
    ("fingerprint", "now", "dbc_name"),
    [
        ("HYUNDAI_ELANTRA", "HYUNDAI_ELANTRA", "hyundai_kia_generic"),
        ("HYUNDAI ELANTRA LIMITED ULTIMATE 2017", "HYUNDAI_ELANTRA", "hyundai_kia_generic"),
        ("TOYOTA COROLLA TSS2 2019", "TOYOTA_COROLLA_TSS2", "toyota_nodsu_pt_generated"),
        ("VOLKSWAGEN_GOLF_MK7", "VOLKSWAGEN_GOLF_MK7", "vw_mqb"),
        ("TESLA_MODEL_3", "TESLA_MODEL_3", "tesla_model3_party"),
    ],
)
def test_a_car_is_known_by_its_name_of_today_and_that_of_before(fingerprint, now, dbc_name):
    car = cars.car_database(fingerprint)

    assert (car.fingerprint, car.dbc_name) == (now, dbc_name)
    assert car.text == cars.available_dbcs()[dbc_name]
    assert (car.path is None) == dbc_name.endswith("_generated")
    assert dbc_name in car.dbc_names.values()


def test_every_old_name_has_the_dbc_of_its_new_one():
    old = cars.old_fingerprints()
    assert len(old) > 200
    assert all(cars.car_database(name).fingerprint == now for name, now in old.items())


HOSTILE = (
    "",
    "MOCK",
    "mock",
    "../../etc/passwd",
    "/etc/passwd",
    "hyundai_kia_generic",
    "\0",
    "é" * 9,
)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(HOSTILE) | st.text())
def test_a_fingerprint_that_is_none_has_no_database_and_no_plan(text):
    if text not in BRANDS:
        assert cars.car_database(text) is None
        plan = plan_car(text)
        assert (plan.specs, plan.label) == ((), f"auto:none (opendbc {cars.cars_version()})")


def test_labels_say_car_dbc_and_version():
    label = plans()["HYUNDAI_ELANTRA"].label
    version = cars.cars_version()

    assert label == f"auto:HYUNDAI_ELANTRA (hyundai_kia_generic, opendbc {version})"
    assert cars.is_current_label(label)
    assert not cars.is_unknown_car(label)
    assert not cars.is_current_label(label.replace(version, "0.0.1"))
    assert not cars.is_current_label("demo")
    assert cars.is_unknown_car(plan_car(None).label)


@pytest.mark.parametrize("brand", sorted({*BRANDS.values()}))
def test_every_entry_of_the_table_is_in_a_dbc_of_its_brand(brand):
    """Whatever an entry names and no car of the brand has is a slip of the pen."""
    fingerprints = [name for name, own in BRANDS.items() if own == brand]
    found = defaultdict(set)
    for name in fingerprints:
        for key, places in plans()[name].places.items():
            found[key] |= {(spec.message, spec.signal) for place in places for spec in place}
    for key, entries in car_signals(brand).items():
        named = {(entry.message, signal) for entry in entries for signal in entry.signals}
        assert named == found[key]


def test_the_table_has_every_brand_of_opendbc_and_no_other():
    assert set(load_car_table().brands) == set(BRANDS.values())


def cars_of(brand, key, signal):
    """The cars whose first place of a key is a signal."""
    own = [name for name, its in BRANDS.items() if its == brand]
    return {
        n for n in own if key in plans()[n].places and plans()[n].places[key][0][0].signal == signal
    }


def test_patterns_of_fingerprints_choose_the_cars_that_opendbc_reads_so():
    with_camera = {*map(str, gm.CAMERA_ACC_CAR | gm.SDGM_CAR)}
    assert cars_of("gm", "brake_pressed", "BrakePressed") == with_camera

    def flagged(*names):
        flags = [hyundai.HyundaiFlags[name] for name in names]
        return {str(car) for car in hyundai.CAR if any(car.config.flags & flag for flag in flags)}

    electric = flagged("EV") - flagged("CANFD")
    assert cars_of("hyundai", "gas_pressed", "Accel_Pedal_Pos") == electric
    assert cars_of("hyundai", "gas_pressed", "ACCELERATOR_PEDAL") == flagged("FCEV", "CANFD")


def has(name, *keys):
    return any(key in plans()[name].places for key in keys)


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        *(((key,), "pedals") for key in EVERYWHERE),
        (TORQUES, "torque"),
        (WHEELS, "wheels"),
        (("cruise_state",), "cruise_state"),
        (("odometer",), "odometer"),
    ],
    ids=str,
)
def test_every_car_has_what_its_brand_has(keys, kind):
    lacking = {name for name in plans() if not has(name, *keys)}
    brands = {name: BRANDS[name] for name in lacking}
    unexpected = {name for name, brand in brands.items() if brand not in WITHOUT[kind]}
    if kind == "odometer":  # the DBC of Hyundai's CAN FD has none
        unexpected = {n for n in unexpected if "canfd" not in cars.car_database(n).dbc_name}
    assert unexpected == set()


def test_no_car_has_both_torques_in_nm():
    """Else the old system's steering interventions would count drives that had no profile."""
    both = {"steering_driver_torque", "steering_motor_torque"}
    assert [name for name, plan in plans().items() if both <= plan.places.keys()] == []


@pytest.mark.usefixtures("without_opendbc")
def test_without_the_extra_it_says_how_to_get_it():
    with pytest.raises(MissingCarsError, match=r"pip install 'engagement\[cars\]'") as error:
        cars.car_database("HYUNDAI_ELANTRA")
    assert isinstance(copy(error.value), MissingCarsError)


def test_a_folder_of_that_name_is_not_the_extra(monkeypatch):
    def no_version(name):
        raise PackageNotFoundError(name)

    assert cars.has_cars()
    cars.cars_version.cache_clear()
    monkeypatch.setattr(cars, "version", no_version)
    assert not cars.has_cars()


OWN = """
[keys.horn]
meaning = "1 while it sounds"

[brands.hyundai]
horn = [{ message = "CGW1", signal = "CF_Gway_HazardSw", above = 0 }]
cruise_state = [{ message = "CLU11", signal = "CF_Clu_CruiseSwMain", cars = "ELANTRA" }]
"""


def own_table(folder, text):
    path = folder / "config" / "car_signals.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert find_own_table(folder) == path
    return path


def test_an_own_table_adds_to_the_shipped_one_key_by_key(tmp_path):
    plan = plan_car("HYUNDAI_ELANTRA", own_table(tmp_path, OWN))

    shipped = plans()["HYUNDAI_ELANTRA"].places
    assert plan.places.keys() == {*shipped, "horn"}
    assert plan.places["odometer"] == shipped["odometer"]
    assert [s.signal for p in plan.places["cruise_state"] for s in p] == ["CF_Clu_CruiseSwMain"]
    assert find_own_table(tmp_path / "config") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[brands", "Expected ']'"),
        ("[brands.kia]\nodometer = 1", "expected `array`"),
        (
            '[brands.kia]\nodometr = [{message="A", signal="B"}]',
            "no such key; did you mean 'odometer'?",
        ),
        ('[brands.kia]\nodometer = [{message="A"}]', "missing required field `signal`"),
        ('[brands.kia]\nodometer = [{message="A", signal=[]}]', "`array` of length >= 1"),
        ('[brands.kia]\nodometer = [{message="A", signal="B", cars="("}]', "is no pattern"),
        (
            '[brands.kia]\nodometer = [{message="A", signal="B", times={signal="C", by={x=1}}}]',
            "`by` has 'x', which is no number",
        ),
        ("[other]\n", "unknown field `other`"),
        ('[brands.kia]\nodometer = [{message="A", signal="B", scale=nan}]', "inf and nan"),
        ('[brands.kia]\nodometer = [{message="A", signal="B", above=inf}]', "inf and nan"),
        ('[brands.kia]\nodometer = [{message="A", signal="B", is=[1], above=1}]', "not both"),
        ('[brands.kia]\nodometer = [{message="A", signal="B", is=[]}]', "`array` of length >= 1"),
        ('[keys.horn]\nmeaning = "x"\nrange = [5, 1]', "key 'horn': `range` is from the less"),
    ],
)
def test_an_own_table_that_does_not_hold_is_refused_in_words(tmp_path, text, said):
    path = own_table(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        load_car_table(path)
    assert str(error.value).startswith(str(path))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("brand", "entry", "said"),
    [
        (
            "toyta",
            'message="UI_SETTING", signal="ODOMETER"',
            "'toyta': no such brand; did you mean",
        ),
        ("toyota", 'message="UI_SETTNG", signal="ODOMETER"', "has ODOMETER in a message UI_SETTNG"),
        (
            "toyota",
            'message="UI_SETTING", signal="ODOMETER", times={signal="UNIT", by={1=2}}',
            "brand 'toyota', key 'odometer': no DBC of the brand has ODOMETER and UNIT in",
        ),
    ],
)
def test_an_own_table_that_names_what_no_car_has_is_refused(tmp_path, brand, entry, said):
    path = own_table(tmp_path, f"[brands.{brand}]\nodometer = [{{{entry}}}]")
    with pytest.raises(ConfigError) as error:
        check_own_table(path)
    assert str(error.value).startswith(str(path))
    assert said in str(error.value)


def test_an_own_table_may_name_what_some_car_of_the_brand_has(tmp_path):
    check_own_table(own_table(tmp_path, OWN))
    rare = (
        '[brands.toyota]\ngas_pressed = [{message="GAS_PEDAL", signal="GAS_PEDAL_USER", above=0}]'
    )
    check_own_table(own_table(tmp_path, rare))
