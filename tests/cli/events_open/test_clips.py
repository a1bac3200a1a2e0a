"""What a viewer is fed with."""

from __future__ import annotations

import csv

from engagement.review import clips
from engagement.review.settings import load_settings
from engagement.store.event_names import find_events
from engagement.store.reader import Reader


def rows_of(path):
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


def test_the_first_row_of_csv_tells_what_each_column_is(database, worst, tmp_path):
    settings = load_settings(None, tmp_path)
    with Reader(database) as reader:
        [event] = find_events(reader, [worst[0]["event_id"]])
        clips.write(reader, event, settings, "csv", tmp_path / "fed.csv")
        clip = clips.event_window(reader, event, -settings.before_s, settings.after_s)
        clips.write_clip(reader, clip, tmp_path / "plain.csv")

    header, fed = rows_of(tmp_path / "fed.csv")
    plain_header, plain = rows_of(tmp_path / "plain.csv")
    assert (header, fed[1:]) == (plain_header, plain[1:])
    n_filled = 0
    for name, cell, *column in zip(header, fed[0], *plain, strict=True):
        first = next(filter(None, column), "")
        try:
            float(first)
        except ValueError:
            assert cell == column[0], name
        else:
            assert cell == first, name
            n_filled += not column[0]
    assert n_filled > 10
