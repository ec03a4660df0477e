"""A large picture in two passes: what the second one paints, and what the finished painting takes from the first.

Strokes have a size in pixels, so on a large picture they are too small to be seen from where one sees all of it. A
first pass paints the picture small. The second paints that painting enlarged, with some of the photo's fine light and
dark given back. What the first pass could show then comes from it, and only what is finer comes from the second:

    x2  = enlarge(y1) + detail * luma(photo - enlarge(shrink(photo)))
    out = y2 + enlarge(merge(y1 - shrink(y2)))

Planes are (C, h, w), float32, 0..1; pixels are (h, w, C) of any type, as elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from impasto.pictures import unit
from impasto.pictures.recolor import LUMA

Floats: TypeAlias = npt.NDArray[np.float32]
Pixels: TypeAlias = npt.NDArray[Any]
Brush: TypeAlias = str | int
Size: TypeAlias = tuple[int, int]  # height and width

BRUSHES = {"small": 0, "medium": 1024, "large": 640}  # the first pass's longer side in pixels; 0: there is none
APART = 1.4  # a first pass that is not smaller by so much has nothing to add
SHORTEST = 64  # pixels: a first pass whose shorter side had fewer would see nothing
DETAIL = 0.5  # of the photo's fine light and dark that the second pass sees
MERGE = (0.5, 0.75, 1.0)  # of each octave of the first pass, finest first and the last for all coarser ones
BAND = 64  # rows of the small picture that are made at once
ALONE = 128  # columns of a matrix product that is too small to be shared out to threads, of which there are enough
REACH = 3  # pixels of the smaller picture that Lanczos looks at


def first_size(height: int, width: int, brush: Brush, finer: float | None = None) -> Size | None:
    """Height and width of the first pass over a picture of this size; None where one pass is all there is.

    With strokes that are so many times ``finer`` than by the brush alone the pass may be larger than the picture, and
    is all there is: it is shrunk. Strokes less than 1.4 times as large as in one pass are those of one pass.
    """
    side = BRUSHES[brush] if isinstance(brush, str) else int(brush)
    long, short = max(height, width), min(height, width)
    least = round(SHORTEST * long / short)
    side = max(side, least) if side else long
    if long <= APART * side:
        side = long
    if finer is not None:
        side = max(1, min(least, long), round(side * finer))
        if side < long <= APART * side:
            side = long
    return None if side == long else at_side((height, width), side)


def at_side(size: Size, side: int) -> Size:
    """Height and width of a picture of this size once its longer side has ``side`` pixels."""
    height, width = (max(1, round(length * side / max(size))) for length in size)
    return height, width


def larger(first: Size | None, size: Size) -> bool:
    """Whether a first pass is larger than the picture of this ``size``, and so the only one."""
    return first is not None and max(first) > max(size)


class Second:
    """What the second pass paints, as pixels (height, width, 3) that are made where they are read: ``x2`` above.

    ``first`` are the planes of the first pass, ``photo`` is the large picture and ``small`` the planes of that shrunk
    to the first pass's size. The pixels are of the photo's type.
    """

    def __init__(self, first: Floats, photo: Pixels, small: Floats, *, detail: float = DETAIL) -> None:
        self.shape, self._photo, self._detail = photo.shape, photo, np.float32(detail)
        self.dtype = np.dtype(np.uint8 if photo.dtype == np.uint8 else np.float32)
        self._coarse = Enlarged(first - self._detail * np.tensordot(LUMA, small, 1), photo.shape[:2])

    def __getitem__(self, place: tuple[slice, slice]) -> Pixels:
        seen, part = self._coarse(*place), unit(self._photo[place])
        seen += sum(share * part[..., channel] for channel, share in enumerate(self._detail * LUMA))
        return stored(seen, np.empty((*seen.shape[1:], 3), self.dtype))

    def whole(self, threads: int = 1) -> Pixels:
        """All of it at once."""
        out = np.empty(self.shape, self.dtype)

        def fill(rows: slice) -> None:
            out[rows] = self[rows, slice(None)]

        spread(fill, bands(self.shape[0]), threads)
        return out


def crossed(first: Floats, second: Pixels, *, merge: Sequence[float] = MERGE, threads: int = 1) -> Enlarged:
    """What is to be added to the second pass, pixels (h, w, 3), for the first one's bands to show in it, as planes."""
    apart = first - shrunk(second, first.shape[1:], threads)
    return Enlarged(_weighted(apart, merge), second.shape[:2])


