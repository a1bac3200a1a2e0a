"""Kilometres and miles: tables and sentences convert, what programs read does not."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil

import duckdb
import pytest

from engagement.analysis.device_units import read_units
from engagement.cli import columns
from engagement.simulate import fleet
from engagement.store.reader import Reader
from engagement.units import IMPERIAL, METRIC, UNITS

NEO, TICI = fleet.NEO.dongle_id, fleet.TICI.dongle_id
TABLES = [
    ["report"], ["report", "--device-stats"], ["drives"], ["devices"], ["rates", "--by", "device"],
    ["rates", "--by", "device", "--event", "intervention"], ["events"],
]  # fmt: skip
COMPARE = ["compare", "--by", "device", NEO, TICI]


def table(text):
    return list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))


def numbers(text):
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", text)]


FACTORS = {"/100 mi": 1.609344, "mi": 1 / 1.609344, "mph": 3600 / 1609.344, "ft": 1 / 0.3048}
SI_NAMES = {"mi": "km", "/100 mi": "/100 km", "mph": "m/s", "ft": "m"}


@pytest.mark.parametrize("command", TABLES, ids=" ".join)
def test_every_number_of_a_table_is_the_same_in_other_units(run, command):
    metric = table(run(*command, "--units", "metric").stdout)
    imperial = table(run(*command, "--units", "imperial").stdout)
    assert len(metric) == len(imperial) > 0
    n_converted = 0
    for heading in imperial[0]:
        unit = next((unit for unit in FACTORS if f" {heading}".endswith(f" {unit}")), "")
        before = heading.removesuffix(unit) + SI_NAMES.get(unit, "")
        for one, other in zip(metric, imperial, strict=True):
            if not unit:
                assert one[heading] == other[heading]
                continue
            n_converted += 1
            for value, shown in zip(numbers(one[before]), numbers(other[heading]), strict=True):
                assert shown == pytest.approx(value * FACTORS[unit], rel=0.006, abs=0.2)
    assert n_converted


@pytest.mark.parametrize("command", [*TABLES, COMPARE, ["status"]], ids=" ".join)
def test_what_programs_read_is_in_si_whatever_people_read(run, command):
    metric = run(*command, "--json", "--units", "metric")
    assert run(*command, "--json", "--units", "imperial").stdout == metric.stdout
    if command not in (COMPARE, ["status"]):
        outputs = {run(*command, "--csv", "--units", units).stdout for units in UNITS}
        assert len(outputs) == 1


def test_sentences_and_markdown_of_a_comparison_are_in_the_readers_units(run):
    measures = json.loads(run(*COMPARE, "--json").stdout)["measures"]
    [rate] = [one for one in measures if one["name"] == "interventions_per_100km"]
    texts = [run(*COMPARE, *more, "--units", "imperial").stdout for more in ([], ["--markdown"])]
    for text in texts:
        assert "per 100 mi" in text
        assert "km" not in text
        assert f"{rate['a']['value'] * 1.609344:.0f} (" in text
    [miles] = re.findall(r"(\d[\d ]*) mi more", texts[0])[:1]
    [km] = re.findall(r"(\d[\d ]*) km more", run(*COMPARE, "--units", "metric").stdout)[:1]
    assert float(miles.replace(" ", "")) == pytest.approx(
        float(km.replace(" ", "")) / 1.609344, rel=0.1
    )
    condition = "interventions_per_100km a > 0"
    assert run(*COMPARE, "--units", "imperial", "--fail-if", condition).exit_code == 1


def test_the_variable_says_it_too_and_the_option_more(run):
    environment = {"ENGAGEMENT_UNITS": "imperial"}
    assert "\tmi\t" in run("report", env=environment).stdout
    assert "\tkm\t" in run("report", "--units", "metric", env=environment).stdout
    wrong = run("report", env={"ENGAGEMENT_UNITS": "furlongs"})
    assert wrong.exit_code == 2
    assert "'metric', 'imperial'" in wrong.stderr


@pytest.fixture
def set_devices(database, tmp_path):
    """Have devices say that they are metric or not, one after the other."""

    def set_devices(*values):
        path = tmp_path / "set.duckdb"
        shutil.copy(database, path)
        with duckdb.connect(path) as connection:
            schema, name = connection.execute(
                "select schema_name, table_name from duckdb_columns() where column_name = 'value' "
                "and table_name in ('params', 'param') and schema_name = 'result'"
            ).fetchone()
            where = f"{schema}.{name}"
            for device, value in zip((NEO, TICI), values, strict=True):
                connection.execute(
                    f"update {where} set value = ? where name = 'IsMetric' and drive_id in "
                    "(select drive_id from drives where dongle_id = ?)",
                    [value, device],
                )
        return path

    return set_devices


@pytest.mark.parametrize(
    ("values", "units"),
    [(("1", "1"), METRIC), (("0", "0"), IMPERIAL), (("0", "1"), METRIC), (("", "0"), METRIC)],
)
def test_without_a_choice_it_is_what_the_devices_agree_on(run_alone, set_devices, values, units):
    path = set_devices(*values)
    with Reader(path) as reader:
        assert read_units(reader) is units
    [heading, *_rows] = run_alone("devices", "--db", path).stdout.splitlines()
    assert heading.split("\t")[-1] == units.distance.name


def test_a_device_alone_has_its_own(run_alone, set_devices):
    path = set_devices("0", "1")
    [heading] = run_alone("report", "--db", path, "--device", NEO).stdout.splitlines()[:1]
    assert "\tmi\t" in heading


def test_every_column_of_a_quantity_that_is_converted_says_its_unit():
    """A column in km, m or m/s whose unit nobody converts would be in kilometres among miles."""
    converted = r"(_km|per_100km|speed_mps|distance_m)$"
    tables = (
        columns.DRIVES, columns.DEVICES, columns.SPEED_BANDS, columns.DRIVE_LIST,
        columns.DEVICE_LIST, columns.EVENTS, columns.GROUPS, columns.RATES,
    )  # fmt: skip
    for column in (column for columns_ in tables for column in columns_):
        assert (column.unit == "device") == (column.name == "dongle_id")
        is_converted = column.unit not in ("", "device")
        assert bool(re.search(converted, column.name)) == is_converted, column.name
        assert ("{unit}" in column.heading) == is_converted
        assert not re.search(r"\b(km|mi|m/s|mph)\b", column.heading)
