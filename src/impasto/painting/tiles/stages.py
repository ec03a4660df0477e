"""A network's graph taken apart at its norms, so that a picture can pass through it in tiles. OpenVINO only.

An instance norm needs the moments of the whole picture. Given them it is a product and a sum per channel, and a tile
with a halo then equals the same place of the whole. A *stage* is the part of the graph that leads to the norms of one
level: it reads the picture, or tensors that an earlier stage kept, and gives the moments of what those norms will meet.
Nothing here knows one network from another: sizes, reach and costs are all read from the graph.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import quiet
from impasto.errors import NetworkError
from impasto.painting.tiles.parts import MASKS, PICTURE, Norm, Shape, Stage, Tensor, Window

Floats = npt.NDArray[np.float32]
SLACK = 1024  # times the network's multiple: the side of the picture whose shapes show the scales
CROWDED = 3.5  # measured: with masks OpenVINO makes the maps of all norms early, and keeps them

_POINTWISE = frozenset(
    "Relu PRelu Sigmoid Tanh Clamp HSwish HSigmoid Swish Gelu Elu Selu Mish SoftPlus Abs Negative Exp Log Sqrt Power "
    "Add Subtract Multiply Divide Maximum Minimum SquaredDifference Convert MVN".split()
)
_ALIGNED = frozenset("Pad Concat Split VariadicSplit Slice StridedSlice Transpose Reshape Squeeze Unsqueeze".split())
_BLOCKS = frozenset(["DepthToSpace", "SpaceToDepth"])
_CONVOLUTIONS = frozenset(["Convolution", "GroupConvolution"])
_BACK = frozenset(["ConvolutionBackpropData", "GroupConvolutionBackpropData"])
_POOLS = frozenset(["MaxPool", "AvgPool"])


class Graph:
    """The stages of an ONNX network that has instance norms; raises NetworkError for one that cannot be cut so.

    The ``margin`` that the network mirrors around a picture and cuts off again is left out: whoever gives tiles has it
    in its picture.
    """

    def __init__(self, path: Path, options: Mapping[str, Any], multiple: int, margin: int = 0) -> None:
        self._core = quiet.core()
        quiet.has_threads(self)
        self._options = dict(options)
        # What is kept has the bits that the network computes with; numpy has no bfloat16, and takes 16 bits for it.
        self.kept: Any = np.dtype(np.float16 if options.get("INFERENCE_PRECISION_HINT") == "bf16" else np.float32)
        self.multiple, self.margin = multiple, margin
        self._model = self._without_margin(self._core.read_model(path))
        self._read_shapes(self._without_margin(self._core.read_model(path)))
        self._read_levels()
        self.depth = max(self._levels[norm.name] for norm in self.norms) if self.norms else 0

    # ---- what the graph says

    def _without_margin(self, model: Any) -> Any:
        """The model without the nodes that mirror its margin, first of all, and cut it off, last of all."""
        if self.margin:
            for parameter in model.get_parameters():
                if parameter.get_friendly_name() in (PICTURE, MASKS):
                    (padding,) = parameter.output(0).get_target_inputs()
                    self._expect("Pad", padding.get_node())
                    for target in padding.get_node().output(0).get_target_inputs():
                        target.replace_source_output(parameter.output(0))
            end = model.get_results()[0].input(0)
            self._expect("Slice", end.get_source_output().get_node())
            end.replace_source_output(end.get_source_output().get_node().input_value(0))
            model.validate_nodes_and_infer_types()
        return model

    def _expect(self, kind: str, node: Any) -> None:
        if node.get_type_name() != kind:
            raise NetworkError(
                f"this network cannot paint in tiles (its graph lacks the margin of {self.margin} pixels)"
            )

    def _read_shapes(self, probe: Any) -> None:
        side = SLACK * self.multiple
        sizes = {PICTURE: [1, 3, side, side]}
        if any(node.get_friendly_name() == MASKS for node in probe.get_parameters()):
            half = next(p for p in probe.get_parameters() if p.get_friendly_name() == "scale").get_partial_shape()[1]
            sizes |= {MASKS: [1, 2, side, side], "scale": [2, half.get_length()], "shift": [2, half.get_length()]}
        probe.reshape(sizes)
        self._sizes: dict[Tensor, float] = {}  # elements for each pixel of the picture
        self.shapes: dict[Tensor, Shape] = {}
        for node in probe.get_ordered_ops():
            for i, output in enumerate(node.outputs()):
                shape = output.get_partial_shape()
                if shape.is_dynamic:
                    continue
                sizes_here = list(shape.to_shape())
                self._sizes[node.get_friendly_name(), i] = math.prod(sizes_here) / side**2
                if len(sizes_here) == 4 and sizes_here[3] > 1:  # padding makes no difference at this size
                    self.shapes[node.get_friendly_name(), i] = Shape(sizes_here[1], round(side / sizes_here[3]))

    def _read_levels(self) -> None:
        """For every node: does the picture flow into it, and how many norms are on the longest way from there."""
        self._nodes = {node.get_friendly_name(): node for node in self._model.get_ordered_ops()}
        self._levels: dict[str, int] = {}
        norms: list[Norm] = []
        self._inputs: dict[str, list[Tensor]] = {}  # those that the picture flows into
        self._sources: dict[str, list[Tensor]] = {}  # and those that the masks flow into, too
        for name, node in self._nodes.items():
            if node.get_type_name() == "ShapeOf":  # sizes are no pixels
                continue
            sources = [_tensor(each.get_source_output()) for each in node.inputs()]
            self._inputs[name] = [source for source in sources if source[0] in self._levels]
            found = [source for source in sources if source[0] in self._sources]
            if found or name in (PICTURE, MASKS):
                self._sources[name] = found
            if not self._inputs[name]:
                if name == PICTURE:
                    self._levels[name] = 0
                continue
            level = max(self._levels[source] for source, _ in self._inputs[name])
            if node.get_type_name() == "MVN":
                attributes = node.get_attributes()
                self._check_norm(name, attributes)
                norms.append(Norm(name, attributes["eps"], sources[0]))
                level += 1
            self._levels[name] = level
        self.norms = tuple(norms)
        unknown = {
            self._nodes[name].get_type_name()
            for name in self._levels
            if self._nodes[name].get_type_name()
            not in {*_POINTWISE, *_ALIGNED, *_BLOCKS, *_CONVOLUTIONS, *_BACK, *_POOLS}
            | {"Interpolate", "Parameter", "Result"}
        }
        if unknown:
            raise NetworkError(f"this network cannot paint in tiles (its graph holds {', '.join(sorted(unknown))})")
        self.painted = _tensor(self._model.get_results()[0].input(0).get_source_output())

    def _check_norm(self, name: str, attributes: Mapping[str, Any]) -> None:
        axes = self._nodes[name].input(1).get_source_output().get_node().get_data().tolist()
        if sorted(axis % 4 for axis in axes) != [2, 3] or not attributes["normalize_variance"]:
            raise NetworkError("this network cannot paint in tiles (a norm of it is no instance norm)")
        if str(attributes["eps_mode"]).lower() != "inside_sqrt":
            raise NetworkError("this network cannot paint in tiles (a norm adds its epsilon outside the root)")

    def kept_bytes(self, tensors: Iterable[Tensor]) -> float:
        """Bytes that ``tensors`` take in files, for each pixel of the picture."""
        return float(self.kept.itemsize * sum(self.shapes[tensor].numbers for tensor in tensors))

    # ---- cutting

    def stages(self, limit: float) -> list[Stage]:
        """The passes in their order, the last of which paints; tensors of up to ``limit`` numbers a pixel are kept."""
        found, start = [], set[Tensor]()
        for level in range(1, self.depth + 1):
            norms = tuple(norm for norm in self.norms if self._levels[norm.name] == level)
            cut = self._cut(level)
            if sum(self.shapes[tensor].numbers for tensor in cut) > limit:
                cut = start
            found.append(self._stage(start, norms, cut - start))
            start = cut
        return [*found, self._stage(start, (), {self.painted})]

    @cached_property
    def straight(self) -> Stage:
        """The whole graph as one pass, for when all moments are known."""
        stage = self._stage(set(), (), {self.painted})
        return replace(stage, bytes=CROWDED * stage.bytes) if MASKS in self._nodes else stage

    def _cut(self, level: int) -> set[Tensor]:
        """What must be kept behind the pass of ``level`` so that nothing before it is computed again."""
        cut = set()
        for name, sources in self._inputs.items():
            for source in sources:
                if name in self._levels and self._levels[source[0]] < level <= self._levels[name]:
                    cut.add(self._root(source))
        return {tensor for tensor in cut if tensor[0] != PICTURE}

    def _root(self, tensor: Tensor) -> Tensor:
        """The tensor from which ``tensor`` follows pixel by pixel: no larger, and often kept already."""
        while self._nodes[tensor[0]].get_type_name() in _POINTWISE and len(self._inputs[tensor[0]]) == 1:
            tensor = self._inputs[tensor[0]][0]
        return tensor

    def _stage(self, start: set[Tensor], norms: tuple[Norm, ...], keeps: Iterable[Tensor]) -> Stage:
        keeps = tuple(sorted(keeps))
        ends = [norm.meets for norm in norms] + list(keeps)
        order = self._between(start, ends)
        read = {source for name in order for source in self._inputs[name]} | set(ends)
        return Stage(
            reads=tuple(sorted(start & read)),
            norms=norms,
            keeps=keeps,
            halo=self._halo(start, order, ends),
            bytes=self._live_bytes(start, order, ends),
            work=sum(self._work(name) for name in order),
        )

    def _between(self, start: set[Tensor], ends: list[Tensor]) -> list[str]:
        """Names of the nodes, in order, that lead from ``start`` and the picture to ``ends``."""
        wanted, todo = set[str](), [tensor for tensor in ends if tensor not in start]
        while todo:
            name, _ = todo.pop()
            if name not in wanted:
                wanted.add(name)
                todo += [source for source in self._inputs[name] if source not in start]
        return [name for name in self._nodes if name in wanted]

    def _halo(self, start: set[Tensor], order: list[str], ends: list[Tensor]) -> int:
        """How far from a tile's edge the ends are right, in pixels of the picture, rounded up to the multiple."""
        reach: dict[str, int] = {}
        for name in order:
            before = [0 if source in start else reach[source[0]] for source in self._inputs[name]]
            reach[name] = max(before, default=0) + self._reach(name)
            shape = self.shapes.get((name, 0))
            if shape is not None:
                reach[name] = -(-reach[name] // shape.scale) * shape.scale
        far = max((reach[tensor[0]] for tensor in ends if tensor not in start), default=0)
        return -(-far // self.multiple) * self.multiple

    def _reach(self, name: str) -> int:
        node, kind = self._nodes[name], self._nodes[name].get_type_name()
        if kind not in {*_CONVOLUTIONS, *_BACK, *_POOLS, "Interpolate"}:
            return 0
        attributes = node.get_attributes()
        scale: int = self.shapes[self._inputs[name][0]].scale
        if kind == "Interpolate":
            return 0 if attributes["mode"] == "nearest" else 2 * max(scale, self.shapes[name, 0].scale)
        if kind in _POOLS:
            aligned = attributes["kernel"] == attributes["strides"]
            return 0 if aligned else (int(max(attributes["kernel"])) - 1) * scale
        span = (max(_lengths(node.input(1))[-2:]) - 1) * int(max(attributes["dilations"]))
        if kind in _BACK:
            return math.ceil((span + 1) / int(min(attributes["strides"]))) * scale
        return math.ceil(span / 2) * scale

    def _live_bytes(self, start: set[Tensor], order: list[str], ends: list[Tensor]) -> float:
        """Bytes for each pixel of a tile at the fullest moment; what follows pixel by pixel takes no room."""
        wanted = self._with_masks(start, order)
        last: dict[Tensor, int] = {}
        for i, name in enumerate(wanted):
            for source in self._sources[name]:
                last[self._place(start, source)] = i
        for tensor in ends:
            last[self._place(start, tensor)] = len(wanted)
        live = {tensor: self._sizes[tensor] for tensor in start if tensor in last}
        most = 0.0
        for i, name in enumerate(wanted):
            own = {(name, port): self._sizes.get((name, port), 0.0) for port in range(len(self._nodes[name].outputs()))}
            live |= {tensor: size for tensor, size in own.items() if tensor in last}
            most = max(most, sum(live.values()))
            live = {tensor: size for tensor, size in live.items() if last[tensor] > i}
        return 4 * max(most, sum(live.values()))

    def _with_masks(self, start: set[Tensor], order: list[str]) -> list[str]:
        """The nodes of ``order`` and those that lead to them from the masks."""
        wanted, todo = set[str](), list(order)
        while todo:
            name = todo.pop()
            if name not in wanted:
                wanted.add(name)
                todo += [source[0] for source in self._sources[name] if source not in start]
        return [name for name in self._nodes if name in wanted]

    def _place(self, start: set[Tensor], tensor: Tensor) -> Tensor:
        """The tensor whose memory ``tensor`` takes over, if it follows from one alone, pixel by pixel."""
        while tensor not in start:
            kind, sources = self._nodes[tensor[0]].get_type_name(), self._sources[tensor[0]]
            if len(sources) != 1 or kind not in _POINTWISE | {"Reshape"}:
                break
            tensor = sources[0]
        return tensor

    def _work(self, name: str) -> float:
        """Multiplications for each pixel of the picture."""
        node, kind = self._nodes[name], self._nodes[name].get_type_name()
        if kind not in _CONVOLUTIONS | _BACK:
            return self._sizes.get((name, 0), 0.0)
        tensor = (name, 0) if kind in _CONVOLUTIONS else self._inputs[name][0]
        return float(math.prod(_lengths(node.input(1)))) / self.shapes[tensor].scale ** 2

    # ---- running

    def sizes_of(self, stage: Stage, window: Window, inputs: set[str]) -> dict[str, list[int]]:
        """The sizes of a stage's inputs, those that grow with the picture, for a tile."""
        sizes = {PICTURE: [1, 3, window.height, window.width]}
        for number, tensor in enumerate(stage.reads):
            shape = self.shapes[tensor]
            sizes[f"kept_{number}"] = [1, shape.channels, window.height // shape.scale, window.width // shape.scale]
        return {name: size for name, size in sizes.items() if name in inputs}


def _lengths(port: Any) -> list[int]:
    """The lengths of the constant that flows into a port."""
    shape = port.get_source_output().get_partial_shape()
    return [int(shape[i].get_length()) for i in range(len(shape))]


def _tensor(output: Any) -> Tensor:
    return output.get_node().get_friendly_name(), output.get_index()
