"""Moments that have names: expressions that ship with the program, from config/."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from engagement.resources import resource_dir

if TYPE_CHECKING:
    from collections.abc import Mapping


class Shipped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A moment that has a name.

    Attributes:
        find: Its expression.
        says: What it finds.
        why: In which situations that holds, and what is none.
    """

    find: str
    says: str
    why: str


@cache
def shipped_moments() -> Mapping[str, Shipped]:
    """All of them, by name."""
    text = (resource_dir("config") / "moments.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Shipped])


def expression_of(text: str) -> str:
    """The expression of a name that ships; any other text is one itself."""
    named = shipped_moments().get(text.strip().lower())
    return named.find if named else text
