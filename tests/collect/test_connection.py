"""Connections to a real OpenSSH server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import pytest

from engagement.collect.connection import Timeouts
from engagement.collect.hosts import parse_host
from engagement.collect.pace import Stop
from engagement.collect.way import connect
from engagement.errors import ConnectionLostError, HostKeyError, RemoteError
from tests.collect.devices import proxied
from tests.collect.sshd import free_port, make_key, run_server

QUICK = Timeouts(3.0, 3.0, 1.0)


def say(name: str, *words: str, accept_new: bool = False) -> bytes:
    with connect(parse_host(name), accept_new=accept_new, timeouts=QUICK) as connection:
        return connection.run(["printf", "%s|", *words]).stdout


@pytest.mark.usefixtures("server")
def test_a_command_gets_its_words_as_they_are():
    words = ["a b", "$(id)", "'", "\n;x", "-e", "*", "\udcff"]

    assert say("device", *words) == "|".join([*words, ""]).encode(errors="surrogateescape")


@pytest.mark.usefixtures("server")
def test_status_and_stderr_of_a_command():
    with connect(parse_host("device")) as connection:
        answer = connection.run(["sh", "-c", "echo out; echo first >&2; echo last >&2; exit 3"])

    assert (answer.status, answer.stdout, answer.problem) == (3, b"out\n", "last")


@pytest.mark.usefixtures("server")
def test_a_command_that_prints_nothing_is_given_up():
    with (
        connect(parse_host("device"), timeouts=QUICK) as connection,
        pytest.raises(ConnectionLostError, match="no answer"),
    ):
        connection.run(["sleep", "4"])


def test_an_unknown_key_is_shown_and_pinned_when_accepted(server):
    server.known_hosts.write_bytes(b"other.example ssh-ed25519 AAAA")  # no newline at its end
    shown = subprocess.check_output(
        ["ssh-keygen", "-lf", str(server.folder / "host_key.pub")], text=True
    ).split()[1]

    with pytest.raises(HostKeyError) as caught:
        say("device")
    assert shown in str(caught.value)
    assert "--accept-new" in str(caught.value)

    assert say("device", "in", accept_new=True) == b"in|"
    assert say("device", "in") == b"in|"
    assert server.known_hosts.read_bytes().count(b"\n") == 2


def test_accepting_a_key_is_told_once(server):
    server.known_hosts.unlink()

    with connect(parse_host("device"), accept_new=True) as connection:
        [note] = connection.notes
    assert "SHA256:" in note
    assert str(server.known_hosts) in note
    with connect(parse_host("device"), accept_new=True) as connection:
        assert not connection.notes


def test_a_key_is_never_pinned_for_all_users(server, tmp_path):
    everyones = tmp_path / "ssh_known_hosts"
    settings = {"UserKnownHostsFile": "none", "GlobalKnownHostsFile": everyones}
    server.add_alias("global", **settings)

    with pytest.raises(HostKeyError, match="no UserKnownHostsFile"):
        say("global", accept_new=True)
    assert not everyones.exists()

    everyones.write_bytes(server.known_hosts.read_bytes())
    assert say("global", "in") == b"in|"


def test_a_changed_key_is_seen_in_a_file_that_is_named_by_tokens(server, tmp_path):
    server.add_alias("named", UserKnownHostsFile=f"{tmp_path}/%h_%p")
    server.write_known_hosts(make_key(tmp_path / "other"))
    server.known_hosts.rename(tmp_path / f"127.0.0.1_{server.port}")

    with pytest.raises(HostKeyError, match="CHANGED"):
        say("named", accept_new=True)


@pytest.mark.parametrize("is_accepted", [True, False])
def test_a_stop_ends_the_making_of_a_connection(server, is_accepted):
    stop = Stop()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as stack:
        address = listener.getsockname()
        if not is_accepted:  # fill the queue, so that the next one gets no answer at all
            for _ in range(4):
                line = stack.enter_context(socket.socket())
                line.setblocking(False)  # noqa: FBT003 - its own way
                line.connect_ex(address)
        server.add_alias("silent", Port=address[1])
        timer = threading.Timer(0.5, stop.set)
        timer.start()
        started_at_s = time.monotonic()
        with (
            pytest.raises(ConnectionLostError),
            connect(parse_host("silent"), timeouts=Timeouts(20, 20, 20), stop=stop),
        ):
            pass
        timer.join()

    assert 0.4 < time.monotonic() - started_at_s < 5


def test_a_changed_key_is_refused_in_any_case(server, tmp_path):
    server.write_known_hosts(make_key(tmp_path / "other"))
    before = server.known_hosts.read_bytes()

    for accept_new in (False, True):
        with pytest.raises(HostKeyError, match="CHANGED"):
            say("device", accept_new=accept_new)

    assert server.known_hosts.read_bytes() == before


def test_another_type_of_key_is_a_change(server, tmp_path):
    path = tmp_path / "rsa"
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(path)], check=True)
    server.write_known_hosts(path)

    with pytest.raises(HostKeyError, match="CHANGED"):
        say("device", accept_new=True)


def test_a_revoked_key_is_refused(server):
    text = server.known_hosts.read_text()
    server.known_hosts.write_text(f"{text}@revoked * {text.split(' ', 1)[1]}")

    with pytest.raises(HostKeyError, match="revoked"):
        say("device", accept_new=True)


def test_a_hashed_name_is_known(server):
    subprocess.run(
        ["ssh-keygen", "-q", "-H", "-f", str(server.known_hosts)], check=True, capture_output=True
    )
    assert b"127.0.0.1" not in server.known_hosts.read_bytes()

    assert say("device", "in") == b"in|"


def test_a_wrong_key_is_not_let_in(server, tmp_path):
    name = server.add_alias("wrong", IdentityFile=make_key(tmp_path / "stranger"))

    with pytest.raises(RemoteError, match="none of 1 keys was taken") as caught:
        say(name)
    assert not isinstance(caught.value, ConnectionLostError | HostKeyError)


def test_a_key_that_is_missing_or_locked_is_named(server, tmp_path):
    locked = tmp_path / "locked"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(locked)]
    subprocess.run(command, check=True)
    (tmp_path / "text").write_text("no key")
    missing = tmp_path / "missing"
    name = server.add_alias("locked", IdentityFile=f"{locked}\n  IdentityFile {tmp_path}/text")
    other = server.add_alias("missing", IdentityFile=missing)

    with pytest.raises(RemoteError, match="ssh-add") as caught:
        say(name)
    assert "no private key" in str(caught.value)
    with pytest.raises(RemoteError, match=f"{missing}: no such file"):
        say(other)


def test_keys_of_the_agent_are_offered(server, tmp_path, monkeypatch):
    if shutil.which("ssh-agent") is None:
        pytest.skip("no ssh-agent here")
    name = server.add_alias("agent", IdentityFile=tmp_path / "none")
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        add = ["ssh-add", "-q", str(server.identity_file)]
        while subprocess.run(add, check=False, capture_output=True).returncode:
            assert process.poll() is None
        assert say(name, "in") == b"in|"
    finally:
        process.terminate()
        process.wait()


def test_a_jump_leads_to_a_host(server, tmp_path_factory):
    for second in run_server(tmp_path_factory.mktemp("second")):
        with server.known_hosts.open("a") as file:
            file.write(second.known_hosts.read_text())
        server.add_alias("gate", Port=second.port, IdentityFile=second.identity_file)
        name = server.add_alias("behind", ProxyJump="gate")

        assert say(name, "in") == b"in|"
        assert "direct-tcpip" in second.log or "Accepted" in second.log


def test_a_jump_that_is_unknown_is_named(server, tmp_path):
    server.add_alias("gate", UserKnownHostsFile=tmp_path / "none")
    name = server.add_alias("behind", ProxyJump="gate")

    with pytest.raises(HostKeyError, match="gate: its key is unknown"):
        say(name)


def test_a_proxy_command_is_the_line(server):
    code = (
        "import socket,sys,threading,os;s=socket.create_connection(('127.0.0.1',int(sys.argv[1])));"
        "threading.Thread(target=lambda:[s.sendall(b) for b in iter(lambda:os.read(0,9999),b'')],"
        "daemon=True).start();[os.write(1,b) for b in iter(lambda:s.recv(9999),b'')]"
    )
    name = server.add_alias("through", ProxyCommand=f'{sys.executable} -c "{code}" %p')

    assert say(name, "in") == b"in|"


def test_a_proxy_command_that_fails_is_a_lost_connection(server):
    name = server.add_alias("through", ProxyCommand="exit 1")

    with pytest.raises(ConnectionLostError):
        say(name)


def test_a_dead_port_is_a_lost_connection(server):
    name = server.add_alias("dead", Port=free_port())

    with pytest.raises(ConnectionLostError, match="dead: connection refused"):
        say(name)


def test_a_name_that_does_not_exist_is_said(server):
    name = server.add_alias("lost", HostName="no-such-host.invalid")

    with pytest.raises(ConnectionLostError, match=r"lost: (name|no address|temporary)"):
        say(name)


def test_a_stream_that_is_cut_is_no_end(server):
    with proxied(server.port, [200_000]) as proxy:
        server.write_known_hosts(port=proxy.port)
        name = server.add_alias("cut", Port=proxy.port)
        with (
            connect(parse_host(name), timeouts=QUICK) as connection,
            connection.stream(["head", "-c", "1000000", "/dev/zero"]) as stream,
        ):
            assert sum(map(len, stream)) < 200_000
            with pytest.raises(ConnectionLostError):
                stream.finish()


@pytest.mark.usefixtures("server")
def test_a_file_by_sftp(tmp_path):
    (tmp_path / "file").write_bytes(os.urandom(100_000))

    with (
        connect(parse_host("device")) as connection,
        connection.sftp().open(str(tmp_path / "file")) as file,
    ):
        content = file.read()

    assert content == (tmp_path / "file").read_bytes()
