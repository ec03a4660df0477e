"""Where a frame shows something else than the past, and where it differs by no more than noise would do.

All is measured in blocks of 8 x 8 pixels, of 8-bit pictures (h, w, 3) whose sides are multiples of 8.
"""

from __future__ import annotations

from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops

from impasto.film.steady.canvas import together

Floats: TypeAlias = npt.NDArray[np.float32]
Bytes: TypeAlias = npt.NDArray[np.uint8]

BLOCK = 8
EIGHTHS = [min(255, 8 * value) for value in range(256)] * 3
QUIET = 0.6  # of 255: mean differences of this size come from rounding
SHARE = 0.3  # of the blocks that are taken to show nothing new when noise is measured
SURE, LOST = 1.3, 2.0  # times the mean difference of noise: up to the first nothing has changed, from the second on all
ROUNDED = 0.4  # of 255: so much may be lighter or darker because it was rounded
DRIFT = 0.6  # of the mean difference of noise: by so much a whole block may be lighter or darker
SLIP = 0.2  # pixels by which the scene may be off its place


def blocks(picture: Image.Image) -> Floats:
    """The mean of each block, (h / 8, w / 8), and channel."""
    return np.asarray(picture.reduce(BLOCK)).astype(np.float32)


def distance(one: Image.Image, other: Image.Image) -> Floats:
    """The mean difference of each block and channel, to an eighth; differences of more than 31 count as 31."""
    return blocks(ImageChops.difference(one, other).point(EIGHTHS)) / np.float32(8)


def noise_of(frame: Bytes) -> float:
    """The standard deviation of a frame's noise, 0..255, and more where there is nothing plain (Immerkaer 1996).

    The median makes it the noise of most places and not that of edges.
    """
    light = frame[: frame.shape[0] // 3 * 3, :, 1].reshape(-1, 3, frame.shape[1])[::4].astype(np.int16)
    across = light[:, :, :-2] - 2 * light[:, :, 1:-1] + light[:, :, 2:]
    both = across[:, 0] - 2 * across[:, 1] + across[:, 2]
    return float(np.median(np.abs(both))) / (6 * 0.6745) if both.size else 0.0


def lighter(one: Image.Image, other: Image.Image) -> Floats:
    """By how much each block and channel of ``other`` is lighter; differences of more than 16 count as 16."""
    return (blocks(ImageChops.subtract(other, one, 1 / 8, 128)) - np.float32(128)) / np.float32(8)


def near(values: Floats, reach: int = 1) -> Floats:
    """The largest value within so many blocks, (rows, columns)."""
    padded = np.pad(values, reach, "edge")
    rows, columns = values.shape
    spans = range(2 * reach + 1)
    tall = np.max([padded[i : i + rows] for i in spans], 0)
    return np.asarray(np.max([tall[:, i : i + columns] for i in spans], 0))


def slopes(light: Image.Image) -> Floats:
    """The mean difference between neighbours in each block, down and across."""
    down, across = (blocks(ImageChops.difference(light, ImageChops.offset(light, *step))) for step in ((0, 1), (1, 0)))
    return down + across


def holding(past: Bytes, frame: Bytes, known: Floats, noise: float, threads: int = 1) -> Floats:
    """How much of the past holds, in blocks: 1 where nothing but noise changed, 0 where the frame shows something new.

    ``past`` and ``frame`` are canvases; ``noise`` is the most that the frame's can be (standard deviation, 0..255).
    Blocks that are not ``known`` (0) hold nothing, and do not matter to others.
    """
    if not known.any():
        return np.zeros_like(known)
    old, new = Image.fromarray(past), Image.fromarray(frame)
    actions = partial(lighter, old, new), partial(distance, old, new), partial(slopes, new.convert("L"))
    drift, apart, slope = together(actions, threads)
    usual = max(QUIET, min(float(np.quantile(apart.mean(-1)[known > 0], SHARE)), 0.85 * noise))
    allowed = usual + np.float32(SLIP) * slope
    worst = np.maximum(apart.max(-1) / allowed, np.abs(drift).max(-1) / (DRIFT * allowed + ROUNDED) * SURE)
    holds: Floats = np.clip((LOST - near(worst * known)) / (LOST - SURE), 0, 1) * known
    return holds


def spread_out(holds: Floats, most: float) -> Bytes:
    """Blocks 0..1 as a smooth picture (h, w, 3) of whole numbers, 0..255 * most."""
    small = Image.fromarray((holds * np.float32(255 * most) + np.float32(0.5)).astype(np.uint8))
    plane = small.resize((small.width * BLOCK, small.height * BLOCK), Image.Resampling.BILINEAR)
    return np.asarray(Image.merge("RGB", (plane,) * 3))
