"""What a picture costs against a photo and paintings: the weighted sum of the losses, and its gradient.

It knows no optimiser, no file and no schedule: one ``Objective`` belongs to one size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from impasto.errors import LearnError
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.losses import (
    gaussian,
    gram,
    guided_gram,
    matrix_root,
    squared_distance,
    total_variation,
    wasserstein,
)
from impasto.learn.optimize.recipes import Settings

PIECES, PIECE = 32, 512  # of a sum over positions: at most PIECES, of at least PIECE positions


@dataclass(frozen=True)
class Parts:
    """What one evaluation found: unweighted content, style and total variation, and the weighted total."""

    content: float
    style: float
    variation: float
    total: float

    @property
    def finite(self) -> bool:
        """Whether all of it is numbers."""
        return math.isfinite(self.total)


@dataclass(frozen=True)
class Region:
    """A part of the picture, and what it should look like: paintings, each with an own mask and weight.

    Masks are (h, w) in 0..1 at the size of their picture, or None for all of it.
    """

    mask: Tensor | None
    paintings: tuple[tuple[Tensor, Tensor | None, float], ...]


@dataclass(frozen=True)
class _Look:
    """A painting at one layer: its statistic (1, ., N), the root of a Gaussian's covariance, unit and weight."""

    target: Tensor
    root: Tensor | None
    unit: float
    weight: float

    def distance(self, statistic: Tensor) -> Tensor:
        if self.root is None:
            return squared_distance(statistic, self.target)[0]
        return wasserstein(statistic, self.target, self.root)[0]


