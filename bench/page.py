"""The page of docs/ that shows a run: what was printed goes between two marks of it."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
_MARK = "<!-- what `python -m bench --write` printed; everything below is written by it -->"


class _Copy(io.StringIO):
    """Keeps what is printed, and prints it."""

    def write(self, text: str) -> int:
        sys.__stdout__.write(text) if sys.__stdout__ else None
        return super().write(text)

    def flush(self) -> None:
        sys.__stdout__.flush() if sys.__stdout__ else None


@contextmanager
def written_to_page() -> Iterator[None]:
    """Put what the block prints at the end of the page, in the place of the last run."""
    copy = _Copy()
    with redirect_stdout(copy):
        yield
    words = PAGE.read_text(encoding="utf-8").partition(_MARK)[0]
    block = f"{_MARK}\n\n```text\n{copy.getvalue().strip()}\n```\n"
    PAGE.write_text(words + block, encoding="utf-8")
