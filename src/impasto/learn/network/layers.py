"""What style networks are made of: convolutions with conditional instance norms."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.learn.padding import reflect_pad, replicate_pad, surround
from impasto.learn.pieces import convolve, piece

Padding = Literal["reflect", "zeros"]
Upsampling = Literal["nearest", "transposed"]
Norm = Literal["instance", "batch"]
Activation = Literal["relu", "sigmoid", "none"]
X = TypeVar("X")

EPSILON = 1e-5  # variance epsilon of magenta's conditional_instance_norm
BLOCKS = 5  # residual blocks
TONE_LIMIT = 0.01  # tones are kept between this and 1 minus this: the sigmoid never quite reaches 0 and 1


@piece
def phase_kernels(weight: Tensor, factor: int = 2) -> Tensor:
    """The 3x3 kernels that compute "nearest-neighbour x``factor``, padding, convolution" at the low resolution.

    An enlarged pixel equals its neighbours, so each of the factor^2 output phases (row, column within a pixel) sees at
    most 3x3 different inputs, if the kernel reaches no further than ``factor``. For factor 2 and 3x3 mirroring the
    enlarged picture is repeating the border of the small one, else the padding is that. Exact up to rounding, and the
    larger picture is never stored. (O, I, k, k) -> (factor^2 O, I, 3, 3), phase-major.
    """

    def split(w: Tensor, dim: int) -> list[Tensor]:
        parts = (torch.split(w, counts, dim) for counts in phase_taps(weight.shape[2], factor))
        return [torch.stack([part.sum(dim) for part in three], dim) for three in parts]

    return torch.cat([kernel for rows in split(weight, 2) for kernel in split(rows, 3)])


def phase_taps(kernel: int, factor: int) -> list[list[int]]:
    """For every phase how many of the kernel's taps in a row meet the pixel before, the pixel itself, the one after."""
    reach = kernel // 2
    around = [(max(0, reach - phase), max(0, reach - (factor - 1 - phase))) for phase in range(factor)]
    return [[before, kernel - before - after, after] for before, after in around]


def interleave_phases(x: Tensor) -> Tensor:
    """(B, f^2, C, H, W), phases ordered (row, column), -> (B, C, f H, f W)."""
    b, phases, c, h, w = x.shape
    f = math.isqrt(phases)
    y = x.view(b, f, f, c, h, w).permute(0, 3, 4, 1, 5, 2).reshape(b, c, f * h, f * w)
    return y.contiguous(memory_format=torch.channels_last) if y.is_cuda else y


def split_phases(x: Tensor, factor: int = 2) -> Tensor:
    """(B, C, f H, f W) -> (B, f^2, C, H, W): with f = 2 it undoes ``interleave_phases``."""
    b, c, h, w = x.shape
    h, w = h // factor, w // factor
    phases = x.view(b, c, h, factor, w, factor).permute(0, 3, 5, 1, 2, 4)
    return phases.reshape(b, factor * factor, c, h, w)


def with_own_tones(rows: Tensor, pictures: Tensor) -> Tensor:
    """``rows`` (B, R) whose last norm takes mean and deviation from ``pictures`` (B, 3, H, W), before the sigmoid.

    An instance norm behind the last convolution gives every painting in a row the same brightness and contrast per
    channel. That is right for a style and wrong for the row that is to give the photo back, so there these six numbers
    are the photo's own. ``blend.with_own_tones`` is the same for painting.
    """
    tones = pictures.float().clamp(TONE_LIMIT, 1 - TONE_LIMIT)
    # Not torch.logit(x, eps): compiled by inductor (torch 2.13) into a reduction, it gives wrong moments.
    std, mean = torch.std_mean((tones / (1 - tones)).log(), dim=(2, 3), correction=0)  # (B, 3) each
    scale, shift = rows.chunk(2, 1)
    return torch.cat([scale[:, :-3], std, shift[:, :-3], mean], 1)


