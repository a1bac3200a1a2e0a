"""What holds for each command that there is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from engagement.cli import main

# What is a program of its own, or a dialogue, or hands on a group's commands.
WITHOUT_JSON = {"shell", "serve", "mcp", "demo", "profile new"}


def commands(command, context, path=()):
    """Each command with what it does, by its words."""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            yield from commands(child, click.Context(child, parent=context), (*path, name))
    else:
        yield " ".join(path), command


COMMANDS = dict(commands(main, click.Context(main)))


def test_every_command_is_looked_at():
    assert len(COMMANDS) > 25
    assert set(COMMANDS) > WITHOUT_JSON


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_but_programs_and_dialogues(name):
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert ("--json" in options) == (name not in WITHOUT_JSON)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("rep", "report"), ("events op", "open"), ("report --spe", "--speed-bands")],
)
def test_the_tab_key_completes_commands_and_options(words, wanted):
    typed = f"engagement {words}"
    program = Path(sys.executable).with_name("engagement")
    found = subprocess.run(
        [program], capture_output=True, text=True, check=True,
        env=os.environ | {
            "_ENGAGEMENT_COMPLETE": "bash_complete", "COMP_WORDS": typed,
            "COMP_CWORD": str(len(typed.split()) - 1),
        },
    )  # fmt: skip
    assert f"plain,{wanted}" in found.stdout.splitlines()
