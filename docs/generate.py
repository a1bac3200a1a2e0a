"""Write the pages of commands, views and tables from their own help and comments."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from docs.car_table import PAGE, cars_page
from engagement.cli import main
from engagement.extract.cars import has_cars
from engagement.store.described import describe, describe_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DOCS = Path(__file__).parent
_MADE = "<!-- made by `make docs`; don't edit -->\n\n"

_COMPLETION = """\
## Completion

The Tab key completes commands and options, with one line in the shell's own file:

| shell | file | line |
| --- | --- | --- |
| bash | `~/.bashrc` | `eval "$(_ENGAGEMENT_COMPLETE=bash_source engagement)"` |
| zsh | `~/.zshrc` | `eval "$(_ENGAGEMENT_COMPLETE=zsh_source engagement)"` |
| fish | `~/.config/fish/config.fish` | `_ENGAGEMENT_COMPLETE=fish_source engagement \\| source` |
"""


def cli_page() -> str:
    """Every command's help, as a terminal shows it."""
    context = click.Context(main, info_name="engagement", max_content_width=100)
    pages = [_MADE + "# Commands\n\n" + _fenced(main.get_help(context)), _COMPLETION]
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        if command is not None:
            pages += _command_pages(command, name, context)
    return "\n".join(pages)


def _command_pages(command: click.Command, name: str, parent: click.Context) -> list[str]:
    context = click.Context(command, info_name=name, parent=parent, max_content_width=100)
    pages = [f"## {context.command_path}\n\n" + _fenced(command.get_help(context))]
    if isinstance(command, click.Group):
        for child_name in command.list_commands(context):
            child = command.get_command(context, child_name)
            if child is not None:
                pages += _command_pages(child, child_name, context)
    return pages


def _fenced(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return f"```\n{lines}\n```\n"


def views_page() -> str:
    """Every public view, its columns and what they mean."""
    pages = [
        _MADE + "# Views\n\nWhat analysts query; columns end in their unit, null means not known.\n"
    ]
    return "\n".join([*pages, *_described(describe())])


def tables_page() -> str:
    """Every base table, its columns and what they are read from."""
    pages = [
        _MADE + "# Tables\n\n`log` holds what the logs say, `store` what else the database knows. "
        "Columns end in their unit; fields are named as in `schemas/`.\n"
    ]
    return "\n".join([*pages, *_described(describe_tables())])


def _described(meanings: Mapping[str, tuple[str, Mapping[str, str]]]) -> Iterator[str]:
    for name, (title, columns) in meanings.items():
        rows = "\n".join(f"| `{name}` | {_cell(meaning)} |" for name, meaning in columns.items())
        yield f"## {name}\n\n{title}\n\n| column | meaning |\n| --- | --- |\n{rows}\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def pages() -> dict[str, Callable[[], str]]:
    """The generated files of this folder, and what makes the text of each."""
    found = {"cli.md": cli_page, "views.md": views_page, "tables.md": tables_page}
    return {**found, PAGE.name: cars_page} if has_cars() else found


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if sys.argv[1:] else DOCS
    for name, make in pages().items():
        (folder / name).write_text(make(), encoding="utf-8")
