"""Commands that any login shell hands on as they are."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.collect.shell import packed, portable
from tests.collect.devices import DRIVE, run_collect, tree
from tests.collect.sshd import run_server

_NASTY = st.text("ab \\'\"!\n\t$`*?(){}[]<>|&;#~%=^\u00a7", max_size=12)
_PRINT = "import os, sys; print([os.fsencode(word) for word in sys.argv[1:]])"


@given(words=st.lists(_NASTY, max_size=5))
@settings(max_examples=25, deadline=None)
def test_words_arrive_as_they_were(words):
    command = shlex.join(portable([sys.executable, "-c", _PRINT, *words]))

    printed = subprocess.run(["sh", "-c", command], check=True, capture_output=True).stdout

    assert printed.decode().strip() == str([word.encode() for word in words])


@given(words=st.lists(_NASTY, max_size=5))
def test_nothing_is_special_in_the_quotes_of_other_shells(words):
    assert not set(packed(words)) & {"'", "!", "\n"}
    # fish takes a backslash for itself before a backslash or a quote; all others are octal here
    assert "\\\\" not in packed(words)


def test_names_that_are_no_text_arrive():
    word = b"\xff\xfe".decode(errors="surrogateescape")
    command = shlex.join(portable(["printf", "%s", word])).encode(errors="surrogateescape")

    assert (
        subprocess.run(["sh", "-c", command], check=True, capture_output=True).stdout == b"\xff\xfe"
    )


_LOGIN_SHELL = r"""
import os, sys
name, text = sys.argv[1], os.environ["SSH_ORIGINAL_COMMAND"]
words, word, is_quoted, at = [], "", False, 0
while at < len(text):
    letter = text[at]
    if letter == "'":
        is_quoted = not is_quoted
    elif name == "fish" and letter == "\\" and text[at + 1 :][:1] in ("\\", "'"):
        at += 1
        word += text[at]
    elif name == "csh" and letter in "!\n":
        sys.exit(f"Unmatched ' or event not found: {text[at:]}")
    elif not is_quoted and letter in "\"\\$`*?(){}[]<>|&;#~!\n":
        sys.exit(f"special: {text[at:]}")
    elif letter == " " and not is_quoted:
        words.append(word)
        word = ""
    else:
        word += letter
    at += 1
words.append(word)
os.execvp(words[0], words)
"""


@pytest.mark.parametrize("name", ["fish", "csh"])
def test_a_device_may_have_another_login_shell(device, folder, tmp_path_factory, monkeypatch, name):
    odd = ["a\\\\b", "a\\'b", "it's", "x\ny", "wow!", 'q"q', "`$(x)`", "\udcff"]
    for number, above in enumerate(odd):
        device.add(f"{above}/{DRIVE}--{number}/rlog.zst", above.encode(errors="surrogateescape"))
    bin_folder = tmp_path_factory.mktemp("bin")
    (bin_folder / "shell.py").write_text(_LOGIN_SHELL)
    extra = f"ForceCommand {sys.executable} {bin_folder / 'shell.py'} {name}"
    for server in run_server(tmp_path_factory.mktemp("shell"), extra=extra):
        monkeypatch.setenv("HOME", str(server.home))
        report = run_collect(device, folder, verify=True)  # which SFTP could not

    assert report.is_good
    assert sorted(tree(folder).values()) == sorted(
        above.encode(errors="surrogateescape") for above in odd
    )
