"""A drive of an rlog and a qlog: each has the gap between samples that its kind may have."""

from __future__ import annotations

import pytest

from tests.computing import compute, rows
from tests.unsound_drives import SECOND_NS, START_NS, sound_drive, without

PLACE = ("drive_id", "segment_num", "message_num", "mono_ns")
SILENCE_S = 1.2  # too long after a sample of an rlog, not after one of a qlog


@pytest.mark.parametrize(
    ("kinds", "n_unknown"), [(("rlog", "qlog", "qlog"), 1), (("qlog", "rlog", "rlog"), 0)]
)
def test_a_silence_ends_with_the_next_sample_whatever_log_it_is_of(connection, kinds, n_unknown):
    tables = sound_drive()
    for segment, log_kind in zip(tables["segment"], kinds, strict=True):
        segment["log_kind"] = log_kind
    tables["car_control"] = [
        {name: row[name] for name in PLACE}
        | {"enabled": True, "lat_active": row["active"], "long_active": row["active"]}
        for row in tables["selfdrive_state"]
    ]
    without(19.95, 19.9 + SILENCE_S)(tables)

    compute(connection, tables, "state_intervals")

    for column in ("mode = 'unknown'", "lateral_active is null"):
        found = rows(
            connection,
            f"select start_mono_ns, end_mono_ns from state_intervals where {column}",
        )
        start_ns = START_NS + 1 + round(19.9 * SECOND_NS)
        expected = {
            "start_mono_ns": start_ns,
            "end_mono_ns": start_ns + round(SILENCE_S * SECOND_NS),
        }
        assert found == [expected] * n_unknown
