"""A torch network as ONNX graphs, plain and for regions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from impasto.errors import LearnError
from impasto.learn.network.fast import UNSHUFFLE, FastNetwork
from impasto.learn.network.full import PasticheNetwork
from impasto.learn.network.layers import EPSILON, ConvNorm, StyleNetwork

Floats = npt.NDArray[np.float32]
NARROW = 32  # channels: below, runtimes convolve four phases faster than they convolve transposed
OPSET = 18
IR_VERSION = 9  # what ONNX Runtime 1.19 reads


class _Graph:
    """A growing list of nodes and constants; ``add`` returns the name of the new node's output."""

    def __init__(self, *, half: bool) -> None:
        self.half = half
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: np.ndarray) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def weight(self, value: np.ndarray) -> str:
        """A convolution's weights; stored as float16 if asked, and cast back once, when the graph is opened."""
        if not self.half:
            return self.constant(value.astype(np.float32))
        return self.add("Cast", self.constant(value.astype(np.float16)), to=TensorProto.FLOAT)

    def enlarge(self, x: str) -> str:
        """Every pixel as a square of 2 x 2."""
        factors = self.constant(np.array([1, 1, 2, 2], np.float32))
        how = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
        return self.add("Resize", x, "", factors, **how)

    def cut(self, x: str, margin: int) -> str:
        """What ``pad`` added taken away again."""
        starts, ends, axes = (self.constant(np.array(each, np.int64)) for each in ([margin] * 2, [-margin] * 2, [2, 3]))
        return self.add("Slice", x, starts, ends, axes)

    def pad(self, x: str, margin: int, mode: str = "reflect") -> str:
        pads = self.constant(np.array([0, 0, margin, margin, 0, 0, margin, margin], np.int64))
        return self.add("Pad", x, pads, mode=mode)

    def phase_convolution(self, x: str, weight: str) -> str:
        """``enlarge``, mirror padding and a 3x3 convolution with ``weight`` (O, I, 3, 3), all four pixels in one pass.

        As ``learn.network.phase_kernels``: faster than ``enlarged_convolution`` where the outputs are few.
        """
        taps = [
            np.array(rows, np.float32)
            for rows in ([[1, 0, 0], [0, 1, 1], [0, 0, 0]], [[0, 0, 0], [1, 1, 0], [0, 0, 1]])
        ]
        rows = [self.add("MatMul", self.constant(tap), weight) for tap in taps]
        kernels = [self.add("MatMul", row, self.constant(tap.T.copy())) for row in rows for tap in taps]
        kernel = self.add("Concat", *kernels, axis=0)
        x = self.add("Conv", self.pad(x, 1, "edge"), kernel)
        return self.add("DepthToSpace", x, blocksize=2, mode="DCR")

    def enlarged_convolution(self, x: str, weight: str) -> str:
        """``enlarge``, mirror padding and a 3x3 convolution with ``weight`` (O, I, 3, 3), for half the arithmetic.

        With taps (a, b, c), an even pixel of the result is a x[i-1] + (b+c) x[i] and an odd one (a+b) x[i] + c x[i+1]:
        a transposed convolution with (c, b+c, a+b, a) and stride 2. Mirroring the large picture repeats the border of
        the small one. The runtimes compute the 4x4 kernel once, when they open the graph.
        """
        taps = np.array([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]], np.float32)
        kernel = self.add("MatMul", self.add("MatMul", self.constant(taps), weight), self.constant(taps.T.copy()))
        kernel = self.add("Transpose", kernel, perm=[1, 0, 2, 3])
        return self.add("ConvTranspose", self.pad(x, 1, "edge"), kernel, strides=[2, 2], pads=[3, 3, 3, 3])


def network_graph(
    network: StyleNetwork, *, name: str = "full", half: bool = True, regions: bool = False
) -> onnx.ModelProto:
    """``network`` as an ONNX model.

    Inputs: ``picture`` (1, 3, H, W) in 0..1 with H and W multiples of the network's and more than its margin,
    ``scale`` and ``shift`` (row_size / 2,) each:
    the two halves of a row. Output: ``painted`` (1, 3, H, W) in 0..1. With ``half`` the weights are stored as float16
    (the arithmetic stays float32). The model's metadata hold its name, fingerprint, row size, alpha and margin; a
    margin is mirrored around the picture by the graph's first node and cut off by its last.

    With ``regions``, ``scale`` and ``shift`` are (K, row_size / 2), and a fourth input, ``masks`` (1, K, H, W), mixes
    them per pixel.
    """
    if any(layer.padding != "reflect" or layer.upsample == "transposed" for layer in network.layers):
        raise LearnError("only the paper's network can be exported, not the variants that serve comparisons")
    if any(layer.norm.norm != "instance" for layer in network.layers):
        raise LearnError("only instance normalisation can be exported, not conditional batch normalisation")
    graph = _Graph(half=half)
    sizes = graph.constant(np.array(network.widths, np.int64))
    count = len(network.widths)
    halves = {}
    for half_name in ("scale", "shift"):
        outputs = [f"{half_name}_{i}" for i in range(count)]
        node = helper.make_node("Split", [half_name, sizes], outputs, name=f"split_{half_name}", axis=int(regions))
        graph.nodes.append(node)
        halves[half_name] = outputs
    masks = _mask_levels(graph, network) if regions else [None] * count
    styles = iter(zip(halves["scale"], halves["shift"], masks, strict=True))

    def layer(block: nn.Module, x: str) -> str:
        return _layer(graph, block, x, *next(styles))  # type: ignore[arg-type]

    picture = _with_margin(graph, "picture", network)
    if isinstance(network, FastNetwork):
        painted = _fast_trunk(graph, network, picture, layer)
    elif isinstance(network, PasticheNetwork):
        painted = _full_trunk(graph, network, picture, layer)
    if network.margin:
        graph.cut(painted, network.margin)
    graph.nodes[-1].output[0] = "painted"
    return _model(graph, network, name, regions)


