"""The fast network, a slim one of our own with the same idea as the paper's: all style lies in the norms' numbers.

It works at a quarter and an eighth of the picture's size, where a pass over memory costs little: what is slow on a
processor is not arithmetic but large pictures of many channels that go to memory and back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from impasto.errors import LearnError
from impasto.learn.network import ConvNorm, PasticheNetwork, StyleNetwork, split_phases

UNSHUFFLE = 4  # a square of this side becomes one pixel of 48 channels
WIDTHS = (48, 128, 16)  # channels at a quarter, an eighth and half of the picture's size
BLOCKS = 6  # residual blocks
GROUPS = 4  # in their 3x3 convolutions


class FastNetwork(StyleNetwork):
    """4x4 squares as channels, c3-48, c3s2-128, six residual blocks (c3 in 4 groups, c1), c1-48, nearest x2, plus the
    first layer's output, then two sub-pixel convolutions, c3-16 and c3-3, each of which doubles the size; sigmoid.

    ``alpha`` multiplies every width but the picture's.
    """

    kind = "fast"
    multiple = 8

    def __init__(self, *, alpha: float = 1.0) -> None:
        super().__init__()
        self.settings = {"network": self.kind, "alpha": float(alpha)}
        quarter, eighth, half = (max(GROUPS, int(alpha * width) // GROUPS * GROUPS) for width in WIDTHS)
        self.head = nn.ModuleList(
            [ConvNorm(3 * UNSHUFFLE**2, quarter, 3), ConvNorm(quarter, eighth, 3, stride=2)],
        )
        self.residual = nn.ModuleList(
            layer
            for _ in range(BLOCKS)
            for layer in (
                ConvNorm(eighth, eighth, 3, groups=GROUPS),
                ConvNorm(eighth, eighth, 1, activation="none"),
            )
        )
        self.tail = nn.ModuleList(
            [
                ConvNorm(eighth, quarter, 1),
                ConvNorm(quarter, half, 3, upsample="shuffle"),
                ConvNorm(half, 3, 3, upsample="shuffle", activation="sigmoid"),
            ]
        )

    @property
    def layers(self) -> list[ConvNorm]:
        return [*self.head, *self.residual, *self.tail]

    @property
    def reductions(self) -> list[int]:
        return [4, *[8] * (1 + len(self.residual)), 8, 2, 1]

    @property
    def block_ends(self) -> list[int]:
        return [len(self.head) + 2 * block + 1 for block in range(BLOCKS)]

    def _trunk(self, pictures: Tensor, styles: Iterator[tuple[Tensor, Tensor]]) -> Tensor:
        squares = split_phases(pictures, UNSHUFFLE).flatten(1, 2)
        fine = self.head[0](squares, *next(styles))
        x: Tensor = self.head[1](fine, *next(styles))
        for first, second in zip(self.residual[::2], self.residual[1::2], strict=True):
            inner = first(x, *next(styles))
            x = x + second(inner, *next(styles))
        x = F.interpolate(self.tail[0](x, *next(styles)), scale_factor=2, mode="nearest") + fine
        for layer in self.tail[1:]:
            x = layer(x, *next(styles))
        return x


def build(settings: dict[str, Any]) -> StyleNetwork:
    """A new network with these ``settings``, those of a ``StyleNetwork`` or of a training run."""
    kind = settings.get("network", PasticheNetwork.kind)
    if kind not in (PasticheNetwork.kind, FastNetwork.kind):
        raise LearnError(f"there is no network {kind!r} to train; choose {PasticheNetwork.kind} or {FastNetwork.kind}")
    if kind == FastNetwork.kind:
        return FastNetwork(alpha=settings["alpha"])
    return PasticheNetwork(**{key: settings[key] for key in ("alpha", "padding", "upsampling", "norm")})
