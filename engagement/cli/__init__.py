"""The command line: what was typed becomes one call of the package, its answer becomes text.

`group` holds the commands and turns errors into messages, `options` what several commands take,
`render` what they print; one module a command. Only `render` writes answers to stdout; stderr is
for narration.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

# A database and its writer, and logs that are being fetched, are told apart by such locks.
if find_spec("fcntl") is None:
    sys.stderr.write(
        "engagement: this system has no POSIX file locks, which keep a database whole: on Windows "
        "use WSL, or the container image (docs/deploy.md)\n"
    )
    sys.exit(1)

try:
    from engagement.cli.group import main
except KeyboardInterrupt:
    sys.stderr.write("engagement: interrupted\n")
    sys.exit(130)

__all__ = ["main"]
