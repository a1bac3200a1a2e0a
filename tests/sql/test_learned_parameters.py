"""What openpilot learned of the car: which messages count, and which of them is first or last."""

from __future__ import annotations

import pytest

from engagement.store import results
from tests.tuning_drives import insert, wave_drive


def test_only_valid_messages_with_the_fields_are_learned_from(connection):
    for drive_id in (1, 2, 3):
        insert(connection, [wave_drive(drive_id, 20, lambda time_s: 0 * time_s)])
    messages = [  # of two at the same time the later segment's is the last
        (1, 0, 9, 5, True, 0.0, 1.0),
        (1, 0, 7, 6, False, 9.0, 2.0),
        (1, 0, 1, 7, True, 14.0, 0.9),
        (1, 0, 2, 8, True, 15.0, None),
        (1, 1, 0, 9, True, 17.0, 1.2),
        (1, 0, 9, 9, True, 16.0, 1.1),
        (1, 1, 1, 10, False, 18.0, 1.3),
        (2, 0, 0, 5, True, 0.0, 0.0),
    ]
    connection.executemany(
        "insert into log.live_parameters by name select ? as drive_id, ? as segment_num,"
        " ? as message_num, ? as mono_ns, ? as is_valid, ? as steer_ratio, ? as stiffness_factor",
        messages,
    )
    connection.execute(
        "insert into log.live_torque_parameters by name select 2 as drive_id, 0 as segment_num,"
        " 0 as message_num, 5 as mono_ns, true as is_valid, 1.5 as lat_accel_factor,"
        " 0.0 as lat_accel_offset, 0.0 as friction_coefficient"
    )
    results.refresh(connection, [1, 2, 3])
    names, *_ = zip(*connection.sql("describe learned_parameters").fetchall(), strict=True)
    values = connection.sql("from learned_parameters").fetchall()
    found = {row[0]: dict(zip(names, row, strict=True)) for row in values}
    assert found.keys() == {1, 2, 3}
    steering = ("first_steer_ratio", "last_steer_ratio", "last_stiffness_factor")
    assert [found[1][name] for name in steering] == pytest.approx([14.0, 17.0, 1.2])
    assert found[2]["first_steer_ratio"] is None
    assert found[2]["last_stiffness_factor"] is None
    assert found[2]["first_lat_accel_factor"] == 1.5
    assert found[2]["last_lat_accel_offset"] == found[2]["last_friction_coefficient"] == 0.0
    assert {v for name, v in found[3].items() if name.startswith(("first", "last"))} == {None}
