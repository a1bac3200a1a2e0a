"""The pages of docs/ that show runs: what a section printed goes between marks of its own."""

from __future__ import annotations

import io
import re
import sys
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "benchmarks.md"
STATISTICS = DOCS / "statistics.md"  # has the marks of its sections already
_MARK = "<!-- what `python -m bench --write` printed; everything below is written by it -->"
_BLOCK = re.compile(r"<!-- (\w+) -->\n\n```text\n((?:(?!```).*?\n)?)```\n", re.DOTALL)


class _Copy(io.StringIO):
    """Keeps what is printed, and prints it."""

    def write(self, text: str) -> int:
        sys.__stdout__.write(text) if sys.__stdout__ else None
        return super().write(text)

    def flush(self) -> None:
        sys.__stdout__.flush() if sys.__stdout__ else None


@contextmanager
def written_to_page(section: str) -> Iterator[None]:
    """Put what the block prints into the page, in the place of the section's last run."""
    copy = _Copy()
    with redirect_stdout(copy):
        yield
    page = STATISTICS if f"<!-- {section} -->" in STATISTICS.read_text(encoding="utf-8") else PAGE
    text = replace_block(page.read_text(encoding="utf-8"), section, copy.getvalue().strip())
    page.write_text(text, encoding="utf-8")


def replace_block(page: str, section: str, printed: str) -> str:
    """A page with what a section printed now; new sections come last, the others stay."""
    block = f"<!-- {section} -->\n\n```text\n{printed}\n```\n"
    if _MARK not in page:
        return _BLOCK.sub(lambda found: block if found[1] == section else found[0], page)
    words, _, rest = page.partition(_MARK)
    blocks = dict(_BLOCK.findall(rest)) | {section: printed}
    written = "\n".join(
        f"<!-- {name} -->\n\n```text\n{text.strip()}\n```\n" for name, text in blocks.items()
    )
    return f"{words}{_MARK}\n\n{written}"
