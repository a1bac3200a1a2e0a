"""A short run of the fuzz; `python -m tests.fuzz` is the long one."""

from __future__ import annotations

from tests.extract.test_segment import RLOGS, raw_of
from tests.fuzz.fuzzing import fuzz_files, fuzz_messages
from tests.logs.test_columns import corrupt


def test_broken_messages_are_marked_or_read_as_they_are():
    counts = fuzz_messages([raw_of(era) for era in RLOGS], 6_000, 7, corrupt)

    assert counts.failures == []
    assert counts.n >= 6_000
    assert counts.n_marked > 20


def test_broken_files_are_read_or_named_in_time_and_memory(tmp_path):
    counts = fuzz_files([raw_of(era) for era in RLOGS], 80, 7, tmp_path)

    assert counts.failures == []
    assert counts.is_good
    assert counts.n_marked > 25
