"""The routes of styles of one's own: a painting sent becomes one within seconds; kept as a file, and forgotten."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from impasto.server.bodies import PICTURE, HubOf, Responses, picture, sent, unless_gone
from impasto.server.store import Blob

router = APIRouter(tags=["styles"])
BANK: Responses = {200: {"content": {"application/octet-stream": {}}}}
Style = Annotated[str, Path(max_length=200, description="Its name.")]


class StyleRecord(BaseModel):
    """A style of a painting that was sent. ``name`` is what recipes call it."""

    name: str
    title: str
    network: str
    seconds: float
    expires: float | None = Field(description="Seconds until it is forgotten, if nobody uses it.")


@router.post("/styles", status_code=201, openapi_extra=PICTURE)
async def send_painting(
    request: Request,
    hub: HubOf,
    name: Annotated[str, Query(max_length=400, description="A label; the style's name is made of it.")] = "painting",
    network: str | None = None,
) -> StyleRecord:
    """Make the painting that is the body a style, within seconds."""
    begin, network = time.monotonic(), network or hub.settings.default
    await hub.check_painting(network)
    body = await picture(request, hub)
    bank = await unless_gone(request, hub.add_style(body, network, name))
    return StyleRecord(
        name=bank.names[0],
        title=bank.cards[0].title,
        network=network,
        seconds=round(time.monotonic() - begin, 3),
        expires=hub.settings.own_life,
    )


@router.delete("/styles/{style}", status_code=204)
async def forget_style(style: Style, hub: HubOf, network: str | None = None) -> None:
    """Forget a style that was made here."""
    hub.own.remove(network or hub.settings.default, style)


@router.get("/banks/{style}", response_class=Response, responses=BANK)
async def bank_file(style: Style, hub: HubOf, network: str | None = None) -> Response:
    """A style as a file, to be kept and given to others."""
    data = await hub.catalogue.file(network or hub.settings.default, style)
    return sent(Blob(data), "application/octet-stream", f"{style}.safetensors")
