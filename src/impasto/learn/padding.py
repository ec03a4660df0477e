"""Mirror and repeated borders, written so that they compile well, and nothing of networks."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.learn.pieces import piece


class _ReflectPad(torch.autograd.Function):
    """``F.pad(x, mode="reflect")`` with a backward pass of slices, which compiles to far faster code than scatters."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, margin: int) -> Tensor:
        ctx.margin = margin
        return F.pad(x, [margin] * 4, mode="reflect")

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (grad,) = grads
        m: int = ctx.margin
        for dim in (2, 3):
            size = grad.shape[dim] - 2 * m
            core = grad.narrow(dim, m, size)
            before = grad.narrow(dim, 0, m).flip(dim)
            after = grad.narrow(dim, m + size, m).flip(dim)
            parts = [
                core.narrow(dim, 0, 1),
                core.narrow(dim, 1, m) + before,
                core.narrow(dim, m + 1, size - 2 - 2 * m),
                core.narrow(dim, size - 1 - m, m) + after,
                core.narrow(dim, size - 1, 1),
            ]
            grad = torch.cat(parts, dim)
        return grad, None


@piece
def reflect_pad(x: Tensor, margin: int) -> Tensor:
    """Mirror ``x`` (B, C, H, W) about its border pixels, ``margin`` on each side; needs H, W > margin."""
    if margin == 0:
        return x
    overlap = min(x.shape[2:]) < 2 * margin + 2  # of the mirrored strips: the general, slower backward
    if overlap or (x.is_cuda and torch.compiler.is_compiling()):  # which the compiler for GPUs does well
        return F.pad(x, [margin] * 4, mode="reflect")
    return _ReflectPad.apply(x, margin)  # type: ignore[no-any-return, no-untyped-call]


def mirror(x: Tensor, margin: int) -> Tensor:
    """``reflect_pad`` for any ``margin``: what is mirrored goes on being mirrored; needs H, W > 1."""
    while margin > 0:
        step = min(margin, *(size - 1 for size in x.shape[2:]))
        x, margin = reflect_pad(x, step), margin - step
    return x


@piece
def replicate_pad(x: Tensor) -> Tensor:
    """Repeat the border pixels of ``x`` once on each side."""
    for dim in (2, 3):
        x = torch.cat([x.narrow(dim, 0, 1), x, x.narrow(dim, x.shape[dim] - 1, 1)], dim)
    return x
