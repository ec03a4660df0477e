"""Grain for places that are even or dark: a network makes strokes of what it sees, and of nothing it makes nothing.

A clipped sky, a white background or a black screen is one colour to the last bit, and would be painted as one colour,
with a hard line where it ends. A pixel that equals those to its right and below (with more than 8 bits: that is nearer
to them than half of 1/255) gets noise of at most 1/255 before the network sees it; at the right and lower end of the
picture one whose neighbour does. A night sky is not even, but so nearly that it would be painted like white paper: what
is dark gets noise of up to ``DEEP``/255, the more the darker it is. What is black or white is brought in by as much
first. The noise depends on the place alone, so it is the same in every tile, and the same each time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from impasto.painting import passes

Pixels = npt.NDArray[Any]
VALUES = (np.arange(256) % 3 - 1).astype(np.int8)  # of a byte of the hash
DEEP = 7  # of 255: the noise where all is black
DARK, FALL = 56, 4  # of 255: the luma that has none yet, and how much darker it is for each 255th more
LUMA = tuple(map(np.uint16, (77, 150, 29)))  # of 256, in whole numbers, so that a browser gets the same
STEPS = {np.dtype(np.uint8): 1, np.dtype(np.uint16): 257}  # what 1/255 is; of other types it is that


class Grained:
    """Pixels (h, w, 3) of any type with grain in them, made where they are read."""

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        self.shape, self.dtype = pixels.shape, pixels.dtype

    def __getitem__(self, place: tuple[slice, slice]) -> Pixels:
        parts = (part.indices(side)[:2] for part, side in zip(place, self.shape[:2], strict=True))
        (top, bottom), (left, right) = parts
        over, before = max(0, top - 1), max(0, left - 1)
        wider = slice(over, min(bottom + 1, self.shape[0])), slice(before, min(right + 1, self.shape[1]))
        return grained(self._pixels[wider], over, before)[top - over : bottom - over, left - before : right - before]

    def whole(self, threads: int = 1) -> Pixels:
        """All of it at once."""
        seen = self._pixels
        out = np.empty_like(seen)

        def fill(rows: slice) -> None:
            over = max(0, rows.start - 1)
            wider = grained(seen[over : rows.stop + 1], over)
            out[rows] = wider[rows.start - over : rows.stop - over]

        passes.spread(fill, passes.bands(len(seen)), threads)
        return out


def grained(pixels: Pixels, top: int = 0, left: int = 0) -> Pixels:
    """Pixels (h, w, 3) that lie at this place of a picture, with grain where they are even, and where they are dark.

    Unchanged if it is nowhere.
    """
    step = STEPS.get(pixels.dtype, 1 / 255)
    depth = np.maximum(_even(pixels, step), np.clip((DARK - _luma(pixels)) // FALL, 0, DEEP))  # (h, w), of 255
    rows, columns = np.nonzero(depth)
    if not len(rows):
        return pixels
    out, kind = pixels.copy(), pixels.dtype.type
    most = kind(step) * depth[rows, columns, np.newaxis].astype(kind)  # (N, 1), of the pixels' range
    values = np.clip(pixels[rows, columns], most, kind(255 * step) - most)
    out[rows, columns] = values + most * noise(rows + top, columns + left).astype(kind)
    return out


def _luma(pixels: Pixels) -> npt.NDArray[np.int16]:
    """The luma (h, w) of pixels (h, w, 3) of any type, 0 to 255."""
    step = STEPS.get(pixels.dtype)
    in_bytes = pixels * np.float32(255) + np.float32(0.5) if step is None else pixels // step
    red, green, blue = (in_bytes[..., i].astype(np.uint16) * weight for i, weight in enumerate(LUMA))
    luma: npt.NDArray[np.int16] = (red + green + blue >> 8).astype(np.int16)
    return luma


def _even(pixels: Pixels, step: float) -> npt.NDArray[np.bool_]:
    """Where pixels (h, w, 3) are like those to their right and below."""
    flat = np.ascontiguousarray(pixels).reshape(len(pixels), -1)  # values in a row are compared many at once
    alike = np.ones(flat.shape, bool)
    alike[:, :-3] = _alike(flat[:, :-3], flat[:, 3:], step)
    alike[:-1] &= _alike(flat[:-1], flat[1:], step)
    alike[-1:] = alike[-2:][:1]
    alike[:, -3:] = alike[:, -6:][:, :3]
    red, green, blue = (alike[:, channel::3] for channel in range(3))
    return red & green & blue


def _alike(some: Pixels, others: Pixels, step: float) -> npt.NDArray[np.bool_]:
    """Where values are the same, or nearly, where they have more than 8 bits."""
    return some == others if some.dtype == np.uint8 else np.abs(some.astype(np.float32) - others) < step / 2


def noise(rows: npt.NDArray[Any], columns: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """-1, 0 or 1 for each of three channels (N, 3) of the pixels at these places (N,): a hash of the place."""
    mixed = rows.astype(np.uint32) * np.uint32(0x9E3779B1) ^ columns.astype(np.uint32) * np.uint32(0x85EBCA77)
    for shift, factor in ((15, 0x2C1B3C6D), (12, 0x297A2D39)):
        mixed = (mixed ^ (mixed >> np.uint32(shift))) * np.uint32(factor)
    mixed ^= mixed >> np.uint32(15)
    return VALUES[mixed.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3]]
