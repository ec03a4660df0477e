"""The pastiche network, ``full``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from impasto.learn.network.layers import (
    BLOCKS,
    ConvNorm,
    Norm,
    Operations,
    Padding,
    StyleNetwork,
    Upsampling,
    X,
    residual,
)


class PasticheNetwork(StyleNetwork):
    """Dumoulin's network: c9s1-32, c3s2-64, c3s2-128, five residual blocks of 128, u64, u32, c9s1-3, sigmoid.

    ``alpha`` multiplies every width but the picture's (magenta's ``--alpha``). ``padding="zeros"``,
    ``upsampling="transposed"`` (both Johnson et al. 2016) and ``norm="batch"`` are there for comparisons. ``apart`` is
    that of every ``StyleNetwork``; the paper's is without.
    """

    kind = "full"
    multiple = 4  # two stride-2 convolutions

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        padding: Padding = "reflect",
        upsampling: Upsampling = "nearest",
        norm: Norm = "instance",
        apart: bool = True,
    ) -> None:
        super().__init__()
        self.apart = apart and upsampling == "nearest"
        self.settings = {"alpha": float(alpha), "padding": padding, "upsampling": upsampling, "norm": norm}
        a, b, c = (max(1, int(alpha * width)) for width in (32, 64, 128))

        def layer(inputs: int, outputs: int, kernel: int, **options: Any) -> ConvNorm:
            return ConvNorm(inputs, outputs, kernel, padding=padding, norm=norm, **options)

        self.contract = nn.ModuleList([layer(3, a, 9), layer(a, b, 3, stride=2), layer(b, c, 3, stride=2)])
        self.residual = nn.ModuleList(
            layer(c, c, 3, activation=activation) for _ in range(BLOCKS) for activation in ("relu", "none")
        )
        up: dict[str, Any] = {"upsample": upsampling, "apart": self.apart}
        self.expand = nn.ModuleList([layer(c, b, 3, **up), layer(b, a, 3, **up), layer(a, 3, 9, activation="sigmoid")])

    @property
    def layers(self) -> list[ConvNorm]:
        return [*self.contract, *self.residual, *self.expand]

    @property
    def reductions(self) -> list[int]:
        return [1, 2, *[4] * (1 + len(self.residual)), 2, 1, 1]

    @property
    def block_ends(self) -> list[int]:
        return [len(self.contract) + 2 * block + 1 for block in range(BLOCKS)]

    def trunk(self, x: X, layer: Callable[[Any, X], X], on: Operations[X]) -> X:
        for block in self.contract:
            x = layer(block, x)
        x = residual(self.residual, x, layer, on)
        for block in self.expand:
            x = layer(block, x)
        return x
