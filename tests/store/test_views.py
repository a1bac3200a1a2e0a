from __future__ import annotations

import os
import subprocess
import sys

from engagement.store import views

PRINT_HASH = "from engagement.store.views import sql_hash; print(sql_hash())"


def test_the_hash_of_the_views_is_the_same_in_every_process():
    hashes = {
        subprocess.run(
            [sys.executable, "-c", PRINT_HASH],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in "0123"
    }

    assert len(hashes) == 1


def test_the_hash_changes_with_a_moment_that_ships(tmp_path, monkeypatch):
    before, find_dir = views.sql_hash(), views.resource_dir
    text = (find_dir("config") / "moments.toml").read_text(encoding="utf-8")
    file = tmp_path / "moments.toml"
    monkeypatch.setattr(
        views, "resource_dir", lambda name: tmp_path if name == "config" else find_dir(name)
    )
    file.write_text(text, encoding="utf-8")
    assert views.sql_hash.__wrapped__() == before
    file.write_text(text.replace("-3", "-2.5"), encoding="utf-8")
    assert views.sql_hash.__wrapped__() != before
