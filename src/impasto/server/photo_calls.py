"""The routes of photos: sent, masked, previewed."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from impasto.painting import memory
from impasto.server import looks, samples
from impasto.server.api import PhotoRecord, PlanBody, PlanRecord, PreviewBody, WindowBody
from impasto.server.bodies import PICTURE, HubOf, Responses, picture, unless_gone
from impasto.server.hub import Hub
from impasto.server.looks import Wanted
from impasto.server.previews import Preview, at_side, encoded
from impasto.server.settings import MASKS, PREVIEW_SIDE, QUICK_SIDE
from impasto.server.store import Blob, Photo

router = APIRouter(prefix="/photos", tags=["photos"])
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Of the photo.")]
MaskNumber = Annotated[int, Path(ge=0, lt=MASKS)]
MASK_BYTES = 4 * 2**20
JPEG: Responses = {200: {"content": {"image/jpeg": {}, "image/png": {}}}}
PRIVATE = {"Cache-Control": "private, max-age=600"}


@router.post("", status_code=201, openapi_extra=PICTURE)
async def send_photo(
    request: Request,
    hub: HubOf,
    name: Annotated[str, Query(max_length=400, description="A label.")] = "photo",
    sample: Annotated[str | None, Query(description="One of the server's samples, instead of a body.")] = None,
) -> PhotoRecord:
    """Send a photo, the body, to be worked with."""
    if sample is not None:
        blob = Blob(await asyncio.to_thread(samples.read, sample))
        return record(hub, await hub.add_photo(blob, f"{sample}.jpg"))
    body = await picture(request, hub)
    return record(hub, await hub.add_photo(body, name))


def record(hub: Hub, photo: Photo) -> PhotoRecord:
    """What is said of a photo."""
    head = photo.header
    return PhotoRecord(
        id=photo.id,
        name=photo.name,
        width=head.width,
        height=head.height,
        megapixels=round(head.width * head.height / 1e6, 2),
        alpha=photo.small.opacity is not None,
        bits=16 if head.deep else 8,
        expires=hub.settings.photo_life,
    )


@router.get("/{id}")
async def photo_record(id: Id, hub: HubOf) -> PhotoRecord:
    """What is known of a photo."""
    return record(hub, hub.store.get(id))


@router.delete("/{id}", status_code=204)
async def forget_photo(id: Id, hub: HubOf) -> None:
    """Forget a photo, its masks and all that was made for its previews."""
    hub.store.remove(id)


@router.get("/{id}/picture", response_class=Response, responses=JPEG)
async def show_photo(id: Id, hub: HubOf, side: Annotated[int, Query(ge=16, le=1024)] = 1024) -> Response:
    """The photo itself, upright, as JPEG or PNG."""
    photo = hub.store.get(id)
    await hub.intake.enough(photo, side)

    def made() -> tuple[bytes, str]:
        small = at_side(photo, side)
        return encoded(small.pixels, small)

    data, kind = await asyncio.to_thread(made)
    return Response(data, media_type=kind, headers=PRIVATE)


@router.put(
    "/{id}/masks/{k}",
    status_code=204,
    openapi_extra={"requestBody": {"required": True, "content": {"image/png": {}}}},
)
async def send_mask(id: Id, k: MaskNumber, request: Request, hub: HubOf) -> None:
    """Send a mask: a grey PNG of at most 1,024 px a side, white where its styles are, stretched to the photo."""
    hub.store.get(id)
    body = await picture(request, hub, MASK_BYTES)
    mask = await asyncio.to_thread(lambda: looks.mask_in(body.read()))
    photo = hub.store.get(id)
    photo.masks[k] = mask
    photo.changes += 1


@router.delete("/{id}/masks/{k}", status_code=204)
async def forget_mask(id: Id, k: MaskNumber, hub: HubOf) -> None:
    """Forget a mask."""
    hub.store.get(id).masks.pop(k, None)


@router.get("/{id}/thumbnails/{style}", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
async def thumbnail(
    id: Id,
    style: Annotated[str, Path(max_length=200)],
    request: Request,
    hub: HubOf,
    network: str | None = None,
    side: Annotated[int, Query(ge=16, le=256)] = 128,
    square: Annotated[bool, Query(description="Its middle alone, which is quicker.")] = False,
) -> Response:
    """The photo in one style, small."""
    photo, name = hub.store.get(id), network or hub.settings.default
    wanted = await hub.catalogue.check(Wanted(name, {style: 1.0}))
    data = await unless_gone(request, hub.previews.thumbnail(photo, wanted, side, square))
    return Response(data, media_type="image/jpeg", headers=PRIVATE)


@router.post("/{id}/previews", response_class=Response, responses=JPEG)
async def preview(id: Id, body: PreviewBody, request: Request, hub: HubOf) -> Response:
    """A preview of the painting. A newer one of the same photo takes the place of one that waits: 409 for that."""
    photo = hub.store.get(id)
    wanted = body.recipe.wanted(hub.settings.default, photo.masks)
    wanted = await hub.catalogue.check(wanted)
    side = PREVIEW_SIDE if body.max_side > QUICK_SIDE else body.max_side
    painted = hub.previews.paint(photo, wanted, body.max_side, partial(hub.intake.enough, photo, side))
    made = await unless_gone(request, painted)
    return _shown(made, body.n)


@router.post("/{id}/window", response_class=Response, responses=JPEG)
async def window(id: Id, body: WindowBody, request: Request, hub: HubOf) -> Response:
    """A place of the painting at full size. X-About is 1 where it is only about what the painting will be."""
    photo = hub.store.get(id)
    wanted = body.recipe.wanted(hub.settings.default, photo.masks)
    wanted = await hub.catalogue.check(wanted)
    key = f"{id} {photo.changes} {body.recipe.model_dump_json()}"
    made = await unless_gone(request, hub.orders.window(photo, wanted, key, (body.x, body.y, body.width, body.height)))
    return _shown(made, body.n)


def _shown(made: Preview, n: int) -> Response:
    headers = {"X-N": str(n), "X-Seconds": f"{made.seconds:.4f}", "X-About": str(int(made.about))}
    headers["Cache-Control"] = "no-store"
    return Response(made.data, media_type=made.kind, headers=headers)


@router.post("/{id}/plan")
async def plan(id: Id, body: PlanBody, hub: HubOf) -> PlanRecord:
    """How the painting will be made, and about how long that takes."""
    photo = hub.store.get(id)
    wanted = body.recipe.wanted(hub.settings.default, photo.masks)
    return await planned(hub, photo, wanted)


async def planned(hub: Hub, photo: Photo, wanted: Wanted) -> PlanRecord:
    """The plan of a photo's painting, as a record."""
    await hub.catalogue.check(wanted)
    found, seconds = await hub.orders.plan(photo.header, wanted)
    return PlanRecord(
        width=found.width,
        height=found.height,
        megapixels=round(found.width * found.height / 1e6, 2),
        whole=found.whole,
        tiles=found.tiles,
        passes=found.passes,
        memory=found.memory,
        free=memory.available(),
        seconds=round(seconds, 2),
    )
