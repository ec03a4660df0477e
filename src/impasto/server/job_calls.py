"""The routes of paintings: jobs, and ``paint``, the one call for a photo in and a painting out."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import PurePath
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request
from fastapi.responses import Response, StreamingResponse

from impasto.server.api import JobBody, JobRecord, Query_, RequestError, problem
from impasto.server.bodies import NO_STORE, PICTURE, HubOf, Responses, picture, sent, unless_gone
from impasto.server.hub import Hub
from impasto.server.job import Job
from impasto.server.looks import mix
from impasto.server.photo_calls import planned

router = APIRouter()
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Of the job.")]
SUFFIX = {"jpeg": "jpg", "png": "png", "webp": "webp"}
PAINTING: Responses = {200: {"content": {f"image/{kind}": {} for kind in SUFFIX}}}
TICK, PING = 0.25, 15.0  # seconds between looks at a job, and between signs of life


@router.post("/jobs", status_code=202, tags=["jobs"])
async def begin(
    body: JobBody,
    request: Request,
    response: Response,
    hub: HubOf,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> JobRecord:
    """Paint a photo that was sent. The same Idempotency-Key again gives the same job again."""
    said = body.model_dump_json().encode()
    job = hub.orders.known(idempotency_key, said) if idempotency_key else None
    if job is None:
        photo = hub.store.get(body.photo)
        wanted = await hub.catalogue.check(body.recipe.wanted(hub.settings.default, photo.masks))
        saving = body.saving(wanted.comment)
        plan = await planned(hub, photo, wanted)
        job = hub.orders.submit(photo.body, photo.header, wanted, saving, exact=True)
        job.facts |= {
            "plan": plan,
            "name": file_name(photo.name, mix(wanted.styles), body.format),
            "format": body.format,
        }
        if idempotency_key:
            hub.orders.remember(idempotency_key, said, job)
    response.headers["Location"] = f"{request.url.path}/{job.id}"
    return record(hub, job)


@router.get("/jobs/{id}", tags=["jobs"])
async def job_record(id: Id, hub: HubOf, response: Response) -> JobRecord:
    """How far a painting is."""
    response.headers.update(NO_STORE)
    return record(hub, hub.jobs.get(id))


@router.get(
    "/jobs/{id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
    tags=["jobs"],
)
async def events(id: Id, hub: HubOf) -> StreamingResponse:
    """The same record again and again, as server-sent events: progress, and last done, failed or cancelled."""
    job = hub.jobs.get(id)
    return StreamingResponse(_events(hub, job), media_type="text/event-stream", headers=NO_STORE)


async def _events(hub: Hub, job: Job) -> AsyncIterator[str]:
    said, when = "", time.monotonic()
    while True:
        ended = job.over.is_set()
        found = record(hub, job)
        data = json.dumps(found.model_dump(mode="json"))
        if ended or data != said:
            yield f"event: {found.state if ended else 'progress'}\ndata: {data}\n\n"
            said, when = data, time.monotonic()
        elif time.monotonic() - when > PING:
            yield ": ping\n\n"
            when = time.monotonic()
        if ended:
            return
        try:
            await asyncio.wait_for(job.over.wait(), TICK)
        except TimeoutError:
            pass


@router.get("/jobs/{id}/result", response_class=Response, responses=PAINTING, tags=["jobs"])
async def result(id: Id, hub: HubOf) -> Response:
    """The painting, as a file."""
    job = hub.jobs.get(id)
    if job.error is not None:
        raise job.error
    if job.painting is None:
        raise RequestError(409, "not-done", "the painting is not done yet; ask for its job until it is")
    return sent(job.painting, f"image/{job.facts['format']}", job.facts["name"])


@router.delete("/jobs/{id}", status_code=204, tags=["jobs"])
async def stop(id: Id, hub: HubOf) -> None:
    """Cancel a painting, or forget it if it is done."""
    hub.jobs.forget(hub.jobs.get(id))


@router.post("/paint", response_class=Response, openapi_extra=PICTURE, responses=PAINTING, tags=["paint"])
async def paint(request: Request, query: Query_, hub: HubOf) -> Response:
    """Paint the photo that is the body, and answer with the painting."""
    wanted = query.wanted(hub.settings.default)
    saving = query.saving(wanted.comment)
    wanted = await hub.catalogue.check(wanted)
    hub.jobs.check_room()
    body = await picture(request, hub)
    header = await hub.intake.header(body)
    job = hub.orders.submit(body, header, wanted, saving)
    try:
        await unless_gone(request, job.over.wait())
        if job.error is not None:
            raise job.error
        assert job.painting is not None
        name = file_name("painting", mix(wanted.styles), query.format)
        seconds = f"{job.ended - job.began:.3f}"
        return sent(job.painting, f"image/{query.format}", name, {"X-Seconds": seconds})
    finally:
        hub.jobs.forget(job)


def record(hub: Hub, job: Job) -> JobRecord:
    """What is said of a job."""
    share, _ = job.progress(time.monotonic())
    return JobRecord(
        id=job.id,
        state=job.state,  # type: ignore[arg-type]
        share=round(share, 4),
        seconds_left=round(hub.jobs.left(job), 1),
        position=hub.jobs.position(job),
        name=job.facts.get("name", ""),
        bytes=None if job.painting is None else job.painting.size,
        width=job.size[0] or None,
        height=job.size[1] or None,
        notes=list(job.notes),
        error=None if job.error is None or job.state == "cancelled" else problem(job.error),
        plan=job.facts.get("plan"),
    )


def file_name(photo: str, styles: str, format: str) -> str:
    """What a painting is called when it is saved, as the command line calls it: cat-STYLE.jpg."""
    style = styles.split(",")[0].split(":")[0] + ("-and-more" if "," in styles else "")
    return f"{PurePath(photo).stem}-{style}.{SUFFIX[format]}"
