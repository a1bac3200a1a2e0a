from __future__ import annotations

import os
import subprocess
import sys

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
