"""Mirror and repeated borders, written so that they compile well, and nothing of networks."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.learn.pieces import piece
from impasto.pictures.margin import MIRRORED, places


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


def surround(x: Tensor, margin: int) -> Tensor:
    """``x`` (B, C, H, W) with a margin as ``pictures.margin.places`` says; needs H, W > 1."""
    if min(x.shape[2:]) <= margin:
        for dim in (2, 3):
            x = x.index_select(dim, torch.from_numpy(places(x.shape[dim], margin)).to(x.device))
        return x
    x = reflect_pad(x, min(margin, MIRRORED))
    for dim in (2, 3) if margin > MIRRORED else ():
        length, far = x.shape[dim], margin - MIRRORED
        before, after = 2 * MIRRORED, length - 2 * MIRRORED - far
        x = torch.cat([x.narrow(dim, before, far), x, x.narrow(dim, after, far)], dim)
    return x


@piece
def replicate_pad(x: Tensor) -> Tensor:
    """Repeat the border pixels of ``x`` once on each side."""
    for dim in (2, 3):
        x = torch.cat([x.narrow(dim, 0, 1), x, x.narrow(dim, x.shape[dim] - 1, 1)], dim)
    return x
