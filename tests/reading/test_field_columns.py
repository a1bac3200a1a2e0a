"""Any field by its name has the values that pycapnp reads, message by message."""

from __future__ import annotations

from random import Random
from typing import Any

import capnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.errors import NotFoundError
from engagement.logs.log import Log
from engagement.reading.field_columns import read_messages
from engagement.reading.field_names import find_fields
from tests.oracles.capnp_messages import EVENTS, VERSIONS, random_message, write_schema

seeds = st.integers(0, 2**32 - 1)
versions = st.sampled_from(VERSIONS)
_STRUCTS = ("all", "items", "late")


@pytest.fixture(scope="module")
def schemas(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemas")
    return {version: write_schema(folder / str(version), version) for version in VERSIONS}


def names_in(schema):
    """Every name that all fields of the random messages have, and elements of their lists."""
    services = [event for event in dict.fromkeys(EVENTS) if event in schema.which_by_name]
    asked = [f"{name}.*" if name in _STRUCTS else name for name in services if name != "nothing"]
    found = [wanted.name for wanted in find_fields(asked, schema)]
    indexed = ("u16s[0]", "f32s[-1]", "modes[2]", "choice.several[1].text", "more[-1].values[0]")
    indexed = ["items[-2].mode", *(f"all.{name}" for name in indexed)]
    return [*found, *(name for name in indexed if is_known(name, schema))]


def is_known(name, schema):
    try:
        return bool(find_fields([name], schema))
    except NotFoundError:
        return False


def expected(reader: Any, steps: tuple[Any, ...]) -> Any:
    """The value that pycapnp has; None behind a null pointer and in a union's other members."""
    for number, step in enumerate(steps):
        for part in step.name.split("."):
            if part in reader.schema.union_fields and str(reader.which()) != part:
                return None
            kind = reader.schema.fields[part].proto
            is_struct = kind.which() == "slot" and str(kind.slot.type.which()) == "struct"
            if is_struct and not reader._has(part):
                return None
            reader = getattr(reader, part)
        if isinstance(reader, capnp.lib.capnp._DynamicListReader):
            each = [of_element(item, steps[number + 1 :]) for item in reader]
            if step.index is None:
                return each
            is_inside = -len(each) <= step.index < len(each)
            return each[step.index] if is_inside else None
    return named(reader)


def of_element(item, steps):
    return expected(item, steps) if steps else named(item)


def named(value):
    return str(value) if isinstance(value, capnp.lib.capnp._DynamicEnum) else value


def is_same(ours, theirs):
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(is_same, ours, theirs))
    if isinstance(theirs, float) and isinstance(ours, float):
        both_nan = np.isnan(ours) and np.isnan(theirs)
        return both_nan or np.float64(ours).tobytes() == np.float64(theirs).tobytes()
    return ours == theirs


@given(seed=seeds, version=versions)
@settings(deadline=None, max_examples=30)
def test_every_name_reads_what_pycapnp_reads(schemas, seed, version):
    schema, rng = schemas[version], Random(seed)
    raw = [random_message(schema, rng, is_split=rng.random() < 0.5) for _ in range(5)]
    log = Log(b"".join(raw), schema)
    readers = [next(schema.event.read_multiple_bytes(message)) for message in raw]
    order = np.argsort(log.mono_ns, kind="stable")

    for wanted in find_fields(names_in(schema), schema):
        theirs = [
            expected(readers[row], wanted.steps)
            for row in order
            if str(readers[row].which()) == wanted.service
        ]
        mono_ns, table = read_messages(log, wanted.service, [wanted])
        ours = table.column(wanted.name).to_pylist()
        assert len(mono_ns) == len(ours) == len(theirs)
        assert all(map(is_same, ours, theirs)), (wanted.name, ours, theirs)
