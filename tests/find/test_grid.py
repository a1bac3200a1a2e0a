"""The grid of an expression has what the macro of all services has, of every column."""

from __future__ import annotations

import shutil
from random import Random

import duckdb
import pytest

from engagement.errors import QueryError
from engagement.find.moments import find_moments
from engagement.moments.compiling import compiled
from engagement.moments.grammar import parse
from engagement.moments.grid import HZ, OUT_OF_ORDER, as_logged, grid_of
from engagement.moments.signals import SERVICES, known_signals
from engagement.store.reader import Reader


@pytest.fixture(scope="module")
def demo(database):
    with Reader(database) as reader:
        yield reader, known_signals(reader.rows)


@pytest.mark.parametrize("seed", range(6))
def test_a_grid_of_some_columns_is_that_of_the_macro(demo, seed):
    reader, signals = demo
    rng = Random(seed)
    names = sorted(rng.sample(sorted(signals), rng.choice((1, 1, 2, 4))))
    wanted = [signals[name] for name in names]
    services = sorted({service for one in wanted for service in one.services})
    drive_id = rng.choice(reader.rows("select drive_id from drives where not is_imported"))
    within = f"drive_id = {drive_id['drive_id']}"
    columns = ", ".join(("drive_id", "tick_num", *names))
    of_macro = f"""
    select drive_id, mono_ns * {HZ} // 1000000000 as tick_num, {", ".join(names)}
    from services_at({HZ}, {services}) where {within}
    """
    of_grid = f"select {columns} from ({grid_of(wanted).replace('{drives}', within)})"
    differing = f"({of_macro} except all {of_grid}) union all ({of_grid} except all {of_macro})"
    assert reader.rows(differing) == []
    [row] = reader.rows(f"select count(*) as n from ({of_grid})")
    assert row["n"] > 0 or not {"car", "state"} & {*services}


EXPRESSIONS = (
    "v_ego_mps > 8 for 1s",
    "abs(torque_command) > 0.3 and v_ego_mps > 5",
    "engaged and lead_d_rel_m < 40, then falls(engaged) within 20s, not planned",
)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_rows_in_any_order_give_the_same_moments(demo, database, tmp_path, expression):
    """As they lie, if they lie in order; sorted, if one drive or one sample does not."""
    reader, signals = demo
    query = compiled(parse(expression, signals))
    as_they_lie = as_logged(query.text).replace("{drives}", "true")
    wanted = reader.rows(query.text.replace("{drives}", "true"), query.parameters)
    assert len(wanted) > 5
    assert "order by mono_ns" not in as_they_lie
    assert reader.rows(as_they_lie, query.parameters) == wanted
    found = find_moments(reader, query)
    for number, order in enumerate(("mono_ns desc", "hash(mono_ns)", "drive_id desc, mono_ns")):
        path = tmp_path / f"{number}.duckdb"
        shutil.copyfile(database, path)
        with duckdb.connect(str(path)) as connection:
            for table in ("car_state", "car_control", "lead", "gps"):
                connection.execute(f"create temp table t as from log.{table} order by {order}")
                connection.execute(f"delete from log.{table}; insert into log.{table} from t")
                connection.execute("drop table t")
        with Reader(path) as other:
            with pytest.raises(QueryError, match=OUT_OF_ORDER):
                other.rows(as_they_lie, query.parameters)
            assert find_moments(other, query) == found


def test_every_column_and_service_of_samples_is_known_to_expressions(demo):
    _, signals = demo
    used = {service for signal in signals.values() for service in signal.services}
    assert used == {*SERVICES, "state"}
    assert {"lead_ttc_s", "mode", "looks_planned", "v_ego_mps"} <= signals.keys()
