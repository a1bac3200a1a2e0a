"""Which params of a device are kept: a list, as what is private can't be told by its name."""

from __future__ import annotations

import tomllib
from functools import cache

from engagement.resources import resource_dir


@cache
def kept_params() -> frozenset[str]:
    """The exact names of config/kept_params.toml."""
    text = (resource_dir("config") / "kept_params.toml").read_text(encoding="utf-8")
    return frozenset(name for names in tomllib.loads(text).values() for name in names)
