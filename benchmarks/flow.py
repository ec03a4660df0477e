"""What optical flow says of two frames, for the benchmarks of steadiness: OpenCV's DIS, medium (it comes with ``dev``).

A pixel counts where flow there and back agree and is no border of motion (Ruder, Dosovitskiy and Brox 2016), 16 pixels
from the borders.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cv2
import numpy as np

BORDER, KEPT = 16, 0.6
Pixels = Any


class Motion:
    """From one frame to the next: where each pixel was, and which pixels count."""

    def __init__(self, old: Pixels, new: Pixels) -> None:
        flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        before, after = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in (old, new))
        forth, back = flow.calc(before, after, None), flow.calc(after, before, None)
        height, width = before.shape
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        self.places = columns + back[..., 0], rows + back[..., 1]
        there = cv2.remap(forth, *self.places, cv2.INTER_LINEAR)
        lengths = [np.square(each).sum(-1) for each in (there, back, there + back)]
        slopes = sum(np.square(part) for axis in range(2) for part in np.gradient(back[..., axis]))
        self.counts = (lengths[2] < 0.01 * (lengths[0] + lengths[1]) + 0.5) & (slopes < 0.01 * lengths[1] + 0.002)
        for place, side in zip(self.places, (width, height), strict=True):
            self.counts &= (place > BORDER) & (place < side - 1 - BORDER)

    def moved(self, pixels: Pixels) -> Pixels:
        """Pixels of the old frame where they are in the new one."""
        return cv2.remap(pixels, *self.places, cv2.INTER_LANCZOS4)

    def error(self, old: Pixels, new: Pixels) -> float:
        """The mean square difference of what counts, in % of full range squared."""
        apart = self.moved(old).astype(np.float32) - new
        return float(np.mean(np.square(apart)[self.counts])) * (100 / 255) ** 2


def motions_of(frames: list[Pixels]) -> list[Motion]:
    return [Motion(*pair) for pair in pairwise(frames)]


def along(painted: list[Pixels], motions: list[Motion]) -> list[Pixels]:
    """Each painting blended with the one before it, moved along."""
    found = painted[:1]
    for new, motion in zip(painted[1:], motions, strict=True):
        share = KEPT * motion.counts[..., None]
        found.append(np.rint(share * motion.moved(found[-1]) + (1 - share) * new).astype(np.uint8))
    return found
