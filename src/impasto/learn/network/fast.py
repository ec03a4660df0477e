"""The fast network, a slim one of our own with the same idea as the paper's: all style is in the norms' numbers.

It works at a quarter and an eighth of the picture's size, where a pass over memory costs little: what is slow on a
processor is not arithmetic but large pictures of many channels that go to memory and back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

from torch import nn

from impasto.errors import LearnError
from impasto.learn.network.designs import DESIGNS, FIRST, LATEST, Design
from impasto.learn.network.full import PasticheNetwork
from impasto.learn.network.layers import ConvNorm, Operations, StyleNetwork, X, residual

UNSHUFFLE = 4  # a square of this side becomes one pixel of 48 channels


class FastNetwork(StyleNetwork):
    """A stem of stride 4, residual blocks, c3s2, more blocks, c1, nearest x2, plus what there was at that size before,
    blocks, enlargements by nearest neighbour, each with a convolution, sigmoid. A block is c3 in groups, c1.

    ``design`` is a number of ``DESIGNS``, or for trials a record. ``alpha`` multiplies every width but the picture's,
    ``apart`` is that of every ``StyleNetwork``; what the last norm does is in the design.
    """

    kind = "fast"
    multiple = 8

    def __init__(self, *, alpha: float = 1.0, design: int | Design = LATEST, apart: bool = True) -> None:
        super().__init__()
        self.apart = apart
        self.settings = {"network": self.kind, "alpha": float(alpha)}
        if design != FIRST:  # those files were fingerprinted without a word of it
            self.settings["design"] = design if isinstance(design, int) else astuple(design)
        made = self.design = DESIGNS[design] if isinstance(design, int) else design
        quarter, eighth, half = made.channels(alpha)
        before, inside, after = made.blocks
        squares = 3 * UNSHUFFLE**2
        self.head = ConvNorm(3, quarter, made.stem, stride=4) if made.stem else ConvNorm(squares, quarter, 3)
        self.before = _blocks(before, quarter, made.groups[0])
        self.down = ConvNorm(quarter, eighth, 3, stride=2)
        self.inside = _blocks(inside, eighth, made.groups[1])
        self.up = ConvNorm(eighth, quarter, 1)
        self.after = _blocks(after, quarter, made.groups[0])
        *factors, (factor, kernel) = made.tail
        widths = [quarter, *[half] * len(factors)]
        inner = [
            ConvNorm(inputs, half, inner_kernel, upsample="nearest", factor=inner_factor, apart=apart)
            for inputs, (inner_factor, inner_kernel) in zip(widths, factors, strict=False)
        ]
        last: dict[str, Any] = {"apart": made.apart, "activation": "sigmoid"}
        self.tail = nn.ModuleList([*inner, ConvNorm(widths[-1], 3, kernel, upsample="nearest", factor=factor, **last)])

    @property
    def layers(self) -> list[ConvNorm]:
        return [self.head, *self.before, self.down, *self.inside, self.up, *self.after, *self.tail]

    @property
    def reductions(self) -> list[int]:
        inner = [8] * (len(self.inside) + 2)
        tail = [4 // math.prod(factor for factor, _ in self.design.tail[: i + 1]) for i in range(len(self.tail))]
        return [4] * (len(self.before) + 1) + inner + [4] * len(self.after) + tail

    @property
    def block_ends(self) -> list[int]:
        return [i for i, layer in enumerate(self.layers) if layer.activation == "none"]

    def trunk(self, x: X, layer: Callable[[Any, X], X], on: Operations[X]) -> X:
        x = x if self.design.stem else on.squares(x, UNSHUFFLE)
        fine = residual(self.before, layer(self.head, x), layer, on)
        x = residual(self.inside, layer(self.down, fine), layer, on)
        x = on.plus(on.enlarge(layer(self.up, x)), fine)
        x = residual(self.after, x, layer, on)
        for block in self.tail:
            x = layer(block, x)
        return x


def _blocks(count: int, width: int, groups: int) -> nn.ModuleList:
    """The layers of ``count`` residual blocks, two for each."""
    pair = [
        (ConvNorm(width, width, 3, groups=groups or width), ConvNorm(width, width, 1, activation="none"))
        for _ in range(count)
    ]
    return nn.ModuleList(layer for block in pair for layer in block)


def build(settings: dict[str, Any]) -> StyleNetwork:
    """A new network with these ``settings``, those of a ``StyleNetwork`` or of a training run, and the run's margin."""
    kind = settings.get("network", PasticheNetwork.kind)
    if kind not in (PasticheNetwork.kind, FastNetwork.kind):
        raise LearnError(f"there is no network {kind!r} to train; choose {PasticheNetwork.kind} or {FastNetwork.kind}")
    network: StyleNetwork
    if kind == FastNetwork.kind:
        design = settings.get("design", FIRST)
        if design not in DESIGNS:
            raise LearnError(f"there is no design {design} of {kind}; choose one of {', '.join(map(str, DESIGNS))}")
        network = FastNetwork(alpha=settings["alpha"], design=design, apart=settings["apart"])
    else:
        kept = ("alpha", "padding", "upsampling", "norm", "apart")
        network = PasticheNetwork(**{key: settings[key] for key in kept})
    network.margin = settings.get("margin", 0)
    return network
