from __future__ import annotations

import operator
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.analysis.comparison import Watch
from engagement.analysis.gate import QUANTITIES, judge, parse_condition
from engagement.analysis.measures import measure_names
from engagement.errors import InputError
from tests.analysis.conftest import RATES, compare_branches
from tests.analysis.fleets import Fleet

OPERATORS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
SPACE = st.text(" \t", min_size=1, max_size=3)


@settings(deadline=None, max_examples=200)
@given(
    parts=st.tuples(
        st.sampled_from(measure_names()),
        st.sampled_from(list(QUANTITIES)),
        st.sampled_from(list(OPERATORS)),
        st.floats(0, 1e6),
    ),
    ending=st.none()
    | st.just("sequential")
    | st.tuples(st.sampled_from(["<", "<="]), st.floats(0.0001, 1)),
    space=SPACE,
    gap=st.sampled_from(["", " "]),
)
def test_what_is_written_is_what_is_parsed(parts, ending, space, gap):
    measure, quantity, sign, limit = parts
    is_sequential = ending == "sequential"
    quantity = "ratio" if is_sequential else quantity
    p_sign, max_p = ("<", None) if ending is None or is_sequential else ending
    text = f"{measure}{space}{quantity}{gap}{sign}{gap}{limit!r}"
    if max_p is not None:
        text += f"{space}at{space}p{gap}{p_sign}{gap}{max_p!r}"
    text += f"{space}sequential" * is_sequential
    found = parse_condition(text)
    assert (found.measure, found.quantity, found.operator) == (measure, quantity, sign)
    assert (found.limit, found.max_p, found.text) == (limit, max_p, text)
    assert (found.p_operator, found.is_sequential) == (p_sign, is_sequential)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=40) | st.text("ratio<>=.0123 atp_", max_size=40))
def test_anything_else_is_a_usage_error_that_quotes_it(text):
    with pytest.raises(InputError) as raised:
        parse_condition(text)
    assert repr(text) in str(raised.value)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no measure; it ends too early; write MEASURE QUANTITY OPERATOR NUMBER"),
        ("intervention_per_100km ratio > 1",
         "no measure 'intervention_per_100km'; did you mean 'interventions_per_100km'?"),
        ("speed ratio > 1", "no measure 'speed'; allowed: interventions_per_100km, "),
        ("engaged_fraction ration > 1", "no quantity 'ration'; allowed: ratio, ratio_lower, "),
        ("engaged_fraction > 1", "no quantity '>'; allowed: ratio, ratio_lower, ratio_upper, "),
        ("engaged_fraction ratio = 1", "no operator '='; allowed: >, >=, <, <="),
        ("engaged_fraction ratio >", "no number; write one like 1.2"),
        ("engaged_fraction ratio > one", "'one' is no number; write one like 1.2"),
        ("engaged_fraction ratio > -1", "'-1' is no number"),
        ("engaged_fraction ratio > nan", "'nan' is no number"),
        ("engaged_fraction ratio > 1 if p < 0.05", "no ending 'if'; allowed: at, sequential"),
        ("engaged_fraction ratio > 1 sequential now", "something after its end"),
        ("engaged_fraction b > 1 sequential", "b is not looked at after every drive; only ratio"),
        ("engaged_fraction ratio > 1 at", "no ending; it ends too early"),
        ("engaged_fraction ratio > 1 at q < 0.05", "no ending 'q'; allowed: p"),
        ("engaged_fraction ratio > 1 at p > 0.05", "no operator '>'; allowed: <, <="),
        ("engaged_fraction ratio > 1 at p < 5", "p is between 0 and 1, 5 is not"),
        ("engaged_fraction ratio > 1 at p < 0.05 please", "something after its end"),
    ],
)  # fmt: skip
def test_the_part_that_is_wrong_is_named_with_what_is_allowed(text, problem):
    with pytest.raises(InputError, match="--fail-if") as raised:
        parse_condition(text)
    assert problem in str(raised.value)


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("sign", OPERATORS)
def test_a_condition_holds_if_its_comparison_does(comparison, quantity, sign):
    name = "interventions_per_100km"
    found = comparison.find(name)
    value = {
        "ratio": found.ratio.value, "ratio_lower": found.ratio.lower,
        "ratio_upper": found.ratio.upper, "crude_ratio": found.crude_ratio,
        "a": found.a.value, "b": found.b.value,
    }[quantity]  # fmt: skip
    for limit in (value / 2, value, value * 2):
        ruling = judge(parse_condition(f"{name} {quantity} {sign} {limit!r}"), comparison)
        holds = OPERATORS[sign](value, limit)
        assert ruling.state == ("holds" if holds else "does_not_hold")
        assert quantity in ruling.why


def test_p_must_hold_too(comparison):
    p_value = comparison.find("interventions_per_100km").p_value

    def holds(text):
        condition = parse_condition(f"interventions_per_100km ratio > 1 {text}")
        return judge(condition, comparison).state == "holds"

    assert holds(f"at p < {p_value * 1.01!r}")
    assert holds(f"at p <= {p_value!r}")
    assert not holds(f"at p < {p_value!r}")
    assert not holds(f"at p < {p_value / 2!r}")