class ConditionalNorm(nn.Module):
    """Conditional instance normalisation: z = scale * (x - mean) / sqrt(var + eps) + shift (Dumoulin 2017, eq. 5).

    ``mean`` and ``var`` (biased) are taken over height and width of each picture and channel, in float32 whatever the
    input's type. With ``norm="batch"`` they are taken over the batch too (conditional batch norm) and running averages
    serve evaluation; that variant is for study only.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, norm: Norm = "instance") -> None:
        super().__init__()
        self.channels = channels
        self.norm = norm
        if norm == "batch":
            self.register_buffer("running_mean", torch.zeros(channels))
            self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """``x`` is (B, C, H, W) or, in phases, (B, 4, C, H, W); ``scale`` and ``shift`` are (B, C)."""
        if self.norm == "instance":
            return _scaled(x, *_moments(x), scale, shift)
        if not self.training:
            shape = _per_channel(x)
            return _scaled(x, self.running_var.view(shape), self.running_mean.view(shape), scale, shift)
        var, mean = _moments(x, over_batch=True)
        with torch.no_grad():
            self.running_mean.lerp_(mean.flatten(), 0.1)
            self.running_var.lerp_(var.flatten(), 0.1)
        return _scaled(x, var, mean, scale, shift)


def _per_channel(x: Tensor) -> list[int]:
    """The shape in which numbers per picture and channel meet ``x``, (B, C, H, W) or (B, 4, C, H, W)."""
    return [-1, *[1] * (x.dim() - 4), x.shape[-3], 1, 1]


def _moments(x: Tensor, *, over_batch: bool = False, apart: bool = False) -> tuple[Tensor, Tensor]:
    """Variance (biased) and mean of each picture's channels, or of the batch's; of all phases, or each ``apart``."""
    dims = [d for d in range(x.dim()) if d != x.dim() - 3 and (d > 0 or over_batch)]
    dims = dims[-2:] if apart else dims
    return torch.var_mean(x.float(), dim=dims, correction=0, keepdim=True)


def _scaled(x: Tensor, var: Tensor, mean: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    scale, shift = scale.view(_per_channel(x)), shift.view(_per_channel(x))
    gain = scale * torch.rsqrt(var + EPSILON)
    return (x.float() * gain + (shift - mean * gain)).to(x.dtype)


def _activated(x: Tensor, activation: Activation) -> Tensor:
    if activation == "relu":
        return F.relu(x)
    return torch.sigmoid(x) if activation == "sigmoid" else x


@piece
def _instance_normed(x: Tensor, scale: Tensor, shift: Tensor, activation: Activation, apart: bool = False) -> Tensor:
    """Instance norm and activation; what comes in phases, (B, f^2, C, H, W), goes as (B, C, f H, f W)."""
    y = _activated(_scaled(x, *_moments(x, apart=apart), scale, shift), activation)
    return interleave_phases(y) if y.dim() == 5 else y


class ConvNorm(nn.Module):
    """Padding, convolution without bias, conditional norm, activation: what every layer of a network is.

    With ``upsample="nearest"`` it enlarges by ``factor`` first. ``apart`` is for such a layer: its norm takes the
    moments of every phase by itself, at the small size, which is cheaper than those of the whole large picture.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        upsample: Upsampling | None = None,
        factor: int = 2,
        apart: bool = False,
        activation: Activation = "relu",
        padding: Padding = "reflect",
        norm: Norm = "instance",
    ) -> None:
        super().__init__()
        self.kernel = kernel
        self.factor = factor
        self.apart = apart
        self.stride = stride
        self.groups = groups
        self.padding = padding
        self.upsample: Upsampling | None = upsample
        self.activation = activation
        shape = (inputs, outputs) if upsample == "transposed" else (outputs, inputs // groups)
        self.weight = nn.Parameter(torch.empty(*shape, kernel, kernel).normal_(0, 0.01))  # magenta's initial weights
        self.norm = ConditionalNorm(outputs, norm)

    @property
    def in_phases(self) -> bool:
        """Whether the norm meets phases at the small size instead of the upsampled picture."""
        return self.upsample == "nearest" and self.padding == "reflect"

    def forward(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        y = self._convolve(x)
        if self.norm.norm == "instance":
            return _instance_normed(y, scale, shift, self.activation, self.apart)
        y = _activated(self.norm(y, scale, shift), self.activation)
        return interleave_phases(y) if self.in_phases else y

    @property
    def border(self) -> int:
        """Pixels of padding: half the kernel, or what an even one reaches beyond its stride."""
        return self.kernel // 2 if self.kernel % 2 else (self.kernel - self.stride) // 2

    def _convolve(self, x: Tensor) -> Tensor:
        """(B, C, H, W), or in phases (B, f^2, C, H, W)."""
        margin = self.border
        if self.in_phases:
            y = convolve(replicate_pad(x), phase_kernels(self.weight, self.factor))  # (B, f^2 C, H, W)
            return y.view(y.shape[0], self.factor**2, -1, *y.shape[2:])
        if self.upsample == "transposed":  # Johnson et al. (2016), for comparison only
            return F.conv_transpose2d(x, self.weight, stride=2, padding=margin, output_padding=1)
        if self.upsample == "nearest":
            x = F.interpolate(x, scale_factor=self.factor, mode="nearest")
        if self.padding == "reflect":
            x, margin = reflect_pad(x, margin), 0
        if self.groups > 1:
            return F.conv2d(x, self.weight, stride=self.stride, padding=margin, groups=self.groups)
        return convolve(x, self.weight, stride=self.stride, padding=margin)


class Operations(Protocol[X]):
    """What trunks do beside layers, with pictures of one kind: tensors, or the names of what flows in a graph."""

    def plus(self, a: X, b: X) -> X: ...

    def enlarge(self, x: X) -> X:
        """Every pixel as a square of 2 x 2."""

    def squares(self, x: X, side: int) -> X:
        """Every square of ``side`` x ``side`` pixels as one, with as many times the channels."""


class OnTensors:
    """``Operations`` with tensors (B, C, H, W)."""

    def plus(self, a: Tensor, b: Tensor) -> Tensor:
        return a + b

    def enlarge(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="nearest")

    def squares(self, x: Tensor, side: int) -> Tensor:
        return split_phases(x, side).flatten(1, 2)


ON_TENSORS = OnTensors()


class StyleNetwork(nn.Module):
    """What every network of impasto has: rows that hold all style, a fingerprint.

    A network says what its layers are, in the order in which data meets them, and how data runs through them
    (``trunk``); rows, fingerprint, checks and ONNX graphs follow from that. ``apart``: the norms behind enlargements
    inside the network take the moments of every phase by itself. Without it a grid of as many pixels as the network
    enlarges by is woven into all it paints. Rows suit a network either way, so its fingerprint is the same.
    """

    kind: str  # "full" or "fast": what ``build`` knows it by
    multiple: int  # height and width must be multiples of this
    settings: dict[str, Any]
    margin = 0  # pixels painted beyond the picture on every side and cut off, a multiple of ``multiple``
    apart = False  # of the norms behind enlargements

    @property
    def layers(self) -> list[ConvNorm]:
        """All layers in the order in which data meets them; a row lists their scales, then their shifts, like so."""
        raise NotImplementedError

    @property
    def reductions(self) -> list[int]:
        """For every layer how many times smaller than the picture its output is."""
        raise NotImplementedError

    @property
    def block_ends(self) -> list[int]:
        """Numbers of the layers whose output is added to something: they begin with scale 0."""
        raise NotImplementedError

    def trunk(self, x: X, layer: Callable[[Any, X], X], on: Operations[X]) -> X:
        """Run a picture ``x``, of whatever kind, through the network: ``layer`` runs it through each of its layers."""
        raise NotImplementedError

    @property
    def widths(self) -> list[int]:
        """Channels of every norm, in order."""
        return [layer.norm.channels for layer in self.layers]

    @property
    def multiplications(self) -> float:
        """Multiplications of all convolutions for each pixel of the picture, as they are computed (phases are 3x3)."""
        return sum(
            layer.weight.numel() * (3 / layer.kernel if layer.in_phases else 1) ** 2 / factor**2
            for layer, factor in zip(self.layers, self.reductions, strict=True)
        )

    @property
    def row_size(self) -> int:
        """Numbers per style: a scale and a shift for every channel of every norm (3,206 for full at alpha 1)."""
        return 2 * sum(self.widths)

    def initial_row(self) -> Tensor:
        """Scale 1 and shift 0, but scale 0 at the end of every residual block, so that each starts as the identity."""
        ends = set(self.block_ends)
        scales = [torch.full((width,), 0.0 if i in ends else 1.0) for i, width in enumerate(self.widths)]
        return torch.cat([*scales, torch.zeros(sum(self.widths))])

    def forward(self, pictures: Tensor, rows: Tensor) -> Tensor:
        """Paint ``pictures`` (B, 3, H, W), 0..1, each in its row of ``rows`` (B, row_size).

        H and W must be multiples of ``multiple``. A row may be any mixture of rows. A ``margin`` is put around the
        pictures (``padding.surround``) and cut off what is painted; moments are those of pictures with margins. Returns
        (B, 3, H, W) in 0..1.
        """
        if pictures.shape[2] % self.multiple or pictures.shape[3] % self.multiple:
            raise ValueError(f"height and width must be multiples of {self.multiple}, not {tuple(pictures.shape[2:])}")
        height, width = pictures.shape[2:]
        visible = slice(self.margin, self.margin + height), slice(self.margin, self.margin + width)
        return self._paint(surround(pictures, self.margin), rows)[:, :, *visible]

    def _paint(self, pictures: Tensor, rows: Tensor) -> Tensor:
        if rows.shape != (pictures.shape[0], self.row_size):
            raise ValueError(f"rows must be {(pictures.shape[0], self.row_size)}, not {tuple(rows.shape)}")
        scales, shifts = (torch.split(half, self.widths, 1) for half in rows.chunk(2, 1))
        styles = iter(zip(scales, shifts, strict=True))

        def layer(block: Any, x: Tensor) -> Tensor:
            return block(x, *next(styles))  # type: ignore[no-any-return]

        return self.trunk(pictures, layer, ON_TENSORS)

    def fingerprint(self) -> str:
        """Sixteen hex digits of the SHA-256 of settings and weights (as float16): which network a row belongs to."""
        digest = hashlib.sha256(repr(sorted(self.settings.items())).encode())
        for layer in self.layers:
            digest.update(layer.weight.detach().cpu().half().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]


def residual(blocks: nn.ModuleList, x: X, layer: Callable[[Any, X], X], on: Operations[X]) -> X:
    """Run ``x`` through residual blocks of two layers each; there is no ReLU after the sum."""
    for first, second in zip(blocks[::2], blocks[1::2], strict=True):
        x = on.plus(x, layer(second, layer(first, x)))
    return x
