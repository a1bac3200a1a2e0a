"""Logs over SSH on loopback: `engagement collect` against the plain sftp and rsync programs."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.corpus import OUT, corpus
from bench.output import print_table, ratio, seconds
from tests.collect.sshd import SSHD, Server, run_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.runs import Setting

_AIM = 0.9
_N_RLOGS = 60
_N_RLOGS_QUICK = 20
_N_QLOGS = 1000
_N_QLOGS_QUICK = 100
_QLOG_BYTES = 120_000


def run(setting: Setting) -> None:
    """Collect large and small logs, each into an empty folder."""
    if not (SSHD and shutil.which("sftp") and shutil.which("rsync")):
        print("\ncollecting: needs sshd, sftp and rsync")
        return
    rlogs = corpus("zst", _N_RLOGS_QUICK if setting.is_quick else _N_RLOGS).folder
    qlogs = _make_qlogs(_N_QLOGS_QUICK if setting.is_quick else _N_QLOGS)
    with TemporaryDirectory() as folder:
        for server in run_server(Path(folder)):
            _compare("rlogs", rlogs, server, setting)
            _compare("qlogs", qlogs, server, setting)


def _make_qlogs(n_logs: int) -> Path:
    """A folder of so many small logs; nothing reads what is in them."""
    folder = OUT / f"qlogs-{n_logs}"
    shutil.rmtree(folder, ignore_errors=True)
    rng = random.Random(1)
    for number in range(n_logs):
        path = folder / "be00000000000000" / f"0000002a--0123456789--{number}" / "qlog.zst"
        path.parent.mkdir(parents=True)
        path.write_bytes(rng.randbytes(_QLOG_BYTES))
    return folder


def _compare(noun: str, logs: Path, server: Server, setting: Setting) -> None:
    sizes = [path.stat().st_size for path in logs.rglob("*log.zst")]
    size_bytes = sum(sizes)
    walls: dict[str, list[float]] = {}
    for _ in range(setting.repetitions):
        for name, words in _commands(logs, server).items():
            walls.setdefault(name, []).append(_measure(words, server, size_bytes))
    found = {name: median(times) for name, times in walls.items()}
    best_s = min(wall_s for name, wall_s in found.items() if name != "collect")
    print_table(
        f"{len(sizes)} {noun}, {size_bytes / 1e6:.0f} MB, over SSH on loopback into an empty "
        "folder, whole processes; speed against the better of the two",
        ("", "wall", "MB/s", "speed", "aim"),
        [
            (
                name,
                seconds(wall_s),
                f"{size_bytes / wall_s / 1e6:.0f}",
                ratio(best_s, wall_s),
                f">= {_AIM} x" if name == "collect" else "",
            )
            for name, wall_s in found.items()
        ],
    )


def _commands(logs: Path, server: Server) -> Mapping[str, list[str]]:
    """What brings the logs into `here`, by each program."""
    config = str(server.config_file)
    settings = server.folder / "collect.toml"
    settings.write_text(f'logs = "{logs.absolute()}"\n')
    collect = [sys.executable, "-m", "engagement", "collect", "device", "--kind", "both"]
    return {
        "collect": [*collect, "--to", "here", "--config", str(settings)],
        "sftp": ["sftp", "-q", "-r", "-F", config, f"device:{logs.absolute()}", "here"],
        "rsync": ["rsync", "-a", "-e", f"ssh -F {config}", f"device:{logs.absolute()}/", "here"],
    }


def _measure(words: list[str], server: Server, size_bytes: int) -> float:
    """Seconds that a command takes to bring all bytes.

    Raises:
        RuntimeError: If it brings others.
    """
    with _empty_folder() as folder:
        environment = os.environ | {"HOME": str(server.home)}
        started_s = time.monotonic()
        subprocess.run(
            words,
            cwd=folder,
            env=environment,
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
        wall_s = time.monotonic() - started_s
        n_bytes = sum(path.stat().st_size for path in folder.rglob("*log.zst"))
    if n_bytes != size_bytes:
        raise RuntimeError(f"{words[0]} brought {n_bytes} of {size_bytes} bytes")
    return wall_s


@contextmanager
def _empty_folder() -> Iterator[Path]:
    with TemporaryDirectory(dir=OUT) as folder:
        yield Path(folder)
