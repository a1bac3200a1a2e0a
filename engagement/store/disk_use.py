"""Whether a database may take the place of two on the disk, for the whole process."""

from __future__ import annotations

from contextvars import ContextVar

# With one copy, nothing is kept of the generation that a publication replaces, and the next
# publication writes the whole file.
ONE_COPY: ContextVar[bool] = ContextVar("ONE_COPY", default=False)
