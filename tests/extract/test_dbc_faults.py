"""One fault in a DBC costs the line that has it; letters and line ends cost nothing."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest
from cantools.database import load_string
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.cli.dbc_choice import choose_dbc
from engagement.errors import ConfigError
from engagement.extract.can_decoding import extract_signals
from engagement.extract.dbc import load_dbc, note_of, parse_dbc, specify
from engagement.extract.dbc_lines import read_linewise
from engagement.extract.frames import decode_values, list_signals
from engagement.extract.profiles import SignalEntry
from tests.oracles.can import bits, decode_frame, make_frames

HEAD = 'VERSION ""\n\nNS_ :\n\nBS_:\n\nBU_: XXX\n\n'
BODY = """BO_ 100 TBOX: 8 XXX
 SG_ TBOXV : 7|8@0+ (1,0) [0|255] "" XXX
 SG_ plain : 15|8@0+ (0.5,-1) [0|255] "" XXX

CM_ SG_ 100 plain "a";
VAL_ 100 plain 0 "b" 1 "on" ;
"""
SOUND = HEAD + BODY
LETTERS = SOUND.replace("TBOXV", "TBOX版本")
FAULTS = {
    "sound": SOUND.encode(),
    "name in UTF-8": LETTERS.encode(),
    "name in GBK": LETTERS.encode("gbk"),
    "unit in GBK": SOUND.replace('"" XXX', '"℃" XXX').encode("gbk"),
    "unit in Latin-1": SOUND.replace('"" XXX', '"°C" XXX').encode("latin-1"),
    "UTF-8 with a mark": SOUND.encode("utf-8-sig"),
    "UTF-16": SOUND.encode("utf-16"),
    "UTF-16, big endian": b"\xfe\xff" + SOUND.encode("utf-16-be"),
    "UTF-16 without a mark": SOUND.encode("utf-16-le"),
    "CR": SOUND.replace("\n", "\r").encode(),
    "CR LF": SOUND.replace("\n", "\r\n").encode(),
    "attribute of no known type": (SOUND + 'BA_DEF_ BO_ "R" BOOL False True;\n').encode(),
    "attribute that is not defined": (SOUND + 'BA_ "Long" SG_ 100 plain "name";\n').encode(),
    "signal without a place": (SOUND + ' SG_ lost : |8@0+ (1,0) [0|1] "" XXX\n').encode(),
    "line of nothing": SOUND.replace("CM_", "?!\nCM_").encode(),
    "text that does not end": (SOUND + 'CM_ "it goes on').encode(),
    "comment that does not end": SOUND.replace("BO_ 100", 'CM_ "it goes on;\nBO_ 100').encode(),
    "comment with a signal in it": (
        SOUND + 'CM_ "as in\n it: SG_ no : 0|8@1+ (1,0) or\nSG_ not : so";\nBA_DEF_ BOOL;\n'
    ).encode(),
    "values, then a bad line": SOUND.replace('"on" ;', '"on" ;\nBA_ 7 "x" 8 "y";').encode(),
    "signals of no message": SOUND.replace(
        "BO_ 100", 'BO_ 3221225472 VECTOR__INDEPENDENT_SIG_MSG: 0 V\n SG_ u : 0|8@1- (1,0) '
        '[0|1] "" V\n\nBO_ 100').encode(),
    "message without a length": SOUND.replace(
        "BO_ 100", 'BO_ 99 HALF: XXX\n SG_ h : 0|8@1- (1,0) [0|1] "" V\n\nBO_ 100').encode(),
}  # fmt: skip
UNITS = {"unit in GBK": "℃", "unit in Latin-1": "°C"}


@pytest.mark.parametrize("what", FAULTS)
def test_the_other_lines_are_read(tmp_path, what):
    path = tmp_path / "car.dbc"
    path.write_bytes(FAULTS[what])

    listed = list_signals(load_dbc(path), "car.dbc")

    by_name = {each.key: each for each in listed.signals}
    version = "版本" if what.startswith("name") else "V"
    assert [*by_name] == [f"TBOX.TBOX{version}", "TBOX.plain"]
    assert by_name["TBOX.plain"].unit == UNITS.get(what, "")
    (values,) = decode_values(
        make_frames([(100, 0, b"\x05\x07" + bytes(6))]), [by_name["TBOX.plain"]]
    )
    assert values.value.tolist() == [2.5]


def test_what_was_left_out_is_said(tmp_path, capsys):
    path = tmp_path / "car.dbc"
    path.write_bytes(FAULTS["signal without a place"])

    chosen = choose_dbc(str(path), None)

    said = capsys.readouterr().err
    assert "only messages and signals were taken from it, but 1 SG_ that can't be read" in " ".join(
        said.split()
    )
    assert "is no sound DBC (Invalid syntax at line " in " ".join(said.split())
    assert chosen.signals.note
    assert note_of(parse_dbc(SOUND, "x")) == ""


def test_a_text_without_signals_is_refused(tmp_path):
    path = tmp_path / "car.dbc"
    for content in (b"BO_ what", b"\x00" * 50, b"SG_ \xff\xfe", b'BO_ 1 A: 8 X\n SG_ : "'):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=r"car\.dbc: is no DBC that can be parsed"):
            load_dbc(path)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(SOUND)))
def test_any_bytes_are_read_or_refused(noise, place):
    text = SOUND[:place] + noise.decode("latin-1") + SOUND[place:]
    with suppress(ConfigError):
        listed = list_signals(parse_dbc(text, "x"), "x")
        assert listed.messages


# Nested and extended multiplexing, floats, signs, both byte orders, ids of 29 bits, CAN FD.
RICH = (
    HEAD
    + """BO_ 2566914048 LONG: 16 XXX
 SG_ FAR : 96|24@1- (0.1,-3) [0|1] "" XXX
 SG_ REAL : 0|32@1- (2,1) [0|1] "m" XXX
 SG_ BIG : 39|12@0+ (1.5e-3,0) [0|1] "" XXX
