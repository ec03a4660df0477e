"""The routes of lessons: a painting sent, learned and given back as a style. Of the studio only."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from impasto.server.api import Problem, RequestError, problem
from impasto.server.bodies import NO_STORE, PICTURE, HubOf, Responses, picture, unless_gone
from impasto.server.lessons import Lesson

router = APIRouter(tags=["lessons"])
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Of the lesson.")]
JPEG: Responses = {200: {"content": {"image/jpeg": {}, "image/png": {}}}}


class LessonRecord(BaseModel):
    """How far a lesson is. ``preview`` grows with each better row; ``style`` is there at the end."""

    id: str
    name: str
    state: Literal["waiting", "learning", "done", "failed"]
    step: int
    steps: int
    share: float
    seconds_left: float
    content: float
    style_distance: float
    preview: int
    style: str | None
    error: Problem | None


def record(lesson: Lesson) -> LessonRecord:
    """What is said of a lesson."""
    at = lesson.at
    return LessonRecord(
        id=lesson.id,
        name=lesson.order.name,
        state=lesson.state,  # type: ignore[arg-type]
        step=at.step,
        steps=at.steps,
        share=1.0 if lesson.state == "done" else round(at.share, 4),
        seconds_left=round(lesson.seconds_left, 1),
        content=at.content,
        style_distance=at.distance,
        preview=lesson.previews,
        style=lesson.order.name if lesson.state == "done" else None,
        error=None if lesson.error is None else problem(lesson.error),
    )


@router.post("/lessons", status_code=202, openapi_extra=PICTURE)
async def teach(
    request: Request,
    response: Response,
    hub: HubOf,
    name: Annotated[str, Query(max_length=80, description="What the style is to be called.")],
    minutes: Annotated[float, Query(gt=0, le=240)] = 15.0,
    network: str | None = None,
) -> LessonRecord:
    """Learn the painting that is the body as a new style."""
    await hub.check_lesson(network or hub.settings.default, name)
    body = await picture(request, hub)
    lesson = await hub.teach(body, network or hub.settings.default, name, minutes)
    response.headers["Location"] = f"{request.url.path}/{lesson.id}"
    return record(lesson)


@router.get("/lessons/{id}")
async def lesson_record(id: Id, hub: HubOf, response: Response) -> LessonRecord:
    """How far a lesson is."""
    response.headers.update(NO_STORE)
    return record(hub.lessons.get(id))


@router.get("/lessons/{id}/preview", response_class=Response, responses=JPEG)
async def lesson_preview(
    id: Id, request: Request, hub: HubOf, photo: str, side: Annotated[int, Query(ge=64, le=1024)] = 384
) -> Response:
    """A photo painted with what is learned so far."""
    lesson, found = hub.lessons.get(id), hub.store.get(photo)
    if lesson.row is None:
        raise RequestError(409, "not-done", "nothing is learned yet; ask for its lesson until there is a preview")
    await hub.intake.enough(found, side)
    made = await unless_gone(request, hub.previews.row(found, lesson.network, lesson.row, side))
    return Response(made.data, media_type=made.kind, headers=NO_STORE)


@router.post("/lessons/{id}/stop", status_code=202)
async def stop_lesson(id: Id, hub: HubOf) -> LessonRecord:
    """End a lesson, and keep the best that was learned."""
    lesson = hub.lessons.get(id)
    hub.lessons.stop(lesson)
    return record(lesson)


@router.delete("/lessons/{id}", status_code=204)
async def forget_lesson(id: Id, hub: HubOf) -> None:
    """End a lesson, and keep nothing of it. A style that was learned stays."""
    hub.lessons.forget(hub.lessons.get(id))
