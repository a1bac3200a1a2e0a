"""What handlers are given: the newest generation of the database, for as long as they run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from litestar.datastructures import State

from engagement.store.serving import Generation, Publication


async def provide_generation(state: State) -> AsyncIterator[Generation]:
    """Open what is published now; a thread does, as it may have to read the file."""
    publication: Publication = state.publication
    lease = publication.acquire_open()
    if lease is None:
        lease = await asyncio.to_thread(publication.acquire)
    try:
        yield lease.generation
    finally:
        publication.release(lease)
