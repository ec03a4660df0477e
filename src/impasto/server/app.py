"""The application: routes put together, errors as problems, the page's files."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path

from impasto import pictures
from impasto.assets import __version__
from impasto.errors import ImpastoError, attempt
from impasto.server import job_calls, lesson_calls, photo_calls, samples, style_calls, visit_calls
from impasto.server.api import Problem, answer, answer_to, problem_of
from impasto.server.bodies import HubOf, Responses
from impasto.server.hub import Hub
from impasto.server.metrics import Counted
from impasto.server.settings import MASK_SIDE, MASKS, MIME, STYLES, WRITES, Settings

API = "/api/v1"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
PROBLEMS: Responses = {
    kind: {
        "description": "A problem.",
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    }
    for kind in ("4XX", "5XX")
}
CODES = {400: "bad-request", 404: "unknown", 405: "wrong-method", 413: "too-large", 421: "host"}
PLACES = {  # of an address, by the parameter that cannot be
    "id": "there is no photo, painting or lesson of this name",
    "k": f"the masks of a photo have the numbers 0 to {MASKS - 1}",
    "style": "there is no style of this name",
}
KINDS = ("str", "int", "constrained-str")  # parts of a place that pydantic adds where a field has several types
WORDS = {  # for what pydantic finds
    "extra_forbidden": "there is no such field",
    "missing": "this field is needed",
    "too_short": "at least {min_length} is needed",
    "too_long": "at most {max_length} are taken",
    "string_too_long": "at most {max_length} characters are taken",
    "string_type": "this is a text",
    "string_unicode": "this is a text in Unicode",
    "float_type": "this is a number",
    "float_parsing": "this is a number",
    "finite_number": "this is a finite number",
    "int_type": "this is a whole number",
    "int_parsing": "this is a whole number",
    "int_parsing_size": "this number is too large",
    "int_from_float": "this is a whole number",
    "bool_type": "this is true or false",
    "bool_parsing": "this is true or false",
    "dict_type": "these are names and weights",
    "list_type": "this is a list",
    "model_attributes_type": "this is an object",
    "model_type": "this is an object",
    "literal_error": "take {expected}",
    "greater_than_equal": "this is {ge:g} or more",
    "greater_than": "this is more than {gt:g}",
    "less_than_equal": "this is {le:g} or less",
    "less_than": "this is less than {lt:g}",
}

router = APIRouter()
health = APIRouter(tags=["health"])
page = APIRouter(include_in_schema=False)


def made(settings: Settings) -> FastAPI:
    """The application; its hub starts and ends with it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        hub = app.state.hub = Hub(settings)
        await hub.start()
        try:
            yield
        finally:
            await hub.close()

    app = FastAPI(
        title="impasto",
        version=__version__,
        description="Photos in, paintings out.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    routers = [router, photo_calls.router, job_calls.router, style_calls.router]
    for each in [*routers, lesson_calls.router] if settings.mode == "studio" else routers:
        app.include_router(each, prefix=API, responses=PROBLEMS)
    if settings.patience is not None:
        app.include_router(visit_calls.router, prefix=API)
    app.include_router(health, responses=PROBLEMS)
    if settings.mode == "studio":
        app.include_router(page)
    app.openapi = partial(_document, app, app.openapi)  # type: ignore[method-assign]
    app.add_middleware(Counted)
    return answering(app)


def answering(app: FastAPI) -> FastAPI:
    """The application, whose errors are problems."""
    app.add_exception_handler(ImpastoError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(Exception, _known)
    return app


def _document(app: FastAPI, written: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The OpenAPI document, without FastAPI's own answer to bad requests: ours is a problem."""
    if app.openapi_schema is None:
        document = written()
        for path in document["paths"].values():
            for call in path.values():
                call["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        app.openapi_schema = document
    return app.openapi_schema


async def _known(request: Request, error: Exception) -> Response:
    return answer_to(error)


async def _left(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:  # Starlette names the methods of one route alone
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    detail = {
        400: "the body cannot be read; send JSON",
        404: "there is nothing at this address",
        405: "this address takes other methods",
    }
    code = CODES.get(error.status_code, f"http-{error.status_code}")
    message = detail.get(error.status_code, str(error.detail))
    return answer(problem_of(error.status_code, code, message), headers)


def _methods(request: Request) -> set[str]:
    """All methods that the address takes."""
    paths = request.app.openapi()["paths"]
    found = (calls for path, calls in paths.items() if compile_path(path)[0].match(request.url.path))
    return {method.upper() for calls in found for method in calls}


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    found = error.errors()[0]
    where = [str(part) for part in found["loc"] if part not in KINDS]
    if where[0] == "body" and request.method == "POST" and kind != "application/json":
        return answer(problem_of(415, "unsupported-type", "send JSON, with Content-Type: application/json"))
    if where[0] == "path":
        return answer(problem_of(404, "unknown", PLACES.get(where[-1], "there is nothing at this address")))
    if found["type"] == "json_invalid":
        return answer(problem_of(422, "bad-request", "the body is not valid JSON; send an object, with its recipe"))
    name = ".".join(where[1:]) or where[0]
    return answer(problem_of(422, "bad-request", f"{name[:80]}: {_said(found)}"))


def _said(found: Any) -> str:
    """What is wrong with a field, in our words where there are some."""
    words = str(WORDS.get(found["type"], found["msg"]))
    return words.format_map({"expected": "", **found.get("ctx", {})})


# ---- what the server is and has


@router.get("/session", tags=["server"])
async def session(hub: HubOf) -> dict[str, Any]:
    """What this server is, has and allows."""
    settings = hub.settings
    limits = {
        "body": settings.body,
        "pixels": settings.pixels,
        "mask_side": MASK_SIDE,
        "masks": MASKS,
        "styles": STYLES,
        "photos": settings.photos,
    }
    return {
        "version": __version__,
        "mode": settings.mode,
        "networks": list(hub.kits),
        "network": settings.default,
        "preview_network": hub.preview_network,
        "precision": hub.precision,
        "teach": hub.teaches,
        "own_styles": hub.takes_paintings,
        "ends": settings.patience is not None,
        "photo": attempt(lambda: photo_calls.record(hub, hub.store.get(hub.shown or "")).model_dump(), None),
        "limits": limits,
        "formats": {"read": readable(settings), "write": list(WRITES)},
        "samples": samples.listed() if settings.mode == "studio" else [],
    }


def readable(settings: Settings) -> list[str]:
    """Media types of what is taken here and can be read here."""
    return list(dict.fromkeys(MIME[kind] for kind in pictures.readable() if kind in settings.formats))


@router.get("/styles", tags=["server"])
async def styles(request: Request, hub: HubOf, network: Annotated[str | None, Query()] = None) -> Response:
    """The styles of a network."""
    name = network or hub.settings.default
    response = JSONResponse({"network": name, "styles": await hub.catalogue.styles(name)})
    tag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response


@router.get("/samples/{name}", response_class=FileResponse, tags=["server"])
async def sample(name: str) -> Response:
    """A photo to begin with."""
    return Response(samples.read(name), media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


@health.get("/healthz")
async def healthz() -> dict[str, str]:
    """Whether the server is alive."""
    return {"status": "ok"}


@health.get("/readyz")
async def readyz(hub: HubOf) -> Response:
    """Whether it takes photos now: the networks are open, and there is room in the queue."""
    if hub.ready:
        return JSONResponse({"status": "ready"})
    return answer(
        problem_of(503, "not-ready", "the networks are being opened, or the queue is full"), {"Retry-After": "1"}
    )


@health.get("/metrics", response_class=PlainTextResponse)
async def metrics(hub: HubOf) -> Response:
    """What was counted, for Prometheus."""
    return Response(hub.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


# ---- the page


@page.get("/")
async def index() -> Response:
    """The page."""
    return file_of("index.html")


@page.get("/{name}")
async def file(name: str) -> Response:
    """A file of the page, by its name: nothing else can be reached."""
    return file_of(name)


def file_of(name: str, *folders: Path) -> Response:
    """A file of the page; those in ``folders`` come first, and nothing else can be reached."""
    paths = (path for folder in (samples.PAGE, *folders) for path in folder.iterdir())
    files = {path.name: path for path in paths if path.is_file() and path.suffix in TYPES}
    if name not in files:
        raise HTTPException(404)
    return FileResponse(files[name], media_type=TYPES[files[name].suffix], headers={"Cache-Control": "no-cache"})
