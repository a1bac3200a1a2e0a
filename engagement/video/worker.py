"""The process that works on one video: limits first, then PyAV; an answer on stdout, or why not."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from contextlib import nullcontext, suppress
from pathlib import Path

_MEMORY_BYTES = 512 << 20  # beyond what Python and PyAV have when they start
_START_BYTES = 256 << 20


def main() -> int:
    """Answer one job; its text is on stdin, its files are open already."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    _limit(int(sys.argv[1]))
    job = json.load(sys.stdin)
    from engagement.video.work import VideoProblem, do  # noqa: PLC0415 - after the limits

    try:
        answer = do(job)
    except VideoProblem as error:
        sys.stdout.write(str(error))
        return 1
    except MemoryError:
        sys.stdout.write("it takes too much memory")
        return 1
    sys.stdout.buffer.write(answer)
    return 0


def _limit(time_limit_s: int) -> None:
    """No file may be written, and no memory or time be taken beyond the limits."""
    limits = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CPU, time_limit_s + 1),
        (resource.RLIMIT_DATA, _START_BYTES + _MEMORY_BYTES),
    ]
    is_linux = sys.platform == "linux"  # elsewhere not all of them can be set
    for kind, most in limits:
        _, hard = resource.getrlimit(kind)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with nullcontext() if is_linux else suppress(ValueError, OSError):
            resource.setrlimit(kind, (least, least))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # nothing of the libraries runs any more
