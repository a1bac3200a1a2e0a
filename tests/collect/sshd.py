"""A real OpenSSH server on loopback, with keys and a configuration of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
_PRIVILEGE_SEPARATION = Path("/run/sshd")  # sshd of Debian insists on it where it starts as root
_SET = "SetEnv"  # of which the server takes one line
_QUIET_SHELL = f"{_SET} SHLVL=5"  # bash reads no ~/.bashrc of whoever runs the tests


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs; `home` is what `~` should be, with a `.ssh` that leads here.

    The alias `device` in its configuration is this server; its key is in `home/.ssh/known_hosts`.
    """

    home: Path
    port: int
    folder: Path

    @property
    def config_file(self) -> Path:
        return self.home / ".ssh" / "config"

    @property
    def known_hosts(self) -> Path:
        return self.home / ".ssh" / "known_hosts"

    @property
    def identity_file(self) -> Path:
        return self.home / ".ssh" / "id_device"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def add_alias(self, name: str, **settings: object) -> str:
        """Add an alias that differs from `device` in some settings, as `Port=2222`."""
        lines = {
            "HostName": "127.0.0.1",
            "Port": self.port,
            "User": getuser(),
            "IdentityFile": self.identity_file,
            "UserKnownHostsFile": self.known_hosts,
            "GlobalKnownHostsFile": "none",
        } | settings
        text = "".join(f"  {key} {value}\n" for key, value in lines.items())
        with self.config_file.open("a") as file:
            file.write(f"Host {name}\n{text}")
        return name

    def write_known_hosts(self, key_file: Path | None = None, port: int | None = None) -> None:
        """Make the server known, by another key than its own where one is given."""
        words = (key_file or self.folder / "host_key.pub").with_suffix(".pub").read_text().split()
        self.known_hosts.write_text(f"[127.0.0.1]:{port or self.port} {words[0]} {words[1]}\n")


def make_key(path: Path) -> Path:
    """Make a pair of keys."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def run_server(folder: Path, *, extra: str = "") -> Iterator[Server]:
    """Run a server until its user is done; skip the test where there is none to run."""
    if SSHD is None or shutil.which("ssh-keygen") is None:
        pytest.skip("no sshd here: install openssh-server")
    if os.geteuid() == 0 and not _PRIVILEGE_SEPARATION.exists():
        _PRIVILEGE_SEPARATION.mkdir(mode=0o755)
    ssh = folder / "home" / ".ssh"
    ssh.mkdir(parents=True, mode=0o700)
    make_key(folder / "host_key")
    make_key(ssh / "id_device")
    shutil.copy(ssh / "id_device.pub", folder / "authorized_keys")
    server = Server(folder / "home", free_port(), folder)
    (folder / "sshd_config").write_text(_config(server, extra))
    command = [SSHD, "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "log")]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        _wait_for(server, process)
        server.config_file.touch()
        server.add_alias("device")
        server.write_known_hosts()
        yield server
    finally:
        process.terminate()
        process.wait(timeout=10)


def _config(server: Server, extra: str) -> str:
    folder = server.folder
    if _SET not in extra:
        extra = f"{_SET}\n{extra}"
    return f"""{extra.replace(_SET, _QUIET_SHELL)}
Port {server.port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
PrintMotd no
MaxStartups 100:30:200
Subsystem sftp internal-sftp
"""


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            pytest.skip(f"sshd does not run here: {server.log.strip()}")
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    pytest.fail("sshd does not listen")
