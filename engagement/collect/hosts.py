"""From a user's name for a host to all that is needed to reach it.

A host is an alias of `~/.ssh/config` or `[user@]name[:port]`. Of the configuration these count:
HostName, Port, User, IdentityFile, IdentitiesOnly, ProxyJump, ProxyCommand, UserKnownHostsFile,
GlobalKnownHostsFile, HostKeyAlias and Include.
"""

from __future__ import annotations

import getpass
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paramiko

from engagement.collect.quoting import check_hostname, check_user
from engagement.collect.tokens import expand, tokens_of
from engagement.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PORT = 22
_MAX_PORT = 65_535
_MAX_DEPTH = 8  # of jumps and of includes
_SPELLING = re.compile(
    r"(?:(?P<user>[^@\s/-][^@\s/]*)@)?"
    r"(?:\[(?P<address>[0-9A-Fa-f:.%\w]+)\]|(?P<name>[\w.][\w.-]*))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_BARE_ADDRESS = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_INCLUDE = re.compile(r"\s*include\s*(?:=|\s)\s*(.+)", re.IGNORECASE)
_BLOCK = re.compile(r"\s*(?:host|match)\s*(?:=|\s)", re.IGNORECASE)
_KNOWN_HOSTS = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
_GLOBAL_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"


@dataclass(frozen=True, slots=True)
class Host:
    """A host and the way to it.

    Attributes:
        name: As the user wrote it; messages name it.
        hostname: Name or address to connect to.
        port: TCP port.
        user: The user to log in as.
        identity_files: Private keys that the configuration names, in order.
        identities_only: Whether keys of the agent are not used.
        jump: The host to go through, which may have one itself.
        proxy_command: A command whose stdin and stdout are the connection.
        known_hosts_files: The user's, where its key is looked for; a new one goes into the first.
        global_known_hosts_files: The system's, where it is looked for too.
        host_key_alias: The name under which its key is known, if not its own.
    """

    name: str
    hostname: str
    port: int
    user: str
    identity_files: tuple[Path, ...] = ()
    identities_only: bool = False
    jump: Host | None = None
    proxy_command: str | None = None
    known_hosts_files: tuple[Path, ...] = ()
    global_known_hosts_files: tuple[Path, ...] = ()
    host_key_alias: str | None = None

    @property
    def key_name(self) -> str:
        """The name by which known_hosts files know it."""
        if self.host_key_alias:
            return self.host_key_alias
        name = self.hostname.lower()
        return name if self.port == _PORT else f"[{name}]:{self.port}"


def parse_host(
    text: str, *, default_user: str | None = None, config_file: Path | None = None
) -> Host:
    """Find out what a user means by a host.

    Args:
        text: An alias, or `[user@]name[:port]`.
        default_user: The user if neither the text nor the configuration has one; else the own.
        config_file: Instead of `~/.ssh/config`.

    Raises:
        InputError: If the text can't be a host.
        ConfigError: If the configuration does not hold.
    """
    path = config_file or Path("~/.ssh/config").expanduser()
    return _parse(text, _load(path), path, default_user or getpass.getuser(), depth=0)


def _parse(text: str, config: str, path: Path, default_user: str, depth: int) -> Host:
    if depth > _MAX_DEPTH:
        raise ConfigError(path, f"its ProxyJump leads through more than {_MAX_DEPTH} hosts")
    name, given_user, port = _split(text)
    check_user(given_user or default_user)  # before it gets into any command
    found = _look_up(config, path, name, {"User": given_user, "Port": port})
    number = str(found.get("port") or _PORT)
    if not number.isdecimal() or not 0 < int(number) <= _MAX_PORT:
        raise InputError(f"{text!r}: {number!r} is no port, which is a number up to {_MAX_PORT}")
    user = given_user or found.get("user") or default_user
    alias = found.get("hostkeyalias")
    hostname = str(found["hostname"])
    check_user(user)
    check_hostname(hostname)
    tokens = tokens_of(name=name, hostname=hostname, port=int(number), user=user, key_alias=alias)
    # A host has one way: a jump goes before a command, unless it says "none".
    jump = found.get("proxyjump")
    command = found.get("proxycommand")
    if jump and jump.lower() != "none":
        command = None
    return Host(
        name=text,
        hostname=hostname,
        port=int(number),
        user=user,
        identity_files=tuple(Path(file).expanduser() for file in found.get("identityfile", [])),
        identities_only=str(found.get("identitiesonly", "no")).lower() == "yes",
        jump=_jump(jump, config, path, depth),
        proxy_command=command,
        known_hosts_files=_known_hosts(
            found.get("userknownhostsfile", _KNOWN_HOSTS), tokens, path, name
        ),
        global_known_hosts_files=tuple(
            _files(found.get("globalknownhostsfile", _GLOBAL_KNOWN_HOSTS))
        ),
        host_key_alias=alias.lower() if alias else None,
    )


def _look_up(config: str, path: Path, name: str, given: dict[str, str | None]) -> dict[str, Any]:
    """All that a configuration says of a host; what is given comes first, as on ssh's own line."""
    first = "".join(f"{key} {value}\n" for key, value in given.items() if value)
    try:
        return dict(paramiko.SSHConfig.from_text(f"Host *\n{first}{config}").lookup(name))
    except (paramiko.SSHException, ImportError, KeyError, ValueError) as error:
        problem = str(error) or "can't be understood"
        raise ConfigError(path, problem, where=f"host {name}") from error


def _known_hosts(text: str, tokens: dict[str, str], path: Path, name: str) -> tuple[Path, ...]:
    try:
        return tuple(Path(expand(str(file), tokens)) for file in _files(text))
    except ValueError as error:
        raise ConfigError(path, str(error), where=f"host {name}, UserKnownHostsFile") from error


def _split(text: str) -> tuple[str, str | None, str | None]:
    """Return name, user and port; IPv6 addresses stand in brackets unless they are all there is."""
    if _BARE_ADDRESS.fullmatch(text):
        return text, None, None
    match = _SPELLING.fullmatch(text)
    if not match:
        raise InputError(f"{text!r} is no host; write an alias of ~/.ssh/config, or user@name:port")
    return match["address"] or match["name"], match["user"], match["port"]


def _jump(text: str | None, config: str, path: Path, depth: int) -> Host | None:
    """The last host of a list `first,second`; each leads through the one before it."""
    if not text or text.lower() == "none":
        return None
    through: Host | None = None
    for part in text.split(","):
        host = _parse(
            part.strip().removeprefix("ssh://"), config, path, getpass.getuser(), depth + 1
        )
        through = _through(host, through)
    return through


def _through(host: Host, first: Host | None) -> Host:
    if first is None or host.jump is not None:
        return host
    values = {name: getattr(host, name) for name in Host.__slots__}
    return Host(**{**values, "jump": first})


def _files(text: str) -> list[Path]:
    try:
        names = shlex.split(text)
    except ValueError:
        names = text.split()
    return [Path(name).expanduser() for name in names if name.lower() != "none"]


def _load(path: Path) -> str:
    """The whole configuration, what it includes too."""
    try:
        return "\n".join(["Host *", *_lines(path, depth=0)])
    except UnicodeDecodeError as error:
        raise ConfigError(path, "is no text") from error
    except OSError as error:
        raise ConfigError(path, f"can't be read: {error.strerror}") from error


def _lines(path: Path, depth: int) -> Iterator[str]:
    """The lines of a configuration, included files in their place."""
    if depth > _MAX_DEPTH or not (depth or path.exists()):
        return
    block = "Host *"
    for line in path.read_text().splitlines():
        include = _INCLUDE.fullmatch(line)
        if not include:
            block = line if _BLOCK.match(line) else block
            yield line
            continue
        for name in _files(include[1]):
            pattern = name if name.is_absolute() else Path("~/.ssh").expanduser() / name
            for file in sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))):
                yield from _lines(file, depth + 1)
        yield block  # what follows belongs where it stands, not to the last block included
