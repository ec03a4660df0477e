"""What style is told from: statistics of activations over positions, and the distance of two Gaussians."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

PIECES, PIECE = 32, 512  # of a sum over positions: at most PIECES, of at least PIECE positions


def gram(features: Tensor) -> Tensor:
    """Gram matrices G = F F^T / (H W) of ``features`` (B, C, H, W) -> (B, C, C) (Dumoulin 2017: not divided by C)."""
    b, c, h, w = features.shape
    flat = features.permute(0, 2, 3, 1).reshape(b, h * w, c)  # a view where memory is channels last
    return (flat.transpose(1, 2) @ flat).float() / (h * w)


def exact_gram(features: Tensor) -> Tensor:
    """``gram``, with sums that are not rounded to bfloat16's 8 bits, where the features have no more."""
    grams: Tensor = _ExactGram.apply(features)  # type: ignore[no-untyped-call]
    return grams


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


class _ExactGram(torch.autograd.Function):
    """``gram``, with sums that are not rounded to bfloat16's 8 bits.

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