def crossed_at(first: Floats, second: Pixels, place: tuple[slice, slice], size: Size) -> Floats:
    """A window of the painting of this ``size`` in which the first pass's bands show, as planes, 0..1.

    ``second`` are the pixels that the second pass has at ``place``. Within some ten pixels of the first pass from the
    window's ends it is not what it is in the whole painting.
    """
    ratios = [length / old for length, old in zip(size, first.shape[1:], strict=True)]
    known = [slice(math.ceil(part.start / r), math.floor(part.stop / r)) for part, r in zip(place, ratios, strict=True)]
    top, left, bottom, right = (
        getattr(new, end) * ratio - old.start
        for end in ("start", "stop")
        for new, ratio, old in zip(known, ratios, place, strict=True)
    )
    down, across = known
    apart = np.zeros_like(first)
    shrunk = _boxed(second, (across.stop - across.start, down.stop - down.start), (left, top, right, bottom))
    apart[:, down, across] = first[:, down, across] - unit(shrunk).transpose(2, 0, 1)
    planes = plus(second, Enlarged(_weighted(apart, MERGE), size)(*place))
    return np.clip(planes, 0, 1, out=planes)


def plus(pixels: Pixels, planes: Floats) -> Floats:
    """Pixels (h, w, C) of any type, 0..1, added to planes, which are used up."""
    most = np.float32(1 / np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1)
    for channel, plane in enumerate(planes):
        plane += np.multiply(pixels[..., channel], most, dtype=np.float32)
    return planes


def _weighted(planes: Floats, octaves: Sequence[float]) -> Floats:
    """The planes with each octave multiplied by its number, finest first; the last is for all that is coarser."""
    share, *others = octaves
    size = planes.shape[1:]
    if not others or min(size) < 2:
        return np.float32(share) * planes
    half = _halved(planes)
    fine = planes - Enlarged(half, size)(slice(None))
    return np.float32(share) * fine + Enlarged(_weighted(half, others), size)(slice(None))


def _halved(planes: Floats) -> Floats:
    """Signed planes at half their size."""
    to = planes.shape[2] // 2, planes.shape[1] // 2
    return np.stack([np.asarray(Image.fromarray(plane).resize(to, Image.Resampling.LANCZOS)) for plane in planes])


def spread(action: Callable[[slice], None], rows: Iterator[slice], threads: int) -> None:
    """Do the same with all rows, in several threads at once."""
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(action, rows):
            pass


def bands(height: int) -> Iterator[slice]:
    """The rows of a picture, a few at a time."""
    return (slice(top, min(top + BAND, height)) for top in range(0, height, BAND))


def shrunk(pixels: Pixels, size: Size, threads: int = 1) -> Floats:
    """Pixels of any type brought to a smaller ``size`` (height, width), as planes, 0..1."""
    out = np.empty((pixels.shape[2], *size), np.float32)

    def fill(rows: slice) -> None:
        out[:, rows] = unit(_resized(pixels, size, rows)).transpose(2, 0, 1)

    spread(fill, bands(size[0]), threads)
    return out


def enlarged(pixels: Pixels, size: Size) -> Pixels:
    """Pixels brought to a larger ``size`` (height, width): uint8 stays uint8, other types become float32."""
    out = np.empty((*size, pixels.shape[2]), np.uint8 if pixels.dtype == np.uint8 else np.float32)
    for rows in bands(size[0]):
        out[rows] = _resized(pixels, size, rows)
    return out


def _resized(pixels: Pixels, size: Size, rows: slice) -> Pixels:
    """Rows of the pixels at another size, as if all were resized at once; Lanczos. Bytes stay bytes."""
    height, width, channels = pixels.shape
    ratio = height / size[0]
    reach = REACH * max(1.0, ratio) + 1
    first, last = max(0, int(rows.start * ratio - reach)), min(height, int(rows.stop * ratio + reach) + 1)
    box = (0, rows.start * ratio - first, width, min(rows.stop * ratio, height) - first)
    to = size[1], rows.stop - rows.start
    return _boxed(pixels[first:last], to, box)


