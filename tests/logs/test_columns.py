"""Field by field the columns are what pycapnp reads, message by message, from the same bytes."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.logs.log import Log
from engagement.logs.pointers import Messages
from engagement.logs.schema import load_schema
from tests.oracles.capnp_messages import VERSIONS, random_message, write_schema
from tests.oracles.capnp_reader import Comparison

seeds = st.integers(0, 2**32 - 1)
versions = st.sampled_from(VERSIONS)


@pytest.fixture(scope="module")
def schemas(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemas")
    return {version: write_schema(folder / str(version), version) for version in VERSIONS}


def log_of(schema, seed, *, n_messages=5, split_share=0.5):
    rng = Random(seed)
    return b"".join(
        random_message(schema, rng, is_split=rng.random() < split_share) for _ in range(n_messages)
    )


@given(seed=seeds, writer=versions, reader=versions)
@settings(deadline=None, max_examples=120)
def test_every_field_equals_pycapnps(schemas, seed, writer, reader):
    compared = Comparison(log_of(schemas[writer], seed), schemas[reader])

    assert compared.wrong == []
    assert compared.is_good.all()


def test_random_messages_have_both_kinds_of_far_pointers(schemas, monkeypatch):
    met = []
    land = Messages._land

    def note(messages, rows, pointer):
        met.extend(((pointer >> 2) & 1).tolist())
        return land(messages, rows, pointer)

    monkeypatch.setattr(Messages, "_land", note)
    for seed in range(50):
        Comparison(log_of(schemas[3], seed), schemas[3])
    assert met.count(0) > 200
    assert met.count(1) > 5

    met.clear()
    for seed in range(5):
        Comparison(log_of(schemas[3], seed, split_share=0), schemas[3])
    assert met == []


def corrupt(raw, rng):
    """Flip bits, overwrite bytes and words, copy words about, cut."""
    raw = bytearray(raw)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        place = rng.randrange(len(raw))
        word = place - place % 8
        length = min(8, len(raw) - word)
        how = rng.randrange(6)
        if how == 0:
            raw[place] ^= 1 << rng.randrange(8)
        elif how == 1:
            raw[place] = rng.randrange(256)
        elif how == 2:
            raw[word : word + length] = rng.randbytes(length)
        elif how == 3:
            number = rng.choice((0, 1, 2**31, 2**32 - 4, 2**32 - 1))
            raw[word : word + 4] = number.to_bytes(4, "little")[: length or 4]
        elif how == 4:
            source = rng.randrange(len(raw) // 8 + 1) * 8
            raw[word : word + length] = raw[source : source + length].ljust(length, b"\0")
        elif rng.random() < 0.3 and place:
            del raw[place:]
    return bytes(raw)


@given(seed=seeds, writer=versions, reader=versions)
@settings(deadline=None, max_examples=250)
def test_corrupt_bytes_give_what_pycapnp_reads_or_a_mark(schemas, seed, writer, reader):
    raw = corrupt(log_of(schemas[writer], seed, n_messages=3), Random(seed + 1))

    assert Comparison(raw, schemas[reader]).wrong == []


@given(seed=seeds)
@settings(deadline=None, max_examples=50)
def test_damage_stays_within_its_message(schemas, seed):
    rng = Random(seed)
    messages = [random_message(schemas[2], rng, is_split=rng.random() < 0.5) for _ in range(4)]
    victim = rng.randrange(len(messages))
    body = 8 * (int.from_bytes(messages[victim][:4], "little") // 2 + 2)
    broken = messages[victim][:body] + rng.randbytes(len(messages[victim]) - body)
    raw = b"".join([*messages[:victim], broken, *messages[victim + 1 :]])

    compared = Comparison(raw, schemas[2])

    assert compared.wrong == []
    assert set(np.flatnonzero(~compared.is_good).tolist()) <= {victim}


def test_structs_items_and_takes_know_their_messages(schemas):
    event = schemas[3].event
    built = [
        event.new_message(logMonoTime=5, items=[{"number": 1}, {"number": 2}]),
        event.new_message(logMonoTime=7, all={"u8": 9}),
        event.new_message(logMonoTime=6, items=[]),
        event.new_message(logMonoTime=8, items=[{"number": 3, "values": [4, 5]}]),
    ]
    log = Log(b"".join(message.to_bytes() for message in built), schemas[3])

    items = log.items("items")
    assert items.message_num.tolist() == [0, 0, 3]
    assert items.parent.tolist() == [0, 0, 2]
    assert items.mono_ns.tolist() == [5, 5, 8]
    assert items.take(np.array([2])).column("number").tolist() == [3]
    parent, values = items.numbers("values")
    assert (parent.tolist(), values.tolist()) == ([2, 2], [4, 5])
    assert log.structs("all").column("u8").tolist() == [9]
    assert log.mono_ns.tolist() == [5, 7, 6, 8]
    assert log.numbers_of("items").tolist() == [0, 2, 3]


def test_what_a_schema_lacks_reads_as_nothing(schemas):
    raw = b"".join(random_message(schemas[1], Random(seed)) for seed in range(30))
    log = Log(raw, schemas[1])
    rows = log.structs("all")

    assert len(log.structs("unheard")) == len(log.items("unheard")) == 0
    assert rows.field("unheard") is None
    for name in ("unheard", "text", "inner", "off", "i8s"):
        assert not rows.column(name).any()
        assert len(rows.column(name)) == len(rows)
    for name in ("unheard", "i8", "inner"):
        assert rows.texts(name)[1] == [""]
        assert not rows.octets(name).length.any()
        assert len(rows.items(name)) == len(rows.numbers(name)[0]) == 0
    assert rows.struct("unheard").struct("deeper").column("x").tolist() == [0.0] * len(rows)
    assert rows.enumerants("mode") == ("a", "b", "c")
    assert rows.enumerants("i8") == rows.enumerants("unheard") == ()


GENERIC = """\
@0xe3c1d2a4b5968777;
struct Map(Key, Value) {
  entries @0 :List(Entry);
  struct Entry { key @0 :Key; value @1 :Value; }
}
struct Event {
  logMonoTime @0 :UInt64;
  union { params @1 :Map(Text, Data); owner @2 :Owner; }
}
struct Owner { name @0 :Text = "nobody"; kinds @1 :List(UInt8) = [1]; plain @2 :Text; }
"""


@pytest.fixture
def generic(tmp_path):
    (tmp_path / "log.capnp").write_text(GENERIC)
    return load_schema(tmp_path)


def test_a_fields_of_a_generic_type_read_as_the_text_or_data_that_they_are(generic):
    message = generic.event.new_message(
        params={"entries": [{"key": "Version", "value": b"1.0\0"}, {"key": "Dirty"}]}
    )

    entries = Log(message.to_bytes(), generic).structs("params").items("entries")

    codes, texts = entries.texts("key")
    assert [texts[code] for code in codes] == ["Version", "Dirty"]
    codes, octets = entries.octets("value").distinct()
    assert [octets[code] for code in codes] == [b"1.0\0", b""]


def test_pointers_with_defaults_of_their_own_are_left_out(generic):
    message = generic.event.new_message(owner={"plain": "p"})

    owner = Log(message.to_bytes(), generic).structs("owner")

    assert set(owner.layout.fields) == {"plain"}
    assert owner.texts("plain")[1] == ["", "p"]
