"""The routes of a studio that ends with its page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from impasto.server.bodies import NO_STORE, HubOf
from impasto.server.job_calls import PING
from impasto.server.visits import Visits

router = APIRouter(include_in_schema=False)


class _Visit(StreamingResponse):
    visits: Visits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.visits:
            await super().__call__(scope, receive, send)


@router.get("/visit")
async def visit(hub: HubOf) -> StreamingResponse:
    """A stream that is open as long as the page is; a browser may let timers sleep, but not this."""
    found = _Visit(_signs(), media_type="text/event-stream", headers=NO_STORE)
    found.visits = hub.visits
    return found


async def _signs() -> AsyncIterator[str]:
    while True:
        yield ": ping\n\n"
        await asyncio.sleep(PING)


@router.post("/end", status_code=204)
async def end(hub: HubOf) -> None:
    """End the studio, whoever else has its page open."""
    hub.visits.told = True
