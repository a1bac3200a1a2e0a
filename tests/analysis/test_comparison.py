from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.analysis import cautions, gate, looks, summary, wording
from engagement.analysis.comparison import Watch
from engagement.analysis.measures import measure_names
from engagement.analysis.rate_limits import Counted, read_rate_limits
from engagement.analysis.verdict import find_q, judge_all, shown
from tests.analysis.conftest import RATES, compare_branches
from tests.analysis.fleets import Fleet
from tests.oracles import two_groups as oracle


def drives_of(fleet, branch):
    return {drive["drive_id"] for drive in fleet.drives if drive["branch"] == branch}


def total(rows, drives, column, **fixed):
    return sum(
        row[column]
        for row in rows
        if row["drive_id"] in drives and all(row[name] == value for name, value in fixed.items())
    )


def test_every_measure_is_compared_in_order(comparison):
    assert [found.name for found in comparison.differences] == measure_names()
    assert len(set(measure_names())) == len(measure_names())


@pytest.mark.parametrize(("branch", "side"), [("master", "a"), ("tuning", "b")])
def test_rates_are_counts_by_exposure(fleet, comparison, branch, side):
    drives = drives_of(fleet, branch)
    n_events = total(fleet.event_counts, drives, "n_events", event="intervention")
    km = total(fleet.speed_bands, drives, "engaged_km")
    hours = total(fleet.speed_bands, drives, "engaged_s") / 3600
    per_100km = getattr(comparison.find("interventions_per_100km"), side)
    per_hour = getattr(comparison.find("interventions_per_hour"), side)
    assert per_100km.n_events == per_hour.n_events == n_events
    assert per_100km.value == pytest.approx(n_events * 100 / km)
    assert per_hour.value == pytest.approx(n_events / hours)
    assert per_100km.exposure_km == pytest.approx(km)
    assert per_100km.exposure_h == pytest.approx(hours)
    assert per_100km.lower < per_100km.value < per_100km.upper


def test_ratios_at_like_speeds_are_those_of_the_oracle(fleet, comparison):
    groups = [listed(fleet, branch, "lateral_override") for branch in ("master", "tuning", "older")]
    fit = oracle.dispersion(groups)
    found = comparison.find("lateral_overrides_per_100km")
    assert found.basis == "database"
    assert oracle.score(groups[0], groups[1], fit)[2] == pytest.approx(found.p_value)
    at_ratio = [
        oracle.score(groups[0], groups[1], fit, ratio)
        for ratio in (found.ratio.value, found.ratio.lower, found.ratio.upper)
    ]
    assert at_ratio[0][0] == pytest.approx(0, abs=1e-6)
    assert [p_value for _, _, p_value in at_ratio[1:]] == pytest.approx([0.05, 0.05])
    assert found.is_stratified
    assert found.crude_ratio == pytest.approx(found.b.value / found.a.value)


def listed(fleet, branch, event):
    """Events and 100 km of each drive, by speed band."""
    counts = {
        (row["drive_id"], row["speed_band"]): row["n_events"]
        for row in fleet.event_counts
        if row["event"] == event
    }
    kms = {(row["drive_id"], row["speed_band"]): row["engaged_km"] for row in fleet.speed_bands}
    return [
        [
            (counts.get((drive, band), 0), kms[drive, band] / 100)
            for band in ("city", "road", "highway")
        ]
        for drive in sorted(drives_of(fleet, branch))
    ]


def test_shares_are_sums_by_sums(fleet, comparison):
    found = comparison.find("distance_engaged_fraction")
    for side, branch in ((found.a, "master"), (found.b, "tuning")):
        drives = drives_of(fleet, branch)
        engaged, known = (total(fleet.drives, drives, name) for name in ("engaged_km", "known_km"))
        assert side.value == pytest.approx(engaged / known)
        assert 0 < side.lower < side.value < side.upper < 1
    assert found.crude_ratio == pytest.approx(found.b.value / found.a.value)
    assert found.ratio.lower < found.crude_ratio < found.ratio.upper
    assert (found.is_stratified, found.better) == (False, "higher")
    assert (found.naive_p_value, found.dispersion, found.obstacle) == (None, None, None)


def test_means_weigh_drives_by_the_time_that_they_are_over(fleet, comparison):
    found = comparison.find("oscillation_rms_deg")
    rows = [row for row in fleet.tuning if row["drive_id"] in drives_of(fleet, "master")]
    seconds = sum(row["oscillation_s"] for row in rows)
    mean = sum(row["oscillation_rms_deg"] * row["oscillation_s"] for row in rows) / seconds
    assert found.a.value == pytest.approx(mean)
    assert found.a.exposure_h == pytest.approx(seconds / 3600)
    assert found.a.exposure_km is None


