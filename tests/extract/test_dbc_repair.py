"""DBC texts as opendbc has them, which a strict parser refuses; and what refines a value."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from cantools.database import load_string
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.errors import ConfigError
from engagement.extract.can_decoding import CanSignals, extract_signals, refine
from engagement.extract.car_signals import keep_telling
from engagement.extract.car_table import CarKey
from engagement.extract.dbc import load_dbc, parse_dbc, specify
from engagement.extract.dbc_repair import repair
from engagement.extract.profiles import SignalEntry
from engagement.extract.signal_specs import BitField, Refinement
from tests.oracles.can import bits, make_frames

# Sound, multiplexed, signed, of both byte orders, longer than 8 bytes, with an id of 29 bits.
SOUND = """VERSION ""
BU_: XXX
BO_ 100 PLAIN: 8 XXX
 SG_ TORQUE : 4|13@0+ (0.25,-500) [-500|1547.5] "Nm" XXX
 SG_ RATE : 16|12@1- (-0.5,.125) [0|1] "" XXX
BO_ 101 _2017_5: 8 XXX
 SG_ _0_COUNTER : 35|4@0+ (1,0) [0|255] "" XXX
BO_ 2566914048 LONG: 16 XXX
 SG_ FAR : 96|24@1- (0.1,-3) [0|1] "" XXX
BO_ 102 PAGES: 8 XXX
 SG_ PAGE M : 0|2@1+ (1,0) [0|3] "" XXX
 SG_ ONE m1 : 15|7@0- (1,0) [0|1] "" XXX

VAL_ 100 RATE 1 "one" ;
"""
BROKEN = (
    SOUND.replace("(0.25", "(.25")
    .replace("_2017_5", "2017_5")
    .replace("_0_COUNTER", "0_COUNTER")
    .replace("BO_ 2566914048", f"BO_ {2566914048 - 2**31}")
    .replace('"one" ;', '"one"')
    + 'CM_ SG_ 100 "of no signal";\nCM_ 101 "of \\"no\\" message;\nBO_ 7 it goes on";\n'
    + 'CM_ "sound, over\ntwo lines";\nVAL_ 100 GONE 1 "one" ;\n'
)
SOUND = SOUND.replace(",.125", ",0.125")
SIGNALS = [
    ("PLAIN", "TORQUE"),
    ("PLAIN", "RATE"),
    ("_2017_5", "_0_COUNTER"),
    ("LONG", "FAR"),
    ("PAGES", "ONE"),
]


def test_a_mended_dbc_means_what_the_sound_one_does(tmp_path):
    path = tmp_path / "broken.dbc"
    path.write_text(BROKEN)
    sound, mended = load_string(SOUND, "dbc"), load_dbc(path)
    rng = Random(1)
    for message_name, signal in SIGNALS:
        message = sound.get_message_by_name(message_name)
        entries = [SignalEntry(message_name, signal)]
        payloads = [rng.randbytes(message.length) for _ in range(40)]
        payloads = [p for p in payloads if message_name != "PAGES" or p[0] & 3 == 1]

        specs = specify(mended, "key", entries, path=path)
        got = extract_signals(make_frames([(message.frame_id, 0, p) for p in payloads]), specs)

        wanted = [message.decode(p, decode_choices=False)[signal] for p in payloads]
        assert [bits(v) for v in got.value] == [bits(float(v)) for v in wanted]
        assert mended.get_message_by_name(message_name).is_extended_frame == (
            message_name == "LONG"
        )


def test_a_sound_text_keeps_its_meaning_when_mended():
    first, second = load_string(SOUND, "dbc"), load_string(repair(SOUND), "dbc")
    assert first.is_similar(second)


def test_what_can_not_be_mended_is_refused_by_the_name_given():
    with pytest.raises(ConfigError, match="the car: is no DBC that can be parsed"):
        parse_dbc("BO_ what is this", "the car")


VALUES = st.lists(st.floats(-10, 10).map(round).map(float), max_size=12)
OPTIONS = st.builds(
    Refinement,
    factor=st.sampled_from([None, BitField(0, 8)]),
    factors=st.just(((1.0, -1.0), (2.0, 1.5))),
    lowest=st.integers(-9, 0),
    highest=st.integers(1, 9),
    one_of=st.none() | st.just((1.0, -3.0)),
    above=st.none() | st.integers(-2, 2),
)


@settings(max_examples=100, deadline=None)
@given(VALUES, OPTIONS, st.integers(0, 2**30))
def test_refining_is_what_it_says(values, refinement, seed):
    rng = Random(seed)
    said = [float(rng.randrange(3)) for _ in values]

    got, is_reading = refine(np.array(values), refinement, lambda _field: np.array(said))

    for place, value in enumerate(values):
        factor = {1.0: -1.0, 2.0: 1.5}.get(said[place], 1.0) if refinement.factor else 1.0
        wanted = value * factor
        assert is_reading[place] == (refinement.lowest <= wanted <= refinement.highest)
        if refinement.one_of is not None:
            wanted = float(wanted in refinement.one_of)
        elif refinement.above is not None:
            wanted = float(wanted > refinement.above)
        assert got[place] == wanted


def test_samples_are_kept_by_what_their_key_says():
    n = 40
    signals = CanSignals(
        keys=("all", "changes", "seldom"),
        frame_row=np.arange(n),
        message_num=np.arange(n, dtype=np.int32),
        frame_num=np.zeros(n, dtype=np.int32),
        mono_ns=np.arange(n) * 10_000_000,
        bus=np.zeros(n, dtype=np.uint8),
        key_num=(np.arange(n) % 3).astype(np.int16),
        value=np.arange(n) // 10 * 1.0,
    )
    keys = {"changes": CarKey("", changes=True), "seldom": CarKey("", every_s=0.1)}

    kept = np.flatnonzero(keep_telling(signals, keys)).tolist()

    assert [row for row in kept if row % 3 == 0] == list(range(0, n, 3))
    assert [row for row in kept if row % 3 == 1] == [1, 10, 22, 31, 37]
    assert [row for row in kept if row % 3 == 2] == [2, 11, 20, 32]
