"""Where the files that ship beside the code are: sql/, schemas/, config/, migrations/.

A wheel carries them in `engagement/_data/`; in a checkout they stand beside the package.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource_dir(name: str) -> Path:
    """The folder `name` of the installed package, else of the checkout."""
    packaged = _PACKAGE / "_data" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name
