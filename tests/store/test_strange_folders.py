"""Python files in the folder where a command runs are not run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.store.small_logs import ONE, content, write

if TYPE_CHECKING:
    from tests.store.stores import Store

_NAMES = ("csv", "json", "signal", "inspect", "multiprocessing", "pyarrow", "engagement")


def test_workers_take_no_module_from_the_current_folder(store: Store, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    for name in _NAMES:
        (here / f"{name}.py").write_text(f"open('{here}/ran-{name}', 'w')\n")
    for number in range(2):
        log = content(ONE, number)
        # So much that it is worth processes.
        write(store.logs, ONE, number).write_bytes(log * (5_000_000 // len(log) + 1))
    command = Path(sys.executable).with_name("engagement")
    subprocess.run(
        [command, "--db", str(store.database), "ingest", str(store.logs), "--jobs", "2"],
        cwd=here,
        env={name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},
        check=True,
        timeout=300,
    )

    assert [*here.glob("ran-*")] == []
    assert [number for number, *_ in store.segments()] == [0, 1]
