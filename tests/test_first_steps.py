"""README.md's commands, typed in order in a clone, where Python and make are but no node."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from engagement.cli.exit_codes import ExitCode
from engagement.simulate import simulate
from tests.support.terminal import on_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COLUMNS = 100  # of the terminal that the page shows

_HIDDEN_PROGRAMS = re.compile(r"(node|npm|npx|corepack|nodejs|engagement|python|pip)[\d.]*")
_HIDDEN_VARIABLES = ("PYTHON", "VIRTUAL_ENV", "ENGAGEMENT", "COV", "MAKE", "MFLAGS")
_PROGRAMS = ("python3", ".", "pip", "engagement", "make")
_SERVING = re.compile(r"serving .* at (http://\S+/) until")


@dataclass
class Typed:
    """A command, and what the page says that it prints, if it does."""

    text: str
    shown: str = ""


def commands(page: str) -> list[Typed]:
    """All of a page's fenced blocks: commands, or what the one before them prints."""
    found: list[Typed] = []
    for block in re.findall(r"^```\w*\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        lines = block.splitlines()
        if lines[0].startswith("$ "):
            assert len([line for line in lines if line.startswith("$ ")]) == 1
            found.append(Typed(lines[0][2:], "\n".join(lines[1:])))
        elif lines[0].split()[0] in _PROGRAMS:
            found.extend(Typed(line) for line in lines)
        else:
            found[-1].shown = block.rstrip("\n")
    return found


@dataclass
class Shell:
    """A user's shell in a folder: what one command sets holds for the next."""

    folder: Path
    variables: dict[str, str]
    file: Path = field(init=False)

    def __post_init__(self) -> None:
        self.file = self.folder.parent / "variables"

    def run(self, command: str, *, status: tuple[int, ...] = (0,)) -> str:
        """Everything that it prints on a terminal."""
        keep = f'{command}\nstatus=$?; env -0 > "{self.file}"; exit $status'
        typed = ["bash", "-c", keep]
        code, shown, said = on_terminal(typed, self.folder, self.variables, COLUMNS)
        assert code in status, f"{command}: {code}\n{shown}{said}"
        texts = self.file.read_text().split("\0")
        self.variables = dict(text.split("=", 1) for text in texts if "=" in text)
        return shown

    @contextmanager
    def serving(self, command: str) -> Iterator[str]:
        """The URL of a command that serves until Ctrl-C."""
        with subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.folder,
            env=self.variables,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            said = []
            try:
                for line in process.stderr:
                    said.append(line)
                    if found := _SERVING.search(line):
                        yield found[1]
                        break
            finally:
                process.send_signal(signal.SIGINT)
                said.append(process.stderr.read())
        assert process.returncode == 0, "".join(said)
        assert any(_SERVING.search(line) for line in said), "".join(said)
        assert "no plots" not in "".join(said)


def programs_without_node(folder: Path) -> Path:
    """A folder of everything on the PATH but node, and with one Python."""
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for path in Path(place).glob("*"):
            link = folder / path.name
            if not (_HIDDEN_PROGRAMS.fullmatch(path.name) or link.is_symlink()):
                link.symlink_to(path)
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    assert shutil.which("node", path=str(folder)) is None
    return folder


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    clone = tmp_path / "engagement"
    done = subprocess.run(
        ["git", "clone", "--quiet", str(ROOT), str(clone)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"there is no repository here: {done.stderr}")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_HIDDEN_VARIABLES)}
    path = str(programs_without_node(tmp_path / "bin"))
    return Shell(clone, kept | {"PATH": path, "NO_COLOR": "1", "TERM": "xterm"})


@pytest.fixture
def has_plots() -> Iterator[Callable[[str], None]]:
    """Check that a server's page of a drive draws plots, in a real browser."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()

        def check(url: str) -> None:
            page.goto(url + "drives")
            page.locator('a[href^="/drive/"]').first.click()
            page.locator("#signals .uplot canvas").first.wait_for(timeout=20_000)

        yield check


def library(folder: Path) -> list[Path]:
    """Where under a folder the plots' library is."""
    return list(folder.rglob("vendor/uplot/uPlot.iife.min.js"))


def same(shown: str, wanted: str) -> bool:
    """Whether a terminal shows what the page does."""

    def lines(text: str) -> list[str]:
        return [line.rstrip() for line in text.strip("\r\n").splitlines()]

    return lines(shown)[-len(lines(wanted)) :] == lines(wanted)


def test_readme_holds_word_for_word(shell, has_plots, tmp_path):
    own = tmp_path / "own logs"
    for _ in simulate(own, drives=8, seed=1):
        pass
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/opened"\n')
    browser.chmod(0o755)
    shell.variables |= {
        "BROWSER": str(browser),
        "ENGAGEMENT_PORT": "0",  # other tests may have 8000
        "PIP_NO_COMPILE": "1",  # of two environments, most of which is never imported
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    # What a reader has in place of the page's: logs, and two branches that were driven.
    placeholders = {"/path/to/realdata": shlex.quote(str(own)), "my-tune": "release-tizi"}
    # What is done in another way here, or checked besides its exit status.
    checks: dict[str, Callable[[str], None]] = {
        "pip install .": lambda _: _check_installed(shell),
        "make demo": lambda shown: _check_paths(shell, shown),
    }
    for command in commands(README):
        text = command.text
        for word, instead in placeholders.items():
            text = text.replace(word, instead)
        if text.endswith("serve"):
            with shell.serving(text) as url:
                has_plots(url)
                if "demo" in text:
                    assert (tmp_path / "opened").read_text().strip() == url
            continue
        if text == "make test":
            text += " TESTS='tests/test_formats.py -p no:xdist -o addopts=--import-mode=importlib'"
        # A comparison may say that the change made it worse.
        # The demo's groups have two drives each, which are too few to tell.
        shown = shell.run(text, status=(ExitCode.TOO_FEW,) if "--fail-if" in text else (0,))
        if command.shown:
            assert same(shown, command.shown), f"{text}\n{shown}"
        checks.pop(text, lambda _: None)(shown)
    assert not checks, "the page lacks what is checked"


def _check_installed(shell: Shell) -> None:
    assert library(shell.folder / ".venv")


def _check_paths(shell: Shell, shown: str) -> None:
    """What `make demo` prints can be typed, also by who called it from elsewhere."""
    assert library(shell.folder / "engagement" / "api")
    [status] = re.findall(r"(?<=  )\S+ status --db \S+", shown)
    assert "8 drives" in shell.run(status)
    elsewhere = Shell(shell.folder.parent, dict(shell.variables))
    # What it would print: it is made already.
    shown = elsewhere.run(f"make --dry-run -C {shlex.quote(str(shell.folder))} demo")
    [status] = re.findall(r"(?<=  )\S+ status --db [^\s\"]+", shown)
    assert "8 drives" in elsewhere.run(status)
