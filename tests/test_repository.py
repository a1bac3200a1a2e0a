"""What stands in the repository for those who join: in step with the code, and with each other."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
FORMS = sorted(path for path in ROOT.glob(".github/ISSUE_TEMPLATE/*.yml") if path.stem != "config")
JACTIONLINT = Path(sys.executable).with_name("jactionlint")


def read(path: str | Path) -> dict:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def test_hooks_before_a_commit_call_what_make_lint_calls():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n\t\t", "")
    [recipe] = re.findall(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    wanted = {line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()}
    hooks = read(".pre-commit-config.yaml")["repos"][0]["hooks"]
    entries = [shlex.split(hook["entry"]) for hook in hooks]
    found = {entry[2] if entry[0] == "bash" else shlex.join(entry) for entry in entries}
    assert found == wanted
    assert len({hook["id"] for hook in hooks}) == len(hooks)


def test_workflows_try_the_wheel_with_every_python_that_is_promised():
    oldest = PROJECT["requires-python"].removeprefix(">=")
    matrix = read(".github/workflows/checks.yml")["jobs"]["try"]["strategy"]["matrix"]
    assert matrix["python"][0] == oldest
    minors = [int(version.partition(".")[2]) for version in matrix["python"]]
    assert minors == list(range(minors[0], minors[0] + len(minors)))
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos"}


def test_checks_are_those_of_ci():
    steps = read(".github/workflows/checks.yml")["jobs"]["check"]["steps"]
    assert steps[-1]["run"] == "bash .ci/run"


@pytest.mark.parametrize(
    ("was", "instead"),
    [
        ("actions/checkout@v5", "someone/checkout@v5"),
        ("needs: build", "needs: built"),
        ("${{ matrix.python }}", "${{ matrix.pythons }}"),
        ("runs-on: ${{ matrix.os }}", "runs_on: ${{ matrix.os }}"),
    ],
)
def test_a_broken_workflow_fails_the_lint(tmp_path, was, instead):
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    settings = (ROOT / ".github" / "jactionlint.yaml").read_text(encoding="utf-8")
    (tmp_path / ".github" / "jactionlint.yaml").write_text(settings, encoding="utf-8")
    text = (ROOT / ".github" / "workflows" / "checks.yml").read_text(encoding="utf-8")

    def status(text: str) -> int:
        (folder / "checks.yml").write_text(text, encoding="utf-8")
        command = [JACTIONLINT, "--shellcheck=", folder / "checks.yml"]
        return subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode

    assert was in text
    assert status(text) == 0
    assert status(text.replace(was, instead)) == 1


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_issue_forms_ask_for_the_status(path):
    labels = [part["attributes"].get("label") for part in read(path)["body"]]
    assert "engagement status --json" in labels


def test_the_citation_names_this_version_and_the_newest_definitions():
    citation = read("CITATION.cff")
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = max(int(number) for number in re.findall(r"(?i)\bdefinitions (\d+)", changes))
    assert [each["value"] for each in citation["identifiers"]] == [f"definitions {newest}"]


def test_updates_are_looked_for_wherever_versions_are_named():
    found = {
        (each["package-ecosystem"], each["directory"])
        for each in read(".github/dependabot.yml")["updates"]
    }
    assert found == {("pip", "/"), ("npm", "/web"), ("github-actions", "/"), ("docker", "/")}


PACKAGES = {path.parent.name for path in ROOT.glob("engagement/*/__init__.py")}


def test_layout_tables_name_every_package():
    layout = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n## Layout\n")[1]
    folders = [
        row.split(" | ")[0] for row in re.findall(r"^\| `engagement/.*", layout, re.MULTILINE)
    ]
    named = [
        name.removeprefix("engagement/") for row in folders for name in re.findall(r"`(.+?)/`", row)
    ]
    assert len(named) == len(set(named))
    assert set(named) == PACKAGES

    drawn = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```")[1]
    assert set(re.findall(r"^(\w+)/ ", drawn, re.MULTILINE)) == PACKAGES
