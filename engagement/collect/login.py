"""Authentication by keys of files and of the agent; passwords are not supported."""

from __future__ import annotations

import os
from base64 import b64decode
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm

from engagement.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engagement.collect.hosts import Host

_MAX_OFFERS = 5  # by default OpenSSH hangs up after the sixth key that it does not know
_DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")


def log_in(transport: paramiko.Transport, host: Host) -> None:
    """Offer keys until one is accepted.

    Raises:
        RemoteError: If none is.
        OSError, EOFError, paramiko.SSHException: If the other side goes away.
    """
    problems: list[str] = []
    n_offered = 0
    for key in _keys(host, problems):
        n_offered += 1
        try:
            if not transport.auth_publickey(host.user, key):
                return
            problems.append("it asks for more than a key")
        except paramiko.AuthenticationException as error:
            if transport.is_active():
                continue
            if n_offered < _MAX_OFFERS:  # cut, not refused
                raise EOFError from error
            problems.append("it takes no more offers")
            break
    offered = f"none of {n_offered} keys was taken" if n_offered else "there is no key to offer"
    hint = f"{offered}; name one with IdentityFile in ~/.ssh/config, or add it to the agent"
    remarks = "".join(f"; {problem}" for problem in problems)
    raise RemoteError(host.name, f"it does not let {host.user!r} in: {hint}{remarks}")


def _keys(host: Host, problems: list[str]) -> Iterator[paramiko.PKey]:
    """Keys of the named files, of the agent, of the usual files; each is read when it is needed."""
    seen: set[bytes] = set()
    for key in chain(_keys_of_files(host, problems), _keys_of_agent(host)):
        blob = key.asbytes()
        if blob not in seen:
            seen.add(blob)
            yield key


def _keys_of_files(host: Host, problems: list[str]) -> Iterator[paramiko.PKey]:
    home = Path("~/.ssh").expanduser()
    for path in host.identity_files or [home / name for name in _DEFAULT_KEYS]:
        is_named = bool(host.identity_files)
        try:
            yield paramiko.PKey.from_path(path)
        except FileNotFoundError:
            if is_named:
                problems.append(f"{path}: no such file")
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
        except TypeError:  # cryptography's error for a missing passphrase
            problems.append(f"{path}: has a passphrase; add it to the agent with ssh-add")
        except (ValueError, UnsupportedAlgorithm, paramiko.SSHException):
            problems.append(f"{path}: is no private key that can be read")


def _keys_of_agent(host: Host) -> Iterator[paramiko.PKey]:
    if not os.environ.get("SSH_AUTH_SOCK"):
        return
    with suppress(paramiko.SSHException, OSError):
        agent = paramiko.Agent()
        try:
            wanted = _public_blobs(host) if host.identities_only else None
            yield from (
                key for key in agent.get_keys() if wanted is None or key.asbytes() in wanted
            )
        finally:
            agent.close()


def _public_blobs(host: Host) -> set[bytes]:
    """The public keys beside the private ones that the configuration names, if they exist."""
    blobs = set()
    for path in host.identity_files:
        with suppress(OSError, ValueError, IndexError):
            blobs.add(b64decode(path.with_name(f"{path.name}.pub").read_text().split()[1]))
    return blobs
