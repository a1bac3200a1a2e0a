"""Clean stretches against the oracle, and params."""

from __future__ import annotations

from random import Random

import pytest

from tests import builders
from tests.computing import compute, has_values, rows
from tests.oracles import places as oracle


@pytest.mark.parametrize("seeds", [range(200, 230), range(230, 260)], ids=str)
def test_clean_stretches_are_what_the_oracle_says(seeds, connection):
    tables = builders.merge([builders.random_drive(Random(seed), seed) for seed in seeds])
    compute(connection, tables, "clean_stretches")

    found = rows(connection, "from clean_stretches order by drive_id, stretch_num")

    wanted = oracle.clean_stretches(tables)
    assert len(found) == len(wanted)
    assert all(has_values(row, other) for row, other in zip(found, wanted, strict=True))
    assert max(row["stretch_num"] for row in wanted) > 2


def test_clean_stretches_add_up_to_the_drives(connection):
    tables = builders.merge([builders.random_drive(Random(seed), seed) for seed in range(300, 330)])
    compute(connection, tables, "clean_stretches", "drives")
    different = rows(
        connection,
        "select drive_id from drives inner join clean_stretches as s using (drive_id) "
        "group by drive_id having abs(sum(s.engaged_km) - any_value(drives.engaged_km)) > 1e-9 "
        "or abs(sum(s.duration_s) - any_value(drives.duration_s)) > 1e-9",
    )
    assert different == []


def test_a_param_has_the_value_of_the_first_segment_that_has_it(connection):
    tables = builders.merge([builders.random_drive(Random(1), drive_id) for drive_id in (1, 2)])
    tables["param"] = [
        {
            "drive_id": drive_id,
            "segment_num": segment,
            "message_num": 10 - segment,
            "name": name,
            "value": value,
        }
        for drive_id, segment, name, value in (
            (1, 2, "Lateral", "torque"),
            (1, 1, "Lateral", ""),
            (1, 2, "Personality", "1"),
            (1, 10, "Personality", "2"),
            (2, 0, "Lateral", "pid"),
        )
    ]
    compute(connection, tables, "params")
    found = rows(connection, "select drive_id, name, value from params order by all")
    assert [tuple(row.values()) for row in found] == [
        (1, "Lateral", ""), (1, "Personality", "1"), (2, "Lateral", "pid"),
    ]  # fmt: skip
