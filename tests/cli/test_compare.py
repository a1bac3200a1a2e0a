from __future__ import annotations

import json
import re

import pytest

from engagement.analysis.measures import measure_names
from engagement.cli.exit_codes import ExitCode
from engagement.simulate import fleet
from engagement.store.reader import Reader
from tests.analysis.fleets import Fleet
from tests.support.fleet_database import write_fleet

NEO, TICI = fleet.NEO.dongle_id, fleet.TICI.dongle_id
DEVICES = ("compare", "--by", "device", NEO, TICI)
ANY = "interventions_per_100km b > 0"
NEVER = "interventions_per_100km b > 1e6"


def document(run, *arguments):
    result = run(*arguments, "--json")
    assert result.exit_code == ExitCode.OK, result.stderr
    return json.loads(result.stdout)


def measure(found, name):
    return next(entry for entry in found["measures"] if entry["name"] == name)


def test_a_table_names_the_groups_says_one_sentence_and_lists_measures(shown):
    lines = shown(*DEVICES, columns=250).splitlines()
    assert lines[0].startswith(f"A  device {NEO}: 1 drive, ")
    assert lines[1].startswith(f"B  device {TICI}: 2 drives, ")
    assert lines[3] == "too few drives to tell whether B is better than A"
    assert " x the interventions per 100 km of A" in lines[4]
    headings = re.split("  +", lines[6])
    assert [word.strip() for word in headings if word.strip()] == [
        "B is", "A", "A 95 %", "B", "B 95 %", "B / A (95 %)", "p", "q", "naive p", "dispersion",
        "still needed",
    ]  # fmt: skip
    assert "events per 100 km engaged" in lines
    assert any(line.startswith("interventions  ") for line in lines)
    assert any(line.startswith("share of time engaged  ") for line in lines)


def test_a_pipe_gets_the_measures_with_tabs(run):
    lines = run(*DEVICES).stdout.splitlines()
    [start] = [number for number, line in enumerate(lines) if line.startswith("kind\tmeasure\t")]
    headings = lines[start].split("\t")
    rows = [line.split("\t") for line in lines[start + 1 : lines.index("", start)]]
    assert len(headings) == 13
    assert {len(row) for row in rows} == {13}
    assert ("events per 100 km engaged", "interventions") in {tuple(row[:2]) for row in rows}


def test_what_makes_groups_hard_to_compare_is_on_stderr(run):
    stderr = run(*DEVICES).stderr
    assert "warning: logs are decimated: 1 of 1 drives of A and 0 of 2 of B" in stderr


def test_json_has_stable_keys(run):
    found = document(run, *DEVICES)
    assert list(found) == [
        "by", "a", "b", "n_others", "verdict", "warnings", "measures", "conditions", "definitions",
    ]  # fmt: skip
    assert list(found["a"]) == [
        "name", "n_drives", "n_engaged_drives", "n_qlog_drives", "cars", "known_h", "engaged_h",
        "distance_km", "engaged_km",
    ]  # fmt: skip
    assert [entry["name"] for entry in found["measures"]] == measure_names()
    assert list(found["measures"][0]) == [
        "name", "label", "unit", "kind", "exposure_unit", "better", "a", "b", "ratio",
        "crude_ratio", "is_stratified", "compared_fraction", "alike_fraction", "obstacle", "bands",
        "dispersion", "basis", "n_others", "answer", "p_value", "naive_p_value", "needed_a",
        "needed_b", "sequence", "q_value", "is_enough", "sentence",
    ]  # fmt: skip
    assert list(found["measures"][0]["a"]) == [
        "n_drives", "n_untold_drives", "n_events", "exposure_h", "exposure_km", "value", "lower",
        "upper", "interval",
    ]  # fmt: skip


def test_numbers_agree_with_the_views(run, database):
    found = document(run, *DEVICES)
    with Reader(database) as reader:
        rates = reader.rows(
            "from rates where grouped_by = 'device' and mode = 'engaged' "
            "order by group_name = ? desc",
            [NEO],
        )
        drives = reader.rows(
            "select sum(engaged_s) / sum(known_s) as share from drives where dongle_id = ?", [TICI]
        )
    for row in rates:
        side = "a" if row["group_name"] == NEO else "b"
        plural = row["event"].replace("disengagement", "disengagements", 1)
        plural = plural if plural.startswith("disengagements") else row["event"] + "s"
        for unit in ("100km", "hour"):
            entry = measure(found, f"{plural}_per_{unit}")[side]
            assert entry["n_events"] == row["n_events"]
            assert entry["value"] == pytest.approx(row[f"per_{unit}"])
            assert entry["lower"] == pytest.approx(row[f"per_{unit}_lower"], abs=1e-9)
            assert entry["upper"] == pytest.approx(row[f"per_{unit}_upper"])
            assert entry["interval"] == row[f"per_{unit}_dispersion_source"]
    assert measure(found, "engaged_fraction")["b"]["value"] == pytest.approx(drives[0]["share"])