def test_an_infinite_ratio_is_over_any_limit(comparison):
    found = comparison.find("critical_events_per_hour")
    infinite = replace(found, ratio=replace(found.ratio, value=float("inf")))
    only = replace(comparison, differences=(infinite,))
    assert judge(parse_condition("critical_events_per_hour ratio > 1e9"), only).state == "holds"


@pytest.mark.parametrize("text", ["ratio > 1.2 at p < 0.05", "ratio > 1.2", "b > 1", "a < 0"])
def test_without_exposure_a_condition_neither_holds_nor_fails(text):
    fleet = Fleet()
    fleet.add("master", 4, per_100km={"intervention": 5.0}, engaged=False, error_mps2=None)
    fleet.add("tuning", 4, per_100km={"intervention": 5.0}, engaged=False, error_mps2=None)
    condition = parse_condition(f"interventions_per_100km {text}")
    ruling = judge(condition, compare_branches(fleet))
    assert ruling.state == "too_few"
    assert ruling.why == (
        "nothing can be said of interventions per 100 km: A and B were never engaged on the move"
    )


@pytest.mark.parametrize("text", ["ratio > 1.2", "ratio > 1 at p < 0.05", "ratio > 1 sequential"])
def test_of_few_drives_the_gate_decides_nothing(text):
    fleet = Fleet()
    fleet.add("master", 2, per_100km={"intervention": 50.0})
    fleet.add("tuning", 5, per_100km={"intervention": 500.0})
    name = "interventions_per_100km"
    comparison = compare_branches(fleet, watch=Watch(frozenset([name])))
    ruling = judge(parse_condition(f"{name} {text}"), comparison)
    assert ruling.state == "too_few"
    assert judge(parse_condition(f"{name} b > 1"), comparison).state == "holds"


@pytest.mark.parametrize(
    "text", ["ratio > 0.9", "ratio_upper < 9 at p < 0.5", "ratio > 1 sequential"]
)
def test_groups_at_different_speeds_are_not_judged(text):
    fleet = Fleet()
    fleet.add("master", 40, per_100km=RATES, bands=("city",))
    fleet.add("master", 4, per_100km=RATES, bands=("highway",))
    fleet.add("tuning", 40, per_100km=RATES, bands=("highway",))
    fleet.add("tuning", 4, per_100km=RATES, bands=("city",))
    name = "interventions_per_100km"
    comparison = compare_branches(fleet, watch=Watch(frozenset([name])))
    ruling = judge(parse_condition(f"{name} {text}"), comparison)
    assert ruling.state == "speeds_differ"
    assert "A and B were driven at different speeds: only" in ruling.why
    assert re.search(r"city A \d+ in [\d ]+ km, B \d+ in [\d ]+ km; road", ruling.why) is None
    assert re.search(r"city A \d+ in [\d ]+ km, B \d+ in [\d ]+ km; highway A", ruling.why)


def test_a_crude_ratio_on_the_other_side_of_1_is_not_judged(paradox):
    found = paradox.find("interventions_per_100km")
    assert found.ratio.value < 1 < found.crude_ratio
    ruling = judge(parse_condition("interventions_per_100km ratio > 1.2"), paradox)
    assert ruling.state == "speeds_differ"
    assert re.match(
        r"at like speeds the ratio is 0\.\d+, over all speeds 1\.\d+: city A", ruling.why
    )
    assert judge(parse_condition("interventions_per_100km b > 0"), paradox).state == "holds"


def test_while_looks_are_open_a_sequential_condition_does_not_hold():
    fleet = Fleet()
    fleet.add("older", 40, per_100km=RATES)
    fleet.add("master", 10, per_100km=RATES)
    fleet.add("tuning", 10, per_100km=RATES)
    name = "interventions_per_100km"
    comparison = compare_branches(fleet, watch=Watch(frozenset([name])))
    ruling = judge(parse_condition(f"{name} ratio > 0 sequential"), comparison)
    assert ruling.state == "does_not_hold"
    assert re.search(r"still open after 20 drives \(10 of A, 10 of B\) \(e-value ", ruling.why)


def test_once_decided_the_ratio_of_that_look_is_judged():
    fleet = Fleet()
    fleet.add("older", 40, per_100km=RATES)
    fleet.add("master", 20, per_100km=RATES)
    fleet.add("tuning", 40, per_100km={"intervention": 60.0})
    name = "interventions_per_100km"
    comparison = compare_branches(fleet, watch=Watch(frozenset([name])))
    sequence = comparison.find(name).sequence
    above, below = (
        judge(parse_condition(f"{name} ratio > {factor * sequence.ratio!r} sequential"), comparison)
        for factor in (1.01, 0.99)
    )
    assert (above.state, below.state) == ("does_not_hold", "holds")
    assert "decided after" in below.why
    assert "B is worse" in below.why
