"""Texts of logs: the longest that is kept, and what a byte that is no text costs."""

from __future__ import annotations

import pytest

from engagement.logs.writer import EventBuilder
from tests.extract.test_segment import read


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("texts")


def init_data(**fields):
    return EventBuilder().event("initData", 10**9, {"version": "0.9.9", **fields})


def test_long_texts_are_cut(folder):
    entries = [{"key": "ModelName", "value": b"m" * 1_000_000}]
    raw = init_data(gitBranch="b" * 1_000_000, gitRemote="r" * 999, params={"entries": entries})

    log = read(raw, folder)

    (row,) = log.tables["init_data"].to_pylist()
    assert (row["git_branch"], row["git_remote"]) == ("b" * 1000, "r" * 999)
    assert [len(value) for value in log.tables["param"]["value"].to_pylist()] == [16_384]
    assert log.status == "ok"


@pytest.mark.parametrize("letter", ["a", "é", "版", "🚗"])
@pytest.mark.parametrize("n_before", range(4))
def test_a_text_is_cut_between_letters(folder, letter, n_before):
    text = "x" * n_before + letter * 2000

    (row,) = read(init_data(gitBranch=text), folder).tables["init_data"].to_pylist()

    assert row["git_branch"] == text.encode()[:1000].decode(errors="ignore")


def test_a_latin_1_byte_costs_its_text_not_the_message(folder):
    raw = init_data(gitBranch="Zurich", gitCommit="c0ffee")
    broken = raw.replace(b"Zurich", "Zürich".encode("latin-1"))

    log = read(broken, folder)

    (row,) = log.tables["init_data"].to_pylist()
    assert (row["git_branch"], row["git_commit"], row["version"]) == (None, "c0ffee", "0.9.9")
    assert (log.status, log.n_damaged_messages) == ("partial", 0)
    assert log.damage == "texts that are not UTF-8 are left out"
