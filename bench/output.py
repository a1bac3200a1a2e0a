"""Small aligned tables as plain text, so that a run can be pasted anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a title and a table, its first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    print(f"\n{title}")
    for cells in (head, ["-" * width for width in widths], *rows):
        first, *others = [
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        print("  ".join(["", first, *others]).rstrip(), flush=True)


def ratio(value: float, base: float) -> str:
    """How often one goes into the other."""
    return f"{value / base:.2f} x"


def seconds(value: float) -> str:
    """Seconds, to the millisecond where there are few."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def megabytes(value: float) -> str:
    """Bytes as MB."""
    return f"{value / 1e6:.1f} MB"
