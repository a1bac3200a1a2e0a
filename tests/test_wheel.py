"""The wheel has all that the command needs: installed alone, it works away from the checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen
from zipfile import ZipFile

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, folder: Path) -> str:
    """What a command prints, run in a folder where nothing tells of the checkout."""
    hidden = ("PYTHON", "VIRTUAL_ENV", "ENGAGEMENT", "COVERAGE", "COV_")
    environment = {name: text for name, text in os.environ.items() if not name.startswith(hidden)}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    run(*build, "--wheel-dir", folder, ROOT, folder=folder)
    [path] = folder.glob("engagement-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment of its own with the wheel in it; what that depends on is lent by ours."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    install = (sys.executable, "-m", "pip", "--quiet", "--python", python, "install", "--no-deps")
    run(*install, "--no-index", wheel, folder=home)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(python, "-c", ask, folder=home).strip())
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return scripts


def fetch(url: str) -> str:
    with urlopen(url, timeout=30) as answer:  # noqa: S310 - a server of our own
        return answer.read().decode()


@contextmanager
def served(command: Path, folder: Path) -> Iterator[Callable[[str], str]]:
    """A server of the folder's database, as a function from addresses to what they answer."""
    with subprocess.Popen(
        [str(command), "serve", "--port", "0"], cwd=folder, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            site = re.search(r"http://[^/]+", process.stderr.readline())[0]
            yield lambda path: fetch(site + path)
        finally:
            process.terminate()
            process.stderr.read()


def test_the_wheel_carries_every_resource(wheel):
    with ZipFile(wheel) as archive:
        packed = {name.removeprefix("engagement/_data/") for name in archive.namelist()}
    for folder in ("sql", "schemas", "config", "migrations"):
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
        assert {path.relative_to(ROOT).as_posix() for path in files} <= packed
        assert files


def test_the_wheel_carries_the_dashboard(wheel):
    with ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    folder = ROOT / "engagement" / "api"
    for part in ("templates", "static", "vendor"):
        files = [path for path in (folder / part).rglob("*") if path.is_file()]
        assert {path.relative_to(ROOT).as_posix() for path in files} <= packed
        assert files, "`make web` fetches what is missing"


def test_the_installed_command_works_anywhere(installed, tmp_path):
    command = installed / "engagement"
    where = "import engagement, sys; print(engagement.__file__, sys.path)"
    found = run(installed / "python", "-c", where, folder=tmp_path)
    assert found.startswith(str(installed.parent))
    assert f"'{ROOT}'" not in found

    assert "ingest" in run(command, "--help", folder=tmp_path)
    assert run(command, "--version", folder=tmp_path).strip()
    run(command, "demo", "--out", "logs", "--drives", "1", folder=tmp_path)
    said = run(command, "ingest", "logs", "--profile", "demo", "--jobs", "1", folder=tmp_path)
    assert " segments of 1 drive, " in said
    assert "2019-11-14--08-12-05" in run(command, "report", "--csv", folder=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "engagement.duckdb",
        "engagement.duckdb.lock",
        "logs",
    ]
    drive = "4d3c2b1a09f8e7d6%7C2019-11-14--08-12-05"
    with served(command, folder=tmp_path) as ask:
        assert "2019-11-14 07:12" in ask("/")
        page = ask(f"/drive/{drive}")
        assert "<h1>2019-11-14 07:12</h1>" in page
        for url in re.findall(r'(?:src|href)="(/(?:static|vendor)/[^"]+)"', page):
            assert ask(url)
        assert "uPlot" in page
        assert "Sound" in ask("/quality")


def test_what_others_try_it_with_finds_the_plots(installed, tmp_path):
    said = run(
        sys.executable, ROOT / ".ci" / "try_installed.py", installed / "engagement", folder=tmp_path
    )
    assert "8 drives of 4 devices" in said
