"""Bodies that come in, and answers that wait: what the routes share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Any, TypeAlias, TypeVar
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import FileResponse, Response
from starlette.requests import ClientDisconnect

from impasto.server.api import RequestError
from impasto.server.hub import Hub
from impasto.server.store import Blob, Spool

Result = TypeVar("Result")
Responses: TypeAlias = dict[int | str, dict[str, Any]]
PIECE = 2**18  # bytes that are written at once
PICTURE = {"requestBody": {"required": True, "content": {
    kind: {"schema": {"type": "string", "format": "binary"}}
    for kind in ("image/jpeg", "image/png", "image/webp", "image/avif", "image/tiff", "application/octet-stream")
}}}  # fmt: skip
NO_STORE = {"Cache-Control": "no-store"}


def hub_of(request: Request) -> Hub:
    """The hub of the server that a request came to."""
    found: Hub = request.app.state.hub
    return found


HubOf = Annotated[Hub, Depends(hub_of)]


async def picture(request: Request, hub: Hub, most: int | None = None) -> Blob:
    """The picture that is the body of a request; 415 for forms and texts, 413 for more than ``most`` bytes."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind.startswith("image/") and kind != "application/octet-stream":
        message = "send the picture itself as body, with its type in Content-Type, such as image/jpeg"
        raise RequestError(415, "unsupported-type", message)
    most = min(hub.settings.body, most or hub.settings.body)
    part = bytearray()
    with Spool(hub.folder) as spool:
        async for chunk in request.stream():
            part += chunk
            if spool.size + len(part) > most:
                raise RequestError(
                    413, "too-large", f"the body has more than {most // 2**20 or 1} MB; send a smaller one"
                )
            if len(part) >= PIECE:
                await asyncio.to_thread(spool.write, bytes(part))
                part.clear()
        await asyncio.to_thread(spool.write, bytes(part))
        if spool.size == 0:
            raise RequestError(422, "bad-picture", "the body is empty; send the picture itself")
        return spool.done()


async def unless_gone(request: Request, work: Awaitable[Result]) -> Result:
    """What ``work`` gives; it is cancelled when the client is gone."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        for each in (gone, task):
            each.add_done_callback(_heard)
            each.cancel()


def _heard(task: asyncio.Future[Any]) -> None:
    """What it raises when it is cancelled is nobody's business any more; asyncio would print it."""
    if not task.cancelled():
        task.exception()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _File(FileResponse):
    """A file that stays until it is sent."""

    blob: Blob


def sent(blob: Blob, kind: str, name: str, headers: dict[str, str] | None = None) -> Response:
    """A file to be saved, as an answer."""
    more: dict[str, Any] = {
        **NO_STORE,
        "Content-Disposition": f"attachment; filename*=utf-8''{quote(name)}",
        **(headers or {}),
    }
    if isinstance(blob.data, bytes):
        return Response(blob.data, headers=more, media_type=kind)
    found = _File(blob.data, headers=more, media_type=kind)
    found.blob = blob
    return found
