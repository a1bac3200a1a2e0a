"""Known host keys in OpenSSH's files: one key per line, after its names.

    name,pattern key-type base64
    |1|salt|hash key-type base64            the name is hashed
    @revoked name key-type base64

Other lines, like those of certificate authorities, are ignored.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from engagement.errors import HostKeyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engagement.collect.hosts import Host

_N_FIELDS = 3


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key: its type, as `ssh-ed25519`, and its bytes as they are sent."""

    key_type: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """The form in which `ssh-keygen -l` prints it."""
        digest = hashlib.sha256(self.blob).digest()
        return f"{self.key_type} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


@dataclass(frozen=True, slots=True)
class _Line:
    path: Path
    number: int
    key: HostKey
    is_revoked: bool


def known_key_types(host: Host) -> list[str]:
    """The types of key under which a host is known, to ask for them first."""
    return list(dict.fromkeys(line.key.key_type for line in _lines_of(host) if not line.is_revoked))


def check_host_key(host: Host, key: HostKey, *, accept_new: bool) -> Path | None:
    """Accept only a known key; with `accept_new`, a host's first key is added to the file.

    A key of another type than the known ones counts as a changed key.

    Returns:
        The file that a new key was written to.

    Raises:
        HostKeyError: If the key is unknown, revoked or another than the known one.
    """
    lines = list(_lines_of(host))
    for line in lines:
        if line.key == key and line.is_revoked:
            place = f"{line.path}, line {line.number}"
            raise HostKeyError(host.name, f"its key is revoked: {key.fingerprint} ({place})")
    valid = [line for line in lines if not line.is_revoked]
    if any(line.key == key for line in valid):
        return None
    if valid:
        raise HostKeyError(host.name, _changed(host, key, valid[0]))
    if not accept_new:
        raise HostKeyError(host.name, _unknown(host, key))
    return _pin(host, key)


def _changed(host: Host, key: HostKey, line: _Line) -> str:
    return (
        f"its key has CHANGED: it shows {key.fingerprint}, known is {line.key.fingerprint} "
        f"({line.path}, line {line.number}); someone may stand in its place. If it was set up "
        f"anew, remove the old key with: ssh-keygen -f {line.path} -R '{host.key_name}'"
    )


def _unknown(host: Host, key: HostKey) -> str:
    return (
        f"its key is unknown: {host.key_name} shows {key.fingerprint}; compare it with what "
        "`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints there (other types of key "
        "likewise), then accept it with --accept-new"
    )


def _pin(host: Host, key: HostKey) -> Path:
    """Add the key to the user's first file, on a line of its own; return that."""
    if not host.known_hosts_files:
        problem = "its key is unknown, and there is no UserKnownHostsFile to write it to"
        raise HostKeyError(host.name, problem)
    path = host.known_hosts_files[0]
    line = f"{host.key_name} {key.key_type} {base64.b64encode(key.blob).decode()}\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("ab+") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else f"\n{line}"
            file.write(line.encode())
    except OSError as error:
        problem = f"its key can't be written to {path}: {error.strerror}"
        raise HostKeyError(host.name, problem) from error
    return path


def _lines_of(host: Host) -> Iterator[_Line]:
    for path in (*host.known_hosts_files, *host.global_known_hosts_files):
        try:
            text = path.read_text(errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            problem = f"the known keys in {path} can't be read: {error.strerror}"
            raise HostKeyError(host.name, problem) from error
        for number, line in enumerate(text.splitlines(), start=1):
            yield from _parse(path, number, line, host.key_name)


def _parse(path: Path, number: int, text: str, name: str) -> Iterator[_Line]:
    """Yield the key of a line, if the line is about the name."""
    fields = text.split()
    marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
    if len(fields) < _N_FIELDS or fields[0].startswith("#") or marker not in ("", "@revoked"):
        return
    if not _names(fields[0], name):
        return
    try:
        blob = base64.b64decode(fields[2], validate=True)
    except binascii.Error:
        return
    yield _Line(path, number, HostKey(fields[1], blob), marker == "@revoked")


def _names(patterns: str, name: str) -> bool:
    """Whether a list of patterns names the host; one with `!` takes it out."""
    is_named = False
    for pattern in patterns.split(","):
        if pattern.startswith("!") and _matches(pattern[1:], name):
            return False
        is_named = is_named or _matches(pattern, name)
    return is_named


def _matches(pattern: str, name: str) -> bool:
    if not pattern.startswith("|1|"):
        literal = pattern.lower().replace("[", "[[]")  # a bracket is no pattern
        return fnmatchcase(name, literal)
    try:
        salt, digest = (base64.b64decode(part) for part in pattern.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)
