"""What the HTTP API takes and gives: bodies, answers, and errors as application/problem+json (RFC 9457)."""

from __future__ import annotations

import dataclasses
import re
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from impasto import errors, limits
from impasto.painting.batch import Saving
from impasto.painting.look import Look
from impasto.server import job, previews, store
from impasto.server.looks import Mask, Wanted
from impasto.server.settings import MASKS, PREVIEW_SIDE, STYLES
from impasto.styles import blend

# The first that fits counts. Status, and the code that stays the same while sentences change.
PROBLEMS: tuple[tuple[type[Exception], int, str], ...] = (
    (errors.StyleNameError, 404, "unknown-style"),
    (errors.MismatchError, 422, "bad-bank"),
    (errors.BankError, 422, "bad-style"),
    (errors.OptionError, 422, "bad-option"),
    (errors.PictureError, 422, "bad-picture"),
    (errors.NetworkError, 404, "unknown-network"),
    (errors.MissingExtraError, 501, "missing-extra"),
    (errors.LearnError, 422, "cannot-learn"),
    (previews.OvertakenError, 409, "overtaken"),
    (job.WorkerDiedError, 500, "worker-died"),
    (job.TooSlowError, 504, "too-slow"),
    (job.CancelledError, 409, "cancelled"),
    (store.GoneError, 410, "gone"),
    (store.UnknownError, 404, "unknown"),
    (store.FullError, 503, "busy"),
    (store.NoSpaceError, 507, "no-space"),
)
_PATH = re.compile(r"(?:[A-Za-z]:)?(?:[\\/][\w.~@+-]+){2,}")

_PYTHON = re.compile(r" \([\w.]*(?:Error|Exception|error): (?:[^()]|\([^()]*\))*\)")


