"""`python -m engagement`."""

from __future__ import annotations

from engagement.cli import main

main(prog_name="engagement")
