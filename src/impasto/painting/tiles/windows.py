"""A picture cut into tiles and put together again: windows, moments that add up, tensors that are kept. Numpy only.

A *window* is what a network reads for one tile; its *core* is the part that counts, so that the cores of all windows
are the picture and each pixel has one. What is around the core is the *halo*. Lengths are pixels of the picture;
a tensor at ``scale`` 4 has one row for four of them. Nothing here knows networks, styles or files of pictures.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from impasto.pictures import margin as margins

Floats = npt.NDArray[np.float32]
SHRUNK = 1 / 16  # of a window's side, computed twice at the end of a row, is too much


@dataclass(frozen=True)
class Span:
    """One side of a window: it reads ``start`` to ``stop``, and its core is ``first`` to ``last``."""

    start: int
    stop: int
    first: int
    last: int


def spans(length: int, size: int, halo: int, multiple: int) -> list[Span]:
    """``length`` pixels as windows of one size, at most ``size``, starting on multiples, with ``halo`` at inner edges.

    ``length``, ``size`` and ``halo`` are multiples of ``multiple``, and ``size`` is more than twice the halo. At the
    two ends of the picture windows end with it, so there the core has no halo. Alike windows are what runtimes like,
    and windows alike in all pictures are compiled once for ever: only much smaller ones that are as few are taken.
    """
    if size >= length:
        return [Span(0, length, 0, length)]
    count = -(-(length - 2 * halo) // (size - 2 * halo))
    least = _up(-(-(length - 2 * halo) // count) + 2 * halo, multiple)  # that gives as many
    size = least if size - least > SHRUNK * size else size
    found, last = [], 0
    while last < length:
        start = min(max(0, last - halo), length - size)
        first, last = last, length if start + size == length else start + size - halo
        found.append(Span(start, start + size, first, last))
    return found


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


@dataclass
class Moments:
    """Mean and variance (C,) of a tensor, gathered part by part (Chan, Golub and LeVeque 1979), in float64."""

    count: int = 0
    mean: Any = 0.0
    squares: Any = 0.0  # the sum of (x - mean)**2

    def add(self, count: int, mean: npt.ArrayLike, var: npt.ArrayLike) -> None:
        """Take in ``count`` more values a channel, of this mean and biased variance (C,)."""
        mean, var = (np.asarray(each, np.float64).reshape(-1) for each in (mean, var))
        total = self.count + count
        apart = mean - self.mean
        self.squares = self.squares + var * count + apart**2 * (self.count * count / total)
        self.mean = self.mean + apart * (count / total)
        self.count = total

    @property
    def var(self) -> Any:
        """The biased variance (C,)."""
        return self.squares / max(1, self.count)


class Source(Protocol):
    """A picture to read windows from: float32 planes (1, C, rows, columns)."""

    size: tuple[int, int]

    def __call__(self, rows: slice, columns: slice) -> Floats: ...


class Mirrored:
    """A picture of any type, (h, w, C), read in windows as float32 planes, mirrored at the bottom and right.

    ``size`` is the height and width after mirroring up to ``multiple``, and to ``least`` pixels, and with a ``margin``
    on every side (``pictures.margin``). Whole numbers become 0..1. ``pixels`` may be whatever has a shape and gives
    arrays (h, w, C) for slices of rows and columns.
    """

    def __init__(self, pixels: Any, multiple: int, least: int = 0, margin: int = 0) -> None:
        self._pixels = pixels
        self._rows, self._columns = (
            up[margins.places(len(up), margin)]
            for up in (_mirrored(length, _up(max(length, least), multiple)) for length in pixels.shape[:2])
        )
        self.size = len(self._rows), len(self._columns)

    def __call__(self, rows: slice, columns: slice) -> Floats:
        down, across = self._rows[rows], self._columns[columns]
        part = self._pixels[down.min() : down.max() + 1, across.min() : across.max() + 1]
        for axis, found in enumerate((down, across)):
            if not (np.diff(found) == 1).all():  # mirrored in here
                part = np.take(part, found - found.min(), axis)
        return planes(part)


def _mirrored(length: int, up: int) -> npt.NDArray[Any]:
    return np.pad(np.arange(length), (0, up - length), "reflect")


def planes(pixels: npt.NDArray[Any]) -> Floats:
    """(h, w, C) of any type -> float32 (1, C, h, w); whole numbers are divided by their type's largest."""
    found = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)
    if pixels.dtype.kind == "u":
        found /= np.iinfo(pixels.dtype).max
    return found


