"""What flows where in a network's graph: how large tensors are there, and behind how many norms. OpenVINO only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from impasto.errors import NetworkError
from impasto.painting.tiles.parts import PICTURE, Norm, Shape, Tensor

SLACK = 1024  # times the network's multiple: the side of the picture whose shapes show the scales

POINTWISE = frozenset(
    "Relu PRelu Sigmoid Tanh Clamp HSwish HSigmoid Swish Gelu Elu Selu Mish SoftPlus Abs Negative Exp Log Sqrt Power "
    "Add Subtract Multiply Divide Maximum Minimum SquaredDifference Convert MVN".split()
)
_ALIGNED = frozenset("Pad Concat Split VariadicSplit Slice StridedSlice Transpose Reshape Squeeze Unsqueeze".split())
_BLOCKS = frozenset(["DepthToSpace", "SpaceToDepth"])
_CONVOLUTIONS = frozenset(["Convolution", "GroupConvolution"])
_BACK = frozenset(["ConvolutionBackpropData", "GroupConvolutionBackpropData"])
_POOLS = frozenset(["MaxPool", "AvgPool"])
_OTHERS = frozenset(["Interpolate", "Parameter", "Result"])
_KNOWN = frozenset().union(POINTWISE, _ALIGNED, _BLOCKS, _CONVOLUTIONS, _BACK, _POOLS, _OTHERS)


class Flow:
    """A graph as it is read once: everything here is looked up by the names of nodes, and by tensors.

    ``model`` is the graph, ``probe`` another copy of it, to be given sizes. Raises NetworkError for one with nodes, or
    norms, that tiles cannot pass through.
    """

    def __init__(self, model: Any, probe: Any, multiple: int) -> None:
        self.sizes: dict[Tensor, float] = {}  # elements for each pixel of the picture
        self.shapes: dict[Tensor, Shape] = {}
        self._read_shapes(probe, SLACK * multiple)
        self.nodes = {node.get_friendly_name(): node for node in model.get_ordered_ops()}
        self.levels: dict[str, int] = {}  # where the picture flows: how many norms are on the longest way from there
        self.inputs: dict[str, list[Tensor]] = {}  # those that the picture flows into
        self.norms = tuple(self._read_levels())
        unknown = {self.kind(name) for name in self.levels} - _KNOWN
        if unknown:
            raise NetworkError(f"this network cannot paint in tiles (its graph holds {', '.join(sorted(unknown))})")
        self.painted = _tensor(model.get_results()[0].input(0).get_source_output())

    def kind(self, name: str) -> str:
        """OpenVINO's name of what a node does."""
        return str(self.nodes[name].get_type_name())

    def _read_shapes(self, probe: Any, side: int) -> None:
        probe.reshape({PICTURE: [1, 3, side, side]})
        for node in probe.get_ordered_ops():
            for i, output in enumerate(node.outputs()):
                if output.get_partial_shape().is_dynamic:
                    continue
                size = list(output.get_partial_shape().to_shape())
                self.sizes[node.get_friendly_name(), i] = math.prod(size) / side**2
                if len(size) == 4 and size[3] > 1:  # padding makes no difference at this size
                    self.shapes[node.get_friendly_name(), i] = Shape(size[1], round(side / size[3]))

    def _read_levels(self) -> list[Norm]:
        """Fill ``levels`` and ``inputs``; gives the norms."""
        norms: list[Norm] = []
        for name, node in self.nodes.items():
            if node.get_type_name() == "ShapeOf":  # sizes are no pixels
                continue
            tensors = [_tensor(each.get_source_output()) for each in node.inputs()]
            self.inputs[name] = [tensor for tensor in tensors if tensor[0] in self.levels]
            if not self.inputs[name]:
                if name == PICTURE:
                    self.levels[name] = 0
                continue
            level = max(self.levels[source] for source, _ in self.inputs[name])
            if node.get_type_name() == "MVN":
                attributes = node.get_attributes()
                self._check_norm(name, attributes)
                norms.append(Norm(name, attributes["eps"], tensors[0]))
                level += 1
            self.levels[name] = level
        return norms

    def _check_norm(self, name: str, attributes: Mapping[str, Any]) -> None:
        axes = self.nodes[name].input(1).get_source_output().get_node().get_data().tolist()
        if sorted(axis % 4 for axis in axes) != [2, 3] or not attributes["normalize_variance"]:
            raise NetworkError("this network cannot paint in tiles (a norm of it is no instance norm)")
        if str(attributes["eps_mode"]).lower() != "inside_sqrt":
            raise NetworkError("this network cannot paint in tiles (a norm adds its epsilon outside the root)")

    def reach(self, name: str) -> int:
        """How far a node looks to each side, in pixels of the picture."""
        node, kind = self.nodes[name], self.kind(name)
        if kind not in {*_CONVOLUTIONS, *_BACK, *_POOLS, "Interpolate"}:
            return 0
        attributes = node.get_attributes()
        scale = self.shapes[self.inputs[name][0]].scale
        if kind == "Interpolate":
            return 0 if attributes["mode"] == "nearest" else 2 * max(scale, self.shapes[name, 0].scale)
        if kind in _POOLS:
            aligned = attributes["kernel"] == attributes["strides"]
            return 0 if aligned else (int(max(attributes["kernel"])) - 1) * scale
        span = (max(_lengths(node.input(1))[-2:]) - 1) * int(max(attributes["dilations"]))
        stride = int(min(attributes["strides"]))
        if kind in _BACK:
            return math.ceil((span + 1) / stride) * scale
        return math.ceil(max(0, span + 1 - stride) / 2) * scale  # from the ends of the square that a stride covers

    def work(self, name: str) -> float:
        """Multiplications of a node for each pixel of the picture."""
        kind = self.kind(name)
        if kind not in _CONVOLUTIONS | _BACK:
            return self.sizes.get((name, 0), 0.0)
        tensor = (name, 0) if kind in _CONVOLUTIONS else self.inputs[name][0]
        return float(math.prod(_lengths(self.nodes[name].input(1)))) / self.shapes[tensor].scale ** 2


def _lengths(port: Any) -> list[int]:
    """The lengths of the constant that flows into a port."""
    shape = port.get_source_output().get_partial_shape()
    return [int(shape[i].get_length()) for i in range(len(shape))]


def _tensor(output: Any) -> Tensor:
    return output.get_node().get_friendly_name(), output.get_index()
