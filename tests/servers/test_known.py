"""Which server is meant, and which token goes there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from engagement.collect.settings import load_settings
from engagement.errors import ConfigError, InputError
from engagement.servers.known import checked_url, find_server
from engagement.servers.tokens import VARIABLE, find_token, openpilot_file

if TYPE_CHECKING:
    from pathlib import Path

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("OPENPILOT_PREFIX", raising=False)


@pytest.fixture
def known(tmp_path):
    return load_settings(None, tmp_path).servers


def write_settings(folder: Path, text: str) -> None:
    (folder / "config").mkdir()
    (folder / "config" / "collect.toml").write_text(text)


def private(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_comma_is_the_server_unless_another_is_named(known):
    assert find_server(None, None, known).api == "https://api.commadotai.com"
    assert find_server("konik", None, known).api == "https://api.konik.ai"
    assert find_server("konik", "connect.comma.ai", known).name == "konik"
    assert find_server(None, "connect.konik.ai", known).name == "konik"
    assert find_server(None, "example.org", known).name == "comma"
    assert find_server("https://api.example.org/", None, known).api == "https://api.example.org"


def test_ones_own_server_has_a_name(tmp_path):
    write_settings(
        tmp_path, '[servers.mine]\napi = "https://logs.example.org/api"\ntoken_file = "~/t"\n'
    )
    known = load_settings(None, tmp_path).servers

    assert find_server("mine", None, known).api == "https://logs.example.org/api"
    assert {"comma", "konik", "mine"} <= set(known)


def test_settings_in_a_folder_cant_send_the_token_of_a_known_server_elsewhere(tmp_path):
    write_settings(tmp_path, '[servers.comma]\napi = "https://evil.example.org"\n')

    with pytest.raises(ConfigError, match="'comma' is known"):
        load_settings(None, tmp_path)


def test_settings_in_a_folder_cant_say_where_an_address_leads(tmp_path):
    text = '[servers.mine]\napi = "https://x.example.org"\nsites = ["x.example.org"]\n'
    write_settings(tmp_path, text)
    lying = load_settings(None, tmp_path).servers
    given = load_settings(tmp_path / "config" / "collect.toml", tmp_path).servers

    assert find_server(None, "x.example.org", lying).name == "comma"
    assert find_server("mine", None, lying).name == "mine"
    assert find_server(None, "x.example.org", given).name == "mine"


def test_a_name_that_is_not_known_is_answered_with_the_nearest(known):
    with pytest.raises(InputError, match="did you mean 'konik'"):
        find_server("konick", None, known)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.org",
        "ftp://api.example.org",
        "https://user:secret@api.example.org",
        "https://api.example.org/?x=1",
        "https://api.example.org/#x",
        "https://",
        "https://[::1",
        "https://api.example.org:x",
        "https://api.example.org/\n",
        "file:///etc/passwd",
    ],
)
def test_a_token_goes_to_no_such_address(url, known):
    with pytest.raises(InputError):
        checked_url(url)
    with pytest.raises(InputError):
        find_server(url, None, known)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:2"])
def test_this_machine_needs_no_https(url):
    assert checked_url(url) == url


def test_a_token_is_where_openpilots_tools_keep_it_and_for_comma_alone(tmp_path):
    assert openpilot_file() == tmp_path / ".comma" / "auth.json"
    openpilot_file().parent.mkdir()
    openpilot_file().write_text(json.dumps({"access_token": JWT}))

    assert find_token(None) is None
    token = find_token(None, has_openpilot_tools=True)
    assert token is not None
    assert token.text == JWT
    assert JWT not in repr(token)
    assert str(token.expires_at_utc) == "2100-01-01 00:00:00+00:00"
    assert not token.is_expired


def test_a_prefix_of_openpilot_has_a_token_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENPILOT_PREFIX", "-two")
    assert openpilot_file() == tmp_path / ".comma-two" / "auth.json"


def test_a_file_goes_before_the_environment_and_that_before_settings(tmp_path, monkeypatch):
    first, last = private(tmp_path / "first", "first\n"), private(tmp_path / "last", "last\n")
    assert find_token(None, setting="~/last").text == "last"
    monkeypatch.setenv(VARIABLE, "middle")
    assert find_token(None, setting=str(last)).text == "middle"
    assert find_token(first, setting=str(last)).text == "first"


def test_a_file_that_others_may_read_is_refused(tmp_path):
    path = private(tmp_path / "token", "secret")
    path.chmod(0o640)

    with pytest.raises(ConfigError, match="others may read this token; run `chmod 600 ") as caught:
        find_token(path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "\n", "two words", "caf\xe9", "{}", '{"access_token": 3}', "a\nb", "x" * 20_000]
)
def test_what_is_no_token_is_refused_and_not_shown(tmp_path, text):
    path = private(tmp_path / "token", text)
    with pytest.raises(ConfigError, match="holds no token"):
        find_token(path)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(ConfigError, match="can't be read"):
        find_token(tmp_path / "none")


@pytest.mark.parametrize(
    "text", ["plain", "a.b.c", "a.e30.c", "a.eyJleHAiOiAieCJ9.c", "..", "a.=.c"]
)
def test_a_token_that_tells_no_time_is_not_expired(tmp_path, text):
    token = find_token(private(tmp_path / "token", text))
    assert token.expires_at_utc is None
    assert not token.is_expired
