"""CSV in which PlotJuggler finds numbers where there are numbers."""

from __future__ import annotations

import csv
import io
import math
import re

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.csv_cells import as_written, inert
from engagement.export.plain_csv import CsvSink


def written(**columns):
    """The text of a table."""
    batch = pa.record_batch(columns)
    file = io.BytesIO()
    CsvSink(file, batch.schema).write_batch(batch)
    return file.getvalue().decode()


def cells(column):
    rows = list(csv.reader(io.StringIO(written(first=pa.nulls(len(column)), it=column))))
    return [row[1] for row in rows[1:]]


@given(values=st.lists(st.none() | st.floats(), min_size=1))
@settings(deadline=None, max_examples=100)
def test_doubles_are_digits_that_are_the_same_number(values):
    for value, text in zip(values, cells(pa.array(values, pa.float64())), strict=True):
        if value is None or not math.isfinite(value):
            assert text == ""
        else:
            assert re.fullmatch(r"-?\d+(\.\d+)?", text)
            assert float(text) == value


@given(values=st.lists(st.none() | st.floats(width=32), min_size=1))
@settings(deadline=None, max_examples=100)
def test_singles_are_as_short_as_they_can_be(values):
    for value, text in zip(values, cells(pa.array(values, pa.float32())), strict=True):
        if value is None or not math.isfinite(value):
            assert text == ""
        else:
            assert re.fullmatch(r"-?\d+(\.\d+)?", text)
            assert np.float32(text) == np.float32(value)
            digits = text.strip("-").replace(".", "").strip("0")
            assert len(digits) <= 9


@given(values=st.lists(st.none() | st.text(st.characters(codec="utf-8")), min_size=1))
@settings(deadline=None, max_examples=100)
def test_texts_come_back(values):
    text = written(first=pa.array(["x"] * len(values)), it=pa.array(values, pa.string()))
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [[first, as_written(cell)] for first, cell in rows] == [
        ["first", "it"], *(["x", value or ""] for value in values)
    ]  # fmt: skip


@given(
    text=st.sampled_from([*"=+-@\t\r\n\uff1d\uff0b\uff0d\uff20", "'="]).map(
        "{}HYPERLINK(1)".format
    ),
)
@settings(deadline=None, max_examples=100)
def test_no_spreadsheet_runs_a_text_or_a_name(text):
    column = pa.array([text])
    rows = list(csv.reader(io.StringIO(written(**{"first": column, text: column}), newline="")))
    assert rows == [["first", inert(text)], [inert(text), inert(text)]]
    assert inert(text) == f"'{text}"


def test_booleans_are_numbers_and_only_what_needs_quotes_has_them():
    text = written(
        **{"a/b": pa.array([True, False, None]), "c,d": pa.array(['say "x"', "plain text", None])}
    )
    assert text == 'a/b,"c,d"\n1,"say ""x"""\n0,plain text\n,\n'
