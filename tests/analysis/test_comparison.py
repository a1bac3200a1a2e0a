from __future__ import annotations

import math

import pytest
from scipy import stats

from engagement.analysis import wording
from engagement.analysis.measures import measure_names
from tests.analysis.conftest import RATES, compare_branches
from tests.analysis.fleets import Fleet


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


def test_ratios_at_like_speeds_are_mantel_haenszels(fleet, comparison):
    top = bottom = 0.0
    for band in ("city", "road", "highway"):
        (n_a, km_a), (n_b, km_b) = (
            (
                total(
                    fleet.event_counts, drives, "n_events", event="lateral_override",
                    speed_band=band,
                ),
                total(fleet.speed_bands, drives, "engaged_km", speed_band=band),
            )
            for drives in (drives_of(fleet, "master"), drives_of(fleet, "tuning"))
        )  # fmt: skip
        top += n_b * km_a / (km_a + km_b)
        bottom += n_a * km_b / (km_a + km_b)
    found = comparison.find("lateral_overrides_per_100km")
    assert found.ratio.value == pytest.approx(top / bottom)
    assert found.is_stratified
    assert found.crude_ratio.value == pytest.approx(found.b.value / found.a.value)
    assert found.ratio.lower < found.ratio.value < found.ratio.upper


def test_shares_are_sums_by_sums(fleet, comparison):
    found = comparison.find("distance_engaged_fraction")
    for side, branch in ((found.a, "master"), (found.b, "tuning")):
        drives = drives_of(fleet, branch)
        engaged, known = (total(fleet.drives, drives, name) for name in ("engaged_km", "known_km"))
        assert side.value == pytest.approx(engaged / known)
        assert 0 < side.lower < side.value < side.upper < 1
    assert found.ratio.value == pytest.approx(found.b.value / found.a.value)
    assert not found.is_stratified
    assert (found.naive_p_value, found.dispersion, found.inflation) == (None, None, None)


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


def test_an_interval_is_exact_unless_drives_are_dispersed():
    fleet = Fleet()
    fleet.add("master", 40, per_100km={"intervention": 8.0}, shape=1e6)
    fleet.add("tuning", 40, per_100km={"intervention": 30.0}, shape=0.5)
    found = compare_branches(fleet).find("interventions_per_100km")
    n, exposure = found.a.n_events, found.a.exposure_km / 100
    assert found.a.interval == "poisson"
    assert found.a.lower == pytest.approx(stats.chi2.ppf(0.025, 2 * n) / 2 / exposure)
    assert found.a.upper == pytest.approx(stats.chi2.ppf(0.975, 2 * n + 2) / 2 / exposure)
    assert found.b.interval == "quasi_poisson"
    n, exposure = found.b.n_events, found.b.exposure_km / 100
    assert found.b.upper > stats.chi2.ppf(0.975, 2 * n + 2) / 2 / exposure


def test_the_same_seed_gives_the_same_p(fleet, comparison):
    assert compare_branches(fleet).differences == comparison.differences
    other = compare_branches(fleet, seed=2).find("interventions_per_100km")
    assert other.ratio == comparison.find("interventions_per_100km").ratio
    assert other.p_value != comparison.find("interventions_per_100km").p_value


def test_few_drives_give_the_exact_p():
    fleet = Fleet()
    fleet.add("master", 3, per_100km=RATES)
    fleet.add("tuning", 4, per_100km=RATES)
    comparison = compare_branches(fleet)
    found = comparison.find("interventions_per_100km")
    assert found.is_exact_p
    assert found.n_relabellings == 35
    assert (found.p_value * 35) == pytest.approx(round(found.p_value * 35))
    warnings = "\n".join(wording.warnings(comparison))
    assert "A has 3 drives with engaged time: fewer than 5 tell little" in warnings
    assert "B has 4 drives with engaged time" in warnings


def test_a_doubled_rate_is_found_and_said(comparison):
    found = comparison.find("interventions_per_100km")
    said = wording.sentence(found)
    assert found.p_value < 0.05
    assert found.naive_p_value < found.p_value
    assert said.startswith(f"B has {found.ratio.value:.2f} x the interventions per 100 km of A (")
    assert f"; in 55 drives chance seldom does that (p = {found.p_value:.2g}" in said


