"""Tables and choices of the old server's pages, as markup and as text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Row = Mapping[str, Any]


def text_table(columns: Sequence[str], labels: Mapping[str, str], rows: Sequence[Row]) -> list[str]:
    """Lines of a table, its columns as wide as what is in them."""
    cells = [[labels[name] for name in columns]]
    cells += [[shown(row[name]) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  " + "  ".join(
            text.ljust(width) if place == 0 else text.rjust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]  # fmt: skip


def select(name: str, options: Iterable[tuple[str, str, bool]], attributes: str = "") -> str:
    """A choice among options: value, label, and whether it is chosen."""
    listed = "".join(
        f'<option value="{escape(value)}"{" selected" * is_chosen}>{escape(label)}</option>'
        for value, label, is_chosen in options
    )
    return f'<label>{name} <select name="{name}"{attributes}>{listed}</select></label>\n'


def table_of(columns: Mapping[str, str], rows: Iterable[Row]) -> str:
    """A table of some columns of rows, which have the labels as heads."""
    return table(
        [[row[name] for name in columns] for row in rows],
        [escape(label) for label in columns.values()],
    )


def table(rows: Iterable[Sequence[Any]], header: Sequence[str] = ()) -> str:
    """A table; its header is markup, its rows are values."""
    head = "".join(f'<th scope="col">{label}</th>' for label in header)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(shown(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    top = f"<thead><tr>{head}</tr></thead>" if head else ""
    return f"<table>{top}<tbody>{body}</tbody></table>"


def shown(value: Any) -> str:
    """A value as text; a hyphen where there is none."""
    return "-" if value is None else str(value)