def test_drives_can_be_narrowed_first(run):
    whole = document(run, "compare", "--by", "month", "2019-11", "2021-04")
    narrowed = document(
        run, "compare", "--by", "date", "..2020-12-31", "2021-01-01..", "--until", "2021-12-31"
    )
    assert [narrowed[side]["n_drives"] for side in "ab"] == [1, 1]
    assert narrowed["measures"] == whole["measures"]


@pytest.mark.parametrize(
    ("by", "a", "b"),
    [
        ("branch", "release2", "release3"),
        ("version", "0.6.6", "0.9.4"),
        ("commit", "8f22", "fa31"),
        ("device", "4d3c", "7f0e"),
        ("month", "2019-11", "2023-08"),
        ("date", "..2020-01-01", "2023-01-01..2023-12-31"),
        ("param:Version", "0.6.6", "0.9.4"),
    ],
)
def test_drives_are_grouped_by_what_they_are(run, by, a, b):
    found = document(run, "compare", "--by", by, a, b)
    assert found["by"] == by
    assert found["a"]["name"].startswith(a)
    assert found["b"]["name"].startswith(b)


def test_markdown_goes_to_stdout_and_with_out_to_a_file_too(run, tmp_path):
    printed = run(*DEVICES, "--markdown")
    written = run(*DEVICES, "--out", tmp_path / "report.md")
    assert printed.exit_code == written.exit_code == ExitCode.OK
    assert printed.stdout.startswith(f"### `{TICI}` against `{NEO}`, by device\n\n**Too few drives")
    assert "| interventions | " in printed.stdout
    assert "> [!WARNING]\n> - Logs are decimated" in printed.stdout
    assert (tmp_path / "report.md").read_text() == printed.stdout
    assert written.stdout.startswith(f"A  device {NEO}")


def test_the_database_is_not_overwritten(run, database):
    size = database.stat().st_size
    result = run(*DEVICES, "--out", database)
    assert result.exit_code == ExitCode.USAGE
    assert "is the database" in result.stderr
    assert database.stat().st_size == size


def test_rates_per_hour_are_shown_if_wanted(run):
    stdout = run(*DEVICES, "--per", "hour").stdout
    assert " x the interventions per hour of A" in stdout
    assert "events per hour engaged" in stdout


@pytest.mark.parametrize("output", [[], ["--json"], ["--markdown"]])
def test_a_condition_that_holds_is_exit_1_after_the_report(run, output):
    result = run(*DEVICES, *output, "--fail-if", NEVER, "--fail-if", ANY)
    assert result.exit_code == ExitCode.FAILED
    assert "interventions" in result.stdout
    lines = result.stderr.splitlines()
    assert any(line.startswith(f"{NEVER} does not hold: b of interv") for line in lines)
    assert any(line.startswith(f"{ANY} holds: b of interventions per ") for line in lines)


def test_a_condition_that_does_not_hold_is_exit_0(run):
    found = document(run, *DEVICES, "--fail-if", NEVER)
    assert [entry["state"] for entry in found["conditions"]] == ["does_not_hold"]


@pytest.mark.parametrize(
    "condition",
    [
        "interventions_per_100km ratio > 1.2 at p < 0.05",
        "interventions_per_100km ratio > 1.2 sequential",
        "lateral_error_mean_mps2 ratio > 1.1",
    ],
)
def test_with_too_few_drives_a_condition_is_a_status_of_its_own(run, condition):
    result = run(*DEVICES, "--json", "--fail-if", condition)
    assert result.exit_code == ExitCode.TOO_FEW
    assert f"{condition} can't be told: " in result.stderr
    assert json.loads(result.stdout)["conditions"][0]["state"] == "too_few"
    assert run(*DEVICES, "--fail-if", condition, "--fail-if", ANY).exit_code == ExitCode.FAILED


@pytest.fixture(scope="module")
def fleets(tmp_path_factory):
    """Branches: `town` and `highway` hardly overlap, `worse` has six times as much as `master`."""
    fleet = Fleet()
    rates = {"intervention": 10.0}
    fleet.add("older", 40, per_100km=rates)
    fleet.add("master", 20, per_100km=rates)
    fleet.add("worse", 30, per_100km={"intervention": 60.0})
    for branch, bands in (("town", ("city", "highway")), ("highway", ("highway", "city"))):
        for band, n_drives in zip(bands, (12, 2), strict=True):
            fleet.add(branch, n_drives, per_100km=rates, bands=(band,))
    path = tmp_path_factory.mktemp("fleets") / "fleets.duckdb"
    write_fleet(fleet, path)
    return path


