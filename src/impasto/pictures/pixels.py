"""What a picture is, and its size changed.

A *picture* is a float32 array, h x w x 3, 0..1, sRGB, upright. *Pixels* are the same in the type that a file has,
uint8, uint16 or float32, which for large pictures is a third of the memory.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from impasto import limits
from impasto.errors import PictureError
from impasto.pictures.arrays import refuse_non_finite as _refuse_non_finite, shape as _shape

Picture: TypeAlias = NDArray[np.float32]
Pixels: TypeAlias = NDArray[Any]
Source: TypeAlias = str | os.PathLike[str] | bytes | IO[bytes] | Image.Image | NDArray[Any]
Target: TypeAlias = str | os.PathLike[str] | IO[bytes]

_UNSEEN = np.float32(1 / 255)  # opacity below which resizing need not weigh colours with it


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture, and what else its file held that a painting of it should carry on.

    pixels: h x w x 3, sRGB, upright, uint8, uint16 or float32 in 0..1: the picture as the file has it, but for colours
        that nobody sees: where opacity is 0 they follow from the visible ones (see `transparency.cover`).
    opacity: h x w, of the same types: 0 (clear) .. largest (solid); None where the file has no transparency.
    exif: an EXIF block as Pillow writes it, orientation already set back to 1, with the file's resolution; None if
        there is neither. It may hold the place and more: `save` writes a short list of it only.
    name: of the file, for messages. format: Pillow's name of the file format, None for arrays.
    notes: what whoever reads the picture should know, such as damage that was passed by: a line each, for people.
    """

    pixels: Pixels
    opacity: Pixels | None = None
    exif: bytes | None = None
    name: str = "The picture"
    format: str | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def picture(self) -> Picture:
        """The picture: float32, h x w x 3, 0..1. Made of ``pixels`` when it is asked for, and kept."""
        return unit(self.pixels)

    @cached_property
    def alpha(self) -> Picture | None:
        """The opacity: float32, h x w, 0 (clear) .. 1 (solid); None where the file has no transparency."""
        return None if self.opacity is None else unit(self.opacity)

    def opacity_for(self, painted: Pixels) -> Pixels | None:
        """The opacity that a painting carries on: as the file has it, float32 where the painting has another size."""
        if self.opacity is None or self.opacity.shape == painted.shape[:2]:
            return self.opacity
        height, width = painted.shape[:2]
        return resized_plane(self.opacity, (width, height))


def unit(pixels: Pixels) -> Picture:
    """Pixels of any shape as float32: whole numbers divided by their type's largest; float32 comes back itself."""
    if pixels.dtype.kind == "u":
        divided: Picture = np.divide(pixels, np.iinfo(pixels.dtype).max, dtype=np.float32)
        return divided
    return pixels.astype(np.float32, copy=False)


def resize(picture: Pixels, max_side: int, *, enlarge: bool = False, opacity: Pixels | None = None) -> Picture:
    """`picture` with its longer side `max_side` pixels long, same shape, no side below 1 px; Lanczos on floats.

    A picture that is already small enough comes back itself, unless `enlarge`. Pixels of whole numbers become floats.
    With an `opacity` (h, w) colours count as far as they are seen: no fringe of hidden ones.
    """
    if not is_whole(picture):
        picture = checked(picture)
    limits.SIDE.check("the longer side in pixels", max_side)
    height, width = picture.shape[:2]
    if max_side == max(height, width) or (max_side > max(height, width) and not enlarge):
        return unit(picture)
    return resized_colors(picture, _scaled_size(width, height, max_side), opacity)


def _scaled_size(width: int, height: int, max_side: int) -> tuple[int, int]:
    scale = max_side / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrunk_size(width: int, height: int, max_side: int, *, enlarge: bool = False) -> tuple[int, int]:
    """Width and height of a picture that `resize` has shrunk, or with `enlarge` enlarged."""
    small = max(width, height) <= max_side and not enlarge
    return (width, height) if small else _scaled_size(width, height, max_side)


def resized_colors(pixels: Pixels, size: tuple[int, int], opacity: Pixels | None = None) -> Picture:
    planes = (pixels[..., channel] for channel in range(3))
    if opacity is None:
        return np.stack([resized_plane(plane, size) for plane in planes], axis=-1)
    alpha = unit(opacity)
    share = _lanczos(alpha, size)
    inverse = np.maximum(share, 0) / np.maximum(share, _UNSEEN) ** 2  # 1 / share, and 0 where nothing is seen
    out = np.empty((size[1], size[0], 3), np.float32)
    for channel, plane in enumerate(planes):
        plain = _lanczos(plane, size)
        out[..., channel] = plain + (_lanczos(alpha * unit(plane), size) - share * plain) * inverse
    return np.clip(out, 0, 1, out=out)


def is_whole(pixels: Pixels) -> bool:
    """Whether these are pixels, h x w x 3, of uint8 or uint16."""
    return (
        isinstance(pixels, np.ndarray)
        and pixels.dtype in (np.uint8, np.uint16)
        and pixels.ndim == 3
        and pixels.shape[2] == 3
        and pixels.size > 0
    )


def resized_plane(plane: Pixels, size: tuple[int, int]) -> Picture:
    """One channel, h x w, brought to `size` (width, height); what Lanczos overshoots is clipped."""
    return np.clip(_lanczos(plane, size), 0, 1)


def _lanczos(plane: Pixels, size: tuple[int, int]) -> Picture:
    image = Image.fromarray(np.ascontiguousarray(unit(plane)))  # mode F: no rounding to 8 bits
    resized: Picture = np.asarray(image.resize(size, Image.Resampling.LANCZOS))
    return resized


def checked(picture: Picture) -> Picture:
    """`picture` as float32 once it is float, h x w x 3, not empty and finite; other floats are converted."""
    if not isinstance(picture, np.ndarray) or picture.dtype.kind != "f":
        kind = picture.dtype if isinstance(picture, np.ndarray) else type(picture).__name__
        raise PictureError(f"A picture is a float array in 0..1, not {kind}; pictures.load(...).picture makes one.")
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
        raise PictureError(f"A picture is h x w x 3, not {_shape(picture)}; transpose or cut it.")
    _refuse_non_finite(float(picture.min()) + float(picture.max()), "The picture")
    return picture.astype(np.float32, copy=False)


def to_bytes(values: Pixels) -> NDArray[np.uint8]:
    """Floats in 0..1, clipped and rounded to 0..255, a part at a time; uint8 comes back itself, uint16 is rounded."""
    return as_type(values, np.dtype(np.uint8))


def as_type(values: Pixels, kind: np.dtype[Any]) -> Pixels:
    """Pixels of any shape as uint8, uint16 or float32; of that type already, they come back themselves."""
    if values.dtype == kind:
        return values
    if kind.kind == "f":
        return unit(values)
    most = np.iinfo(kind).max
    out = np.empty(values.shape, kind)
    rows = max(1, 2**18 // values[0].size)  # a megabyte at a time stays in the cache
    for top in range(0, len(values), rows):
        part = unit(values[top : top + rows]) * np.float32(most)
        np.rint(part, out=part)
        out[top : top + rows] = np.clip(part, 0, most, out=part)
    return out
