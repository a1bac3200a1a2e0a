"""Expands `%h`, `%d`, `${VAR}` and others in `~/.ssh/config`, as in ssh_config(5).

Only for known_hosts files, which paramiko does not expand. An unknown token is an error: if the
file were not found, a changed key would be taken for a new one.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(r"%(.?)|\$\{([^}]*)\}")


def tokens_of(
    *, name: str, hostname: str, port: int, user: str, key_alias: str | None
) -> dict[str, str]:
    """The value of each letter.

    Args:
        name: The host as it was written, without user and port.
        hostname: What the configuration makes of it.
        port: TCP port.
        user: The user to log in as.
        key_alias: HostKeyAlias.
    """
    return {
        "%": "%",
        "d": str(Path.home()),
        "h": hostname,
        "i": str(os.getuid()),
        "k": key_alias or name,
        "L": socket.gethostname().split(".")[0],
        "l": socket.gethostname(),
        "n": name,
        "p": str(port),
        "r": user,
        "u": getpass.getuser(),
    }


def expand(text: str, tokens: Mapping[str, str]) -> str:
    """Expand tokens and environment variables.

    Raises:
        ValueError: If one stands for nothing; it is named.
    """

    def value_of(found: re.Match[str]) -> str:
        letter, variable = found.groups()
        value = tokens.get(letter) if variable is None else os.environ.get(variable)
        if value is None:
            raise ValueError(f"{found[0]} in {text!r} stands for nothing that is known here")
        return value

    return _TOKEN.sub(value_of, text)
