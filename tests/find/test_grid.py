"""The grid of an expression has what the macro of all services has, of every column."""

from __future__ import annotations

from random import Random

import pytest

from engagement.moments.grid import HZ, grid_of
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


def test_every_column_and_service_of_samples_is_known_to_expressions(demo):
    _, signals = demo
    used = {service for signal in signals.values() for service in signal.services}
    assert used == {*SERVICES, "state"}
    assert {"lead_ttc_s", "mode", "looks_planned", "v_ego_mps"} <= signals.keys()
