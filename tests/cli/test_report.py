from __future__ import annotations

import csv
import io
import json

import pytest

from engagement.cli import columns
from engagement.cli.exit_codes import ExitCode
from engagement.legacy.imports import import_files
from engagement.simulate import fleet
from engagement.store.reader import Reader
from tests.support.terminal import raw_in_terminal

NEO, TICI = fleet.NEO.dongle_id, fleet.TICI.dongle_id


def parse_csv(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_drives_stand_newest_first_under_their_device_with_its_total(shown):
    lines = shown("report", columns=140).splitlines()
    first_words = [line.split()[0] for line in lines[3:] if line.strip()]
    assert first_words == [
        TICI, "2023-08-22--16-03-48", "2021-04-09--17-40-31", "total",
        NEO, "2019-11-14--08-12-05", "total", "3",
    ]  # fmt: skip


def test_the_footer_counts_what_is_missing_and_marks_qlogs(shown, run):
    output = shown("report", columns=140)
    footer = "3 drives of 2 devices, 1 segment missing, 0 logs damaged, 1 with qlogs"
    assert footer in output.splitlines()[-1]
    assert "2019-11-14--08-12-05 ~" in output
    assert footer in run("report").stderr


def test_a_pipe_gets_a_line_a_drive_with_tabs(run):
    heading, *rows = run("report").stdout.splitlines()
    assert heading.split("\t")[:3] == ["device", "drive", "started"]
    assert [row.split("\t")[:2] for row in rows] == [
        [TICI, "2023-08-22--16-03-48"], [TICI, "2021-04-09--17-40-31"],
        [NEO, "2019-11-14--08-12-05"],
    ]  # fmt: skip
    assert {row.count("\t") for row in rows} == {heading.count("\t")}


def test_json_holds_the_views_as_they_are(run, database):
    document = json.loads(run("report", "--json", "--speed-bands").stdout)
    with Reader(database) as reader:
        drives, devices = reader.comments("drives"), reader.comments("devices")
        engaged_s = reader.rows("select sum(engaged_s) as s from drives")[0]["s"]
    assert list(document) == ["drives", "devices", "speed_bands", "definitions"]
    assert list(document["drives"][0]) == list(drives)
    assert list(document["devices"][0]) == list(devices)
    assert sum(drive["engaged_s"] for drive in document["drives"]) == pytest.approx(engaged_s)
    assert document["drives"][0]["started_at_utc"].startswith("2023-08-22T")


def test_csv_holds_the_same_as_json(run):
    rows = parse_csv(run("report", "--csv").stdout)
    drives = json.loads(run("report", "--json").stdout)["drives"]
    assert [row["drive"] for row in rows] == [drive["drive"] for drive in drives]
    assert [float(row["known_s"]) for row in rows] == [drive["known_s"] for drive in drives]
    assert rows[0]["is_imported"] == "false"


@pytest.mark.parametrize(
    ("options", "view"), [(["--device-stats"], "devices"), (["--speed-bands"], "speed_bands")]
)
def test_csv_is_of_the_table_that_was_asked_for(run, options, view):
    rows = parse_csv(run("report", "--csv", *options).stdout)
    document = json.loads(run("report", "--json", *options).stdout)
    assert [list(row) for row in rows] == [[*row, "definitions"] for row in document[view]]


def test_totals_are_of_the_selected_drives_only(run):
    document = json.loads(run("report", "--json", "--since", "2022-01-01").stdout)
    assert [drive["drive"] for drive in document["drives"]] == ["2023-08-22--16-03-48"]
    assert [device["dongle_id"] for device in document["devices"]] == [TICI]
    for name in ("known_s", "engaged_s", "distance_km", "n_interventions", "coverage"):
        assert document["devices"][0][name] == pytest.approx(document["drives"][0][name])


def test_dates_are_inclusive(run):
    def drives(*options):
        return len(json.loads(run("report", "--json", *options).stdout)["drives"])

    assert drives("--since", "2023-08-22") == 1
    assert drives("--since", "2023-08-23") == 0
    assert drives("--until", "2019-11-14") == 1
    assert drives("--until", "2019-11-13") == 0


def test_a_drive_is_a_bound_too(run):
    names = ["2019-11-14--08-12-05", "2021-04-09--17-40-31", "2023-08-22--16-03-48"]
    for option, wanted in (("--since", names[1:]), ("--until", names[:2])):
        for bound in (names[1], f"{TICI}|{names[1]}"):
            found = parse_csv(run("report", option, bound, "--csv").stdout)
            assert sorted(row["drive"] for row in found) == wanted
    result = run("report", "--since", names[1], "--until", names[0])
    assert result.exit_code == ExitCode.USAGE
    assert "is before --since" in result.stderr


def test_speed_bands_add_up_to_the_drives(run):
    document = json.loads(run("report", "--json", "--speed-bands").stdout)
    known_s = sum(band["known_s"] for band in document["speed_bands"])
    assert known_s == pytest.approx(sum(drive["known_s"] for drive in document["drives"]), rel=0.02)
    assert {band["speed_band"] for band in document["speed_bands"]} <= {"city", "road", "highway"}


@pytest.mark.parametrize("column", ["distance_km", "drive", "coverage"])
def test_sort_puts_numbers_from_the_greatest_and_text_from_a(run, column):
    drives = json.loads(run("report", "--json", "--sort", column).stdout)["drives"]
    values = [drive[column] for drive in drives]
    assert values == sorted(values, reverse=column != "drive")


def test_an_unknown_column_is_answered_with_the_nearest(run):
    result = run("report", "--sort", "engaged_fractoin")
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr == (
        "engagement: --sort: no column of drives 'engaged_fractoin'; "
        "did you mean 'engaged_fraction'?\n"
    )


@pytest.fixture
def database_of_old_entry(tmp_path):
    """A drive whose only clock is its name."""
    drive = {"drive": "2018-03-04--05-06-07", "recorded_at": "2018-03-04T05:06:07"}
    (tmp_path / "old.json").write_text(json.dumps([drive | {"device_id": NEO}]))
    path = tmp_path / "old.duckdb"
    import_files(path, [tmp_path / "old.json"])
    return path


def test_a_start_that_is_local_time_is_marked(shown, database_of_old_entry):
    report = shown("report", "--db", database_of_old_entry, columns=200)
    assert "2018-03-04 05:06 ^" in report
    assert report.rstrip().endswith("1 started by the device's local time (^)")
    drives = raw_in_terminal("drives", "--db", database_of_old_entry).decode()
    assert "2018-03-04 05:06 ^" in drives
    assert "^ the device's local time" in drives
    assert "^" not in shown("report") + shown("drives")


def test_a_device_goes_by_the_start_of_its_name(run):
    drives = json.loads(run("report", "--json", "--device", "4D3C").stdout)["drives"]
    assert {drive["dongle_id"] for drive in drives} == {NEO}


def test_an_unknown_device_names_those_there_are(run):
    result = run("report", "--device", "ffff")
    assert result.exit_code == ExitCode.FAILED
    assert "no device 'ffff'" in result.stderr
    assert NEO in result.stderr


def test_an_empty_start_fits_several_devices(run):
    result = run("report", "--device", "")
    assert result.exit_code == ExitCode.USAGE
    assert NEO in result.stderr
    assert TICI in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--since", "yesterday"], "'yesterday' is no date; write it like 2025-07-31"),
        (["--until", "2025-02-30"], "'2025-02-30' is no date"),
        (["--since", "2025-02-01", "--until", "2025-01-31"], "2025-01-31 is before --since"),
        (["--until", "2025-01-31", "--since", "2025-02-01"], "2025-01-31 is before --since"),
        (["--json", "--csv"], "exclude each other"),
    ],
)
def test_what_is_typed_wrongly_is_exit_2(run, options, message):
    result = run("report", *options)
    assert result.exit_code == ExitCode.USAGE
    assert message in result.stderr
    assert result.stdout == ""


