"""Hostile messages, word by word: each is marked, quickly, and takes the others nothing."""

from __future__ import annotations

import struct
import time
import tracemalloc

import numpy as np
import pytest

from engagement.logs.log import Log
from engagement.logs.schema import load_schema
from tests.logs.test_framing import frame
from tests.oracles.capnp_reader import Comparison

SCHEMA = """\
@0xc5b8f0a1d2e3f499;
struct Event {
  logMonoTime @0 :UInt64;
  union { node @1 :Node; nodes @2 :List(Node); text @3 :Text; }
}
struct Node {
  value @0 :UInt64 = 5;
  text @1 :Text;
  next @2 :Node;
  children @3 :List(Node);
  numbers @4 :List(UInt32);
}
"""
BYTES, WORDS, POINTERS, COMPOSITE = 2, 5, 6, 7
NODE, NODES = 0, 1


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schema")
    (folder / "log.capnp").write_text(SCHEMA)
    return load_schema(folder)


def words(*numbers):
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def struct_pointer(offset, n_data, n_pointers):
    return (offset << 2) & 0xFFFFFFFF | n_data << 32 | n_pointers << 48


def list_pointer(offset, code, count):
    return (offset << 2) & 0xFFFFFFFF | 1 | code << 32 | count << 35


def far_pointer(segment, place, *, is_double=False):
    return 2 | is_double << 2 | place << 3 | segment << 32


def event(which, pointer, *rest, mono_ns=1, segments=()):
    """An Event whose union's pointer is word 3 of the first segment, and words from word 4 on."""
    first = words(struct_pointer(0, 2, 1), mono_ns, which, pointer, *rest)
    return frame(first, *segments)


def node(value, *pointers):
    """A Node of four pointers, given in the schema's order: text, next, children, numbers."""
    return (value ^ 5, *pointers, *(0,) * (4 - len(pointers)))


AT_ONCE = struct_pointer(0, 1, 4)
GOOD = event(NODE, AT_ONCE, *node(77))
SIBLING = event(NODES, list_pointer(0, COMPOSITE, 5), struct_pointer(1, 1, 4), *node(78))


def read_all(log):
    """Follow everything that the schema has, two levels deep."""
    for rows in (log.structs("node"), log.items("nodes")):
        for level in (rows, rows.struct("next"), rows.items("children")):
            level.column("value")
            level.texts("text")
            level.numbers("numbers")
            level.struct("next").column("value")
            level.items("children").column("value")
    return log


