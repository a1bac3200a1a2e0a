"""Databases are made and read without scipy, which takes longer to import than commands to run."""

from __future__ import annotations

import subprocess
import sys


def test_making_and_describing_a_database_does_without_scipy():
    code = (
        "import sys\n"
        "import engagement.store.ingestion, engagement.cli.rates\n"
        "from engagement.store.described import describe\n"
        "assert 'rates' in describe()\n"
        "assert 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
