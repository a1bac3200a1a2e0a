"""What the planned drives are like, before a log of them is written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engagement.simulate import plan_drives, truth_of
from engagement.simulate.plans import press_length_s
from engagement.simulate.scenario import Cause, Engagement, Press, Signs, Why
from engagement.simulate.styles import is_experimental, personality
from engagement.simulate.world import make_world
from tests.simulate.read_back import PLANS


@pytest.mark.parametrize("seed", range(1, 6))
def test_every_cause_sign_reason_and_takeover_occurs_in_the_fleet(seed):
    drives = plan_drives(8, seed=seed)
    engagements = [engagement for drive in drives for engagement in drive.engagements]
    assert {engagement.cause for engagement in engagements} == set(Cause)
    assert {engagement.signs for engagement in engagements} == set(Signs)
    assert {press.why for drive in drives for press in drive.presses} == set(Why)
    found = [i for drive in drives for i in truth_of(drive).interventions]
    kinds = {(i.mode, i.inputs, i.ends_engagement) for i in found}
    assert kinds == {
        ("engaged", ("brake",), True),
        ("engaged", ("brake", "steer"), True),
        ("engaged", ("cancel",), True),
        ("engaged", ("gas",), True),
        ("engaged", ("gas",), False),
        ("engaged", ("gas", "steer"), False),
        ("engaged", ("main",), True),
        ("engaged", ("steer",), True),
        ("engaged", ("steer",), False),
        ("lateral_only", ("steer",), False),
        ("lateral_only", ("main",), True),
    }


def test_a_busy_drive_has_the_acts_of_a_calm_one_in_less_time():
    for calm, busy in zip(plan_drives(8), PLANS, strict=True):
        assert busy.duration_s < 0.6 * calm.duration_s
        for name in ("engagements", "lane_changes", "lateral_only", "stops"):
            assert len(getattr(calm, name)) == len(getattr(busy, name))
        for drive in (calm, busy):
            kinds = [(i.inputs, i.mode) for i in truth_of(drive).interventions]
            assert kinds == [(i.inputs, i.mode) for i in truth_of(busy).interventions]


@pytest.mark.parametrize("seed", range(1, 4))
def test_drivers_of_the_fleet_take_over_about_as_often_as_real_ones(seed):
    drives = plan_drives(8, seed=seed)
    driven_m, taken_over = [], []
    for drive in drives:
        world = make_world(drive, 20)
        driven_m.append(world.speed_mps[world.active].sum() / 20)
        modes = [i.mode for i in truth_of(drive).interventions]
        taken_over.append(modes.count("engaged"))
        assert 5 < taken_over[-1] / driven_m[-1] * 1e5 < 30
    assert 5 < sum(taken_over) / sum(driven_m) * 1e5 < 20


def test_a_third_of_all_presses_last_a_fifth_to_half_a_second():
    rng = np.random.default_rng(5)
    lengths = [press_length_s(rng) for _ in range(20_000)]
    assert 0.05 <= min(lengths) < 0.1
    assert max(lengths) == 3.0
    assert sum(0.2 <= length <= 0.5 for length in lengths) / 20_000 == pytest.approx(0.35, abs=0.04)
    assert np.mean(lengths) > 1.2 * np.median(lengths)


def test_acts_that_follow_within_two_seconds_are_one_intervention():
    (drive,) = plan_drives(1)
    inputs = [(20.0, 21.0), (22.9, 23.2), (23.3, 23.55), (25.3, 26.0)]
    for end_s, expected in ((28.0, 2), (27.9, 1), (40.0, 3)):
        played = replace(
            drive,
            engagements=(Engagement(10.0, end_s, Cause.BRAKE),),
            presses=tuple(Press("lateral", *times) for times in inputs),
        )
        found = truth_of(played).interventions
        assert [i.time_s for i in found][:2] == [20.0, 25.3][: len(found)]
        assert len(found) == (2 if end_s < 30 else 3), expected


def test_personality_and_experimental_mode_change_on_the_way():
    drives = [drive for drive in plan_drives(20) if drive.era.is_split]
    seconds = [np.array([0.0, drive.duration_s / 2, drive.duration_s - 1]) for drive in drives]
    chosen = [
        personality(drive, times).tolist() for drive, times in zip(drives, seconds, strict=True)
    ]
    assert {number for numbers in chosen for number in numbers} == {0, 1, 2}
    assert all(first != later == last for first, later, last in chosen)
    modes = {
        tuple(is_experimental(drive, times).tolist())
        for drive, times in zip(drives, seconds, strict=True)
    }
    assert modes == {(False, False, True), (False, False, False)}
