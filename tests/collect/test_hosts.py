"""What users call a host, without any."""

from __future__ import annotations

import json
import re
import shlex
from getpass import getuser
from pathlib import Path
from socket import gethostname

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.collect.hosts import parse_host
from engagement.collect.quoting import check_path
from engagement.collect.settings import load_settings
from engagement.errors import ConfigError, EngagementError, InputError

CONFIG = """
Host car
  HostName 192.168.1.20
  Port 2222
  User comma
  IdentityFile ~/.ssh/car
  IdentitiesOnly yes
  ProxyJump gate,me@inner:23
  UserKnownHostsFile ~/a /b
Host gate
  HostName gate.example
Host *.example
  User other
  HostKeyAlias Same
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / ".ssh" / "config"
    path.parent.mkdir()
    path.write_text(CONFIG)
    return path


@pytest.mark.parametrize(
    ("text", "user", "hostname", "port", "key_name"),
    [
        ("192.168.1.5", None, "192.168.1.5", 22, "192.168.1.5"),
        ("comma@Car.local:8022", "comma", "Car.local", 8022, "[car.local]:8022"),
        ("comma@[fe80::1%eth0]:23", "comma", "fe80::1%eth0", 23, "[fe80::1%eth0]:23"),
        ("::1", None, "::1", 22, "::1"),
        ("car", "comma", "192.168.1.20", 2222, "[192.168.1.20]:2222"),
        ("me@car:24", "me", "192.168.1.20", 24, "[192.168.1.20]:24"),
        ("x.example", "other", "x.example", 22, "same"),
    ],
)
@pytest.mark.usefixtures("config")
def test_a_host(text, user, hostname, port, key_name):
    host = parse_host(text)

    assert (host.user, host.hostname, host.port) == (user or getuser(), hostname, port)
    assert host.key_name == key_name
    assert host.name == text


def test_the_configuration_of_an_alias(config):
    host = parse_host("car", default_user="nobody")

    home = config.parent.parent
    assert host.identity_files == (home / ".ssh" / "car",)
    assert host.identities_only
    assert host.known_hosts_files[:2] == (home / "a", Path("/b"))
    assert (host.jump.hostname, host.jump.port, host.jump.user) == ("inner", 23, "me")
    assert host.jump.jump.hostname == "gate.example"
    assert host.jump.jump.jump is None


@pytest.mark.usefixtures("config")
def test_the_default_user_is_the_last_to_be_asked():
    assert parse_host("10.0.0.1", default_user="comma").user == "comma"
    assert parse_host("a@10.0.0.1", default_user="comma").user == "a"
    assert parse_host("x.example", default_user="comma").user == "other"


def test_included_files_count(config):
    (config.parent / "more").mkdir()
    (config.parent / "more" / "a").write_text("Host a\n  HostName a.local\n")
    config.write_text("Include more/*\nPort 99\n")

    assert parse_host("a").hostname == "a.local"
    assert parse_host("a").port == parse_host("b").port == 99


@pytest.mark.parametrize(
    "text",
    ["", "-oProxyCommand=x", "a b", "a@", "@a", "a:", "a:x", "a;b", "$(a)", "a/b", "a\nb", "-a@b",
     "a:0", "a:65536", "a@b@c d"],
)  # fmt: skip
@pytest.mark.usefixtures("config")
def test_what_is_no_host(text):
    with pytest.raises(InputError):
        parse_host(text)


# What a shell takes for more than a word; ${IFS} is how to write a space without one.
OF_SHELLS = [
    "$(touch${IFS}x)", "`touch${IFS}x`", "a;x", "a|x", "a&x", "a<x", "a>x", "'a'", 'a"', "a\tb",
    "a\x07",
    "a\u00a0b", "(a)", "a\\",
]  # fmt: skip


@pytest.mark.parametrize("user", [*OF_SHELLS, "-a", "a b"])
def test_a_user_whom_a_shell_would_run_is_refused_wherever_it_is_from(config, user):
    config.write_text("Host car\n  ProxyCommand nc %r %h\n")
    with pytest.raises(InputError, match=r"is no (user name|host)"):
        parse_host(f"{user}@car")
    with pytest.raises(InputError, match="is no user name"):
        parse_host("car", default_user=user)
    config.write_text(f"Host car\n  User {user}\n  ProxyCommand nc %r %h\n")
    with pytest.raises((InputError, ConfigError)):
        parse_host("car")


@pytest.mark.parametrize("name", [*OF_SHELLS, "-a"])
def test_a_host_that_a_shell_would_run_is_refused_wherever_it_is_from(config, name):
    with pytest.raises(InputError, match=r"is no (name of a )?host"):
        parse_host(name)
    config.write_text(f"Host car\n  HostName {name}\n  ProxyCommand nc %h %p\n")
    with pytest.raises((InputError, ConfigError)):
        parse_host("car")


@given(text=st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_no_path_that_passes_means_more_to_a_shell_than_itself(text):
    try:
        check_path(text)
    except InputError:
        return
    word = "/" + text.replace("\\", "")  # of backslashes alone nothing is left
    assert shlex.split(word, comments=False) == [word]
    assert not set(text) & set("$`;|<>&")
    assert not text.startswith("-")


@pytest.mark.parametrize("path", ["/data/$(x)", "/data/`x`", "/a b", "/a;b", "/a\nb"])
def test_a_path_of_the_settings_that_a_shell_would_run_is_refused(tmp_path, path):
    file = tmp_path / "config" / "collect.toml"
    file.parent.mkdir()
    file.write_text(f"logs = {json.dumps(path)}\n")
    with pytest.raises(ConfigError, match=r"logs: .* is no path on another machine"):
        load_settings(None, tmp_path)


def test_a_file_of_the_folder_that_names_a_device_runs_nothing(config, tmp_path):
    config.write_text("Host *\n  ProxyCommand nc %r %h\n")
    (tmp_path / "config").mkdir()
    device = "$(touch${IFS}x)@h"
    for name, text in {
        "collect.toml": f"remote_device = {json.dumps(device)}\n",
        "vehicle_profiles.json": json.dumps({"remote_device": device}),
    }.items():
        (tmp_path / "config" / name).write_text(text)
        for host in load_settings(None, tmp_path).hosts:
            with pytest.raises(InputError, match="is no user name"):
                parse_host(host)
        (tmp_path / "config" / name).unlink()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Host car\n  ProxyJump car\n", "ProxyJump leads through more than"),
        ("Host car\n  HostName\n", "Unparsable line HostName"),
    ],
)
def test_a_configuration_that_does_not_hold(config, text, problem):
    config.write_text(text)

    with pytest.raises(ConfigError, match=problem):
        parse_host("car")


@given(text=st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_host_or_an_error(tmp_path_factory, text):
    nowhere = tmp_path_factory.getbasetemp() / "none"
    try:
        host = parse_host(text, config_file=nowhere)
    except EngagementError:
        return
    assert 0 < host.port < 65536
    assert not host.hostname.startswith("-")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("%d/known/%h", "{home}/known/192.168.1.20"),
        ("/k/%n_%k_%p_%r", "/k/car_car_2222_comma"),
        ("/k/%%h", "/k/%h"),
        ("/k/%k\n HostKeyAlias Same", "/k/Same"),
        ("${KNOWN_HOSTS_OF}/x", "/keys/x"),
        ("~/%L", "{home}/" + gethostname().split(".")[0]),
    ],
)
def test_a_file_of_known_hosts_is_named_as_ssh_names_it(config, monkeypatch, written, meant):
    monkeypatch.setenv("KNOWN_HOSTS_OF", "/keys")
    config.write_text(
        f"Host car\n HostName 192.168.1.20\n Port 2222\n User comma\n"
        f" UserKnownHostsFile {written}\n"
    )

    home = config.parent.parent
    assert parse_host("car").known_hosts_files == (Path(meant.format(home=home)),)


@pytest.mark.parametrize("token", ["%C", "%j", "%x", "%", "${NO_SUCH_VARIABLE_HERE}"])
def test_a_token_that_stands_for_nothing_is_named(config, token):
    config.write_text(f"Host car\n  UserKnownHostsFile /k/{token}\n")

    with pytest.raises(ConfigError, match=re.escape(token)):
        parse_host("car")


def test_what_was_typed_counts_in_the_proxys_command(config):
    config.write_text("Host car\n  Port 1\n  ProxyCommand nc -X connect %h %p\n")

    assert parse_host("car:2222").proxy_command == "nc -X connect car 2222"
