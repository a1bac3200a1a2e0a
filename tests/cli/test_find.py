"""`engagement find`: moments listed and counted, as brute force over `samples` has them."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest

from engagement.cli import find as find_module
from engagement.find.moments import find_moments, read_expression
from engagement.moments.grammar import parse
from engagement.moments.signals import known_signals
from engagement.store.reader import Reader
from tests.oracles.find import moments

EXPRESSIONS = (
    "engaged and v_ego_mps > 15 for 1s",
    "is_lead_present and lead_ttc_s < 8 or a_ego_mps2 < -1, then falls(engaged) within 20s",
    "rises(is_lateral_override), not planned",
)


@pytest.fixture
def expected(database):
    """Moments and exposure of each drive, by brute force."""

    def of(text):
        with Reader(database) as reader:
            rows = reader.rows("from samples")
            pattern = parse(text, known_signals(reader.rows))
        ticks = defaultdict(dict)
        for row in rows:
            ticks[row["drive_id"]][row["mono_ns"] // 10**8] = row
        return {drive_id: moments(pattern, ticks[drive_id]) for drive_id in ticks}

    return of


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_moments_are_those_of_brute_force(text, run, expected):
    listed = json.loads(run("find", text, "--json").stdout)
    rate = json.loads(run("find", text, "--rate", "--json").stdout)
    of_drives = expected(text)
    found = defaultdict(list)
    for row in listed:
        found[row["drive_id"]].append((row["mono_ns"] // 10**8, row["end_mono_ns"] // 10**8))
    assert listed
    assert found == {drive_id: told for drive_id, (told, _) in of_drives.items() if told}
    [group] = rate
    n_ticks = sum(n_judged for _, n_judged in of_drives.values())
    assert group["n_events"] == len(listed)
    assert group["exposure_h"] == pytest.approx(n_ticks / 36000)
    assert group["per_hour_lower"] < group["per_hour"] < group["per_hour_upper"]


def test_a_moment_has_its_drives_names_and_its_time(run):
    rows = json.loads(run("find", "rises(engaged)", "--json").stdout)
    drives = {row["drive_id"]: row for row in json.loads(run("drives", "--json").stdout)}
    for row in rows:
        drive = drives[row["drive_id"]]
        assert row["moment"] == f"{drive['drive']}@{row['time_s']:.1f}"
        assert (row["git_branch"], row["version"]) == (drive["git_branch"], drive["version"])
        assert 0 < row["time_s"] < drive["duration_s"]
        assert row["duration_s"] > 0


def test_groups_have_the_moments_of_their_drives(run):
    whole = json.loads(run("find", "engaged", "--rate", "--json").stdout)[0]
    groups = json.loads(run("find", "engaged", "--rate", "--by", "device", "--json").stdout)
    assert len(groups) > 1
    assert sum(group["n_events"] for group in groups) == whole["n_events"]
    one = groups[0]["group_name"]
    options = ("--rate", "--by", "device", "--device", one, "--json")
    assert json.loads(run("find", "engaged", *options).stdout) == groups[:1]


def test_tables_say_in_how_much_driving_there_was_nothing(run):
    nothing = run("find", "v_ego_mps > 500")
    assert nothing.stdout == ""
    assert "no such moment in the" in nothing.stderr
    assert "could be told" in run("find", "engaged").stderr
    assert "/hour" in run("find", "engaged", "--rate").stdout


def test_a_name_finds_what_its_expression_finds_and_is_listed(run):
    names = {row["name"]: row for row in json.loads(run("find", "--names", "--json").stdout)}
    one = names["close_following"]
    assert (
        run("find", "close_following", "--json").stdout == run("find", one["find"], "--json").stdout
    )
    assert one["says"][:20] in run("find", "--names", "--csv").stdout
    assert "close_following" in run("find", "--names").stdout


def test_what_takes_longer_than_it_may_is_stopped(run, monkeypatch):
    def late(reader, *_, **__):
        reader.rows("select count(*) from range(10_000_000_000) where range % 7 = 3")

    monkeypatch.setattr(find_module, "find_moments", late)
    stopped = run("find", "engaged", "--time-limit", "0.1")
    assert stopped.exit_code == 2
    assert "longer than 0.1 s" in stopped.stderr


def test_progress_is_told_in_drives_and_nothing_of_it_is_piped(database, run):
    seen = []
    with Reader(database) as reader:
        query = read_expression(reader, "engaged")
        find_moments(reader, query, on_progress=lambda *told: seen.append(told))
        n_drives = len(reader.rows("from drives where not is_imported"))
    assert seen[0] == (0, n_drives)
    assert seen == sorted(seen)
    assert run("find", "engaged", "--json").stderr == ""


@pytest.mark.parametrize(
    ("words", "said", "exit_code"),
    [
        (("v_egomps > 2",), "did you mean 'v_ego_mps'", 1),
        (("V_EGO_MPS > 2",), "did you mean 'v_ego_mps'", 1),
        ((), "--names lists", 2),
        (("engaged and",), "ends too soon", 2),
        (("engaged", "--by", "branch"), "--by goes with --rate", 2),
        (("engaged", "--rate", "--by", "night"), "groups of whole drives", 2),
        (("engaged", "--car", "NOBODYS CAR"), "no car 'NOBODYS CAR'", 1),
        (("engaged", "--save", "My Name"), "no name of a moment", 2),
        (("v_egomps > 3", "--save", "mine"), "did you mean 'v_ego_mps'", 1),
        (("--forget", "nobody"), "no saved moment 'nobody'", 1),
        (("engaged", "--save", "mine", "--since", "2024-01-01"), "counted in all drives", 2),
        (("engaged", "--save", "mine", "--rate"), "counted in all drives", 2),
        (("engaged", "--save", "mine", "--forget", "mine"), "two commands", 2),
        (("--save", "mine"), "--names lists", 2),
        (("engaged", "--forget", "mine"), "no expression", 2),
    ],
)
def test_what_can_not_be_answered_is_told(words, said, exit_code, run):
    failed = run("find", *words)
    assert failed.exit_code == exit_code
    assert said in failed.stderr
    assert "Traceback" not in failed.stderr