def test_a_measure_that_some_drives_lack_is_of_the_others():
    fleet = Fleet()
    fleet.add("master", 6, per_100km=RATES)
    fleet.add("master", 2, per_100km=RATES, error_mps2=None)
    fleet.add("tuning", 6, per_100km=RATES)
    found = compare_branches(fleet).find("saturated_fraction")
    assert (found.a.n_drives, found.b.n_drives) == (6, 6)


def test_intervals_of_rates_are_those_of_the_views(fleet, comparison):
    drives = [d["drive_id"] for d in fleet.drives if d["branch"] == "tuning"]
    counts = [
        total(fleet.event_counts, {drive}, "n_events", event="intervention") for drive in drives
    ]
    hours = [total(fleet.speed_bands, {drive}, "engaged_s") / 3600 for drive in drives]
    counted = Counted("intervention", "hour", np.array(counts, dtype=float), np.array(hours))
    [limits] = read_rate_limits(fleet.reader(), [counted])
    found = comparison.find("interventions_per_hour").b
    assert (found.lower, found.upper) == pytest.approx((limits.rate_lower, limits.rate_upper))
    assert found.interval == limits.dispersion_source == "shipped"


def test_a_comparison_is_the_same_every_time(fleet, comparison):
    assert compare_branches(fleet) == comparison


def test_few_drives_and_few_others_tell_nothing():
    fleet = Fleet()
    fleet.add("master", 3, per_100km=RATES)
    fleet.add("tuning", 4, per_100km=RATES)
    comparison = compare_branches(fleet)
    found = comparison.find("interventions_per_100km")
    assert (found.answer, found.p_value, found.ratio.lower) == ("too_few", None, None)
    assert wording.sentence(found).startswith("too few to tell from these drives alone: B has ")
    assert summary.verdict_text(comparison, "100km") == (
        "too few drives to tell whether B is better than A"
    )
    told = [one for one in comparison.differences if one.answer == "too_few"]
    assert "already enough" not in {wording.needed_text(one) for one in told}
    assert cautions.warnings(comparison) == [
        (
            "the database has 0 other drives, fewer than 30: limits of rates of A and B rest on "
            "the shipped dispersion, of public drives"
        )
    ]


def test_few_drives_among_many_others_give_an_interval():
    fleet = Fleet()
    fleet.add("older", 40, per_100km=RATES)
    fleet.add("master", 3, per_100km=RATES)
    fleet.add("tuning", 4, per_100km=RATES)
    found = compare_branches(fleet).find("interventions_per_100km")
    assert (found.answer, found.basis) == ("open", "database")
    assert found.ratio.lower < 1 < found.ratio.upper


def test_with_few_others_the_basis_is_said():
    fleet = Fleet()
    fleet.add("master", 30, per_100km=RATES)
    fleet.add("tuning", 30, per_100km=RATES)
    fleet.add("older", 5, per_100km=RATES)
    assert cautions.warnings(compare_branches(fleet)) == [
        (
            "the database has 5 other drives, fewer than 30: p and intervals of ratios rest on "
            "these drives' own dispersion only, limits of rates of A and B on the shipped one, of "
            "public drives"
        )
    ]


def make_imported(fleet, branch):
    """Of the drives of a branch only whole exposures are known, as of the old system's."""
    for drive in fleet.drives:
        drive["is_imported"] |= drive["branch"] == branch


def test_imported_drives_are_no_others_of_our_own_measures():
    fleet = Fleet()
    fleet.add("master", 30, per_100km=RATES)
    fleet.add("tuning", 30, per_100km=RATES)
    fleet.add("older", 40, per_100km={}, error_mps2=None)
    fleet.add("newer", 5, per_100km=RATES)
    make_imported(fleet, "older")
    comparison = compare_branches(fleet)
    own = comparison.find("interventions_per_100km")
    share = comparison.find("engaged_fraction")
    assert (own.basis, own.n_others) == ("drives", 5)
    assert (share.basis, share.n_others) == ("database", 45)
    [said] = cautions.warnings(comparison)
    assert said.startswith("of 45 other drives only 5 tell of interventions, disengagements and ")
    assert "fewer than 30: p and intervals of these ratios rest on these drives' own" in said