BO_ 102 PAGES: 8 XXX
 SG_ PAGE M : 0|2@1+ (1,0) [0|3] "" XXX
 SG_ ONE m1 : 15|7@0- (1,0) [0|1] "" XXX
 SG_ SUB m2M : 16|2@1+ (1,0) [0|3] "" XXX
 SG_ LEAF m3 : 24|8@1+ (1,0) [0|3] "" XXX
 SG_ plain : 56|8@1+ (1,0) [0|3] "" XXX

VAL_ 102 plain 0 "b" 1 "on" ;
SIG_VALTYPE_ 2566914048 REAL : 1;
SG_MUL_VAL_ 102 ONE PAGE 1-1;
SG_MUL_VAL_ 102 SUB PAGE 0-0, 2-2;
SG_MUL_VAL_ 102 LEAF SUB 3-3;
"""
)


def test_lines_mean_what_a_parser_makes_of_them():
    whole, linewise = load_string(RICH, "dbc", strict=False), read_linewise(RICH)
    rng = Random(1)
    for message, ours in zip(whole.messages, linewise.messages, strict=True):
        assert (ours.frame_id, ours.is_extended_frame) == (
            message.frame_id, message.is_extended_frame
        )  # fmt: skip
        for _ in range(300):
            payload = rng.randbytes(message.length)
            assert {n: bits(v) for n, v in decode_frame(ours, payload).items()} == {
                n: bits(v) for n, v in decode_frame(message, payload).items()
            }
    choices = linewise.get_message_by_name("PAGES").get_signal_by_name("plain").choices
    assert {number: str(name) for number, name in choices.items()} == {0: "b", 1: "on"}


def test_an_id_that_selects_nothing_leaves_the_plain_signals():
    text = HEAD + (
        'BO_ 100 TBOX: 8 XXX\n SG_ sel M : 23|8@0+ (1,0) [0|1] "" XXX\n'
        ' SG_ one m1 : 39|8@0+ (1,0) [0|1] "" XXX\n SG_ plain : 15|8@0+ (1,0) [0|255] "" XXX\n'
    )
    database = parse_dbc(text, "x")
    rng = Random(2)
    payloads = [rng.randbytes(8) for _ in range(200)]
    specs = [
        spec
        for name in ("plain", "one", "sel")
        for spec in specify(database, name, [SignalEntry("TBOX", name)], path="x")
    ]

    got = extract_signals(make_frames([(100, 0, payload) for payload in payloads]), specs)

    found = {key: got.value[got.key_num == num].tolist() for num, key in enumerate(got.keys)}
    assert found["plain"] == [float(payload[1]) for payload in payloads]
    assert found["sel"] == [float(payload[2]) for payload in payloads]
    assert found["one"] == [float(payload[4]) for payload in payloads if payload[2] == 1]


def test_a_comment_that_ends_says_nothing_whatever_is_in_it():
    message = 'BO_ 100 TBOX: 8 XXX\n SG_ f : 32|32@1- (1,0) [0|0] "" XXX\n'
    comment = (
        'CM_ BO_ 100 "layout of 2019 was:\n SG_ old : 0|16@1+ (1,0) [0|0] k XXX\n'
        'SIG_VALTYPE_ 100 f : 1;\nVAL_ 100 f 0 u;\n";\n'
    )

    database = read_linewise(HEAD + message + comment + 'BA_DEF_ BO_ "R" BOOL False True;\n')

    [signal] = database.messages[0].signals
    assert (signal.name, signal.is_float, signal.choices) == ("f", False, None)


# Of a message with signals "one", which a multiplexer selects, and "plain": the multiplexers.
NO_SELECTORS = {
    "leaves its message": ' SG_ sel M : 60|8@1+ (1,0) [0|1] "" X\n',
    "has no scale": ' SG_ sel M : 0|8@1+ (1e999,0) [0|1] "" X\n',
}


@pytest.mark.parametrize("selectors", NO_SELECTORS.values(), ids=NO_SELECTORS)
def test_a_multiplexer_that_selects_nothing_leaves_the_plain_signals(selectors):
    text = HEAD + "BO_ 100 T: 8 X\n" + selectors
    text += ' SG_ one m1 : 39|8@0+ (1,0) [0|1] "" X\n SG_ plain : 31|8@0+ (1,0) [0|255] "" X\n'

    listed = list_signals(parse_dbc(text, "x"), "x")

    values = decode_values(make_frames([(100, 0, b"\x01\x01\x03\x04" + bytes(4))]), listed.signals)
    assert {each.signal.key: each.value.tolist() for each in values} == {"T.plain": [4.0]}
    assert set(dict(listed.unreadable)) == {"T.one", "T.sel"}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("SG_MUL_VAL_ 100 one sel 0-4000000000;\n", "1 SG_MUL_VAL_ that can't be read"),
        ("SG_MUL_VAL_ 100 one sel 1-999;\n" * 99, "95 SG_MUL_VAL_ that can't be read"),
        (" SG_ lost : " + " " * 300_000 + "x\n", "1 SG_ that can't be read"),
        ("VAL_ 100 plain" + "\n" * 300_000 + "x\n", "1 VAL_ that can't be read"),
    ],
)  # fmt: skip
def test_a_line_that_would_take_hours_is_left_out(lines, said):
    text = HEAD + (
        'BO_ 100 T: 8 X\n SG_ sel M : 0|8@1+ (1,0) [0|1] "" X\n'
        ' SG_ one m1 : 39|8@0+ (1,0) [0|1] "" X\n SG_ plain : 31|8@0+ (1,0) [0|255] "" X\n'
    )

    listed = list_signals(parse_dbc(text + lines, "x"), "x")

    assert {"T.plain", "T.sel", "T.one"} == {each.key for each in listed.signals}
    assert said in listed.note


TWICE = HEAD + (
    'BO_ 100 TBOX: 8 XXX\n SG_ a : 7|8@0+ (1,0) [0|1] "" XXX\n\n'
    'BO_ 101 TBOX: 8 XXX\n SG_ a : 15|8@0+ (1,0) [0|1] "" XXX\n\n'
    'BO_ 100 OTHER: 8 XXX\n SG_ o : 23|8@0+ (1,0) [0|1] "" XXX\n'
)


def test_messages_of_one_name_or_one_id_are_all_there():
    database = parse_dbc(TWICE, "x")
    listed = list_signals(database, "x")
    frames = make_frames([(100, 0, b"\x01\x02\x03" + bytes(5)), (101, 0, b"\x04\x05" + bytes(6))])

    found = {each.signal.key: each.value.tolist() for each in decode_values(frames, listed.signals)}

    assert found == {"TBOX@0x64.a": [1.0], "TBOX@0x65.a": [5.0], "OTHER.o": [3.0]}
    assert listed.messages == {100: "TBOX@0x64, OTHER", 101: "TBOX@0x65"}
    (spec,) = specify(database, "k", [SignalEntry("TBOX@0x65", "a")], path="x")
    assert spec.address == 101
    with pytest.raises(ConfigError, match="several messages have that name: TBOX@0x64, TBOX@0x65"):
        specify(database, "k", [SignalEntry("TBOX", "a")], path="x")


def test_many_messages_that_share_an_id_say_nothing_on_stderr(capsys):
    parse_dbc(TWICE, "x")
    assert capsys.readouterr().err == ""
