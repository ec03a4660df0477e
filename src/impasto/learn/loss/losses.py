"""Content, style and total variation: named activations in, numbers with a gradient out. It knows no network.

Every distance is returned per picture, (B,), so that a batch may mix styles and be weighted picture by picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from impasto.learn.pieces import piece

Unit = Literal["fair", "photos", "energy", "gatys", "dumoulin"]


def gram(features: Tensor) -> Tensor:
    """Gram matrices G = F F^T / (H W) of ``features`` (B, C, H, W) -> (B, C, C) (Dumoulin 2017: not divided by C)."""
    b, c, h, w = features.shape
    flat = features.permute(0, 2, 3, 1).reshape(b, h * w, c)  # a view where memory is channels last
    return (flat.transpose(1, 2) @ flat).float() / (h * w)


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

    @property
    def layers(self) -> list[str]:
        """Names of the style layers, as they were given."""
        return list(self.grams)

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
    - ``energy``: the painting's own |Gs|^2; hard on muted paintings.
    - ``fair``: the geometric mean of the two. The photos' distance from a muted painting is mostly contrast, so in
      that unit its strokes count for little; its own energy alone would make it drown the others.
    - ``gatys``: E = sum (G - A)^2 / (4 N^2 M^2) with unnormalised Grams (Gatys 2015), so 4 C^2 in ours.
    - ``dumoulin``: the mean over entries of the squared difference (magenta's code), so C^2.
    """
    n, c, _ = targets.shape
    if unit == "gatys":
        return targets.new_full((n,), 4.0 * c * c)
    if unit == "dumoulin":
        return targets.new_full((n,), float(c * c))
    energy = targets.square().sum((1, 2))
    if unit == "energy":
        return energy
    distance = torch.stack([(photos - target).square().sum((1, 2)).mean() for target in targets])
    return distance if unit == "photos" else (distance * energy).sqrt()


def guided_gram(features: Tensor, guide: Tensor) -> Tensor:
    """Gram matrices of one region: ``features`` (B, C, H, W) and ``guide`` (H', W') in 0..1 -> (B, C, C).

    G = (F T)(F T)^T with sum(T^2) = 1, where T is the guide averaged down to the layer's grid (Gatys et al. 2017,
    "Controlling Perceptual Factors", eq. 6). With a guide of ones it is ``gram``.
    """
    h, w = features.shape[2:]
    t = torch.nn.functional.adaptive_avg_pool2d(guide[None, None], (h, w))
    t = t / t.square().mean().sqrt().clamp_min(1e-6)
    return gram(features.float() * t)


def gaussian(features: Tensor, guide: Tensor | None = None) -> Tensor:
    """Mean and covariance over positions, ``features`` (B, C, H, W) -> (B, C + 1, C): the mean is the last row.

    A ``guide`` (H', W') in 0..1 weighs the positions.
    """
    b, c, h, w = features.shape
    flat = features.float().permute(0, 2, 3, 1).reshape(b, h * w, c)
    if guide is None:
        mean = flat.mean(1, keepdim=True)
        centred = flat - mean
        return torch.cat([centred.transpose(1, 2) @ centred / (h * w), mean], 1)
    t = torch.nn.functional.adaptive_avg_pool2d(guide[None, None], (h, w)).reshape(1, h * w, 1)
    t = t / t.sum().clamp_min(1e-6)
    mean = (t * flat).sum(1, keepdim=True)
    centred = (flat - mean) * t.sqrt()
    return torch.cat([centred.transpose(1, 2) @ centred, mean], 1)


def wasserstein(a: Tensor, b: Tensor, root: Tensor | None = None) -> Tensor:
    """Squared Wasserstein-2 distance of two Gaussians as ``gaussian`` gives them, (B, C + 1, C) twice -> (B,).

    W^2 = |m - n|^2 + tr(A) + tr(B) - 2 tr((B^1/2 A B^1/2)^1/2)   (Dowson and Landau 1982). The gradient flows to ``a``
    alone. ``root`` is B^1/2, (B, C, C), for those who compare with the same ``b`` again and again.
    """
    mean = (a[:, -1] - b[:, -1]).square().sum(1)
    root = matrix_root(b[:, :-1]) if root is None else root
    inner: Tensor = _TraceOfRoot.apply(root @ a[:, :-1] @ root)  # type: ignore[no-untyped-call]
    traces = a[:, :-1].diagonal(dim1=1, dim2=2).sum(1) + b[:, :-1].diagonal(dim1=1, dim2=2).sum(1)
    return (mean + traces - 2 * inner).clamp_min(0)


def matrix_root(matrices: Tensor) -> Tensor:
    """The symmetric square root of positive semidefinite ``matrices`` (B, C, C)."""
    values, vectors = torch.linalg.eigh(matrices)
    root: Tensor = (vectors * values.clamp_min(0).sqrt()[:, None]) @ vectors.transpose(1, 2)
    return root


class _TraceOfRoot(torch.autograd.Function):
    """tr(M^1/2) of symmetric M; its gradient M^-1/2 / 2 needs no gaps between eigenvalues, unlike that of ``eigh``."""

    @staticmethod
    def forward(ctx: Any, matrices: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh((matrices + matrices.transpose(1, 2)) / 2)
        roots = values.clamp_min(0).sqrt()
        ctx.save_for_backward(roots, vectors)
        traces: Tensor = roots.sum(1)
        return traces

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        roots, vectors = ctx.saved_tensors
        floor = 1e-4 * roots.amax(1, keepdim=True) + 1e-12  # directions without variance pull with a bounded force
        inverse = (vectors * (0.5 / roots.clamp_min(floor))[:, None]) @ vectors.transpose(1, 2)
        gradient: Tensor = grads[0][:, None, None] * inverse
        return gradient


def psnr(squared_error: float) -> float:
    """Peak signal-to-noise ratio in decibels of a mean squared error of pictures in 0..1."""
    return -10 * math.log10(max(squared_error, 1e-12))