def test_limits_of_too_few_drives_among_imported_ones_say_what_they_rest_on():
    fleet = Fleet()
    fleet.add("master", 4, per_100km=RATES)
    fleet.add("tuning", 4, per_100km=RATES)
    fleet.add("older", 40, per_100km={}, error_mps2=None)
    make_imported(fleet, "older")
    [said] = cautions.warnings(compare_branches(fleet))
    assert said.startswith("of 40 other drives only 0 tell of interventions, disengagements and ")
    assert said.endswith(
        ": limits of these rates of A and B rest on the shipped dispersion, of public drives"
    )


def test_events_that_no_other_drive_has_are_said():
    fleet = Fleet()
    often = RATES | {"critical_event": 5.0}
    fleet.add("master", 30, per_100km=often)
    fleet.add("tuning", 30, per_100km=often)
    fleet.add("older", 40, per_100km=RATES | {"critical_event": 0.0})
    comparison = compare_branches(fleet)
    assert comparison.find("critical_events_per_100km").n_others == 40
    [said] = cautions.warnings(comparison)
    assert said.startswith(
        "no other drive has any critical events: p and intervals of these ratios"
    )


@pytest.mark.parametrize("engaged", [True, False])
def test_why_imported_drives_have_no_value_is_what_is_true(engaged):
    fleet = Fleet()
    fleet.add("master", 6, per_100km=RATES)
    fleet.add("tuning", 6, per_100km={}, engaged=engaged, error_mps2=None)
    make_imported(fleet, "tuning")
    comparison = compare_branches(fleet)
    found = comparison.find("interventions_per_100km")
    assert found.b.n_untold_drives == 6 * engaged
    why = (
        "of the engaged drives of B only what the old system counted is known"
        if engaged
        else "B was never engaged on the move"
    )
    assert looks.looks_text(found) == f"interventions per 100 km: no look, as {why}"
    said = f"nothing can be said of interventions per 100 km: {why}"
    assert wording.sentence(found) == said
    assert summary.headline(comparison, "100km") == said


def test_each_group_without_a_value_has_its_own_reason():
    fleet = Fleet()
    fleet.add("master", 6, per_100km=RATES, engaged=False)
    fleet.add("tuning", 6, per_100km={})
    make_imported(fleet, "tuning")
    said = wording.sentence(compare_branches(fleet).find("interventions_per_hour"))
    assert said.endswith(
        ": A was never engaged; of the engaged drives of B only what the old system counted is "
        "known"
    )


def test_a_doubled_rate_is_found_and_said(comparison):
    found = comparison.find("interventions_per_100km")
    said = wording.sentence(found)
    assert found.answer == "worse"
    assert found.naive_p_value < found.p_value < 0.05
    texts = summary.measure_texts(found, judge_all(comparison, "100km"))
    assert (texts["answer"], texts["needed"]) == ("worse", "-")
    assert said.startswith(
        f"worse: B has {found.ratio.value:.2f} x the interventions per 100 km of"
    )
    assert said.endswith(f"; p = {found.p_value:.2g})")
    assert summary.verdict_text(comparison, "100km").startswith(
        "B is worse than A: interventions ("
    )


def test_more_engagement_is_better():
    fleet = Fleet()
    fleet.add("older", 40, per_100km=RATES)
    fleet.add("master", 20, per_100km=RATES)
    fleet.add("tuning", 20, per_100km=RATES)
    for drive in fleet.drives:
        drive["engaged_km"] *= 0.5 if drive["branch"] == "master" else 1.0
    found = compare_branches(fleet).find("distance_engaged_fraction")
    assert found.ratio.value > 1
    assert found.answer == "better"


def test_too_little_driving_says_how_much_more_it_takes():
    fleet = Fleet(seed=3)
    fleet.add("master", 12, per_100km=RATES)
    fleet.add("tuning", 12, per_100km=RATES)
    fleet.add("older", 40, per_100km=RATES)
    comparison = compare_branches(fleet)
    found = comparison.find("interventions_per_100km")
    said = wording.sentence(found)
    needed = wording.needed_text(found)
    assert said.startswith(f"can't tell yet, about {needed} would show a 30 % difference: B has ")
    assert summary.verdict_text(comparison, "100km") == (
        f"can't tell yet whether B is better than A: about {needed} would show a 30 % difference "
        "in interventions"
    )
    assert found.needed_a.km > 0
    assert not found.is_enough


