"""The fast network, a slim one of our own with the same idea as the paper's: all style is in the norms' numbers.

It works at a quarter and an eighth of the picture's size, where a pass over memory costs little: what is slow on a
processor is not arithmetic but large pictures of many channels that go to memory and back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from impasto.errors import LearnError
from impasto.learn.network.full import PasticheNetwork
from impasto.learn.network.layers import ConvNorm, StyleNetwork, residual, split_phases

UNSHUFFLE = 4  # a square of this side becomes one pixel of 48 channels


@dataclass(frozen=True)
class Design:
    """What a fast network is made of; ``python -m benchmarks.fast_search`` times such records.

    ``stem`` is the side of the first convolution, of stride 4; with 0 squares of 4x4 become channels, then comes a 3x3.
    ``widths`` are channels at a quarter, an eighth and half of the picture's size; ``blocks`` counts residual blocks at
    a quarter going in, at an eighth, at a quarter going out; ``groups`` are those of their 3x3 convolutions at a
    quarter and an eighth, 0 for one to a channel. ``tail`` is the factor and the kernel of each enlargement at the
    end. ``apart``: the last norm takes the moments of every phase by itself.
    """

    stem: int = 0
    widths: tuple[int, int, int] = (48, 128, 16)
    blocks: tuple[int, int, int] = (1, 5, 2)
    groups: tuple[int, int] = (4, 4)
    tail: tuple[tuple[int, int], ...] = ((2, 3), (2, 3))
    apart: bool = False

    def channels(self, alpha: float) -> tuple[int, int, int]:
        """The widths times ``alpha``, multiples of the groups."""
        steps = [max(1, groups) for groups in (*self.groups, self.groups[0])]
        quarter, eighth, half = (
            max(step, int(alpha * width) // step * step) for step, width in zip(steps, self.widths, strict=True)
        )
        return quarter, eighth, half


FIRST = 1  # what files and runs have that name none
LATEST = 2  # what is trained from now on
DESIGNS = {
    FIRST: Design(),
    LATEST: Design(stem=8, widths=(48, 128, 16), blocks=(0, 5, 1), groups=(3, 4), tail=((2, 3), (2, 5)), apart=True),
}


class FastNetwork(StyleNetwork):
    """A stem of stride 4, residual blocks, c3s2, more blocks, c1, nearest x2, plus what there was at that size before,
    blocks, enlargements by nearest neighbour, each with a convolution, sigmoid. A block is c3 in groups, c1.

    ``design`` is a number of ``DESIGNS``, or for trials a record. ``alpha`` multiplies every width but the picture's.
    """

    kind = "fast"
    multiple = 8

    def __init__(self, *, alpha: float = 1.0, design: int | Design = LATEST) -> None:
        super().__init__()
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
            ConvNorm(inputs, half, inner_kernel, upsample="nearest", factor=inner_factor)
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

    def _trunk(self, pictures: Tensor, styles: Iterator[tuple[Tensor, Tensor]]) -> Tensor:
        x = pictures if self.design.stem else split_phases(pictures, UNSHUFFLE).flatten(1, 2)
        fine = residual(self.before, self.head(x, *next(styles)), styles)
        x = residual(self.inside, self.down(fine, *next(styles)), styles)
        x = F.interpolate(self.up(x, *next(styles)), scale_factor=2, mode="nearest") + fine
        x = residual(self.after, x, styles)
        for layer in self.tail:
            x = layer(x, *next(styles))
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
        network = FastNetwork(alpha=settings["alpha"], design=design)
    else:
        network = PasticheNetwork(**{key: settings[key] for key in ("alpha", "padding", "upsampling", "norm")})
    network.margin = settings.get("margin", 0)
    return network
