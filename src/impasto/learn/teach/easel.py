"""A frozen network and its judge: rows and photos in, losses out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor

from impasto.learn.loss.judge import Grams, Judge
from impasto.learn.network.layers import StyleNetwork

MARGIN = 16  # pixels at most that are painted around crops: the network's own would be most of what is painted
HELD_OUT = 2**31  # "steps" from here on are pictures that a lesson never learns from


class Photos(Protocol):
    """Where pictures come from: a ``PhotoFolder``."""

    def batch(self, seed: int, step: int, count: int, size: int) -> Tensor: ...


class Easel:
    """Paints photos with rows and measures what came of it, where the network is, in the type ``dtype``."""

    def __init__(self, network: StyleNetwork, judge: Judge, photos: Photos, seed: int, dtype: torch.dtype) -> None:
        self.network, self.judge, self.photos, self.seed, self.dtype = network, judge, photos, seed, dtype
        self.device = judge.device

    def draw(self, step: int, count: int, size: int) -> Tensor:
        """Photos (count, 3, size, size), the same for equal arguments."""
        pictures = self.photos.batch(self.seed, step, count, size).to(self.device)
        return pictures.contiguous(memory_format=torch.channels_last)

    def measure(self, rows: Tensor, photos: Tensor) -> tuple[Tensor, Tensor, Grams]:
        """Content and style loss (B,), and Gram matrices (B, C, C) by layer, of ``photos`` (B, 3, H, W) painted.

        ``rows`` are one row (R,) or a row each (B, R).
        """
        with self.margin(MARGIN), torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            painted = self.network(photos, rows.expand(len(photos), -1))
        ids = torch.zeros(len(photos), dtype=torch.long, device=self.device)
        return self.judge.measure(painted, photos, ids)

    def total(self, rows: Tensor, photos: Tensor) -> Tensor:
        """The mean total over all photos, a scalar."""
        content, style, _ = self.measure(rows, photos)
        return self.judge.total(content, style).mean()

    @contextmanager
    def margin(self, most: int) -> Iterator[None]:
        """While it lasts the network's margin is at most this: several times as fast where pictures are small."""
        margin, self.network.margin = self.network.margin, min(most, self.network.margin)
        try:
            yield
        finally:
            self.network.margin = margin
