"""How much memory an optimisation takes, estimated before it starts, and what to change where it does not fit."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from impasto.errors import LearnError
from impasto.learn.devices import CPU, free_memory
from impasto.learn.loss.layers import CHANNELS, CONVOLUTIONS, block_of, convolutions
from impasto.learn.loss.winograd import bytes_of
from impasto.learn.optimize.recipes import OptimizeSettings, used_layers

BASE = 800 * 2**20  # bytes of torch, the weights and everything that does not grow with the picture
SHORTEST_HISTORY = 4
LOOK = 3  # planes of VGG's first block that are held at once where no gradient is wanted


@dataclass(frozen=True)
class Fit:
    """How an optimisation fits into memory: ``predicted`` bytes, activations made again or kept, pairs of L-BFGS."""

    predicted: int
    recompute: bool
    history: int


def fit(
    height: int,
    width: int,
    settings: OptimizeSettings,
    precision: str,
    *,
    depth: int = 19,
    regions: int = 0,
    looked_at: int = 0,
    limit: float | None = None,
    device: torch.device = CPU,
) -> Fit:
    """The fastest way to fit a picture of ``height`` x ``width`` pixels into ``limit`` bytes, by default what is free.

    First the activations are made again instead of kept, then L-BFGS gets a shorter history. ``regions`` is the number
    of masks, ``looked_at`` the pixels of the largest painting. Raises LearnError, with the size that would fit, if that
    is not enough.
    """
    limit = free_memory(device) if limit is None else limit
    least = BASE + looked_at * CHANNELS[0] * (2 if precision == "bf16" else 4) * LOOK
    if BASE < limit < least:
        raise LearnError(
            f"paintings of {looked_at / 1e6:.1f} megapixels need {least / 1e9:.1f} GB of memory, but there is room for "
            f"{limit / 1e9:.1f}; choose a smaller style_size or size"
        )
    shorter = [n for n in (settings.history, 10, 6, SHORTEST_HISTORY) if n <= settings.history]
    for recompute, history in [(False, settings.history), *((True, n) for n in shorter)]:
        shape = height, width, settings, precision
        needed = predicted(*shape, recompute=recompute, history=history, depth=depth, regions=regions)
        if needed <= limit:
            return Fit(max(least, needed), recompute, history)
    scale = (max(limit, BASE) - BASE) / (needed - BASE)
    side = int(max(height, width) * scale**0.5) // 16 * 16
    advice = f"{side} pixels would fit" if side else "no size would fit"
    raise LearnError(
        f"{max(height, width)} pixels need {needed / 1e9:.1f} GB of memory, but there is room for {limit / 1e9:.1f}; "
        f"{advice}"
    )


def predicted(
    height: int,
    width: int,
    settings: OptimizeSettings,
    precision: str,
    *,
    recompute: bool,
    history: int,
    depth: int = 19,
    regions: int = 0,
) -> int:
    """Bytes at the peak of one evaluation, with the optimiser's state; a little more than what was measured.

    The way back frees a block's activations when it has passed it, so the peak is at the block where what is still
    kept, and two gradients on their way, are most.
    """
    pixels = height * width
    deepest = max(map(block_of, used_layers(settings)))
    number = 2 if precision == "bf16" else 4
    copies = regions or (2 if settings.statistic == "gaussian" else 0)  # in float32, of what style looks at
    peak = before = 0.0
    for block in range(deepest):
        plane = CHANNELS[block] * pixels / 4**block
        kept = plane * CONVOLUTIONS[depth][block] * number + plane / 4 * 8  # after the ReLU; which of four was largest
        kept += plane * 4 * copies * sum(block_of(layer) == block + 1 for layer in settings.style_layers)
        peak = max(peak, before + kept + 2 * plane * number)
        before += plane * number / 4 if recompute else kept
    vectors = 2 * history + 10 if settings.optimizer == "lbfgs" else 12
    kernels = [each[1:] for each in convolutions(depth) if number == 4 and block_of(each[0]) <= deepest]
    return int(BASE + peak + vectors * 3 * pixels * 4) + sum(bytes_of(*channels) for channels in kernels)
