"""What a picture costs against a photo and paintings: the weighted sum of the losses, and its gradient.

It knows no optimiser, no file and no schedule: one ``Objective`` belongs to one size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.losses import content_unit, own_units, squared_distance, total_variation
from impasto.learn.loss.statistics import exact_gram, gaussian, guided_gram, matrix_root, wasserstein
from impasto.learn.optimize.recipes import OptimizeSettings


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
    """total = content_weight * content + style_weight * style + tv_weight * variation; see ``OptimizeSettings``.

    ``photo`` (1, 3, H, W) and the paintings are in 0..1. With ``recompute`` the activations are not kept for the
    gradient but made again. Raises OptionError for layers that the network does not have, LearnError for pictures
    too small for the deepest of them.
    """

    def __init__(
        self,
        network: LossNetwork,
        photo: Tensor,
        regions: Sequence[Region],
        settings: OptimizeSettings,
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
            cost = squared_distance(features, target)[0] / content_unit(target, self.settings.units)
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
        return exact_gram(features)

    def _targets(self, region: Region) -> dict[str, list[_Look]]:
        """What each of the region's paintings looks like at each style layer."""
        found: dict[str, list[_Look]] = {name: [] for name in self.style}
        for painting, mask, weight in region.paintings:

            def tap(name: str, features: Tensor, mask: Tensor | None = mask) -> Tensor:
                return self._statistic(features, mask)

            for name, target in self.network(painting, self.style, tap=tap).items():
                root = matrix_root(target[:, :-1]) if self.settings.statistic == "gaussian" else None
                unit = max(float(own_units(target, self.settings.units)[0]), 1e-8)
                found[name].append(_Look(target, root, unit, weight))
        return found


def weighted_layers(layers: Sequence[str], weights: Sequence[float]) -> dict[str, float]:
    """Each layer with its weight; without weights all have one over their number, as in Gatys et al. (2015)."""
    if not weights:
        return dict.fromkeys(layers, 1 / max(1, len(layers)))
    return dict(zip(layers, weights, strict=True))