class Store:
    """Tensors (rows, columns, C), in memory or in files without a name, which vanish however the program ends."""

    def __init__(self, folder: Path | None = None, kind: npt.DTypeLike = np.float32) -> None:
        self._folder, self._kind = folder, np.dtype(kind)
        self._files: list[Any] = []
        self._free: dict[tuple[int, bool], list[Any]] = {}  # by numbers, and whether they are in memory

    def new(self, rows: int, columns: int, channels: int, *, held: bool = False) -> Kept:
        """A tensor yet to be written, in the place of one of its size that was given back: that is faster.

        ``held`` is in memory. For what is new there, memory of other sizes that was given back is let go.
        """
        shape, free = (rows, columns, channels), self._free.get((channels * rows * columns, held))
        if held:
            if not free:
                self._free = {key: places for key, places in self._free.items() if not key[1]}
            return Held((free.pop() if free else np.empty(shape, self._kind)).reshape(shape))
        if not free:
            self._files.append(tempfile.TemporaryFile(buffering=0, dir=self._folder))
        return Filed(free.pop() if free else self._files[-1], self._kind, shape)

    def give_back(self, kept: Kept) -> None:
        """Let another tensor of its size have the place; without one to come, free it."""
        self._free.setdefault((math.prod(kept.shape), isinstance(kept, Held)), []).append(kept.place)

    def clear(self) -> None:
        """Free the memory and the disk of what was given back."""
        for (_, held), places in self._free.items():
            for file in places if not held else ():
                file.close()
        self._free.clear()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self._free.clear()
        for file in self._files:
            file.close()


class Kept(Protocol):
    """A tensor (rows, columns, C) that is written and read by whole rows."""

    place: Any
    shape: tuple[int, int, int]

    def room(self, top: int, bottom: int) -> npt.NDArray[Any]:
        """An array for these rows, (rows, columns, C), to be filled and given to ``write``."""

    def write(self, top: int, values: npt.NDArray[Any]) -> None:
        """Put the ``room`` of the rows from ``top`` on into its place."""

    def read(self, top: int, bottom: int) -> npt.NDArray[Any]:
        """These rows, (rows, columns, C), until they are ``done`` with."""

    def done(self, values: npt.NDArray[Any]) -> None:
        """Let what was read be used again."""


class Held:
    """A tensor in memory: what is read, or written into, is a view of it."""

    def __init__(self, place: npt.NDArray[Any]) -> None:
        self.place, self.shape = place, place.shape

    def room(self, top: int, bottom: int) -> npt.NDArray[Any]:
        return self.place[top:bottom]

    read = room

    def write(self, top: int, values: npt.NDArray[Any]) -> None:
        """It is there already."""

    def done(self, values: npt.NDArray[Any]) -> None:
        """It stays."""


class Filed:
    """A tensor in a file, never mapped into memory. Arrays of rows come again, since fresh memory takes time."""

    def __init__(self, file: Any, kind: np.dtype[Any], shape: tuple[int, int, int]) -> None:
        self.place, self.shape, self._kind = file, shape, kind
        self._row = math.prod(shape[1:]) * kind.itemsize
        self._spare: list[npt.NDArray[Any]] = []

    def room(self, top: int, bottom: int) -> npt.NDArray[Any]:
        shape = (bottom - top, *self.shape[1:])
        try:
            spare = self._spare.pop()  # by another thread, maybe, since one looked
        except IndexError:
            return np.empty(shape, self._kind)
        return spare if spare.shape == shape else np.empty(shape, self._kind)

    def write(self, top: int, values: npt.NDArray[Any]) -> None:
        self.place.seek(top * self._row)
        left = memoryview(np.ascontiguousarray(values).view(np.uint8).reshape(-1))  # type: ignore[arg-type]
        while left:
            left = left[self.place.write(left) :]
        self.done(values)

    def read(self, top: int, bottom: int) -> npt.NDArray[Any]:
        values = self.room(top, bottom)
        self.place.seek(top * self._row)
        left = memoryview(values.view(np.uint8).reshape(-1))  # type: ignore[arg-type]
        while left:
            read = self.place.readinto(left)
            if not read:
                raise OSError(f"a temporary file ended {len(left)} bytes early")
            left = left[read:]
        return values

    def done(self, values: npt.NDArray[Any]) -> None:
        self._spare.append(values)


def tiles(size: tuple[int, int], tall: int, wide: int, halo: int, multiple: int) -> Iterator[tuple[Span, list[Span]]]:
    """Rows of windows over a picture of ``size`` (height, width): the span of each row, with those of its windows."""
    across = spans(size[1], wide, halo, multiple)
    for down in spans(size[0], tall, halo, multiple):
        yield down, across
