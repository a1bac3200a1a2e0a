"""CAN signals found by the car: what is read again and when, and the sources a drive names."""

from __future__ import annotations

import dataclasses

import duckdb
import pytest

from engagement.extract import cars
from engagement.extract.choice import choose_can
from engagement.extract.segment import ReadOptions
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from tests.support.car_logs import SECOND_NS, START_NS, car_log, frame

pytest.importorskip("opendbc")

DBC = "toyota_nodsu_pt_generated"
COROLLA = "TOYOTA_COROLLA_TSS2"
LABEL = f"auto:{COROLLA} ({DBC}, opendbc {cars.cars_version()})"
UNKNOWN = f"auto:none (opendbc {cars.cars_version()})"
DEFAULT = ReadOptions(is_auto=True, is_default=True)
ASKED = ReadOptions(is_auto=True)


def frames(n=100, bus=0):
    turn = frame(DBC, "STEER_TORQUE_SENSOR", {"STEER_TORQUE_DRIVER": 50}, bus)
    wheel = frame(DBC, "WHEEL_SPEEDS", {"WHEEL_SPEED_FL": 30.33}, bus)
    odometers = [frame(DBC, "UI_SETTING", {"ODOMETER": km, "UNITS": 1}, bus) for km in (1000, 1003)]
    return [[turn, wheel, odometers[number * 2 // n]] for number in range(n)]


@dataclasses.dataclass
class Garage:
    """A folder of one drive's logs, and a database."""

    folder: object

    def __post_init__(self):
        self.database = self.folder / "engagement.duckdb"
        self.logs = self.folder / "rlogs"

    def park(self, number, content):
        path = self.logs / "0123456789abcdef" / f"2024-01-02--03-04-05--{number}" / "rlog"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def ingest(self, read=DEFAULT, **options):
        return ingest([self.logs], self.database, IngestOptions(read, jobs=1, **options))

    def rows(self, query):
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def profiles(self):
        return [name for (name,) in self.rows("select profile from segments order by segment_num")]


@pytest.fixture
def garage(tmp_path):
    return Garage(tmp_path)


@pytest.fixture(scope="module")
def corolla(tmp_path_factory):
    """A drive of two logs, its messages once on this bus, once on that."""
    garage = Garage(tmp_path_factory.mktemp("corolla"))
    garage.park(0, car_log(COROLLA, frames()))
    garage.park(1, car_log(COROLLA, frames(bus=1), start_ns=START_NS + SECOND_NS))
    garage.ingest()
    return garage


def on_both(name):
    return f"can:{name}@0 + {name}@1"


def test_a_drive_says_where_each_quantity_is_from(corolla):
    found = corolla.rows("select quantity, source, n_samples from signal_sources")
    by_name = {quantity: (source, n) for quantity, source, n in found}
    assert by_name == {
        "speed": ("carState", 200),
        "odometer": (on_both("UI_SETTING.ODOMETER"), 200),
        "cruise_buttons": ("carState", 0),
        "steering_driver_torque": (on_both("STEER_TORQUE_SENSOR.STEER_TORQUE_DRIVER"), 200),
        "steering_motor_torque": (on_both("STEER_TORQUE_SENSOR.STEER_TORQUE_EPS"), 200),
        "wheel_speeds": (by_name["wheel_speeds"][0], 200),
        "gas_pressed": ("carState", 200),
        "brake_pressed": ("carState", 200),
        "left_blinker": ("carState", 200),
        "right_blinker": ("carState", 200),
    }
    assert by_name["wheel_speeds"][0].count("WHEEL_SPEEDS.") == 8
    ((rate_hz,),) = corolla.rows("select rate_hz from signal_sources where quantity = 'odometer'")
    assert rate_hz == pytest.approx(200 / 1.99)


def test_without_can_signals_carstate_serves_or_nothing(garage):
    garage.park(0, car_log("NO SUCH CAR", frames()))

    report = garage.ingest()

    found = dict(garage.rows("select quantity, source from signal_sources"))
    assert (found["steering_driver_torque"], found["odometer"]) == ("carState", "none")
    assert (found["steering_motor_torque"], found["wheel_speeds"]) == ("none", "none")
    assert report.unknown_cars == {"NO SUCH CAR"}
    assert garage.profiles() == [UNKNOWN]


def test_the_odometer_is_a_check_of_the_distance_and_the_old_export_has_it(corolla):
    ((odometer_km, difference_km),) = corolla.rows(
        "select odometer_km, odometer_difference_km from data_quality"
    )
    assert (odometer_km, difference_km) == (3.0, 3.0)
    ((old_km, presses, steering),) = corolla.rows(
        "select odo_distance, cruise_press_time_ns, steer_intervention_count"
        " from result.legacy_drives"
    )
    assert (old_km, presses, steering) == (3.0, 0, 0)


def test_a_log_that_names_no_car_is_of_the_car_of_its_drive(garage):
    garage.park(0, car_log(COROLLA, frames()))
    garage.park(1, car_log("", frames(), has_car_params=False))
    garage.ingest()
    assert garage.profiles() == [LABEL, LABEL]

    garage.park(2, car_log("", frames(90), has_car_params=False))
    assert garage.ingest().n_ingested == 1
    assert garage.profiles() == [LABEL] * 3


def test_nothing_is_read_twice_by_default(garage):
    garage.park(0, car_log(COROLLA, frames()))
    garage.park(1, b"no log at all")
    garage.park(2, car_log("NO SUCH CAR", frames()))

    first, again = garage.ingest(), garage.ingest()

    assert (first.n_ingested, first.n_failed) == (2, 1)
    assert (again.n_ingested, again.n_failed, again.n_unchanged) == (0, 0, 3)


@pytest.mark.parametrize(
    ("before", "read", "is_again"),
    [
        (None, DEFAULT, True),
        ("mine", DEFAULT, False),
        (LABEL, DEFAULT, False),
        (LABEL.replace("opendbc ", "opendbc 0."), DEFAULT, False),
        (UNKNOWN.replace("opendbc ", "opendbc 0."), DEFAULT, True),
        (None, ASKED, True),
        ("mine", ASKED, True),
        (LABEL, ASKED, False),
        (LABEL.replace("opendbc ", "opendbc 0."), ASKED, True),
        (LABEL, ReadOptions(), False),
        (LABEL, ReadOptions(profile="mine"), True),
    ],
)
def test_what_was_read_otherwise_is_read_again_where_that_is_wanted(before, read, is_again):
    assert read.is_met_by(before) == (not is_again)


def test_logs_without_signals_are_read_again_once_a_car_is_looked_for(garage):
    garage.park(0, car_log(COROLLA, frames(4)))
    assert garage.ingest(ReadOptions()).n_ingested == 1
    assert garage.profiles() == [None]

    assert garage.ingest().n_ingested == 1
    assert garage.profiles() == [LABEL]
    assert garage.ingest(ReadOptions()).n_unchanged == 1


PROFILES = '{"default_profile": "%s", "profiles": {%s}}'


@pytest.mark.parametrize(
    ("default", "name", "wanted"),
    [
        ("", None, (True, True)),
        ("", "auto", (True, False)),
        ("", "none", (False, False)),
        ("none", None, (False, False)),
        ("auto", None, (True, False)),
        ("none", "auto", (True, False)),
    ],
)
def test_the_choice_of_signals(tmp_path, default, name, wanted):
    file = tmp_path / "profiles.json"
    file.write_text(PROFILES % (default, ""))

    chosen = choose_can(profiles_file=file, name=name, cwd=tmp_path)

    assert (chosen.is_auto, chosen.is_default, chosen.specs) == (*wanted, ())
    assert chosen.wants_can == chosen.is_auto


def test_without_the_extra_nothing_is_chosen_unless_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("engagement.extract.choice.has_cars", lambda: False)

    nothing = choose_can(profiles_file=None, name=None, cwd=tmp_path)
    assert (nothing.wants_can, nothing.lacks_cars) == (False, True)
    file = tmp_path / "profiles.json"
    file.write_text(PROFILES % ("none", ""))
    for silent in ("none", None):
        assert not choose_can(profiles_file=file, name=silent, cwd=tmp_path).lacks_cars
    with pytest.raises(cars.MissingCarsError):
        choose_can(profiles_file=None, name="auto", cwd=tmp_path)