def test_much_driving_is_enough():
    fleet = Fleet(seed=2)
    fleet.add("master", 60, per_100km={"intervention": 400.0}, shape=1e6)
    fleet.add("tuning", 60, per_100km={"intervention": 400.0}, shape=1e6)
    comparison = compare_branches(fleet)
    found = comparison.find("interventions_per_100km")
    assert found.is_enough
    assert wording.needed_text(found) == "already enough"
    assert found.answer == "open"
    assert "no difference told, though one of 30 % would mostly show" in wording.sentence(found)
    assert summary.verdict_text(comparison, "100km").startswith(
        "no difference is told: one of 30 %"
    )


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_discoveries_are_those_of_benjamini_and_hochberg(p_values):
    """Step up by the definition: the greatest rank i with p_(i) <= i / n alpha, and all below."""
    ones = [SimpleNamespace(name=str(n), p_value=p) for n, p in enumerate(p_values)]
    q_values = find_q([*ones, SimpleNamespace(name="untested", p_value=None)])
    assert "untested" not in q_values
    for alpha in (0.05, 0.2):
        ordered = sorted(p_values)
        ranks = [i for i, p in enumerate(ordered, 1) if p <= i / len(ordered) * alpha]
        limit = ordered[max(ranks) - 1] if ranks else -1.0
        for one in ones:
            if abs(q_values[one.name] - alpha) > 1e-12:
                assert (q_values[one.name] < alpha) == (one.p_value <= limit)


def test_what_one_measure_says_by_chance_is_only_perhaps(comparison):
    verdict = judge_all(comparison, "100km")
    for found in shown(comparison, "100km"):
        text = summary.answer_text(found, verdict)
        is_held = verdict.q_by_name[found.name] < 0.05
        if found.answer in ("better", "worse"):
            assert text == found.answer if is_held else f"perhaps {found.answer}"
    assert any(one.answer == "worse" for one in verdict.worse)


def test_counted_disengagements_are_no_second_row_where_all_are_counted():
    fleet = Fleet()
    rates = {"intervention": 5.0, "disengagement": 4.0}
    fleet.add("master", 20, per_100km=rates)
    fleet.add("tuning", 20, per_100km=rates)
    for row in list(fleet.event_counts):
        if row["event"] == "disengagement":
            fleet.event_counts.append(row | {"event": "disengagement_counted"})
    comparison = compare_branches(fleet)
    names = [found.name for found in shown(comparison, "100km")]
    assert "disengagements_per_100km" in names
    assert "disengagements_counted_per_100km" not in names
    assert "every disengagement is a counted one" in summary.notes(comparison, "100km")
    for row in fleet.event_counts:
        if row["event"] == "disengagement_counted":
            row["n_events"] -= 1
            break
    names = [found.name for found in shown(compare_branches(fleet), "100km")]
    assert "disengagements_counted_per_100km" in names


def test_speeds_that_hardly_overlap_are_said_with_the_counts():
    fleet = Fleet()
    fleet.add("master", 40, per_100km=RATES, bands=("city",))
    fleet.add("master", 3, per_100km=RATES, bands=("highway",))
    fleet.add("tuning", 40, per_100km=RATES, bands=("highway",))
    fleet.add("tuning", 3, per_100km=RATES, bands=("city",))
    comparison = compare_branches(fleet)
    found = comparison.find("interventions_per_100km")
    assert found.alike_fraction < 0.3
    assert (found.obstacle, found.answer) == ("few_alike", "speeds_differ")
    [warning] = [w for w in cautions.warnings(comparison) if "speeds" in w]
    assert warning.startswith("A and B were driven at different speeds: only ")
    for band in found.bands:
        if band.a_exposure:
            assert f"{band.speed_band} A {band.a:.0f} in " in warning
    assert "it can't be told whether B is better" in summary.verdict_text(comparison, "100km")


def test_a_crude_ratio_on_the_other_side_of_1_is_said(paradox):
    found = paradox.find("interventions_per_100km")
    assert (found.obstacle, found.answer) == ("other_side", "speeds_differ")
    [said, *_] = summary.obstacles(paradox, "100km")
    assert said.startswith("interventions: at like speeds the ratio is 0.")
    assert "city A " in said


def test_of_a_group_that_was_never_engaged_nothing_can_be_said():
    fleet = Fleet()
    fleet.add("master", 6, per_100km=RATES)
    fleet.add("tuning", 6, per_100km=RATES, engaged=False, error_mps2=None)
    comparison = compare_branches(fleet)
    found = comparison.find("interventions_per_100km")
    assert found.b.value is None
    assert (found.ratio.value, found.p_value, found.answer) == (None, None, "nothing")
    assert wording.sentence(found) == (
        "nothing can be said of interventions per 100 km: B was never engaged on the move"
    )
    said = wording.sentence(comparison.find("oscillation_rms_deg"))
    assert said == "nothing can be said of steering oscillation: the logs of B don't tell"


