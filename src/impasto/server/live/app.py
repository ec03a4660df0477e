"""The application of a show: its page, and what the page asks for."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from PIL import Image

from impasto.assets import __version__
from impasto.film.colour import Bytes
from impasto.server.api import Model, RequestError, Styles, dial
from impasto.server.app import API, answering, file_of
from impasto.server.bodies import NO_STORE, unless_gone
from impasto.server.listing import listed
from impasto.server.live.show import Show
from impasto.server.samples import PAGE as STUDIO

PAGE = Path(__file__).parent / "page"
QUALITY = 88
PATIENCE = 2.0  # seconds that a page waits for the next painting before it asks again
MOST = 16 * 2**20  # bytes of a frame, which the guard minds
JPEG = b"\xff\xd8\xff"

router = APIRouter(prefix=API)
page = APIRouter(include_in_schema=False)


def made(show: Show) -> FastAPI:
    """The application."""
    app = FastAPI(title="impasto live", version=__version__, docs_url=None, redoc_url=None)
    app.state.show = show
    app.include_router(router)
    app.include_router(page)
    return answering(app)


def show_of(request: Request) -> Show:
    found: Show = request.app.state.show
    return found


ShowOf = Annotated[Show, Depends(show_of)]


class LookBody(Model):
    """How the show looks from now on."""

    styles: Styles
    strength: float = dial("strength")
    mirrored: bool = False


@router.get("/live")
async def live(show: ShowOf) -> dict[str, Any]:
    """What is shown, and how."""
    show.looked()
    staging, source = show.staging, show.source
    return {
        "version": __version__,
        "source": "page" if source is None else source.kind,
        "name": "" if source is None else source.name,
        "side": staging.side,
        "record": staging.record.name if staging.record else None,
        "styles": show.styles,
        "strength": show.look.strength,
        "mirrored": show.mirrored,
        "known": await asyncio.to_thread(listed, show.painter.bank),
    }


@router.put("/live/look", status_code=204)
async def look(show: ShowOf, body: LookBody) -> None:
    """Another look, from the next frame on."""
    show.turn(body.styles, body.strength, body.mirrored)


@router.post("/live/frame", status_code=204)
async def frame(request: Request, show: ShowOf) -> None:
    """A frame of the page's camera: it takes the place of the one before."""
    if show.source is not None:
        raise RequestError(409, "not-done", "this show has a source of its own; it takes no frames")
    data = await request.body()
    if not data.startswith(JPEG):
        raise RequestError(415, "unsupported-type", "a frame is a JPEG")
    show.sent(data)


@router.get("/live/painted")
async def painted(show: ShowOf, after: int = 0, before: bool = False) -> Response:
    """The newest painting that comes behind number ``after``; with ``before`` its frame stands at its left.

    204 where there is none yet, and the page asks again; 410 when the show is over.
    """
    show.looked()
    found = await asyncio.to_thread(show.shown.after, after, PATIENCE)
    show.looked()
    if found is None:
        _check_open(show)
        return Response(status_code=204, headers=NO_STORE)
    number, shown = found
    pixels = np.concatenate([shown.photo, shown.painted], axis=1) if before else shown.painted
    height, width = shown.painted.shape[:2]
    headers = {"X-N": str(number), "X-Rate": f"{shown.fps:.1f}", "X-Size": f"{width}x{height}"}
    if shown.recorded is not None:
        headers["X-Recorded"] = f"{shown.recorded:.1f}"
    data = await asyncio.to_thread(jpeg, pixels)
    return Response(data, media_type="image/jpeg", headers={**NO_STORE, **headers})


@router.get("/live/thumbnails/{style}")
async def thumbnail(request: Request, show: ShowOf, style: str) -> Response:
    """What was seen, small, in a style."""
    _check_open(show)
    pixels = await unless_gone(request, asyncio.wrap_future(show.thumbnails.ask(style)))
    return Response(await asyncio.to_thread(jpeg, pixels), media_type="image/jpeg", headers=NO_STORE)


def _check_open(show: Show) -> None:
    if show.shown.closed:
        raise RequestError(410, "gone", "the show is over")


@page.get("/")
@page.get("/live.html")
async def index() -> Response:
    """The page, with the parts that are the studio's."""
    studio, own = ((folder / name).read_text("utf-8") for folder, name in ((STUDIO, "index.html"), (PAGE, "live.html")))
    parts = dict(re.findall(r"<!-- shared: (\w+) -->\n(.*?)<!-- end shared -->\n", studio, re.DOTALL))
    whole = re.sub(r"<!-- studio: (\w+) -->\n", lambda mark: parts[mark[1]], own)
    return HTMLResponse(whole, headers={"Cache-Control": "no-cache"})


@page.get("/{name}")
async def file(name: str) -> Response:
    """A file of the page, by its name; the studio's are beside it."""
    return file_of(name, PAGE)


def jpeg(pixels: Bytes) -> bytes:
    """Pixels (h, w, 3), uint8, as a JPEG for a page."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=QUALITY)
    return data.getvalue()
