"""A torch network as an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from impasto.errors import LearnError
from impasto.learn.network.layers import EPSILON, ConvNorm, StyleNetwork, phase_taps
from impasto.pictures.margin import MIRRORED

Floats = npt.NDArray[np.float32]
NARROW = 32  # channels: below, runtimes convolve four phases faster than they cut them out
END = 2**31 - 1  # of a slice, for "to the end"
OPSET = 18
SURROUNDED = "surrounded"  # the picture with its margin
IR_VERSION = 9  # what ONNX Runtime 1.19 reads


class _Graph:
    """A growing list of nodes and constants, and ``Operations`` on their names; each returns that of a new output."""

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

    def plus(self, a: str, b: str) -> str:
        return self.add("Add", a, b)

    def squares(self, x: str, side: int) -> str:
        return self.add("SpaceToDepth", x, blocksize=side)

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

    def surround(self, x: str, margin: int) -> str:
        """As ``learn.padding.surround``, of a picture larger than the margin."""
        x = self.pad(x, min(margin, MIRRORED))
        for axis in (2, 3) if margin > MIRRORED else ():
            ends = [2 * MIRRORED, MIRRORED + margin], [-MIRRORED - margin, -2 * MIRRORED]
            parts = ([self.constant(np.array([each], np.int64)) for each in (*pair, axis)] for pair in ends)
            before, after = (self.add("Slice", x, *part) for part in parts)
            x = self.add("Concat", before, x, after, axis=axis)
        self.nodes[-1].name = self.nodes[-1].output[0] = SURROUNDED
        return SURROUNDED

    def convolve(self, x: str, weight: str, kernel: int, *, stride: int = 1, group: int = 1) -> str:
        """A convolution without padding, with all attributes, which some runtimes ask for."""
        given = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [0] * 4, "dilations": [1, 1]}
        return self.add("Conv", x, weight, group=group, **given)

    def phase_convolution(self, x: str, weight: str, kernel: int, factor: int) -> str:
        """Enlarge by ``factor``, pad, convolve with ``weight`` (O, I, kernel, kernel): phases (1, factor^2 O, h, w).

        As ``learn.network.phase_kernels``: faster than ``enlarged_convolution`` where the outputs are few.
        """
        taps = [np.repeat(np.eye(3, dtype=np.float32), counts, axis=1) for counts in phase_taps(kernel, factor)]
        rows = [self.add("MatMul", self.constant(tap), weight) for tap in taps]
        kernels = [self.add("MatMul", row, self.constant(tap.T.copy())) for row in rows for tap in taps]
        return self.convolve(self.pad(x, 1, "edge"), self.add("Concat", *kernels, axis=0), 3)

    def enlarged_convolution(self, x: str, weight: str, channels: int) -> str:
        """``enlarge``, mirror padding and a 3x3 convolution with ``weight`` (O, I, 3, 3): phases (1, 4 O, h, w).

        For less than half the arithmetic of ``phase_convolution``. With taps (a, b, c), an even pixel of the result is
        a x[i-1] + (b+c) x[i] and an odd one (a+b) x[i] + c x[i+1]: four kernels of 2x2, which are convolved everywhere,
        and of which each phase takes the places that are its own. Mirroring the large picture repeats the border of
        the small one. The runtimes compute the kernels once, when they open the graph.
        """
        taps = np.array([[[1, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]], np.float32)  # of even and odd pixels
        rows = [self.add("MatMul", self.constant(tap), weight) for tap in taps]
        kernels = [self.add("MatMul", row, self.constant(tap.T.copy())) for row in rows for tap in taps]
        wide = self.convolve(self.pad(x, 1, "edge"), self.add("Concat", *kernels, axis=0), 2)  # one row, column more
        phases = []
        for phase, (down, across) in enumerate(np.ndindex(2, 2)):
            first = [phase * channels, down, across]
            last = [(phase + 1) * channels, *(END if after else -1 for after in (down, across))]
            ranges = (self.constant(np.array(each, np.int64)) for each in (first, last, [1, 2, 3]))
            phases.append(self.add("Slice", wide, *ranges))
        return self.add("Concat", *phases, axis=1)

    def parts(self, x: str, widths: Sequence[int]) -> list[str]:
        """``x`` in parts of such widths; not by Split, of whose outputs WebGPU takes ten at most."""
        ends = np.cumsum(widths)
        ranges = ([begin, end, 0] for begin, end in zip(ends - widths, ends, strict=True))
        return [
            self.add("Slice", x, *(self.constant(np.array([each], np.int64)) for each in three)) for three in ranges
        ]


def network_graph(network: StyleNetwork, *, name: str = "full", half: bool = True) -> onnx.ModelProto:
    """``network`` as an ONNX model.

    Inputs: ``picture`` (1, 3, H, W) in 0..1 with H and W multiples of the network's and more than its margin,
    ``scale`` and ``shift`` (row_size / 2,) each:
    the two halves of a row. Output: ``painted`` (1, 3, H, W) in 0..1. With ``half`` the weights are stored as float16
    (the arithmetic stays float32). The model's metadata hold its name, fingerprint, row size, alpha and margin; a
    margin is put around the picture by the graph's first nodes, of which the last is named "surrounded", and cut off by
    its last.
    """
    if any(layer.padding != "reflect" or layer.upsample == "transposed" for layer in network.layers):
        raise LearnError("only the paper's network can be exported, not the variants that serve comparisons")
    if any(layer.norm.norm != "instance" for layer in network.layers):
        raise LearnError("only instance normalisation can be exported, not conditional batch normalisation")
    graph = _Graph(half=half)
    styles = iter(zip(*(graph.parts(name, network.widths) for name in ("scale", "shift")), strict=True))

    def layer(block: ConvNorm, x: str) -> str:
        return _layer(graph, block, x, *next(styles))

    margin = network.margin
    painted = network.trunk(graph.surround("picture", margin) if margin else "picture", layer, graph)
    if margin:
        graph.cut(painted, margin)
    graph.nodes[-1].output[0] = "painted"
    return _model(graph, network, name)


def _layer(graph: _Graph, layer: ConvNorm, x: str, scale: str, shift: str) -> str:
    weight = graph.weight(layer.weight.detach().numpy())
    blocks = 1  # phases to a side that are still to be put together
    if layer.upsample == "nearest" and (layer.norm.channels >= NARROW and (layer.factor, layer.kernel) == (2, 3)):
        x, blocks = graph.enlarged_convolution(x, weight, layer.norm.channels), layer.factor
    elif layer.upsample == "nearest":
        x, blocks = graph.phase_convolution(x, weight, layer.kernel, layer.factor), layer.factor
    else:
        x = graph.pad(x, layer.border) if layer.border else x
        x = graph.convolve(x, weight, layer.kernel, stride=layer.stride, group=layer.groups)
    together = {"blocksize": blocks, "mode": "DCR"}
    if blocks > 1 and not layer.apart:
        x, blocks = graph.add("DepthToSpace", x, **together), 1
    if blocks > 1:
        count = graph.constant(np.array([blocks**2], np.int64))
        scale, shift = (graph.add("Tile", values, count) for values in (scale, shift))
    x = _activated(graph, layer, graph.add("InstanceNormalization", x, scale, shift, epsilon=EPSILON))
    return graph.add("DepthToSpace", x, **together) if blocks > 1 else x


def _activated(graph: _Graph, layer: ConvNorm, x: str) -> str:
    if layer.activation == "none":
        return x
    return graph.add("Relu" if layer.activation == "relu" else "Sigmoid", x)


def _model(graph: _Graph, network: StyleNetwork, name: str) -> onnx.ModelProto:
    half = network.row_size // 2
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, "height", "width"])
    painted = helper.make_tensor_value_info("painted", TensorProto.FLOAT, [1, 3, "height", "width"])
    style = [helper.make_tensor_value_info(key, TensorProto.FLOAT, [half]) for key in ("scale", "shift")]
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
    meta |= {"design": network.settings["design"]} if "design" in network.settings else {}
    meta |= {"margin": network.margin} if network.margin else {}
    meta |= {"apart": 1} if network.apart else {}
    helper.set_model_props(model, {f"impasto.{key}": str(value) for key, value in meta.items()})
    onnx.checker.check_model(model)
    return model
