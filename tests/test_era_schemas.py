"""The eras' schemas give the struct sizes that history tells, and those of logs that were given."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from engagement.logs.codec import decompress
from tests.support.era_schemas import (
    OLD_SUNNYPILOT,
    Change,
    EraSchemas,
    cut,
    highest_ordinals,
    history,
)
from tests.support.eras import ERAS, write_era

EXAMPLES = Path(__file__).parent / "data" / "eras"

FILES = {
    "CarState": "car",
    "CarControl": "car",
    "CarOutput": "car",
    "CarParams": "car",
    "CarEvent": "events",
    "OnroadEvent": "events",
    "ControlsState": "selfdrive",
    "SelfdriveState": "selfdrive",
    "LiveLocationKalman": "selfdrive",
    "Event": "log",
}

# Each example, and the era written here that its schemas are of.
SAME = (
    ("2021-03_v0.8.3", "0.8.3"),
    ("2025-03_v0.9.9", "0.9.9"),
    ("sunnypilot-2026", "sunnypilot-new"),
)

SIZES: dict[str, list[Change]] = {}
for change in history():
    if change.size is not None:
        SIZES.setdefault(change.since, []).append(change)


def schema_of(schemas: EraSchemas, path: str) -> Any:
    top, *inner = path.split(".")
    found = getattr(schemas.load(FILES.get(top, "device")), top)
    for name in inner:
        found = getattr(found, name)
    return found.schema


@pytest.mark.parametrize("since", sorted(SIZES))
def test_struct_sizes_of_a_date(since, tmp_path):
    schemas = EraSchemas(tmp_path, since)
    for change in SIZES[since]:
        node = schema_of(schemas, change.struct).node.struct
        assert (node.dataWordCount, node.pointerCount) == change.size, change.struct


def test_the_old_sunnypilot_s_car_state(tmp_path):
    schema = schema_of(EraSchemas(tmp_path, "2024-05-01", OLD_SUNNYPILOT), "CarState")
    node = schema.node.struct
    assert (node.dataWordCount, node.pointerCount) == (9, 7)
    names = ("madsEnabled", "belowLaneChangeSpeed", "accEnabled", "latActive", "endToEndLong")
    bits = [schema.fields[name].proto.slot.offset for name in names]
    assert bits == [45 * 8 + 3, 45 * 8 + 7, 46 * 8, 46 * 8 + 1, 46 * 8 + 2]
    assert schema.fields["gapAdjustCruiseTr"].proto.slot.offset * 4 == 64


def test_what_came_later_is_left_out():
    text = """
struct Car {
  speed @0 :Float32;  # m/s
  kind :union {
    small @1 :Void;
    large @3 :Void;
  }
  inner @2 :Inner;
  struct Inner {
    late @5 :Bool;
  }
}
"""
    found = cut(text, {"Car": 2})
    assert "large" not in found
    assert all(name in found for name in ("speed", "small", "inner", "late"))
    assert "union" not in cut(text, {"Car": 0})


def test_a_name_from_the_future_can_t_be_written(tmp_path):
    """The scripted drive can't use by mistake what its era did not have."""
    schemas = EraSchemas(tmp_path, "2022-09-12")  # which has to outlive its types
    event = schemas.load("events").CarEvent
    with pytest.raises(Exception, match="steerOverride"):
        event.new_message(name="steerOverride")
    assert highest_ordinals("2022-09-13")["CarEvent.EventName"] == 114


def sizes_by_member(folder: Path) -> dict[int, tuple[int, int]]:
    """Data words and pointers of every union member that is a struct, read off the raw logs."""
    found = {}
    for path in folder.rglob("?log*"):
        if path.is_file():
            raw = bytes(decompress(path.read_bytes(), limit_bytes=1 << 30).raw)
            start = 0
            while start < len(raw):
                n_more, n_words, _, _, member, pointer = struct.unpack_from("<IIQQQQ", raw, start)
                assert n_more == 0
                if pointer & 3 == 0:
                    found[member & 0xFFFF] = (pointer >> 32 & 0xFFFF, pointer >> 48)
                start += 8 + 8 * n_words
    return found


@pytest.mark.parametrize(("example", "era"), SAME)
def test_eras_are_written_as_the_examples_were(example, era, tmp_path):
    write_era(next(each for each in ERAS if each.name == era), tmp_path)
    written = sizes_by_member(tmp_path / "logs")
    given = sizes_by_member(EXAMPLES / example)
    both = written.keys() & given.keys()
    assert len(both) >= 8
    assert {member: written[member] for member in both} == {
        member: given[member] for member in both
    }
