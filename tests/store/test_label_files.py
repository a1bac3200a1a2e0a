"""Which files, words and notes are labels, and what is said of the others."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

import pyarrow.parquet
import pytest

from engagement.errors import InputError
from engagement.store import label_files
from engagement.store.label_files import read_labels
from engagement.store.label_words import check_note, check_word, shipped_words

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).replace(tzinfo=None)
HEADER = b"dongle_id,drive,kind,mono_ns,label\n"
GOOD = {"dongle_id": "a", "drive": "b", "kind": "disengagement", "mono_ns": 5, "label": "true"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.txt", b"", "ends in .json, .csv, .parquet"),
        ("labels.json", b"{", "it is no such file"),
        ("labels.json", b"{}", "it is no list of rows"),
        ("labels.json", b"[" * 100_000, "the JSON is nested too deeply"),
        ("labels.csv", HEADER + b"a,b,disengagement", "row 2: it has not a value for each"),
        ("labels.csv", HEADER + b"a,b,disengagement,1,true,x", "row 2: it has not a value for"),
        ("labels.csv", HEADER + b'"a,b', "it is no such file: unexpected end"),
        ("labels.csv", HEADER + b"a" * 200_000, "it is no such file: field larger"),
        ("labels.json", b"[1]", "row 1: it is no row with columns"),
        ("labels.json", b"\xff\xfe", "it is no such file"),
        ("labels.parquet", b"PAR1", "it is no such file"),
        ("labels.csv", b"label\ntrue\n", "row 2: there is no column dongle_id, drive, kind, mono"),
        (
            "labels.json",
            [GOOD, GOOD | {"mono_ns": 1.5}],
            "row 2: mono_ns is 1.5, which is no whole",
        ),
        ("labels.json", [GOOD | {"mono_ns": 2**63}], "row 1: Expected `int`"),
        ("labels.json", [GOOD | {"mono_ns": "1.0E+12"}], "row 1: mono_ns is '1.0E+12'"),
        ("labels.json", [GOOD | {"kind": "crash"}], "row 1: Invalid enum value 'crash'"),
        ("labels.json", [GOOD | {"label": "two words"}], "row 1: 'two words' is no label"),
        ("labels.json", [GOOD | {"label": "x" * 33}], "is no label"),
        ("labels.json", [GOOD | {"drive": "b|c"}], "row 1: Expected `str` matching regex"),
        ("labels.json", [GOOD | {"dongle_id": "\x1b[2J"}], "row 1: Expected `str` matching"),
        ("labels.json", [GOOD | {"note": "a\0b"}], "row 1: a note is text, which '\\x00' is not"),
        ("labels.json", [GOOD | {"label": {"a": 1}}], "row 1: Expected `str`"),
        ("labels.json", [GOOD | {"note": "x" * 2001}], "up to 2000 characters"),
        ("labels.json", [GOOD | {"labelled_at_utc": "yesterday"}], "row 1: Invalid RFC3339"),
    ],
)
def test_a_file_that_holds_no_labels_is_told(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(InputError) as caught:
        read_labels(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_what_is_no_file_or_larger_than_memory_is_not_read(tmp_path, monkeypatch):
    pipe = tmp_path / "labels.json"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="no regular file"):
        read_labels(pipe)
    path = tmp_path / "labels.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([GOOD] * 11), path)
    assert [label.event.mono_ns for label in read_labels(path)] == [GOOD["mono_ns"]]
    for limit in ("_MAX_ROWS", "_MAX_BYTES"):
        with monkeypatch.context() as patch:
            patch.setattr(label_files, limit, 10)
            with pytest.raises(InputError, match="it has more than"):
                read_labels(path)


@pytest.mark.parametrize("note", ["bell \x07", "\x1b[31m", "\udcff", "a\0", "\x9b1m", "\x7f"])
def test_what_is_no_text_is_no_note(note):
    with pytest.raises(InputError, match="a note is text, which"):
        check_note(note)


def test_a_note_may_have_lines_and_any_script():
    note = "zwei Zeilen,\r\n\tü 東京 🚗 e\u0301"
    assert check_note(f" {note}\n") == note
    assert check_note(" \n") is None


def test_a_time_with_a_zone_is_brought_as_utc(tmp_path):
    path = tmp_path / "labels.json"
    rows = [GOOD | {"labelled_at_utc": "2026-01-01T14:00:00+02:00"}]
    path.write_text(json.dumps(rows))
    assert [label.labelled_at_utc for label in read_labels(path)] == [NOON]


@pytest.mark.parametrize("word", ["", "two words", "-x", "1st", "ü", "x\x1b[2J", "a" * 33, "a|b"])
def test_what_is_no_word_is_no_label(word):
    with pytest.raises(InputError, match="is no label"):
        check_word(word)


def test_a_misspelt_label_is_asked_about_and_a_new_one_is_not():
    with pytest.raises(InputError, match="did you mean 'true'"):
        check_word("ture", is_new=False)
    assert check_word("ture", is_new=True) == "ture"
    assert check_word("roundabout", is_new=False) == "roundabout"
    assert check_word("bend2", ["bend1"], is_new=False) == "bend2"
    with pytest.raises(InputError, match="did you mean 'roundabout'"):
        check_word("roundaboot", ["roundabout"], is_new=False)
    assert all(check_word(word, is_new=False) == word for word in shipped_words())
