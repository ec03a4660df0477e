"""A picture cut into tiles and put together again: windows, moments that add up, arrays kept in files. Numpy only.

A *window* is what a network reads for one tile; its *core* is the part that counts, so that the cores of all windows
are the picture and each pixel has one. What is around the core is the *halo*. Lengths are pixels of the picture;
a tensor at ``scale`` 4 has one row for four of them. Nothing here knows networks, styles or files of pictures.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


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
    two ends of the picture windows end with it, so there the core has no halo. Alike windows are what runtimes like.
    """
    if size >= length:
        return [Span(0, length, 0, length)]
    count = -(-(length - 2 * halo) // (size - 2 * halo))
    size = _up(-(-(length - 2 * halo) // count) + 2 * halo, multiple)  # the smallest that gives as many
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
    """A picture or masks to read windows from: float32 planes (1, C, rows, columns)."""

    size: tuple[int, int]

    def __call__(self, rows: slice, columns: slice) -> Floats: ...


class Mirrored:
    """A picture of any type, (h, w, C), read in windows as float32 planes, mirrored at the bottom and right.

    ``size`` is the height and width after mirroring up to ``multiple``, and to ``least`` pixels, and then outwards by
    ``margin`` on every side. Whole numbers become 0..1. ``pixels`` may be whatever has a shape and gives arrays
    (h, w, C) for slices of rows and columns.
    """

    def __init__(self, pixels: Any, multiple: int, least: int = 0, margin: int = 0) -> None:
        self._pixels = pixels
        self._rows, self._columns = (
            np.pad(_mirrored(length, _up(max(length, least), multiple)), margin, "reflect")
            for length in pixels.shape[:2]
        )
        self.size = len(self._rows), len(self._columns)

    def __call__(self, rows: slice, columns: slice) -> Floats:
        down, across = self._rows[rows], self._columns[columns]
        part = self._pixels[down.min() : down.max() + 1, across.min() : across.max() + 1]
        for axis, found in enumerate((down, across)):
            if found[-1] - found[0] + 1 < len(found):  # mirrored in here
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


class Folder:
    """Tensors (rows, C, columns), each in a file without a name, which vanishes however the program ends."""

    def __init__(self, folder: Path | None = None, kind: npt.DTypeLike = np.float32) -> None:
        self._folder, self._kind = folder, np.dtype(kind)
        self._files: list[Any] = []
        self._free: dict[int, list[Any]] = {}

    def new(self, channels: int, rows: int, columns: int) -> Kept:
        """A tensor yet to be written, in a file that was given back if one of its size is there: that is faster."""
        free = self._free.get(channels * rows * columns)
        if free:
            return Kept(free.pop(), self._kind, channels, rows, columns)
        self._files.append(tempfile.TemporaryFile(buffering=0, dir=self._folder))
        return Kept(self._files[-1], self._kind, channels, rows, columns)

    def give_back(self, kept: Kept) -> None:
        """Let another tensor of its size have the file; without one to come, free the disk."""
        self._free.setdefault(kept.channels * kept.rows * kept.columns, []).append(kept.file)

    def clear(self) -> None:
        """Free the disk of the files given back."""
        for file in (file for files in self._free.values() for file in files):
            file.close()
        self._free.clear()

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()


@dataclass(eq=False)
class Kept:
    """One tensor in a file, (rows, C, columns): read and written by whole rows, never mapped into memory."""

    file: Any
    kind: np.dtype[Any]
    channels: int
    rows: int
    columns: int
    _row: int = field(init=False)

    def __post_init__(self) -> None:
        self._row = self.channels * self.columns * self.kind.itemsize

    def write(self, top: int, values: npt.NDArray[Any]) -> None:
        self.file.seek(top * self._row)
        left = memoryview(np.ascontiguousarray(values).view(np.uint8).reshape(-1))  # type: ignore[arg-type]
        while left:
            left = left[self.file.write(left) :]

    def read(self, top: int, bottom: int) -> npt.NDArray[Any]:
        """Rows ``top`` to ``bottom``: (rows, C, columns)."""
        values = np.empty((bottom - top, self.channels, self.columns), self.kind)
        self.file.seek(top * self._row)
        left = memoryview(values.view(np.uint8).reshape(-1))  # type: ignore[arg-type]
        while left:
            read = self.file.readinto(left)
            if not read:
                raise OSError(f"a temporary file ended {len(left)} bytes early")
            left = left[read:]
        return values


def tiles(size: tuple[int, int], tall: int, wide: int, halo: int, multiple: int) -> Iterator[tuple[Span, list[Span]]]:
    """Rows of windows over a picture of ``size`` (height, width): the span of each row, with those of its windows."""
    across = spans(size[1], wide, halo, multiple)
    for down in spans(size[0], tall, halo, multiple):
        yield down, across
