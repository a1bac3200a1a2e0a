"""The long fuzz: `python -m tests.fuzz --messages 1000000 --files 10000`; prints its counts."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.extract.test_segment import RLOGS, raw_of
from tests.fuzz.fuzzing import fuzz_files, fuzz_messages
from tests.logs.test_columns import corrupt


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    raws = [raw_of(era) for era in RLOGS]
    is_good = True
    with tempfile.TemporaryDirectory() as folder:
        parts = {
            "messages": lambda: fuzz_messages(raws, given.messages, given.seed, corrupt),
            "files": lambda: fuzz_files(raws, given.files, given.seed, Path(folder)),
        }
        for name, run in parts.items():
            started_at_s = time.monotonic()
            counts = run()
            sys.stdout.write(f"{name}, {time.monotonic() - started_at_s:.0f} s:\n")
            sys.stdout.writelines(f"  {key}: {value}\n" for key, value in asdict(counts).items())
            sys.stdout.flush()
            is_good &= counts.is_good
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
