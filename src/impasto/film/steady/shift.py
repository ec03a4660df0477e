"""Two grey pictures -> how far one is moved against the other, as a whole, in fractions of a pixel.

A first guess comes from phase correlation, from how it moved before, or is that nothing moves; Gauss-Newton steps with
robust weights (Lucas and Kanade 1981) refine it. What counts is the median over blocks, so that an object that moves
before a still scene, or a still one before a scene that moves, is not followed while it is the smaller part.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from impasto.film.steady.canvas import later

Floats: TypeAlias = npt.NDArray[np.float32]
Size: TypeAlias = tuple[int, ...]
Point: TypeAlias = npt.NDArray[np.float64]  # down, right

LONGEST = 320  # pixels of the longer side of the grey pictures that are compared
STEPS = 3  # on each of the two sizes
DONE = 0.002  # pixels: a step so small is the last one
BLOCK = 8
SMALLEST = 16  # pixels that two pictures must have in common, each way
EDGE = 3  # pixels that are left out at the borders: the kernel's reach


def factor(height: int, width: int) -> int:
    """By how much a picture of this size is shrunk before it is compared."""
    return -(-max(height, width) // LONGEST)


def grey(pixels: npt.NDArray[np.uint8], by: int) -> Floats:
    """The mean of the channels of pixels (h, w, 3), 0..255, shrunk by a whole number."""
    height, width = (side // by for side in pixels.shape[:2])
    rows = pixels[: height * by].reshape(height, by, -1)[:, :, : 3 * by * width]
    sums = rows[:, 0].astype(np.uint16)
    for row in range(1, by):
        sums += rows[:, row]
    mean = np.full(3 * by, 1 / (3 * by * by), np.float32)
    return (sums.astype(np.float32).reshape(height * width, -1) @ mean).reshape(height, width)


def halved(picture: Floats) -> Floats:
    """A picture at half its size."""
    even = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / np.float32(4)


def common(there: Size, here: Size, shift: Point) -> tuple[list[int], list[int]] | None:
    """Where pictures of two sizes overlap: the first (down, right) of ``here`` and the end; None if they hardly do."""
    low = [max(0, math.ceil(-each)) + EDGE for each in shift]
    high = [min(mine, math.floor(other - each)) - EDGE for mine, other, each in zip(here, there, shift, strict=True)]
    return None if min(np.subtract(high, low)) < SMALLEST else (low, high)


def overlap(there: Floats, here: Floats, shift: Point) -> tuple[Floats, Floats] | None:
    """Both pictures where they overlap, ``here`` as it is and ``there`` resampled; None where they hardly do.

    A place p of ``here`` is the place p + shift of ``there``.
    """
    ends = common(there.shape, here.shape, shift)
    if ends is None:
        return None
    (top, left), (bottom, right) = ends
    moved = sampled(there, (top, left) + shift, (bottom - top, right - left))
    return moved, here[top:bottom, left:right]


def sampled(picture: Floats, place: Point, size: tuple[int, ...]) -> Floats:
    """What lies at a place in a picture, between its pixels by a cubic (Catmull and Rom 1974)."""
    top, left = (math.floor(each) - 1 for each in place)
    down, right = (cubic(float(each - math.floor(each))) for each in place)
    tall = sum(weight * picture[top + i : top + i + size[0]] for i, weight in enumerate(down))
    return np.asarray(sum(weight * tall[:, left + i : left + i + size[1]] for i, weight in enumerate(right)))


def cubic(t: Any) -> list[Any]:
    """The weights of four pixels in a row for places so far behind the second one."""
    weights = (2 * t**2 - t - t**3) / 2, (2 - 5 * t**2 + 3 * t**3) / 2, (t + 4 * t**2 - 3 * t**3) / 2, (t**3 - t**2) / 2
    return [np.asarray(each, np.float32) for each in weights]


def blocks(values: Floats) -> Floats:
    """The mean of each block, in a row."""
    down, across = (length // BLOCK for length in values.shape)
    sums = values[: down * BLOCK, : across * BLOCK]
    for _ in range(BLOCK.bit_length() - 1):  # pairs of columns: quicker than a mean over two axes
        sums = sums[:, ::2] + sums[:, 1::2]
    return np.asarray(np.add.reduce(sums.reshape(down, BLOCK, across), 1).ravel() / np.float32(BLOCK**2))


def misfit(there: Floats, here: Floats, shift: Point) -> float:
    """How far apart the pictures are, moved so; endless if too far.

    It is the median over blocks of the mean difference, in which a block counts as much as it has slopes: plain ones
    look alike however they are moved.
    """
    both = overlap(there, here, shift)
    if both is None:
        return math.inf
    moved, still = both
    apart = blocks(np.abs(moved - still)[1:, 1:])
    slopes = blocks(np.abs(still[1:, 1:] - still[1:, :-1]) + np.abs(still[1:, 1:] - still[:-1, 1:]))
    order = np.argsort(apart)
    shares = np.cumsum(slopes[order])
    return float(apart[order][np.searchsorted(shares, shares[-1] / 2)])


def guess(there: Floats, here: Floats) -> Point:
    """The shift in whole pixels, by phase correlation."""
    size: Any = [min(pair) // BLOCK * BLOCK for pair in zip(there.shape, here.shape, strict=True)]
    window = np.outer(*(np.hanning(length) for length in size))
    spectra = [
        np.fft.rfft2((part := each[: size[0], : size[1]]) * window - part.mean() * window) for each in (there, here)
    ]
    cross = spectra[0] * spectra[1].conj()
    peaks = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-3), size)
    place = np.array(np.unravel_index(np.argmax(peaks), peaks.shape), float)
    return np.where(place > np.array(size) / 2, place - size, place)


def refined(there: Floats, here: Floats, shift: Point) -> Point:
    """The shift in fractions of a pixel, from one that is about right."""
    for _ in range(STEPS):
        both = overlap(there, here, shift)
        if both is None:
            break
        moved, still = both
        apart = still[1:-1, 1:-1] - moved[1:-1, 1:-1]
        slopes = (moved[2:, 1:-1] - moved[:-2, 1:-1]) / 2, (moved[1:-1, 2:] - moved[1:-1, :-2]) / 2
        few, steep = apart[::2, ::2], np.abs(slopes[0][::2, ::2]) + np.abs(slopes[1][::2, ::2])
        edges = steep >= min(steep.mean(), steep.max())  # some, also where the picture is even all over
        spread = max(1.0, 2.2 * float(np.median(np.abs(few[edges]))))
        trust = 1 / (1 + np.square(apart / np.float32(spread)))
        drawn = [trust * slope for slope in slopes]
        normal = np.array([[np.vdot(one, other) for other in slopes] for one in drawn], float)
        step = np.linalg.solve(normal + 1e-3 * np.eye(2), [np.vdot(one, apart) for one in drawn])
        shift = shift + np.clip(step, -1, 1)
        if np.abs(step).max() < DONE:
            break
    return shift


def find(there: Floats, here: Floats, stay: Point, expected: Point, threads: int = 1) -> tuple[Point, float]:
    """The shift, and the misfit that is left.

    ``stay`` is the shift if nothing has moved, ``expected`` that if all goes on as before. A shift far from ``stay`` is
    taken if it explains clearly more than that, a small one if it explains more at all. Pictures that are too small
    to be compared stay.
    """
    if common(there.shape, here.shape, stay) is None:
        return stay, 0.0
    coarse = halved(there), halved(here)
    guessed = later(partial(guess, *coarse), threads)
    still = later(partial(misfit, there, here, stay), threads)
    fits = [(misfit(*coarse, each / 2), each / 2) for each in (stay, expected)]
    third = guessed()
    fits.append((misfit(*coarse, third), third))
    _, begin = min(fits, key=lambda fit: fit[0])
    found = refined(there, here, 2 * refined(*coarse, begin))
    rest, kept = misfit(there, here, found), still()
    most = 0.9 if np.abs(found - stay).max() > 1 else 0.98
    return (found, rest) if rest < most * kept else (stay, kept)
