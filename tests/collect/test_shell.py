"""Commands that any login shell hands on as they are."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.collect.shell import command_line, packed
from tests.collect.devices import DRIVE, random_bytes, run_collect, tree
from tests.collect.sshd import run_server

_NASTY = st.text("ab \\'\"!\n\t$`*?(){}[]<>|&;#~%=^\u00a7", max_size=12)
_PRINT = "import os, sys; print([os.fsencode(word) for word in sys.argv[1:]])"


@given(words=st.lists(_NASTY, max_size=5))
@settings(max_examples=25, deadline=None)
def test_words_arrive_as_they_were(words):
    command = command_line([sys.executable, "-c", _PRINT, *words])

    printed = subprocess.run(["sh", "-c", command], check=True, capture_output=True).stdout

    assert printed.decode().strip() == str([word.encode() for word in words])


@given(words=st.lists(_NASTY, max_size=5))
def test_nothing_is_special_in_the_quotes_of_other_shells(words):
    assert not set(packed(words)) & {"'", "!", "\n"}
    # fish takes a backslash for itself before a backslash or a quote; all others are octal here
    assert "\\\\" not in packed(words)


def test_names_that_are_no_text_arrive():
    word = b"\xff\xfe".decode(errors="surrogateescape")
    command = command_line(["printf", "%s", word])

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


@pytest.mark.parametrize("shell", ["fish", "csh", "tcsh", "zsh", "ksh", "mksh", "busybox sh"])
def test_real_shells_hand_on_all_words(shell):
    program, *words = shell.split()
    if shutil.which(program) is None:
        pytest.skip(f"no {program} here")
    nasty = ["ab \\'\"!\n\t$`*?(){}[]<>|&;#~%=^\u00a7\udcff", "\\\\'\\", "!!", "x" * 40_000, ""]
    command = command_line(["printf", "%s|", *nasty])

    answer = subprocess.run([program, *words, "-c", command], check=True, capture_output=True)

    assert answer.stdout.decode(errors="surrogateescape") == "".join(f"{it}|" for it in nasty)


@pytest.mark.parametrize("name", ["fish", "csh"])
def test_a_device_may_have_another_login_shell(device, folder, tmp_path_factory, monkeypatch, name):
    odd = ["a\\\\b", "a\\'b", "it's", "x\ny", "wow!", 'q"q', "`$(x)`", "\udcff"]
    for number, above in enumerate(odd):
        device.add(f"{above}/{DRIVE}--{number}/rlog.zst", above.encode(errors="surrogateescape"))
    bin_folder = tmp_path_factory.mktemp("bin")
    (bin_folder / "shell.py").write_text(_LOGIN_SHELL)
    extra = f"ForceCommand {sys.executable} {bin_folder / 'shell.py'} {name}"
    if shutil.which(name):
        extra = f'ForceCommand {name} -c "$SSH_ORIGINAL_COMMAND"'
    for server in run_server(tmp_path_factory.mktemp("shell"), extra=extra):
        monkeypatch.setenv("HOME", str(server.home))
        report = run_collect(device, folder, verify=True)  # which SFTP could not

    assert report.is_good
    assert sorted(tree(folder).values()) == sorted(
        above.encode(errors="surrogateescape") for above in odd
    )


@pytest.mark.parametrize("box", ["busybox", "toybox"])
def test_a_device_may_have_other_programs(device, folder, tmp_path_factory, monkeypatch, box):
    if shutil.which(box) is None:
        pytest.skip(f"no {box} here")
    for number in range(3):
        device.add(f"-{number}\n\udcff/{DRIVE}--{number}/rlog", random_bytes(100_000, number))
    bin_folder = tmp_path_factory.mktemp("bin")
    for tool in (
        "sh",
        "tail",
        "head",
        "find",
        "printf",
        "env",
        "sha256sum",
        "nice",
        "bzip2",
        "test",
    ):
        has_it = subprocess.run([box, tool, "--help"], check=False, capture_output=True)
        program = shutil.which(box if has_it.returncode == 0 else tool)
        if program:
            (bin_folder / tool).symlink_to(program)
    extra = f"SetEnv PATH={bin_folder}"
    for server in run_server(tmp_path_factory.mktemp("box"), extra=extra):
        monkeypatch.setenv("HOME", str(server.home))
        report = run_collect(device, folder, verify=True)
        packed_report = run_collect(device, folder.with_name("packed"), verify=True, codec="bz2")

    assert report.is_good
    assert sorted(tree(folder).values()) == sorted(tree(device.logs).values())
    assert packed_report.is_good
    assert len(packed_report.collected) == 3
    assert bool(packed_report.notes) == (not (bin_folder / "bzip2").exists())
