"""Frames at the times that the log tells, or at a constant rate."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.video.times import FRAME_S, Footage, placed, video_at

KNOWN = st.dictionaries(st.integers(0, 60), st.floats(-10, 100, allow_nan=False), max_size=40)


def footage(known):
    return Footage(0, "/somewhere/qcamera.ts", 1, 1, 12.0, known)


@given(st.integers(0, 50), KNOWN)
def test_there_is_a_time_for_every_frame_and_they_grow(n_frames, known):
    times_s = placed(n_frames, known)

    assert len(times_s) == n_frames
    assert all(before < after for before, after in pairwise(times_s))
    assert not times_s or times_s[0] >= 0


def test_without_a_log_there_are_twenty_a_second():
    assert placed(1200, {}) == pytest.approx([number * FRAME_S for number in range(1200)])


def test_what_the_log_tells_is_kept_and_a_hole_is_filled_at_the_constant_rate():
    assert placed(6, {0: 0.0, 1: 0.06, 4: 0.31}) == pytest.approx([0, 0.06, 0.11, 0.16, 0.31, 0.36])


@given(st.floats(0, 1.99))
def test_the_frame_at_a_time_is_the_last_that_was_seen(after_s):
    jittered = {number: number * FRAME_S + 0.004 * (number % 3) for number in range(40)}
    expected = max(number for number, time_s in jittered.items() if time_s <= after_s + 1e-6)

    assert footage(jittered).frame_at(12.0 + after_s) == expected
    assert footage({}).frame_at(12.0 + after_s) == int(after_s / FRAME_S + 1e-6)
    assert footage(jittered).frame_at(3.0) == footage({}).frame_at(3.0) == 0


def test_of_two_videos_that_overlap_the_later_shows_the_moment():
    videos = [{"time_s": 0.0, "end_s": 60.2}, {"time_s": 60.0, "end_s": 120.0}]
    assert video_at(videos, 60.1) is videos[1]
    assert video_at(videos, 59.9) is videos[0]
    assert video_at(videos, 120.0) is None
