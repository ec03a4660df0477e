"""The masks of a look at each moment of a film: pictures, which stay, or films themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from PIL import Image

from impasto import pictures
from impasto.errors import FilmError
from impasto.film import reading, stills
from impasto.film.colour import Bytes
from impasto.film.facts import Frame, Part
from impasto.pictures import formats

if TYPE_CHECKING:
    from impasto.painting.look import Look


PROTECT = "--protect"  # no style is called so
Shown: TypeAlias = dict[str, Any]  # ``masks`` and ``protect`` of a look


def all_of(look: Look) -> dict[str, Any]:
    """The masks of a look by their styles, and the one of what is protected."""
    return {**(look.masks or {}), **({} if look.protect is None else {PROTECT: look.protect})}


class Masks:
    """The masks of a look at each moment, (h, w), uint8: pictures, which stay, or films."""

    def __init__(self, look: Look, part: Part) -> None:
        self._look = look
        self._still: dict[str, Bytes] = {}
        self._films: dict[str, tuple[Iterator[Frame], list[Frame]]] = {}
        for style, mask in all_of(look).items():
            if isinstance(mask, str) and mask == "alpha":
                raise FilmError(f"the mask of {style!r} is alpha, which frames do not have; give a picture or a film")
            if isinstance(mask, str | os.PathLike) and is_film(Path(mask)):
                frames = reading.opened(mask, replace(part, size=None)).frames()
                self._films[style] = frames, [next(frames)]
            elif isinstance(mask, np.ndarray):
                self._still[style] = pictures.to_bytes(mask)
            else:
                self._still[style] = _grey(pictures.to_bytes(pictures.load(mask).pixels))

    def at(self, time: Fraction, size: tuple[int, ...]) -> Shown:
        """Those of a moment, at the size of its frame."""
        found = {}
        for style in all_of(self._look):
            plane = self._still[style] if style in self._still else self._frame(style, time)
            found[style] = plane if plane.shape == tuple(size) else resized(plane, (size[1], size[0]))
        protect = found.pop(PROTECT, None)
        return {"masks": found or None, "protect": protect}

    def _frame(self, style: str, time: Fraction) -> Bytes:
        """The frame of a film that is shown at a moment; its last one stays."""
        frames, near = self._films[style]
        while near[-1].time <= time and (more := next(frames, None)) is not None:
            near[:] = [near[-1], more]
        return _grey((near[-1] if near[-1].time <= time else near[0]).pixels)


def _grey(pixels: Bytes) -> Bytes:
    return np.asarray(Image.fromarray(pixels).convert("L"))


def is_film(path: Path) -> bool:
    """Whether a mask in a file is more than one picture."""
    several = path.is_dir() or stills.NUMBERED.search(path.name) is not None
    return several or path.suffix.lower() == ".gif" or not formats.is_picture(path)


def resized(pixels: Bytes, size: tuple[int, int]) -> Bytes:
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
