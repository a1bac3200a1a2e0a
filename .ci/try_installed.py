"""Try an installed command: made-up drives, and their pages with plots. Needs Python alone.

python .ci/try_installed.py environment/bin/engagement
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.request import urlopen


def main(command: str) -> None:
    """Make drives, ingest, serve and fetch what a browser would."""
    with tempfile.TemporaryDirectory() as folder:
        demo = [command, "demo", "--serve", "--no-browser", "--port", "0"]
        with subprocess.Popen(demo, cwd=folder, stderr=subprocess.PIPE, text=True) as server:
            said = []
            try:
                url = _address(server, said)
                _check_pages(url)
            finally:
                server.send_signal(signal.SIGINT)
                said.append(server.stderr.read() if server.stderr else "")
                sys.stderr.write("".join(said))
        if server.returncode:
            raise SystemExit(f"Ctrl-C ended it with {server.returncode}")
        report = [command, "report", "--db", str(Path("demo", "demo.duckdb"))]
        subprocess.run(report, cwd=folder, check=True)


def _address(server: subprocess.Popen[str], said: list[str]) -> str:
    for line in server.stderr or ():
        said.append(line)
        found = re.search(r"serving .* at (http://\S+)/ until", line)
        if found:
            return found[1]
    raise SystemExit("it never served")


def _check_pages(url: str) -> None:
    [drive, *_] = re.findall(r'href="(/drive/[^"]+)"', _fetch(f"{url}/drives"))
    page = _fetch(url + drive)
    files = re.findall(r'(?:src|href)="(/(?:static|vendor)/[^"]+)"', page)
    for file in files:
        _fetch(url + file)
    if not any("uPlot" in file for file in files):
        raise SystemExit("the page of a drive has no plots")


def _fetch(url: str) -> str:
    with urlopen(url, timeout=60) as answer:  # noqa: S310 - a server of this machine
        return answer.read().decode()


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))  # noqa: PTH100 - a link stays one
