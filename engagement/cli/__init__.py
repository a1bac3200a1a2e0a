"""The command line: what was typed becomes one call of the package, its answer becomes text.

`group` holds the commands and turns errors into messages, `options` what several commands take,
`render` what they print; one module a command. Only `render` writes answers to stdout; stderr is
for narration.
"""

from __future__ import annotations

import sys

try:
    from engagement.cli.group import main
except KeyboardInterrupt:
    sys.stderr.write("engagement: interrupted\n")
    sys.exit(130)

__all__ = ["main"]
