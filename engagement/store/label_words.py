"""Checks of labels and their notes."""

from __future__ import annotations

import difflib
import re
import tomllib
from typing import TYPE_CHECKING

from engagement.errors import InputError, NotFoundError
from engagement.resources import resource_dir

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORD = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_DIGITS = re.compile(r"[0-9]")
_ALIKE = 0.75
_MAX_NOTE = 2000
# Control characters could change a terminal's state and break CSV files; half a surrogate pair,
# which an argument that is no UTF-8 becomes, can't be stored. Tabs and line ends are allowed.
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def shipped_words() -> dict[str, str]:
    """Words for labels and what they mean, from config/."""
    text = (resource_dir("config") / "labels.toml").read_text(encoding="utf-8")
    words: dict[str, str] = tomllib.loads(text)["labels"]
    return words


def check_word(word: str, in_use: Iterable[str] = (), *, is_new: bool = True) -> str:
    """A word that can be a label, in lower case.

    Args:
        word: As typed.
        in_use: Labels that events have.
        is_new: Whether an unknown label is allowed even if it is similar to a known one.

    Raises:
        InputError: If it is no word, or probably a misspelt known one.
    """
    lowered = word.strip().lower()
    if not _WORD.fullmatch(lowered):
        raise InputError(
            f"{word[:40]!r} is no label: it is a word of up to 32 letters a-z, digits, - and _, "
            f"such as {', '.join(shipped_words())}"
        )
    known = {*shipped_words(), *in_use}
    others = sorted(other for other in known if _letters(other) != _letters(lowered))
    near = difflib.get_close_matches(lowered, others, n=1, cutoff=_ALIKE)
    if not is_new and lowered not in known and near:
        raise InputError(
            f"no label {lowered!r}; did you mean {near[0]!r}? "
            "If it is meant, say that it is new (--new)"
        )
    return lowered


def _letters(word: str) -> str:
    """A word without its digits: words that differ only in digits are no misspellings."""
    return _DIGITS.sub("", word)


def known_word(word: str, in_use: Iterable[str]) -> str:
    """A label to look for: one that is shipped, or that an event has.

    Raises:
        NotFoundError: If it is neither.
    """
    known = {*shipped_words(), *in_use}
    if word.lower() not in known:
        raise NotFoundError("label", word, known)
    return word.lower()


def check_note(note: str) -> str | None:
    """A note that can be stored; None for an empty one.

    Raises:
        InputError: If it is too long, or has characters that are no text.
    """
    if len(note) > _MAX_NOTE:
        raise InputError(f"a note has up to {_MAX_NOTE} characters; this one has {len(note)}")
    if found := _NO_TEXT.search(note):
        raise InputError(f"a note is text, which {found[0]!a} is not")
    return note.strip() or None
