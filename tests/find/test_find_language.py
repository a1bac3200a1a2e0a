"""Expressions: what is read, what is refused, and that SQL says what brute force says."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from random import Random

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.errors import EngagementError, InputError, NotFoundError
from engagement.moments.compiling import compiled
from engagement.moments.expressions import Comparison, Edge, Not
from engagement.moments.grammar import MAX_LENGTH, parse
from engagement.moments.signals import known_signals
from engagement.store import schema
from tests.oracles.find import moments

WORD = "brake_pressed"
FLAGS = (
    "brake_pressed", "gas_pressed", "steering_pressed", "is_lead_present", "is_lead_radar",
    "engaged", "assisted", "manual", "planned", "is_lateral_override", "is_lead_known",
)  # fmt: skip
NUMBERS = (
    "v_ego_mps", "a_ego_mps2", "lead_d_rel_m", "lead_v_rel_mps", "lead_ttc_s", "lead_thw_s",
    "torque_command", "lateral_acceleration_mps2",
)  # fmt: skip
DURATIONS = ("0 s", "100ms", "0.2s", "0.3 s", "0.35s", "0.5 s", "1s", "0.05 min", "2.5s")


class Database:
    """Drives of random ticks on a grid, and the columns of `samples`."""

    def __init__(self, connection):
        self.connection = connection
        self.signals = known_signals(self.rows)

    def rows(self, query, parameters=()):
        relation = self.connection.sql(query, params=parameters or None)
        return relation.to_arrow_table().to_pylist()


@pytest.fixture(scope="module")
def database():
    with duckdb.connect() as connection:
        schema.create(connection)
        found = Database(connection)
        rng = Random(7)
        grid = [row for drive_id in range(1, 9) for row in random_ticks(rng, drive_id)]
        columns = {r["column_name"]: r["column_type"] for r in found.rows("describe samples")}
        described = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"create temp table grid ({described})")
        connection.register("made", pa.Table.from_pylist(grid))
        connection.execute("insert into grid by name from made")
        connection.execute(
            "create temp view ticks_of_grid as select *, mono_ns // 100000000 as tick_num from grid"
        )
        found.ticks = defaultdict(dict)
        for row in found.rows("from grid"):
            found.ticks[row["drive_id"]][row["mono_ns"] // 10**8] = row
        yield found


def random_ticks(rng, drive_id):
    """Signals that hold for some ticks, with nulls and gaps."""
    held, tick = {}, rng.randrange(50)
    for _ in range(rng.choice((5, 40, 120))):
        tick += rng.choice((1,) * 12 + (2, 15))
        for name in (*FLAGS, *NUMBERS, "mode", "gear", "looks_planned"):
            if name not in held or rng.random() < 0.25:
                held[name] = random_value(rng, name)
        held["is_lead_known"] = held["is_lead_present"] is not None
        if not held["is_lead_present"]:
            held |= dict.fromkeys([n for n in NUMBERS if n.startswith("lead_")])
            held["is_lead_radar"] = None
        words = ("engaged", "assisted", "manual", "planned")
        told = {name: value for name, value in held.items() if name not in words}
        yield {"drive_id": drive_id, "mono_ns": tick * 10**8, **told}


def random_value(rng, name):
    if rng.random() < 0.1:
        return None
    if name == "mode":
        return rng.choice(("engaged", "engaged", "manual", "lateral_only", "pre_enabled"))
    if name == "gear":
        return rng.choice(("drive", "reverse"))
    return rng.choice((-2.0, 0.0, 0.5, 1.0, 3.0)) if name in NUMBERS else rng.random() < 0.5


VALUES = st.recursive(
    st.sampled_from(NUMBERS) | st.sampled_from(("0", "1", "0.5", "3e0", "20")),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("-{}".format, inner),
        st.builds("abs({})".format, inner),
    ),
    max_leaves=3,
)
OPERATORS = st.sampled_from(("<", "<=", ">", ">=", "=", "==", "!=", "<>"))
ATOMS = st.one_of(
    st.sampled_from(FLAGS),
    st.builds("{} {} {}".format, VALUES, OPERATORS, VALUES),
    st.builds("{} < {} <= {}".format, VALUES, VALUES, VALUES),
    st.sampled_from(
        ("gear = reverse", "gear <> 'drive'", "mode = engaged", "brake_pressed = true")
    ),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(("and", "or")), inner),
        st.builds("not {}".format, inner.map("({})".format)),
        st.builds("{}({})".format, st.sampled_from(("rises", "falls")), inner),
        st.builds("({} for {})".format, inner, st.sampled_from(DURATIONS)),
    ),
    max_leaves=4,
)
STEPS = st.builds(
    "{}{}{}".format,
    CONDITIONS,
    st.sampled_from(DURATIONS).map(" for {}".format) | st.just(""),
    st.sampled_from(DURATIONS).map(" merge {}".format) | st.just(""),
)
FOLLOWING = st.builds(", then {} within {}".format, STEPS, st.sampled_from(DURATIONS))
EXPRESSIONS = st.builds(
    "{}{}{}".format,
    STEPS,
    st.lists(FOLLOWING, max_size=2).map("".join),
    st.lists(CONDITIONS.map(", {}".format), max_size=1).map("".join),
)


@settings(max_examples=60, deadline=None)
@given(text=EXPRESSIONS)
def test_sql_finds_what_brute_force_finds(database, text):
    try:
        pattern = parse(text, database.signals)
        query = compiled(pattern, "ticks_of_grid")
    except InputError:  # it names no column, or is too long
        return
    rows = database.rows(query.text.replace("{drives}", "true"), query.parameters)
    found = defaultdict(list)
    exposures = {}
    for row in rows:
        if row["exposure_s"] is None:
            ticks = row["start_mono_ns"] // 10**8, row["end_mono_ns"] // 10**8
            found[row["drive_id"]].append(ticks)
        else:
            exposures[row["drive_id"]] = round(row["exposure_s"] * 10)
    for drive_id, ticks in database.ticks.items():
        expected, n_judged = moments(pattern, ticks)
        assert (found[drive_id], exposures.get(drive_id, 0)) == (expected, n_judged), drive_id


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("v_egomps > 2", NotFoundError, "did you mean 'v_ego_mps'"),
        ("engagd", NotFoundError, "did you mean 'engaged'"),
        ("v_ego_mps", InputError, "is a number: compare it"),
        ("brake_pressed > 2", InputError, "'brake_pressed' is no number"),
        ("gear < 'drive'", InputError, "by = or <>"),
        ("gear + 1 > 2", InputError, "'gear' is no number"),
        ("v_ego_mps = 'fast'", InputError, "'fast' is no number"),
        ("brake_pressed < true", InputError, "true or false"),
        ("v_ego_mps >", InputError, "ends too soon"),
        ("", InputError, "ends too soon"),
        ("brake_pressed for 5", InputError, "character 19 on: '5'"),
        ("brake_pressed; drop table x", InputError, "character 14 on"),
        ("brake_pressed for 2 h", InputError, "longer than an hour"),
        ("brake_pressed then gas_pressed", InputError, "ends too soon"),
        ("1 < 2", InputError, "names no column"),
        (f"v_ego_mps > {'1' * MAX_LENGTH}", InputError, f"more than {MAX_LENGTH} characters"),
        (f"{'not ' * 400}{WORD}", InputError, "levels deep"),
        (WORD + f", then {WORD} within 1s" * 4, InputError, "more than 4 steps"),
        (" or ".join([f"rises({WORD})"] * 9), InputError, "more than 8 of rises"),
    ],
)
def test_what_is_no_expression_is_refused_in_words(database, text, kind, words):
    with pytest.raises(kind) as found:
        compiled(parse(text, database.signals))
    assert words in str(found.value)


@given(text=st.text(alphabet="()<>=+-*/,'._ \n\x00aebrv019≤", max_size=60))
def test_any_text_is_read_or_refused(database, text):
    with suppress(EngagementError):
        parse(text, database.signals)


def test_spellings_that_say_the_same_are_read_alike(database):
    def read(text):
        return parse(text, database.signals).steps[0].condition

    assert read("((v_ego_mps)) > 2") == read("v_ego_mps>2.0")
    assert read("brake_pressed = false") == read("not brake_pressed") == Not(read(WORD))
    assert read("engaged") == read("mode == 'engaged'") == read("mode = engaged")
    assert isinstance(read("engaged"), Comparison)
    assert isinstance(read("rises((steering_pressed for 300 ms))"), Edge)
    assert read("not v_ego_mps > 2 and engaged") == read("(not (v_ego_mps > 2)) and engaged")
