"""Which files a request passes: those that docs/architecture.md names, and no others."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import engagement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

PACKAGE = Path(engagement.__file__).parent
ARCHITECTURE = PACKAGE.parent / "docs" / "architecture.md"
FILE = re.compile(r"`((?:\w+/)*\w+\.py)`")
N_TO_READ = 8


def named() -> tuple[set[str], set[str]]:
    """The files that the section on serving says to read, and the small ones that they use."""
    section = ARCHITECTURE.read_text().split("\n## Serving\n")[1]
    table, _, more = section.partition("\n\nThey use ")
    return set(FILE.findall(table)), set(FILE.findall(more.split("\n\n")[0]))


@contextmanager
def passed() -> Iterator[set[str]]:
    """The files of the package whose functions are called by threads that begin in it."""
    files: set[str] = set()

    def note(frame: FrameType, event: str, _arg: Any) -> None:
        path = frame.f_code.co_filename
        if event != "call" or not path.startswith(f"{PACKAGE}/"):
            return
        if not isinstance(threading.current_thread(), threading.Timer):  # prepares what comes later
            files.add(path.removeprefix(f"{PACKAGE}/"))

    before = threading.getprofile()
    threading.setprofile(note)
    try:
        yield files
    finally:
        threading.setprofile(before)


@pytest.mark.parametrize("url", ["/api/v1/rates", "/api/v1/rates?device=a1b2c3d4e5f60718"])
def test_a_request_passes_few_files_and_those_that_are_named(serve, url):
    to_read, small = named()
    with passed() as files:
        client = serve()
        assert client.get("/api/v1/rates?limit=1").status_code == 200  # opens the database
        files.clear()
        assert client.get(url).status_code == 200
        found = set(files)
    assert "api/rows.py" in found
    assert found <= to_read | small
    assert len(found & to_read) <= N_TO_READ
