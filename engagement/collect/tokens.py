"""What `%h`, `%d`, `${VAR}` and the like stand for in `~/.ssh/config`, as ssh_config(5) has it.

Only for the files of known hosts, which paramiko leaves as they are. A token that is not known
here is an error: a file that is not found would let a changed key pass as an unknown one.
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
    """What each letter stands for.

    Args:
        name: The host as it was written, without user and port.
        hostname: What the configuration makes of it.
        port: TCP port.
        user: Who to be there.
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
    """Put in what tokens and variables of the environment stand for.

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