def test_of_events_that_neither_has_the_limits_are_said():
    fleet = Fleet()
    fleet.add("master", 6, per_100km={"intervention": 5.0})
    fleet.add("tuning", 6, per_100km={"intervention": 5.0})
    found = compare_branches(fleet).find("critical_events_per_100km")
    assert found.a.upper > -math.log(0.025) / found.a.exposure_km * 100  # that of Poisson
    assert (found.ratio.value, found.answer) == (None, "nothing")
    assert wording.sentence(found).startswith("neither has any critical events; per 100 km that")


@pytest.mark.parametrize(
    ("a", "b", "said", "cell"),
    [
        (0.0, 30.0, "worse: B has {n} critical events, A none; the ratio is over ", "over "),
        (30.0, 0.0, "better: A has {n} critical events, B none; the ratio is under ", "under "),
    ],
)
def test_events_in_one_group_alone_bound_the_ratio(a, b, said, cell):
    fleet = Fleet()
    fleet.add("older", 40, per_100km={"intervention": 5.0, "critical_event": 5.0})
    fleet.add("master", 12, per_100km={"intervention": 5.0, "critical_event": a})
    fleet.add("tuning", 12, per_100km={"intervention": 5.0, "critical_event": b})
    watch = Watch(frozenset({"critical_events_per_100km"}))
    comparison = compare_branches(fleet, watch=watch)
    found = comparison.find("critical_events_per_100km")
    n_events = found.a.n_events + found.b.n_events
    assert n_events > 1
    assert wording.sentence(found).startswith(said.format(n=n_events))
    assert wording.ratio_text(found).startswith(cell)
    assert found.p_value < 0.05
    limit = wording.ratio_text(found)
    assert f"critical events ({limit} x)" in summary.verdict_text(comparison, "100km")
    condition = gate.parse_condition("critical_events_per_100km ratio >= 0 at p < 0.05")
    assert f"ratio of critical events per 100 km is {limit}, p = " in (
        gate.judge(condition, comparison).why
    )
    sequence = comparison.find("critical_events_per_100km").sequence
    assert sequence.decided is not None
    assert looks.looks_text(found).endswith(
        f"as {'B' if a else 'A'} had none at like speeds by then"
    )


def test_groups_that_share_no_speed_are_not_compared():
    fleet = Fleet()
    fleet.add("master", 6, per_100km=RATES, bands=("city",))
    fleet.add("tuning", 6, per_100km=RATES, bands=("road", "highway"))
    comparison = compare_branches(fleet)
    found = comparison.find("interventions_per_100km")
    assert found.ratio.value is None
    assert found.crude_ratio == pytest.approx(found.b.value / found.a.value)
    assert wording.sentence(found) == (
        "A and B share no speed band: their interventions per 100 km can't be compared at like "
        "speeds"
    )
    assert summary.verdict_text(comparison, "100km") == "can't tell whether B is better than A"


def test_what_is_driven_at_speeds_of_one_group_alone_is_left_out_and_said():
    fleet = Fleet()
    fleet.add("master", 6, per_100km=RATES)
    fleet.add("tuning", 6, per_100km=RATES, bands=("city", "road"))
    comparison = compare_branches(fleet)
    highway_km = sum(
        row["engaged_km"] for row in fleet.speed_bands if row["speed_band"] == "highway"
    )
    all_km = sum(row["engaged_km"] for row in fleet.speed_bands)
    found = comparison.find("interventions_per_100km")
    assert found.compared_fraction == pytest.approx(1 - highway_km / all_km)
    share = f"{found.compared_fraction * 100:.0f} %"
    assert f"only {share} of the engaged distance is at speeds that both" in "\n".join(
        cautions.warnings(comparison)
    )


def test_mixed_logs_and_other_cars_are_warned_of():
    fleet = Fleet()
    fleet.add("master", 6, per_100km=RATES, log_kind="qlog")
    fleet.add("tuning", 6, per_100km=RATES, car="HONDA_CIVIC_BOSCH")
    logs, cars, *_ = cautions.warnings(compare_branches(fleet))
    assert logs == (
        "logs are decimated: 6 of 6 drives of A and 0 of 6 of B have qlogs, which are coarser"
    )
    assert cars == "the cars differ: A has TOYOTA COROLLA TSS2 2019; B has HONDA_CIVIC_BOSCH"


def test_groups_that_are_alike_in_all_but_their_events_give_no_warning(comparison):
    assert cautions.warnings(comparison) == []
