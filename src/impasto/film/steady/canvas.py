"""A frame on a canvas that stays with the scene, and back.

The canvas is two periods of the network's lattice larger than the frame, each way. The frame lies on it so that what it
shows is always at the same place of that lattice: it moves with the scene, and by a whole period where it would leave
the canvas. From there it may go either way, so that a hand that trembles does not make it jump: what is mirrored around
the frame has a part in the moments of the whole. Places and shifts are (down, right), in pixels.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Bytes: TypeAlias = npt.NDArray[np.uint8]
Shorts: TypeAlias = npt.NDArray[np.int16]
Size: TypeAlias = tuple[int, int]
Point: TypeAlias = npt.NDArray[np.float64]
Found = TypeVar("Found")

SOFT = 3  # pixels that the kernel looks at by which frames move
SHARP = 6  # and that by which paintings move back
STRIP = 32  # rows that are moved at once: they stay in the processor's cache
WHOLE = 0.02  # pixels: a shift so near to a whole one is one


@dataclass(frozen=True)
class Canvas:
    """Of frames of ``size`` (height, width), for a lattice of this ``period``."""

    size: Size
    period: int

    @property
    def shape(self) -> Size:
        """Height and width of the canvas, multiples of the period."""
        height, width = ((-(-length // self.period) + 2) * self.period for length in self.size)
        return height, width

    @property
    def middle(self) -> Point:
        """Where the first frame lies."""
        return np.full(2, float(self.period))

    def wrapped(self, place: Point) -> tuple[Point, Size]:
        """A place of the frame, brought back onto the canvas, and by how many pixels all was moved for that."""
        near = np.where(np.abs(place - np.round(place)) < WHOLE, np.round(place), place)
        periods = np.floor(near / self.period).astype(int)
        turns = np.where(periods > 1, periods - 1, np.minimum(periods, 0))
        down, right = (int(turn) * self.period for turn in turns)
        return near - (down, right), (-down, -right)

    def put(self, frame: Bytes, place: Point, threads: int = 1) -> Bytes:
        """The canvas with the frame, (h, w, 3) or (h, w), at a place; around it, it is mirrored."""
        before = 2 * self.period + SOFT
        after = [whole - length + SOFT for whole, length in zip(self.shape, self.size, strict=True)]
        sides = [(before, each) for each in after] + [(0, 0)] * (frame.ndim - 2)
        return window(np.pad(frame, sides, "reflect"), before - place, self.shape, SOFT, threads)

    def cut(self, canvas: Bytes, place: Point, threads: int = 1) -> Bytes:
        """What the canvas, (H, W, 3), has where the frame lies; sharper, since Lanczos would dull strokes."""
        padded = np.pad(canvas, [(SHARP, SHARP), (SHARP, SHARP), (0, 0)], "reflect")
        return window(padded, place + SHARP, self.size, SHARP, threads)


def window(pixels: Bytes, place: Point, size: Size, reach: int, threads: int = 1) -> Bytes:
    """What lies at a place in pixels, between them by a windowed sinc that reaches so far; they are larger by that.

    Whole numbers of 16 bits are the quickest that numpy has, so weights are 128ths, and pixels count from -128 on.
    """
    channels = pixels.shape[2] if pixels.ndim > 2 else 1
    (top, down), (left, right) = (_weights(each, reach) for each in place)
    height, width, more = size[0], size[1] * channels, len(down) - 1
    columns = slice(left * channels, left * channels + width + (len(right) - 1) * channels)
    part = pixels.reshape(len(pixels), -1)[top : top + height + more, columns]
    if len(down) == len(right) == 1:
        return part.copy().reshape(*size, *pixels.shape[2:])
    out = np.empty((height, width), np.uint8)

    def fill(rows: slice) -> None:
        strip = min(STRIP, rows.stop - rows.start)
        signed = np.empty((strip + more, part.shape[1]), np.int16)
        across, both = np.empty((strip + more, width), np.int16), np.empty((strip, width), np.int16)
        beside = sliding_window_view(signed, width, 1)[:, ::channels].swapaxes(0, 1)
        below = sliding_window_view(across, strip, 0).swapaxes(1, 2)
        ready = 0  # rows that the strip before has left
        for first in range(rows.start, rows.stop, STRIP):
            count = min(STRIP, rows.stop - first)
            new = part[first + ready : first + count + more]
            signed[: len(new)] = (new ^ np.uint8(128)).view(np.int8)
            _mix(beside[:, : len(new)], right, across[ready : count + more])
            _mix(below[:, :count], down, both[:count])
            both += np.int16(128)
            out[first : first + count] = np.clip(both, 0, 255, out=both)[:count]
            across[:more], ready = across[count : count + more], more

    in_threads(fill, height, threads)
    return out.reshape(*size, *pixels.shape[2:])


def _weights(place: float, reach: int) -> tuple[int, Shorts]:
    """The first of the pixels that a place is mixed of, and the weights of all in a row, in 128ths."""
    whole = math.floor(place)
    found = taps(place - whole, reach)
    span = range(min(found), max(found) + 1)
    return whole + span.start, np.array([found.get(k, 0) for k in span], np.int16)


def _mix(parts: Shorts, weights: Shorts, out: Shorts) -> None:
    """The sum of parts, (n, rows, columns), with their weights in 128ths, rounded.

    einsum adds a row and multiplies it in one step, where operators would go through memory twice for each part.
    """
    np.einsum("kij,k->ij", parts, weights, out=out)
    out += np.int16(64)
    out >>= 7


@lru_cache(64)
def taps(fraction: float, reach: int) -> dict[int, int]:
    """What a place a fraction behind a whole one is mixed of: 128ths, by how far from that they are.

    They are rounded so that their sum is 128, and that their mean is at the fraction.
    """
    away = np.arange(1 - reach, reach + 1)
    weights = np.sinc(away - fraction) * np.sinc((away - fraction) / reach)
    whole = np.rint(128 * weights / weights.sum()).astype(int)
    whole[reach - 1] += 128 - whole.sum()
    more = round(128 * fraction) - int(whole @ away)
    whole[reach - 1 : reach + 1] += -more, more
    return {int(k): int(weight) for k, weight in zip(away, whole, strict=True) if weight}


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


def later(action: Callable[[], Found], threads: int) -> Callable[[], Found]:
    """What an action finds, when it is asked for; with several threads it is done meanwhile."""
    return action if threads == 1 else _pool(threads).submit(action).result


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "steady")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child has none of the threads