def test_drives_at_different_speeds_are_a_status_of_their_own(run_alone, fleets):
    branches = ("compare", "--by", "branch", "town", "highway", "--db", fleets)
    result = run_alone(*branches, "--fail-if", "interventions_per_100km ratio > 1.2 at p < 0.05")
    assert result.exit_code == ExitCode.NOT_COMPARABLE, result.stderr
    assert "is not judged, as the speeds differ: A and B were driven at different" in result.stderr
    assert re.search(r"city A \d+ in [\d.]+ km, B \d+ in [\d.]+ km", result.stderr)


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("interventions_per_100km ratio > 1.2 at p < 0.05", ExitCode.FAILED),
        ("interventions_per_100km ratio > 1.2 sequential", ExitCode.FAILED),
        ("interventions_per_100km ratio < 1 sequential", ExitCode.OK),
    ],
)
def test_a_much_worse_branch_fails_at_once_and_sequentially(run_alone, fleets, condition, status):
    branches = ("compare", "--by", "branch", "master", "worse", "--db", fleets)
    result = run_alone(*branches, "--fail-if", condition)
    assert result.exit_code == status, result.stderr
    assert result.stdout.splitlines()[3].startswith("B is worse than A: interventions (")


def test_the_decision_is_the_same_when_more_drives_come(run_alone, fleets):
    branches = ("compare", "--by", "branch", "master", "worse", "--db", fleets, "--json")
    found = json.loads(run_alone(*branches, "--sequential").stdout)
    sequence = measure(found, "interventions_per_100km")["sequence"]
    assert sequence["method"] == "e-value"
    look = sequence["looks"][sequence["decided"]]
    assert look["evidence"] >= sequence["limit"] == 20
    assert all(one["evidence"] < 20 for one in sequence["looks"][: sequence["decided"]])
    assert len(sequence["looks"]) > sequence["decided"] + 1


def test_looks_after_every_drive_are_said_and_in_json(run):
    stdout = run(*DEVICES, "--sequential").stdout
    assert "interventions per 100 km: no look yet, which takes three dated drives" in stdout
    found = document(run, *DEVICES, "--sequential", "--until-drives", "30")
    sequence = measure(found, "interventions_per_100km")["sequence"]
    assert (sequence["method"], sequence["until_drives"], sequence["looks"]) == ("line", 30, [])
    assert measure(found, "disengagements_per_100km")["sequence"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--by", "branch", "relese3", "release2"], ExitCode.USAGE,
         "no branch 'relese3'; did you mean 'release3'? There is release2 (1 drive), release3 "),
        (["--by", "fork", "openpilot", "openpilot"], ExitCode.USAGE,
         "A and B are the same fork: 'openpilot'"),
        (["--by", "branches", "a", "b"], ExitCode.USAGE, "did you mean 'branch'?"),
        (["--by", "param:Nope", "a", "b"], ExitCode.USAGE, "no param 'Nope'"),
        (["--by", "date", "2019", "2020"], ExitCode.USAGE, "'2019' is no range of dates"),
        (["--by", "date", "2019-01-01..", "2020-01-01.."], ExitCode.USAGE, "overlap"),
        (["release2", "release3"], ExitCode.USAGE, "Missing option '--by'"),
        (["--by", "branch", "release2"], ExitCode.USAGE, "Missing argument 'B'"),
        (["--by", "branch", "release2", "release3", "--fail-if", "x ratio > 1"], ExitCode.USAGE,
         "--fail-if 'x ratio > 1': no measure 'x'; allowed: interventions_per_100km"),
        (["--by", "branch", "release2", "release3", "--json", "--markdown"], ExitCode.USAGE,
         "exclude each other"),
        (["--by", "branch", "release2", "release3", "--until-drives", "5"], ExitCode.USAGE,
         "--until-drives goes with --sequential"),
        (["--by", "branch", "release2", "release3", "--until-drives", "0"], ExitCode.USAGE,
         "is not in the range"),
        (["--by", "branch", "release2", "release3", "--device", "ffff"], ExitCode.USAGE,
         "no device 'ffff'"),
        (["--by", "branch", "release2", "release3", "--since", "2030-01-01"], ExitCode.USAGE,
         "no branch 'release2'; there is none"),
    ],
)  # fmt: skip
def test_what_can_not_be_compared_is_answered(run, arguments, code, message):
    result = run("compare", *arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stdout == ""


def test_the_report_that_can_not_be_written_is_an_error(run, tmp_path):
    result = run(*DEVICES, "--out", tmp_path / "nowhere" / "report.md")
    assert result.exit_code == ExitCode.FAILED
    assert "nowhere" in result.stderr


def test_names_from_logs_do_not_reach_the_terminal_raw(run):
    result = run("compare", "--by", "branch", "\x1b[31mred", "release3")
    assert result.exit_code == ExitCode.USAGE
    assert "\x1b" not in result.stderr
    assert "\\x1b[31mred" in result.stderr
