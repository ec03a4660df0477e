"""How still paintings hold: a photo that moves by some pixels, with noise, must be painted as before, moved.

Networks are tied to a lattice of some pixels (their ``multiple``): a move by a whole period is painted the same by its
nature, so what is asked for is any move within one. Whole pixels need no resampling, so nothing is invented.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.learn.loss.losses import total_variation

NOISE = 5 / 255  # standard deviation, at most
LEAST = 1e-4  # of a unit: a painting without strokes has nothing to boil


@dataclass(frozen=True)
class Jolt:
    """What happens from one frame to the next: all moves down and right, and there is ``noise``, (3, H, W)."""

    down: int
    right: int
    noise: Tensor

    @classmethod
    def drawn(cls, seed: int, step: int, size: tuple[int, int], period: int) -> Jolt:
        """A move by less than a period each way and noise of 0 to 5 of 255; the same for equal arguments."""
        generator = np.random.default_rng([seed, step, 2])
        down, right = (int(each) for each in generator.integers(1 - period, period, 2))
        sigma = generator.uniform(0, NOISE)
        return cls(down, right, torch.from_numpy(generator.normal(0, sigma, (3, *size)).astype(np.float32)))

    def of(self, pictures: Tensor) -> Tensor:
        """The next frames of pictures (B, 3, H, W), 0..1; what comes in at the borders is mirrored."""
        height, width = pictures.shape[2:]
        down, right = abs(self.down), abs(self.right)
        around = F.pad(pictures, [right, right, down, down], mode="reflect")
        top, left = down - self.down, right - self.right
        moved = around[:, :, top : top + height, left : left + width]
        return (moved + self.noise.to(pictures.device)).clamp(0, 1)

    def unsteadiness(self, painted: Tensor, again: Tensor, border: int) -> Tensor:
        """How far ``again``, the paintings of the next frames, are from those before, moved: mean square, (B,).

        It is in units of the painting's total variation, which is what a painting that stays on the screen would be
        off by for a pixel: else busy styles drowned the others, and a dull painting were a still one. A ``border`` of
        so many pixels does not count.
        """
        height, width = painted.shape[2:]
        rows, columns = slice(border, height - border), slice(border, width - border)
        before = painted.float()[:, :, _moved(rows, self.down), _moved(columns, self.right)]
        apart = (again.float()[:, :, rows, columns] - before).square().flatten(1).mean(1)
        return apart / total_variation(painted.float()).detach().clamp_min(LEAST)


def _moved(places: slice, by: int) -> slice:
    return slice(places.start - by, places.stop - by)