def _with_margin(graph: _Graph, x: str, network: StyleNetwork) -> str:
    return graph.pad(x, network.margin) if network.margin else x


def _full_trunk(graph: _Graph, network: PasticheNetwork, x: str, layer: Callable[[nn.Module, str], str]) -> str:
    for block in network.contract:
        x = layer(block, x)
    x = _residual(graph, network.residual, x, layer)
    for block in network.expand:
        x = layer(block, x)
    return x


def _fast_trunk(graph: _Graph, network: FastNetwork, x: str, layer: Callable[[nn.Module, str], str]) -> str:
    squares = graph.add("SpaceToDepth", x, blocksize=UNSHUFFLE)
    fine = _residual(graph, network.before, layer(network.head, squares), layer)
    x = _residual(graph, network.inside, layer(network.down, fine), layer)
    x = graph.add("Add", graph.enlarge(layer(network.up, x)), fine)
    x = _residual(graph, network.after, x, layer)
    for block in network.tail:
        x = layer(block, x)
    return x


def _residual(graph: _Graph, blocks: nn.ModuleList, x: str, layer: Callable[[nn.Module, str], str]) -> str:
    for first, second in zip(blocks[::2], blocks[1::2], strict=True):
        inner = layer(first, x)
        x = graph.add("Add", x, layer(second, inner))
    return x


def _mask_levels(graph: _Graph, network: StyleNetwork) -> list[str]:
    """For every layer the masks at its size, flat: (1, K, pixels)."""
    masks = _with_margin(graph, "masks", network)
    flat = graph.constant(np.array([0, 0, -1], np.int64))
    levels = {}
    for factor in sorted(set(network.reductions)):
        size = [factor, factor]
        level = graph.add("AveragePool", masks, kernel_shape=size, strides=size) if factor > 1 else masks
        levels[factor] = graph.add("Reshape", level, flat)
    return [levels[factor] for factor in network.reductions]


def _mixed_norm(graph: _Graph, channels: int, x: str, scale: str, shift: str, masks: str) -> str:
    """Instance norm of ``x`` (1, C, H, W) with ``scale`` and ``shift`` (K, C) mixed by ``masks`` (1, K, pixels)."""
    ones, zeros = (graph.constant(np.full(channels, value, np.float32)) for value in (1, 0))
    x = graph.add("InstanceNormalization", x, ones, zeros, epsilon=EPSILON)
    shape = graph.add("Shape", x)
    for op, values in (("Mul", scale), ("Add", shift)):
        mixed = graph.add("MatMul", graph.add("Transpose", values, perm=[1, 0]), masks)  # (1, C, pixels)
        x = graph.add(op, x, graph.add("Reshape", mixed, shape))
    return x


def _layer(graph: _Graph, layer: ConvNorm, x: str, scale: str, shift: str, masks: str | None) -> str:
    weight = graph.weight(layer.weight.detach().numpy())
    if layer.upsample == "nearest":
        narrow = layer.norm.channels < NARROW
        x = graph.phase_convolution(x, weight) if narrow else graph.enlarged_convolution(x, weight)
    else:
        if layer.kernel > 1:
            x = graph.pad(x, layer.kernel // 2)
        x = graph.add("Conv", x, weight, strides=[layer.stride] * 2, group=layer.groups)
    if masks is None:
        x = graph.add("InstanceNormalization", x, scale, shift, epsilon=EPSILON)
    else:
        x = _mixed_norm(graph, layer.norm.channels, x, scale, shift, masks)
    if layer.activation == "none":
        return x
    return graph.add("Relu" if layer.activation == "relu" else "Sigmoid", x)


def _model(graph: _Graph, network: StyleNetwork, name: str, regions: bool) -> onnx.ModelProto:
    half = network.row_size // 2
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, "height", "width"])
    painted = helper.make_tensor_value_info("painted", TensorProto.FLOAT, [1, 3, "height", "width"])
    shapes: dict[str, list[str | int]] = {"scale": [half], "shift": [half]}
    if regions:
        shapes = {"scale": ["regions", half], "shift": ["regions", half], "masks": [1, "regions", "height", "width"]}
    style = [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in shapes.items()]
    proto = helper.make_graph(graph.nodes, "pastiche", [picture, *style], [painted], graph.constants)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="impasto")
    model.ir_version = IR_VERSION
    meta: dict[str, Any] = {
        "network": name,
        "fingerprint": network.fingerprint(),
        "row_size": network.row_size,
        "multiple": network.multiple,
        "kind": network.kind,
        "alpha": network.settings["alpha"],
    }
    meta |= {"margin": network.margin} if network.margin else {}
    meta |= {"graph": "regions"} if regions else {}
    helper.set_model_props(model, {f"impasto.{key}": str(value) for key, value in meta.items()})
    onnx.checker.check_model(model)
    return model