def test_too_little_driving_says_how_much_more_it_takes():
    fleet = Fleet(seed=3)
    fleet.add("master", 12, per_100km=RATES)
    fleet.add("tuning", 12, per_100km=RATES)
    found = compare_branches(fleet).find("interventions_per_100km")
    said = wording.sentence(found)
    assert "24 drives don't tell that from chance (p = " in said
    assert said.endswith("would show a 30 % difference")
    # Both have then enough by the same formula, with the rate and dispersion that were seen.
    engaged = [side.exposure_km for side in (found.a, found.b)]
    km = [e + n.km for e, n in zip(engaged, (found.needed_a, found.needed_b), strict=True)]
    rate = (found.a.n_events + found.b.n_events) / sum(engaged)
    factor = max(found.inflation, 1)
    spread = factor / rate / km[0] + factor / (1.3 * rate) / km[1]
    assert math.sqrt(spread) == pytest.approx(math.log(1.3) / (1.959964 + 0.841621), rel=1e-4)
    assert not found.is_enough


def test_much_driving_is_enough():
    fleet = Fleet()
    fleet.add("master", 60, per_100km={"intervention": 400.0}, shape=1e6)
    fleet.add("tuning", 60, per_100km={"intervention": 400.0}, shape=1e6)
    found = compare_branches(fleet).find("interventions_per_100km")
    assert found.is_enough
    assert wording.needed_text(found) == "already enough"
    if found.p_value >= 0.05:
        assert "they would mostly show a 30 % difference" in wording.sentence(found)


def test_of_a_group_that_was_never_engaged_nothing_can_be_said():
    fleet = Fleet()
    fleet.add("master", 6, per_100km=RATES)
    fleet.add("tuning", 6, per_100km=RATES, engaged=False, error_mps2=None)
    comparison = compare_branches(fleet)
    found = comparison.find("interventions_per_100km")
    assert found.b.value is None
    assert (found.ratio.value, found.p_value) == (None, None)
    assert found.needed_b.km > 0
    assert wording.sentence(found) == (
        "nothing can be said of interventions per 100 km: B was never engaged on the move"
    )
    said = wording.sentence(comparison.find("oscillation_rms_deg"))
    assert said == "nothing can be said of steering oscillation: the logs of B don't tell"
    assert "B has no drives with engaged time" in "\n".join(wording.warnings(comparison))


def test_of_events_that_neither_has_the_limits_are_said():
    fleet = Fleet()
    fleet.add("master", 6, per_100km={"intervention": 5.0})
    fleet.add("tuning", 6, per_100km={"intervention": 5.0})
    found = compare_branches(fleet).find("critical_events_per_100km")
    assert found.a.upper == pytest.approx(-math.log(0.025) / found.a.exposure_km * 100)
    assert (found.ratio.value, found.p_value) == (None, 1)
    assert wording.sentence(found).startswith("neither has any critical events; per 100 km that")


@pytest.mark.parametrize(
    ("a", "b", "said", "cell"),
    [
        (0.0, 9.0, "B has {n} critical events, A none; the ratio is over ", "over "),
        (9.0, 0.0, "A has {n} critical events, B none; the ratio is under ", "under "),
    ],
)
def test_events_in_one_group_alone_bound_the_ratio(a, b, said, cell):
    fleet = Fleet()
    fleet.add("master", 12, per_100km={"intervention": 5.0, "critical_event": a})
    fleet.add("tuning", 12, per_100km={"intervention": 5.0, "critical_event": b})
    found = compare_branches(fleet).find("critical_events_per_100km")
    n_events = found.a.n_events + found.b.n_events
    assert n_events > 1
    assert wording.sentence(found).startswith(said.format(n=n_events))
    assert wording.ratio_text(found).startswith(cell)
    assert found.p_value < 0.05


def test_groups_that_share_no_speed_are_not_compared():
    fleet = Fleet()
    fleet.add("master", 6, per_100km=RATES, bands=("city",))
    fleet.add("tuning", 6, per_100km=RATES, bands=("road", "highway"))
    found = compare_branches(fleet).find("interventions_per_100km")
    assert found.ratio.value is None
    assert found.crude_ratio.value == pytest.approx(found.b.value / found.a.value)
    assert wording.sentence(found) == (
        "A and B share no speed band: their interventions per 100 km can't be compared at like "
        "speeds"
    )


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
        wording.warnings(comparison)
    )


def test_mixed_logs_and_other_cars_are_warned_of():
    fleet = Fleet()
    fleet.add("master", 6, per_100km=RATES, log_kind="qlog")
    fleet.add("tuning", 6, per_100km=RATES, car="HONDA_CIVIC_BOSCH")
    logs, cars = wording.warnings(compare_branches(fleet))
    assert logs == (
        "logs are decimated: 6 of 6 drives of A and 0 of 6 of B have qlogs, which are coarser"
    )
    assert cars == "the cars differ: A has TOYOTA COROLLA TSS2 2019; B has HONDA_CIVIC_BOSCH"


def test_groups_that_are_alike_in_all_but_their_events_give_no_warning(comparison):
    assert wording.warnings(comparison) == []