class Objective:
    """total = content_weight * content + style_weight * style + tv_weight * variation; see ``Settings``.

    ``photo`` (1, 3, H, W) and the paintings are in 0..1. With ``recompute`` the activations are not kept for the
    gradient but made again. Raises LearnError for layers that the network does not have and pictures too small for the
    deepest of them.
    """

    def __init__(
        self,
        network: LossNetwork,
        photo: Tensor,
        regions: Sequence[Region],
        settings: Settings,
        *,
        recompute: bool = False,
    ) -> None:
        self.network = network
        self.settings = settings
        self.recompute = recompute
        self.content = weighted_layers(settings.content_layers, settings.content_layer_weights)
        self.style = weighted_layers(settings.style_layers, settings.style_layer_weights)
        if not settings.content_weight:
            self.content = {}
        if not settings.style_weight:
            self.style = {}
        self.masks = [region.mask for region in regions]
        with torch.no_grad():
            self.photo = network(photo, self.content)
            self.targets = [self._targets(region) for region in regions]

    def gradient(self, picture: Tensor) -> tuple[Parts, Tensor]:
        """The parts at ``picture`` (1, 3, H, W), and the gradient of the total, float32 of the same shape."""
        x = picture.detach().requires_grad_()
        content, style, variation, total = self._measure(x)
        (gradient,) = torch.autograd.grad(total, x)
        return Parts(content.item(), style.item(), variation.item(), total.item()), gradient.contiguous()

    @torch.no_grad()
    def value(self, picture: Tensor) -> Parts:
        """The parts at ``picture`` (1, 3, H, W), without a gradient."""
        content, style, variation, total = self._measure(picture)
        return Parts(content.item(), style.item(), variation.item(), total.item())

    def _measure(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        layers = [*self.content, *self.style]
        found = self.network(picture, layers, tap=self._tap, recompute=self.recompute)
        zero = picture.new_zeros(())
        content, style = sum((costs for costs in found.values()), start=picture.new_zeros(2))
        variation = total_variation(picture)[0] if self.settings.tv_weight else zero
        settings = self.settings
        total = settings.content_weight * content + settings.style_weight * style + settings.tv_weight * variation
        return content, style, variation, total

    def _tap(self, name: str, features: Tensor) -> Tensor:
        """The weighted [content, style] costs of one layer's activation, (2,)."""
        content = style = features.new_zeros((), dtype=torch.float32)
        if name in self.content:
            target = self.photo[name]
            cost = squared_distance(features, target)[0] / content_unit(target, self.settings)
            content = content + self.content[name] * cost
        if name in self.style:
            for mask, targets in zip(self.masks, self.targets, strict=True):
                statistic = self._statistic(features, mask)
                for look in targets[name]:
                    style = style + self.style[name] * look.weight * look.distance(statistic) / look.unit
        return torch.stack([content, style])

    def _statistic(self, features: Tensor, mask: Tensor | None) -> Tensor:
        if self.settings.statistic == "gaussian":
            return gaussian(features, mask)
        if mask is not None:
            return guided_gram(features, mask)
        grams: Tensor = _Gram.apply(features)  # type: ignore[no-untyped-call]
        return grams

    def _targets(self, region: Region) -> dict[str, list[_Look]]:
        """What each of the region's paintings looks like at each style layer."""
        found: dict[str, list[_Look]] = {name: [] for name in self.style}
        for painting, mask, weight in region.paintings:

            def tap(name: str, features: Tensor, mask: Tensor | None = mask) -> Tensor:
                return self._statistic(features, mask)

            for name, target in self.network(painting, self.style, tap=tap).items():
                root = matrix_root(target[:, :-1]) if self.settings.statistic == "gaussian" else None
                found[name].append(_Look(target, root, style_unit(target, self.settings), weight))
        return found


class _Gram(torch.autograd.Function):
    """``losses.gram``, with sums that are not rounded to bfloat16's 8 bits.

    The gradient, F (D + D^T) / (H W), is one product where autograd makes two, and has the precision that the
    features have, because the convolution that it goes to has no other.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        ctx.save_for_backward(features)
        b, c, h, w = features.shape
        pieces = min(PIECES, h * w // PIECE)
        if features.dtype != torch.bfloat16 or pieces < 8:
            return gram(features.float())
        # many products in bfloat16, each rounded, added in float32: six times as fast, off by 1 in 3,000
        flat = features.permute(0, 2, 3, 1).reshape(b, h * w, c)
        size = h * w // pieces
        parts = flat[:, : size * pieces].reshape(b * pieces, size, c)
        rest = flat[:, size * pieces :].float()
        sums = (parts.transpose(1, 2) @ parts).float().view(b, pieces, c, c).sum(1)
        return (sums + rest.transpose(1, 2) @ rest) / (h * w)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (features,) = ctx.saved_tensors
        b, c, h, w = features.shape
        flat = features.permute(0, 2, 3, 1).reshape(b, h * w, c)
        slope = ((grads[0] + grads[0].transpose(1, 2)) / (h * w)).to(features.dtype)
        gradient: Tensor = (flat @ slope).reshape(b, h, w, c).permute(0, 3, 1, 2)
        return gradient


def weighted_layers(layers: Sequence[str], weights: Sequence[float]) -> dict[str, float]:
    """Each layer with its weight; without weights all have one over their number, as in Gatys et al. (2015)."""
    if len(set(layers)) < len(layers):
        raise LearnError(f"a layer is named twice among {', '.join(layers)}; name each once")
    if not weights:
        return dict.fromkeys(layers, 1 / max(1, len(layers)))
    return dict(zip(layers, weights, strict=True))


def content_unit(target: Tensor, settings: Settings) -> float:
    """What |F - P|^2 is divided by; ``target`` is P, (1, N, H, W).

    Gatys et al. (2015, eq. 1): L = sum (F - P)^2 / 2. pastiche 1.6.0: 0.01 times the mean over entries.
    """
    if settings.units == "gatys":
        return 2.0
    if settings.units == "pastiche":
        return 100.0 * target.numel()
    return max(float(target.float().square().sum()), 1e-8)


def style_unit(target: Tensor, settings: Settings) -> float:
    """What the distance of two style statistics at one layer is divided by; ``target`` is the painting's, (1, ., N).

    Gatys et al. (2015, eq. 4): E = sum (G - A)^2 / (4 N^2 M^2) with Grams that are sums over the M positions; ours are
    means, so 4 N^2 is left. pastiche 1.6.0: 10 / N^2 times the mean over the N^2 entries, so N^4 / 10. ``energy``: what
    an empty picture would be off by, |A|^2, or |m|^2 + tr(C) of a Gaussian.
    """
    n = target.shape[-1]
    if settings.units == "gatys":
        return 4.0 * n**2
    if settings.units == "pastiche":
        return n**4 / 10
    if settings.statistic == "gaussian":
        return max(float(target[0, -1].square().sum() + target[0, :-1].diagonal().sum()), 1e-8)
    return max(float(target.square().sum()), 1e-8)