def _boxed(pixels: Pixels, to: tuple[int, int], box: tuple[float, float, float, float]) -> Pixels:
    """What lies in the box (left, top, right, bottom), at size ``to`` (width, height); Lanczos. Bytes stay bytes."""
    channels = pixels.shape[2]
    if pixels.dtype == np.uint8 and channels == 3:  # twice as fast
        return np.asarray(Image.fromarray(pixels).resize(to, Image.Resampling.LANCZOS, box))
    part = unit(pixels)
    images = [Image.fromarray(np.ascontiguousarray(part[..., channel])) for channel in range(channels)]
    out = np.stack([np.asarray(image.resize(to, Image.Resampling.LANCZOS, box)) for image in images], -1)
    np.clip(out, 0, 1, out=out)
    return _to_bytes(out) if pixels.dtype == np.uint8 else out


class Enlarged:
    """Planes (C, h, w) brought to a larger ``size`` (height, width), made where they are read; bicubic (Keys 1981).

    A pixel is the same, but for its last bit, in whatever window it is read, so that tiles fit together.
    """

    def __init__(self, planes: Floats, size: Size) -> None:
        self._columns = np.ascontiguousarray(
            planes.transpose(2, 0, 1)
        )  # to gather a column is to copy what lies together
        self._taps = tuple(_taps(length, old) for length, old in zip(size, planes.shape[1:], strict=True))

    def __call__(self, *place: slice) -> Floats:
        """The planes (C, rows, columns) of a window, or of rows."""
        (down, falls), (across, shares) = (
            (index[:, part], weights[:, part])
            for (index, weights), part in zip(self._taps, (*place, slice(None))[:2], strict=True)
        )
        top, bottom = int(down.min()), int(down.max()) + 1
        strip = self._columns[:, :, top:bottom].reshape(len(self._columns), -1)
        wide = strip[across[0]] * shares[0][:, None]
        for index, weights in zip(across[1:], shares[1:], strict=True):
            wide += strip[index] * weights[:, None]
        tall = np.zeros((down.shape[1], bottom - top), np.float32)
        for index, weights in zip(down, falls, strict=True):  # at the borders some of the four are one place
            tall[np.arange(len(tall)), index - top] += weights
        planes = wide.reshape(len(wide), -1, bottom - top).transpose(1, 2, 0)
        found = np.empty((len(planes), len(tall), len(wide)), np.float32)
        for left in range(0, len(wide), ALONE):
            part = np.s_[:, :, left : left + ALONE]
            np.matmul(tall, planes[part], out=found[part])
        return found


def _taps(length: int, old: int) -> tuple[npt.NDArray[np.intp], Floats]:
    """For each of ``length`` places the four of ``old`` that it is made of, and their weights, both (4, length)."""
    place = (np.arange(length) + 0.5) * old / length - 0.5
    first = np.floor(place)
    t = place - first
    index = np.clip(first + np.arange(-1, 3)[:, None], 0, old - 1).astype(np.intp)
    weights = ((2 - t) * t - 1) * t, t * t * (3 * t - 5) + 2, ((4 - 3 * t) * t + 1) * t, t * t * (t - 1)
    return index, np.array(weights, np.float32) / np.float32(2)


def stored(planes: Floats, out: Pixels) -> Pixels:
    """Planes (C, h, w) clipped to 0..1 and written into the pixels ``out`` (h, w, C), uint8 or float32; used up."""
    if out.dtype == np.uint8:
        planes *= np.float32(255)
        planes += np.float32(0.5)  # what follows cuts off
    np.clip(planes, 0, 255 if out.dtype == np.uint8 else 1, out=planes)
    for channel, plane in enumerate(planes):  # three long ways are quicker than many of three steps
        np.copyto(out[..., channel], plane, casting="unsafe")
    return out


def _to_bytes(values: Floats) -> npt.NDArray[np.uint8]:
    """0..1 as 0..255; the values are used up."""
    values *= np.float32(255)
    values += np.float32(0.5)
    return values.astype(np.uint8)
