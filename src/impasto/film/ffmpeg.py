"""The door to FFmpeg: the only place that imports PyAV, and what its errors mean."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from fractions import Fraction
from typing import Any

from impasto.errors import FilmError, MissingExtraError, brief, foreign
from impasto.files import printable

Named = str | os.PathLike[str]


def av() -> Any:
    """PyAV; MissingExtraError where it is not installed."""
    try:
        import av
    except ModuleNotFoundError as error:
        raise MissingExtraError("films need PyAV: pip install 'impasto[video]'") from error
    return av


def to_read(path: Named) -> Any:
    """A container, opened. What a file names is not fetched, and words in it that are no UTF-8 do no harm.

    From PyAV 19 on such words need no option, and the option is gone.
    """
    old = {"metadata_errors": "replace"} if int(av().__version__.split(".")[0]) < 19 else {}
    return av().open(os.path.abspath(path), options={"protocol_whitelist": "file"}, **old)


def failing(path: Named, what: str) -> AbstractContextManager[None]:
    """Inside, what FFmpeg or the disk refuses is a FilmError: PATH cannot be ``what``."""

    def meaning(error: Exception) -> Exception | None:
        if not isinstance(error, refusals()):
            return None
        return FilmError(f"{printable(path)} cannot be {what} ({reason(error)})")

    return foreign(meaning)


def refusals() -> tuple[type[Exception], ...]:
    """What PyAV raises where FFmpeg, a container or the disk refuses something."""
    return FilmError, av().error.FFmpegError, ValueError, LookupError, OSError


def reason(error: BaseException) -> str:
    """What FFmpeg says, without its own names of things."""
    return str(getattr(error, "strerror", None) or brief(error))


def exact(number: Any) -> Fraction | None:
    """A rational of PyAV's as a Fraction; None for none, which some versions write as 0/1 or x/0."""
    if number is None or not number.denominator or not number.numerator:
        return None
    return Fraction(number.numerator, number.denominator)