class RequestError(errors.ImpastoError):
    """A request that is refused for what it is: its kind, its size, its fields."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Model(BaseModel):
    """A body, in which unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """What went wrong: ``detail`` is one sentence for people, ``code`` stays the same for programs."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str


DIALS = {each.name: each for each in dataclasses.fields(Look)}
NETWORK: Any = Field(None, description="Default: the server's.")
QUALITY: Any = Field(95, description="1 to 100, of JPEG and WebP.")
METADATA: Any = Field(False, description="Keep the photo's place, camera and notes.")
DPI: Any = Field(None, description="Pixels per inch; default: the photo's.")
Format = Literal["jpeg", "png", "webp"]


def dial(name: str) -> Any:
    """The field of a dial: its default and its words are those of the command line."""
    return Field(DIALS[name].default, description=DIALS[name].metadata["help"])


Styles = Annotated[dict[str, float], Field(min_length=1, max_length=STYLES)]


class Region(Model):
    """Another mix where a mask is white; ``{"photo": 1}`` leaves the photo as it is there."""

    mask: int = Field(ge=0, lt=MASKS, description="The number of a mask that was sent.")
    styles: Styles = Field(description="Names and weights; photo leaves the photo as it is.")


class Recipe(Model):
    """How a painting is to look."""

    network: str | None = NETWORK
    styles: Styles = Field(description="Names and weights.")
    strength: float = dial("strength")
    brush: str | int = dial("brush")
    stroke_size: float | None = dial("stroke_size")
    keep_color: bool = dial("keep_color")
    size: int | None = dial("size")
    enlarge: bool = dial("enlarge")
    regions: list[Region] = Field(default_factory=list, max_length=MASKS, description="Places with looks of their own.")
    protect: int | None = Field(None, ge=0, lt=MASKS, description="The number of a mask: features are kept there.")

    def wanted(self, default: str, masks: dict[int, Mask]) -> Wanted:
        """The same as plain data; UnknownError for a mask that was not sent."""
        named = [region.mask for region in self.regions] + ([] if self.protect is None else [self.protect])
        missing = [number for number in named if number not in masks]
        if missing:
            raise RequestError(422, "no-mask", f"the mask {missing[0]} was not sent; PUT it first")
        names = ("strength", "brush", "stroke_size", "keep_color", "size", "enlarge")
        regions = tuple((masks[region.mask], region.styles) for region in self.regions)
        protect = None if self.protect is None else masks[self.protect]
        dials = {name: getattr(self, name) for name in names}
        return Wanted(self.network or default, self.styles, dials, regions, protect)


class PreviewBody(Model):
    recipe: Recipe
    n: int = Field(0, description="Comes back as X-N.")
    max_side: int = Field(384, ge=64, le=PREVIEW_SIDE)


class WindowBody(Model):
    """A place of the painting at full size, in pixels of the painting."""

    recipe: Recipe
    n: int = 0
    x: int = Field(ge=0)
    y: int = Field(ge=0)
    width: int = Field(ge=1, le=1024)
    height: int = Field(ge=1, le=1024)


class PlanBody(Model):
    recipe: Recipe


class JobBody(Model):
    photo: str
    recipe: Recipe
    format: Format = "jpeg"
    quality: int = QUALITY
    metadata: bool = METADATA
    dpi: float | None = DPI

    def saving(self, comment: str) -> Saving:
        return saving(self.format, self.quality, self.metadata, self.dpi, comment)


class PaintQuery(Model):
    """The dials of ``POST /paint``, as on the command line."""

    style: str = Field(description="NAME, or a mix such as NAME:0.6,NAME:0.4.")
    strength: float = dial("strength")
    size: int | None = dial("size")
    enlarge: bool = dial("enlarge")
    brush: str = dial("brush")
    stroke_size: float | None = dial("stroke_size")
    keep_color: bool = dial("keep_color")
    network: str | None = NETWORK
    format: Format = "jpeg"
    quality: int = QUALITY
    metadata: bool = METADATA
    dpi: float | None = DPI

    def wanted(self, default: str) -> Wanted:
        styles = blend.parse(self.style)
        if len(styles) > STYLES:
            raise RequestError(422, "too-many-styles", f"a mix has at most {STYLES} styles here, not {len(styles)}")
        names = ("strength", "stroke_size", "keep_color", "size", "enlarge")
        dials = {name: getattr(self, name) for name in names}
        dials["brush"] = limits.BRUSH.read("brush", self.brush)
        return Wanted(self.network or default, styles, dials)

    def saving(self, comment: str) -> Saving:
        return saving(self.format, self.quality, self.metadata, self.dpi, comment)


class PhotoRecord(BaseModel):
    id: str
    name: str
    width: int
    height: int
    megapixels: float
    alpha: bool
    bits: int
    expires: float = Field(description="Seconds until it is forgotten, if nobody uses it.")


class PlanRecord(BaseModel):
    width: int
    height: int
    megapixels: float
    whole: bool
    tiles: int
    passes: int
    memory: int = Field(description="Bytes that the process will take.")
    free: int = Field(description="Bytes of memory that are free now.")
    seconds: float


class JobRecord(BaseModel):
    id: str
    state: Literal["waiting", "painting", "done", "failed", "cancelled"]
    share: float
    seconds_left: float
    position: int
    name: str
    bytes: int | None
    width: int | None
    height: int | None
    notes: list[str]
    error: Problem | None
    plan: PlanRecord | None


Query_ = Annotated[PaintQuery, Query()]


def saving(format: str, quality: int, metadata: bool, dpi: float | None, comment: str) -> Saving:
    """How the painting is written, once the library has checked it."""
    limits.QUALITY.check("quality", quality)
    if dpi is not None:
        limits.DPI.check("dpi", dpi)
    return Saving(quality=quality, comment=comment, keep_metadata=metadata, dpi=dpi, format=format)


def problem(error: Exception) -> Problem:
    """An error as a problem: one sentence, never a path or a traceback."""
    status, code = 500, "fault"
    detail = "this is a fault of impasto, please report it"
    if isinstance(error, RequestError):
        status, code, detail = error.status, error.code, str(error)
    elif isinstance(error, errors.ImpastoError):
        detail = str(error)
        status, code = next(((s, c) for kind, s, c in PROBLEMS if isinstance(error, kind)), (500, "fault"))
    elif errors.lacks_memory(error):
        status, code, detail = 422, "no-memory", "there is not enough memory for this picture; give a smaller size"
    return problem_of(status, code, detail)


def problem_of(status: int, code: str, detail: str) -> Problem:
    return Problem(title=HTTPStatus(status).phrase, status=status, detail=_sentence(detail), code=code)


def _sentence(detail: str) -> str:
    """One line without paths, a capital, a full stop, or what Python calls an error."""
    words = " ".join(_PYTHON.sub("", _PATH.sub(_last, detail)).split()).rstrip(".")
    return words if words[1:2].isupper() else words[:1].lower() + words[1:]


def _last(found: re.Match[str]) -> str:
    return re.split(r"[\\/]", found[0])[-1]


def answer(found: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer that carries a problem."""
    content: dict[str, Any] = found.model_dump()
    return JSONResponse(content, found.status, headers, media_type="application/problem+json")


def answer_to(error: Exception) -> JSONResponse:
    """The answer to an error; with Retry-After where it is worth trying again."""
    headers = {}
    if isinstance(error, store.FullError):
        headers["Retry-After"] = str(retry_after(error.seconds))
    return answer(problem(error), headers)


def retry_after(seconds: float) -> int:
    return int(min(120, max(1, round(seconds))))
