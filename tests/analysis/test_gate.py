from __future__ import annotations

import operator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.analysis.gate import QUANTITIES, judge, parse_condition
from engagement.analysis.measures import measure_names
from engagement.errors import InputError
from tests.analysis.conftest import compare_branches
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
    ending=st.none() | st.tuples(st.sampled_from(["<", "<="]), st.floats(0.0001, 1)),
    space=SPACE,
    gap=st.sampled_from(["", " "]),
)
def test_what_is_written_is_what_is_parsed(parts, ending, space, gap):
    measure, quantity, sign, limit = parts
    p_sign, max_p = ending or ("<", None)
    text = f"{measure}{space}{quantity}{gap}{sign}{gap}{limit!r}"
    if max_p is not None:
        text += f"{space}at{space}p{gap}{p_sign}{gap}{max_p!r}"
    found = parse_condition(text)
    assert (found.measure, found.quantity, found.operator) == (measure, quantity, sign)
    assert (found.limit, found.max_p, found.text) == (limit, max_p, text)
    assert found.p_operator == p_sign


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
        ("engaged_fraction ratio > 1 if p < 0.05", "no ending 'if'; allowed: at"),
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
        "ratio_upper": found.ratio.upper, "crude_ratio": found.crude_ratio.value,
        "a": found.a.value, "b": found.b.value,
    }[quantity]  # fmt: skip
    for limit in (value / 2, value, value * 2):
        verdict = judge(parse_condition(f"{name} {quantity} {sign} {limit!r}"), comparison)
        assert verdict.holds is OPERATORS[sign](value, limit)
        assert quantity in verdict.why


def test_p_must_hold_too(comparison):
    p_value = comparison.find("interventions_per_100km").p_value

    def holds(text):
        return judge(parse_condition(f"interventions_per_100km ratio > 1 {text}"), comparison).holds

    assert holds(f"at p < {p_value * 1.01!r}")
    assert holds(f"at p <= {p_value!r}")
    assert not holds(f"at p < {p_value!r}")
    assert not holds(f"at p < {p_value / 2!r}")


def test_an_infinite_ratio_is_over_any_limit(comparison):
    found = comparison.find("critical_events_per_hour")
    infinite = replace(found, ratio=replace(found.ratio, value=float("inf")))
    only = replace(comparison, differences=(infinite,))
    assert judge(parse_condition("critical_events_per_hour ratio > 1e9"), only).holds


@pytest.mark.parametrize("text", ["ratio > 1.2 at p < 0.05", "ratio > 1.2", "b > 1", "a < 0"])
def test_without_exposure_a_condition_neither_holds_nor_fails(text):
    fleet = Fleet()
    fleet.add("master", 4, per_100km={"intervention": 5.0}, engaged=False, error_mps2=None)
    fleet.add("tuning", 4, per_100km={"intervention": 5.0}, engaged=False, error_mps2=None)
    condition = parse_condition(f"interventions_per_100km {text}")
    verdict = judge(condition, compare_branches(fleet))
    assert verdict.holds is None
    assert verdict.why == (
        "nothing can be said of interventions per 100 km: A and B were never engaged on the move"
    )
