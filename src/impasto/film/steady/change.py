"""Where a frame shows something else than the past, and where it differs by no more than noise would do.

All is measured in blocks of 8 x 8 pixels, of 8-bit pictures (h, w, 3) whose sides are multiples of 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops

Floats: TypeAlias = npt.NDArray[np.float32]
Bytes: TypeAlias = npt.NDArray[np.uint8]

BLOCK = 8
EIGHTHS = [min(255, 8 * value) for value in range(256)] * 3
QUIET = 0.6  # of 255: mean differences of this size come from rounding
SHARE = 0.3  # of the blocks that are taken to show nothing new when noise is measured
SURE, LOST = 1.3, 2.0  # times the mean difference of noise: up to the first nothing has changed, from the second on all
DRIFT = 0.6  # of the mean difference of noise: by so much a whole block may be lighter or darker
SLIP = 0.06  # pixels by which the scene may be off its place


def blocks(picture: Image.Image) -> Floats:
    """The mean of each block and channel, (h / 8, w / 8, 3)."""
    return np.asarray(picture.reduce(BLOCK), np.float32)


def distance(one: Image.Image, other: Image.Image) -> Floats:
    """The mean difference of each block and channel, to an eighth; differences of more than 31 count as 31."""
    return blocks(ImageChops.difference(one, other).point(EIGHTHS)) / 8


def noise_of(frame: Bytes) -> float:
    """The standard deviation of a frame's noise, 0..255, and more where there is nothing plain (Immerkaer 1996).

    The median makes it the noise of most places and not that of edges.
    """
    light = frame[: frame.shape[0] // 3 * 3, :, 1].reshape(-1, 3, frame.shape[1])[::4].astype(np.int16)
    across = light[:, :, :-2] - 2 * light[:, :, 1:-1] + light[:, :, 2:]
    both = across[:, 0] - 2 * across[:, 1] + across[:, 2]
    return float(np.median(np.abs(both))) / (6 * 0.6745)


def near(values: Floats, reach: int = 1) -> Floats:
    """The largest value within so many blocks, (rows, columns)."""
    padded = np.pad(values, reach, "edge")
    rows, columns = values.shape
    spans = range(2 * reach + 1)
    tall = np.max([padded[i : i + rows] for i in spans], 0)
    return np.asarray(np.max([tall[:, i : i + columns] for i in spans], 0))


@dataclass(frozen=True)
class Change:
    """How much of the past holds, in blocks: 1 where nothing but noise changed, 0 where the frame shows something new."""

    holds: Floats
    noise: float

    @classmethod
    def between(cls, past: Bytes, frame: Bytes, known: Floats, noise: float) -> Change:
        """Of two canvases; ``noise`` is the most that the frame's noise can be (standard deviation, 0..255).

        Blocks that are not ``known`` (0) hold nothing, and do not matter to others.
        """
        old, new = Image.fromarray(past), Image.fromarray(frame)
        apart = distance(old, new)
        drift = np.abs(blocks(ImageChops.subtract(new, old, 1 / 8, 128)) - 128).max(-1) / 8
        slope = sum(distance(new, ImageChops.offset(new, *step)).mean(-1) for step in ((1, 0), (0, 1)))
        usual = max(QUIET, min(float(np.quantile(apart.mean(-1)[known > 0], SHARE)), 0.85 * noise))
        allowed = usual + np.float32(SLIP) * slope
        worst = np.maximum(apart.max(-1) / allowed, drift / (DRIFT * allowed) * SURE)
        holds = np.clip((LOST - near(worst * known)) / (LOST - SURE), 0, 1)
        return cls((holds * known).astype(np.float32), usual)


def spread_out(holds: Floats, size: tuple[int, int], most: float) -> Bytes:
    """Blocks 0..1 as a smooth picture (h, w, 3) of whole numbers, 0..255 * most."""
    small = Image.fromarray((holds * np.float32(255 * most) + np.float32(0.5)).astype(np.uint8))
    wide = small.resize((small.width * BLOCK, small.height * BLOCK), Image.Resampling.BILINEAR)
    plane = wide.crop((0, 0, size[1], size[0]))
    return np.asarray(Image.merge("RGB", (plane,) * 3))
