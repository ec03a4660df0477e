"""A frame on a canvas that stays with the scene, and back.

The canvas is one period of the network's lattice larger than the frame, each way. The frame lies on it so that what it
shows is always at the same place of that lattice. Places and shifts are (down, right), in pixels.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes: TypeAlias = npt.NDArray[np.uint8]
Floats: TypeAlias = npt.NDArray[np.float32]
Size: TypeAlias = tuple[int, int]
Point: TypeAlias = npt.NDArray[np.float64]
Found = TypeVar("Found")

REACH = 3  # pixels that Lanczos looks at
SHARP = 6  # pixels that the sinc with which paintings move back looks at
ROWS, COLUMNS, ALONE = 32, 16, 128  # of the matrices that it is made of
WHOLE = 0.02  # pixels: a shift so near to a whole one is one


@dataclass(frozen=True)
class Canvas:
    """Of frames of ``size`` (height, width), for a lattice of this ``period``."""

    size: Size
    period: int

    @property
    def shape(self) -> Size:
        """Height and width of the canvas, multiples of the period."""
        height, width = ((-(-length // self.period) + 1) * self.period for length in self.size)
        return height, width

    def wrapped(self, place: Point) -> tuple[Point, Size]:
        """A place of the frame, brought into the first period, and by how many pixels all was moved for that."""
        near = np.where(np.abs(place - np.round(place)) < WHOLE, np.round(place), place)
        turns = np.floor(near / self.period).astype(int)
        down, right = (int(turn) * self.period for turn in turns)
        return near - (down, right), (-down, -right)

    def put(self, frame: npt.NDArray[Any], place: Point, threads: int = 1) -> npt.NDArray[Any]:
        """The canvas with the frame, (h, w, 3) of uint8 or (h, w) of float32, at a place; around it, it is mirrored."""
        before = self.period + REACH
        after = [whole - length + REACH for whole, length in zip(self.shape, self.size, strict=True)]
        sides = [(before, each) for each in after] + [(0, 0)] * (frame.ndim - 2)
        return window(np.pad(frame, sides, "reflect"), before - place, self.shape, threads)

    def cut(self, canvas: Bytes, place: Point, threads: int = 1) -> Bytes:
        """What the canvas, (H, W, 3), has where the frame lies; sharper than by Lanczos, which would dull strokes."""
        padded = np.pad(canvas, [(SHARP, SHARP), (SHARP, SHARP), (0, 0)], "reflect")
        return sharp_window(padded, place + SHARP, self.size, threads)


def window(pixels: npt.NDArray[Any], place: Point, size: Size, threads: int = 1) -> npt.NDArray[Any]:
    """What lies at a place in pixels, which are large enough for the kernel, too; Lanczos, between pixels."""
    top, left = (math.floor(each) for each in place)
    (height, width), (down, right) = size, place - (top, left)
    if down == right == 0:
        return np.ascontiguousarray(pixels[top : top + height, left : left + width])
    part = pixels[top - REACH : top + height + REACH, left - REACH : left + width + REACH]
    out = np.empty((height, width, *pixels.shape[2:]), pixels.dtype)

    def fill(rows: slice) -> None:
        image = Image.fromarray(np.ascontiguousarray(part[rows.start : rows.stop + 2 * REACH]))
        count = rows.stop - rows.start
        box = (REACH + right, REACH + down, REACH + right + width, REACH + down + count)
        out[rows] = np.asarray(image.resize((width, count), Image.Resampling.LANCZOS, box))

    in_threads(fill, height, threads)
    return out


def sharp_window(pixels: Bytes, place: Point, size: Size, threads: int = 1) -> Bytes:
    """``window`` by a sinc that reaches twice as far, as products of matrices too small for BLAS to share out."""
    top, left = (math.floor(each) for each in place)
    (height, width), fractions = size, place - (top, left)
    if not fractions.any():
        return np.ascontiguousarray(pixels[top : top + height, left : left + width])
    part = pixels[top - SHARP + 1 : top + height + SHARP, left - SHARP + 1 : left + width + SHARP]
    tall, wide = _mixed(fractions[0], ROWS), np.kron(_mixed(fractions[1], COLUMNS).T, np.eye(3, dtype=np.float32))
    out, more = np.empty((height, width * 3), np.uint8), 2 * SHARP - 1

    def fill(rows: slice) -> None:
        for first in range(rows.start, rows.stop, ROWS):
            count = min(ROWS, rows.stop - first)
            strip = part[first : first + count + more].reshape(count + more, -1).astype(np.float32)
            falls = np.empty((count, strip.shape[1]), np.float32)
            for start in range(0, strip.shape[1], ALONE):
                columns = np.s_[:, start : start + ALONE]
                np.matmul(tall[:count, : count + more], strip[columns], out=falls[columns])
            for start in range(0, width, COLUMNS):
                several = min(COLUMNS, width - start)
                mixed = falls[:, 3 * start : 3 * (start + several + more)] @ wide[: 3 * (several + more), : 3 * several]
                np.clip(mixed + np.float32(0.5), 0, 255, out=mixed)
                out[first : first + count, 3 * start : 3 * (start + several)] = mixed

    in_threads(fill, height, threads)
    return out.reshape(height, width, 3)


def _mixed(fraction: float, count: int) -> Floats:
    """What so many places in a row, a fraction behind whole ones, are mixed of: (count, count + 2 SHARP - 1)."""
    away = np.arange(1 - SHARP, SHARP + 1) - fraction
    weights = np.sinc(away) * np.sinc(away / SHARP)
    found = np.zeros((count, count + 2 * SHARP - 1), np.float32)
    for i in range(count):
        found[i, i : i + 2 * SHARP] = weights / weights.sum()
    return found


def moved(pixels: npt.NDArray[Any], by: Size) -> npt.NDArray[Any]:
    """Pixels moved by whole pixels; what comes in at the borders is what was there."""
    if by == (0, 0):
        return pixels
    out = pixels.copy()
    to, of = zip(*(_slices(each) for each in by), strict=True)
    out[to] = pixels[of]
    return out


def _slices(by: int) -> tuple[slice, slice]:
    return (slice(by, None), slice(None, -by)) if by > 0 else (slice(None, by or None), slice(-by, None))


def in_threads(action: Callable[[slice], None], height: int, threads: int) -> None:
    """Do the same with all rows, in several threads at once."""
    ends = [height * count // threads for count in range(threads + 1)]
    together([partial(action, slice(*pair)) for pair in pairwise(ends)], threads)


def together(actions: Iterable[Callable[[], Found]], threads: int) -> list[Found]:
    """What several actions find, done at the same time."""
    if threads == 1:
        return [action() for action in actions]
    return list(_pool(threads).map(lambda action: action(), actions))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "steady")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child has none of the threads