def test_no_drive_at_all_is_said_and_no_error(run):
    result = run("report", "--since", "2030-01-01")
    assert result.exit_code == ExitCode.OK
    assert result.stdout == ""
    assert "no drive fits --since 2030-01-01; without it there would be 3" in result.stderr


def test_every_column_of_the_tables_is_one_of_its_view(database):
    with Reader(database) as reader:
        known = {view: set(reader.comments(view)) for view in ("drives", "devices", "speed_bands")}
    assert {column.name for column in (*columns.DRIVES, *columns.DRIVE_LIST)} <= known["drives"]
    assert {column.name for column in (*columns.DEVICES, *columns.DEVICE_LIST)} <= known["devices"]
    assert {column.name for column in columns.SPEED_BANDS} <= known["speed_bands"]


@pytest.mark.parametrize("command", ["devices", "drives"])
def test_lists_have_every_column_of_their_view(run, database, command):
    with Reader(database) as reader:
        names = [*reader.comments(command), "definitions"]
    document = json.loads(run(command, "--json").stdout)
    assert [list(row) for row in document] == [names] * len(document)
    assert run(command, "--csv").stdout.split("\n")[0] == ",".join(names)
    assert NEO in run(command).stdout


def test_drives_can_be_narrowed(run):
    result = run("drives", "--device", TICI, "--until", "2022-01-01", "--csv")
    assert [row["drive"] for row in parse_csv(result.stdout)] == ["2021-04-09--17-40-31"]
