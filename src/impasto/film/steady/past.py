"""What is known of a film so far, and what becomes of it with the next frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from impasto.film.steady import shift
from impasto.film.steady.canvas import Bytes, Canvas, Point, Shorts, later, moved
from impasto.film.steady.change import BLOCK

Floats: TypeAlias = npt.NDArray[np.float32]

CUT, CUT_TIMES = 15.0, 4.0  # of 255: so much, and so many times the usual, two frames differ at a cut
USUAL = 25  # frames over which what is usual is measured


@dataclass(frozen=True)
class Past:
    """All that the next painting depends on. Pixels are those of canvases, 0..255."""

    clean: Shorts  # (H, W, 3), in 64ths: the scene without its noise
    seen: Bytes  # the same, rounded
    painted: Shorts  # (H, W, 3), in 64ths
    masks: Floats  # (K, H, W), 0..1
    rows: Floats  # (K + 1, R)
    place: Point  # of the last frame on the canvas
    speed: Point  # pixels a second
    time: Floats  # seconds; no axes
    misfits: Floats  # of the last frames
    wait: Floats  # seconds until the painting of each block may be old

    def turned(self, by: tuple[int, int]) -> Past:
        """The same, moved by whole periods."""
        if by == (0, 0):
            return self
        masks = np.stack([moved(mask, by) for mask in self.masks]) if len(self.masks) else self.masks
        wait = moved(self.wait, (by[0] // BLOCK, by[1] // BLOCK))
        clean, seen, painted = (moved(each, by) for each in (self.clean, self.seen, self.painted))
        return replace(self, clean=clean, seen=seen, painted=painted, masks=masks, place=self.place + by, wait=wait)

    def known(self, size: tuple[int, int]) -> Floats:
        """Which blocks the last frame, of this size, covered: 1 or 0, (rows, columns)."""
        covered = []
        for length, whole, place in zip(size, self.clean.shape, self.place, strict=False):
            starts = np.arange(0, whole, BLOCK)
            covered.append((starts >= place - 1) & (starts + BLOCK <= place + length + 1))
        found: Floats = np.outer(*covered).astype(np.float32)
        return found


@dataclass(frozen=True)
class Followed:
    """Where the next frame lies, how it moves (pixels a second), and how far it is from the past (None: all is new)."""

    past: Past | None
    place: Point
    speed: Point
    misfits: Floats


def follow(past: Past | None, frame: Bytes, canvas: Canvas, time: float, threads: int = 1) -> Followed:
    """Find the next frame on the canvas of the past; behind a cut there is none."""
    new = Followed(None, canvas.middle, np.zeros(2), np.zeros(0, np.float32))
    if past is None or past.clean.shape[:2] != canvas.shape:
        return new
    by = shift.factor(*canvas.shape)
    origin = np.ceil(past.place / by).astype(int) + 1
    ends = np.floor((past.place + canvas.size) / by).astype(int) - 1
    there, here = later(partial(shift.grey, past.seen, by), threads), shift.grey(frame, by)
    shown = there()[origin[0] : ends[0], origin[1] : ends[1]]
    passed = max(0.0, time - float(past.time))
    stay, expected = (each / by - origin for each in (past.place, past.place + passed * past.speed))
    found, misfit = shift.find(shown, here, stay, expected, threads)
    if misfit > CUT and misfit > CUT_TIMES * (float(np.median(past.misfits)) if len(past.misfits) else 0):
        return new
    unwrapped = (found + origin) * by
    speed = (unwrapped - past.place) / passed if passed else past.speed
    place, turned = canvas.wrapped(unwrapped)
    return Followed(past.turned(turned), place, speed, np.append(past.misfits, np.float32(misfit))[-USUAL:])