FAR_TO_NODE = (words(struct_pointer(0, 1, 4), *node(5)),)
HOSTILE = {
    "struct beyond the segment": event(NODE, struct_pointer(0, 1, 5), *node(1)),
    "struct far away": event(NODE, struct_pointer(2**29 - 1, 1, 4), *node(1)),
    "struct before the segment": event(NODE, struct_pointer(-5, 1, 4), *node(1)),
    "struct of the largest size": event(NODE, struct_pointer(0, 0xFFFF, 0xFFFF), *node(1)),
    "list in the place of a struct": event(NODE, list_pointer(0, WORDS, 1), *node(1)),
    "struct in the place of a list": event(NODES, struct_pointer(0, 1, 4), *node(1)),
    "capability": event(NODE, 3, *node(1)),
    "list beyond the segment": event(NODES, list_pointer(0, COMPOSITE, 6), struct_pointer(1, 1, 4)),
    "list before the segment": event(NODES, list_pointer(-9, COMPOSITE, 2), *node(1)),
    "list of the largest size": event(NODES, list_pointer(0, COMPOSITE, 2**29 - 1), *node(1)),
    "more elements than words": event(
        NODES, list_pointer(0, COMPOSITE, 5), struct_pointer(2, 1, 4), *node(1), *[0] * 20
    ),
    "list one word too long": event(
        NODES, list_pointer(0, COMPOSITE, 5), struct_pointer(1, 5, 0), *[1] * 4
    ),
    "half a billion elements of no size": event(
        NODES, list_pointer(0, COMPOSITE, 0), struct_pointer(2**29 - 1, 0, 0)
    ),
    "elements of a list that is no struct": event(
        NODES, list_pointer(0, COMPOSITE, 5), struct_pointer(1, 1, 4) | 1, *node(1)
    ),
    "structs as a list of pointers": event(NODES, list_pointer(0, POINTERS, 1), 0),
    "text without its NUL": event(NODE, AT_ONCE, *node(1, list_pointer(3, BYTES, 3)), 0x636261),
    "text of no length": event(NODE, AT_ONCE, *node(1, list_pointer(3, BYTES, 0)), 0),
    "text that is not UTF-8": event(NODE, AT_ONCE, *node(1, list_pointer(3, BYTES, 3)), 0x00FFFF),
    "text of the largest size": event(
        NODE, AT_ONCE, *node(1, list_pointer(3, BYTES, 2**29 - 1)), 0
    ),
    "text of words": event(NODE, AT_ONCE, *node(1, list_pointer(3, WORDS, 1)), 0),
    "numbers of another size": event(
        NODE, AT_ONCE, *node(1, 0, 0, 0, list_pointer(0, BYTES, 4)), 0
    ),
    "far pointer into no segment": event(NODE, far_pointer(7, 0), segments=FAR_TO_NODE),
    "far pointer into the next message": event(NODES, far_pointer(1, 3)),
    "far pointer into the last segment of all": event(NODE, far_pointer(2**32 - 1, 0)),
    "far pointer beyond a segment": event(NODE, far_pointer(1, 6), segments=FAR_TO_NODE),
    "far pointer at a far pointer": event(
        NODE, far_pointer(1, 0), segments=(words(far_pointer(1, 0)),)
    ),
    "double far pointer at itself": event(
        NODE,
        far_pointer(1, 0, is_double=True),
        segments=(words(far_pointer(1, 0, is_double=True), AT_ONCE),),
    ),
    "double far pointer into no segment": event(
        NODE, far_pointer(1, 0, is_double=True), segments=(words(far_pointer(9, 0), AT_ONCE),)
    ),
    "double far pointer cut in half": event(
        NODE,
        far_pointer(1, 0, is_double=True),
        segments=(words(far_pointer(1, 0)), words(struct_pointer(0, 1, 0))),
    ),
    "double far pointer to a near one": event(
        NODE, far_pointer(1, 0, is_double=True), segments=(words(AT_ONCE, AT_ONCE, *node(1)),)
    ),
    "double far pointer to a null": event(
        NODE, far_pointer(1, 0, is_double=True), segments=(words(0, struct_pointer(0, 1, 0)),)
    ),
    "far pointer to a struct beyond its segment": event(
        NODE, far_pointer(1, 0), segments=(words(AT_ONCE), words(*node(1)))
    ),
    "struct that reaches into the next segment": event(
        NODE, struct_pointer(0, 1, 4), *node(1)[:3], segments=(words(*node(1)),)
    ),
    "root that is a list": frame(words(list_pointer(0, WORDS, 1), 1)),
    "root beyond the message": frame(words(struct_pointer(5, 2, 1), 1)),
    "no root": frame(b"", words(AT_ONCE, *node(1))),
    "time of half the numbers' range": event(NODE, 0, mono_ns=2**62 + 1),
    "time beyond a signed number": event(NODE, 0, mono_ns=2**64 - 1),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_message_is_marked_and_alone(schema, what):
    log = read_all(Log(GOOD + HOSTILE[what] + SIBLING, schema))

    assert log.is_damaged.tolist() == [False, True, False]
    assert log.n_damaged == 1
    assert log.structs("node").column("value")[0] == 77
    assert log.items("nodes").column("value")[-1] == 78
    assert Comparison(GOOD + HOSTILE[what] + SIBLING, schema).wrong == []


ODD_BUT_FINE = {
    "all null": event(NODE, 0),
    "root that is null": frame(words(0)),
    "struct of no size": event(NODE, struct_pointer(-1, 0, 0)),
    "struct that is longer than the schema's": event(
        NODE, struct_pointer(0, 3, 6), *[9] * 3, *[0] * 6
    ),
    "list of no elements": event(NODES, list_pointer(0, COMPOSITE, 0), struct_pointer(0, 1, 4)),
    "elements of no size": event(NODES, list_pointer(0, COMPOSITE, 0), struct_pointer(4, 0, 0)),
    "list that is longer than its elements": event(
        NODES, list_pointer(0, COMPOSITE, 7), struct_pointer(1, 1, 4), *node(1), 0, 0
    ),
    "struct that contains itself": event(NODE, AT_ONCE, *node(1, 0, struct_pointer(-3, 1, 4))),
    "text that is one NUL": event(NODE, AT_ONCE, *node(1, list_pointer(3, BYTES, 1)), 0),
    "far pointer within the segment": event(NODE, far_pointer(0, 4), AT_ONCE, *node(6)),
    "far pointer": event(NODE, far_pointer(1, 0), segments=FAR_TO_NODE),
    "far pointer to a null": event(NODE, far_pointer(1, 0), segments=(words(0),)),
    "double far pointer": event(
        NODE,
        far_pointer(1, 0, is_double=True),
        segments=(words(far_pointer(2, 1), AT_ONCE), words(0, *node(6))),
    ),
    "unknown member of the union": event(9, 0),
    "latest time": event(NODE, 0, mono_ns=2**62),
}


@pytest.mark.parametrize("what", ODD_BUT_FINE)
def test_an_odd_message_reads_as_pycapnp_reads_it(schema, what):
    compared = Comparison(GOOD + ODD_BUT_FINE[what] + SIBLING, schema)

    assert compared.wrong == []
    assert compared.is_good.all()


def spent(raw, schema):
    """Seconds and bytes that reading everything takes, and the log."""
    start = time.perf_counter()
    tracemalloc.start()
    try:
        log = read_all(Log(raw, schema))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return time.perf_counter() - start, peak_bytes, log


def many_nodes(n_nodes, pointers):
    """A list of nodes; `pointers` gives a node's four for its place in the segment."""
    body = [number for at in range(n_nodes) for number in node(1, *pointers(5 + 5 * at))]
    pointer = list_pointer(0, COMPOSITE, 5 * n_nodes)
    return event(NODES, pointer, struct_pointer(n_nodes, 1, 4), *body, 0x61)


def shared_children(n_nodes):
    return many_nodes(
        n_nodes, lambda at: (0, 0, list_pointer(4 - (at + 4), COMPOSITE, 5 * n_nodes))
    )


def shared_text(n_nodes):
    last = 5 + 5 * n_nodes
    return many_nodes(n_nodes, lambda at: (list_pointer(4 - (at + 2), BYTES, 8 * (last - 3) - 1),))


def shared_numbers(n_nodes):
    return many_nodes(n_nodes, lambda at: (0, 0, 0, list_pointer(4 - (at + 5), 4, 10 * n_nodes)))


@pytest.mark.parametrize("amplify", [shared_children, shared_text, shared_numbers])
def test_lists_that_share_their_words_do_not_grow_a_log(schema, amplify):
    raw = amplify(4000)

    seconds, peak_bytes, log = spent(raw, schema)

    assert log.is_damaged.tolist() == [True]
    assert peak_bytes < 100 * len(raw)
    assert seconds < 5
    few = amplify(2)
    assert Comparison(few, schema).wrong == []


def test_many_hostile_messages_cost_time_and_memory_like_their_bytes(schema):
    raw = b"".join(HOSTILE.values()) * 200

    seconds, peak_bytes, log = spent(raw, schema)

    assert log.is_damaged.all()
    assert len(log) == 200 * len(HOSTILE)
    assert peak_bytes < 30 * len(raw)
    assert seconds < 5


def test_a_deep_message_is_read_as_deep_as_one_asks(schema):
    depth = 2000
    chain = [number for _ in range(depth) for number in node(6, 0, struct_pointer(2, 1, 4))]
    rows = Log(event(NODE, AT_ONCE, *chain, *node(7)), schema).structs("node")

    for _ in range(depth):
        rows = rows.struct("next")

    assert rows.column("value").tolist() == [7]
    assert not rows.messages.is_damaged.any()


def test_an_empty_log_has_nothing(schema):
    for raw in (b"", b"\0\0\0", bytes(64)):
        log = read_all(Log(raw, schema))
        assert (len(log), log.n_damaged) == (0, 0)
        assert len(log.structs("node")) == len(log.items("nodes")) == 0


def test_reading_leaves_the_bytes_alone(schema):
    raw = GOOD + SIBLING + HOSTILE["double far pointer at itself"]
    before = bytes(bytearray(raw))

    assert read_all(Log(raw, schema)).mono_ns.tolist() == [1, 1, 1]
    assert raw == before
    assert isinstance(Log(raw, schema).which, np.ndarray)
