"""The fast network, a slim one of our own with the same idea as the paper's: all style is in the norms' numbers.

It works at a quarter and an eighth of the picture's size, where a pass over memory costs little: what is slow on a
processor is not arithmetic but large pictures of many channels that go to memory and back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from impasto.errors import LearnError
from impasto.learn.network.full import PasticheNetwork
from impasto.learn.network.layers import ConvNorm, StyleNetwork, residual, split_phases

UNSHUFFLE = 4  # a square of this side becomes one pixel of 48 channels
WIDTHS = (48, 128, 16)  # channels at a quarter, an eighth and half of the picture's size
BLOCKS = (1, 5, 2)  # residual blocks: at a quarter going in, at an eighth, at a quarter going out
GROUPS = 4  # in their 3x3 convolutions


class FastNetwork(StyleNetwork):
    """4x4 squares as channels, c3-48, a residual block, c3s2-128, five blocks, c1-48, nearest x2, plus what there was
    at that size before, two blocks, u16, u3, sigmoid. A block is c3 in 4 groups, c1; u is nearest x2 and c3.

    ``alpha`` multiplies every width but the picture's.
    """

    kind = "fast"
    multiple = 8

    def __init__(self, *, alpha: float = 1.0) -> None:
        super().__init__()
        self.settings = {"network": self.kind, "alpha": float(alpha)}
        quarter, eighth, half = (max(GROUPS, int(alpha * width) // GROUPS * GROUPS) for width in WIDTHS)
        before, inside, after = BLOCKS
        self.head = ConvNorm(3 * UNSHUFFLE**2, quarter, 3)
        self.before = _blocks(before, quarter)
        self.down = ConvNorm(quarter, eighth, 3, stride=2)
        self.inside = _blocks(inside, eighth)
        self.up = ConvNorm(eighth, quarter, 1)
        self.after = _blocks(after, quarter)
        self.tail = nn.ModuleList(
            [
                ConvNorm(quarter, half, 3, upsample="nearest"),
                ConvNorm(half, 3, 3, upsample="nearest", activation="sigmoid"),
            ]
        )

    @property
    def layers(self) -> list[ConvNorm]:
        return [self.head, *self.before, self.down, *self.inside, self.up, *self.after, *self.tail]

    @property
    def reductions(self) -> list[int]:
        inner = [8] * (len(self.inside) + 2)
        return [4] * (len(self.before) + 1) + inner + [4] * len(self.after) + [2, 1]

    @property
    def block_ends(self) -> list[int]:
        return [i for i, layer in enumerate(self.layers) if layer.activation == "none"]

    def _trunk(self, pictures: Tensor, styles: Iterator[tuple[Tensor, Tensor]]) -> Tensor:
        squares = split_phases(pictures, UNSHUFFLE).flatten(1, 2)
        fine = residual(self.before, self.head(squares, *next(styles)), styles)
        x = residual(self.inside, self.down(fine, *next(styles)), styles)
        x = F.interpolate(self.up(x, *next(styles)), scale_factor=2, mode="nearest") + fine
        x = residual(self.after, x, styles)
        for layer in self.tail:
            x = layer(x, *next(styles))
        return x


def _blocks(count: int, width: int) -> nn.ModuleList:
    """The layers of ``count`` residual blocks, two for each."""
    pair = [
        (ConvNorm(width, width, 3, groups=GROUPS), ConvNorm(width, width, 1, activation="none")) for _ in range(count)
    ]
    return nn.ModuleList(layer for block in pair for layer in block)


def build(settings: dict[str, Any]) -> StyleNetwork:
    """A new network with these ``settings``, those of a ``StyleNetwork`` or of a training run, and the run's margin."""
    kind = settings.get("network", PasticheNetwork.kind)
    if kind not in (PasticheNetwork.kind, FastNetwork.kind):
        raise LearnError(f"there is no network {kind!r} to train; choose {PasticheNetwork.kind} or {FastNetwork.kind}")
    network: StyleNetwork
    if kind == FastNetwork.kind:
        network = FastNetwork(alpha=settings["alpha"])
    else:
        network = PasticheNetwork(**{key: settings[key] for key in ("alpha", "padding", "upsampling", "norm")})
    network.margin = settings.get("margin", 0)
    return network
