"""What handlers are given: the newest generation of the database, for as long as they run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar.datastructures import State

from engagement.store.serving import Generation, Lease, Publication


async def provide_generation(state: State) -> AsyncIterator[Generation]:
    """Give what is published now."""
    async with newest(state) as generation:
        yield generation


@asynccontextmanager
async def newest(state: State) -> AsyncIterator[Generation]:
    """Open what is published now; one thread does, and nobody else's is kept waiting for it.

    A generation that is replaced is let go of in a thread, too: it may hold much.
    """
    publication: Publication = state.publication
    lease = publication.acquire_open() or await _open(publication, state.opening)
    try:
        yield lease.generation
    finally:
        if lease.is_replaced:
            await asyncio.to_thread(publication.release, lease)
        else:
            publication.release(lease)


async def _open(publication: Publication, opening: asyncio.Lock) -> Lease:
    async with opening:
        lease = publication.acquire_open()
        return await asyncio.to_thread(publication.acquire) if lease is None else lease
