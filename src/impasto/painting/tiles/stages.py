"""A network's graph taken apart at its norms, so that a picture can pass through it in tiles. OpenVINO only.

An instance norm needs the moments of the whole picture. Given them it is a product and a sum per channel, and a tile
with a halo then equals the same place of the whole. A *stage* is the part of the graph that leads to the norms of one
level: it reads the picture, or tensors that an earlier stage kept, and gives the moments of what those norms will meet.
Nothing here knows one network from another: sizes, reach and costs are all read from the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from impasto import quiet
from impasto.errors import NetworkError
from impasto.painting.tiles import compile_cache
from impasto.painting.tiles.flow import POINTWISE, Flow
from impasto.painting.tiles.narrow import widened
from impasto.painting.tiles.parts import PICTURE, SURROUNDED, Norm, Stage, Tensor


class Graph:
    """The stages of an ONNX network that has instance norms; raises NetworkError for one that cannot be cut so.

    The ``margin`` that the network puts around a picture and cuts off again is left out: whoever gives tiles has it
    in its picture.
    """

    def __init__(self, path: Path, options: Mapping[str, Any], multiple: int, margin: int = 0) -> None:
        self.core = quiet.core()
        quiet.has_threads(self)
        self.options = dict(options)
        # What is kept has the bits that the network computes with; numpy has no bfloat16, and takes 16 bits for it.
        self.kept: Any = np.dtype(np.float16 if options.get("INFERENCE_PRECISION_HINT") == "bf16" else np.float32)
        self.multiple, self.margin, self.path = multiple, margin, path
        self.model, probe = (self._without_margin(widened(self.core.read_model(path))) for _ in range(2))
        self.flow = Flow(self.model, probe, multiple)
        self.shapes, self.norms, self.painted = self.flow.shapes, self.flow.norms, self.flow.painted
        self.depth = max((self.flow.levels[norm.name] for norm in self.norms), default=0)

    def _without_margin(self, model: Any) -> Any:
        """The model without the nodes that put its margin around, first of all, and cut it off, last of all."""
        if self.margin:
            nodes = {node.get_friendly_name(): node for node in model.get_ordered_ops()}
            end = model.get_results()[0].input(0)
            cut = end.get_source_output().get_node()
            if SURROUNDED not in nodes or cut.get_type_name() != "Slice":
                raise NetworkError(
                    f"this network cannot paint in tiles (its graph lacks the margin of {self.margin} pixels)"
                )
            for target in nodes[SURROUNDED].output(0).get_target_inputs():
                target.replace_source_output(nodes[PICTURE].output(0))
            end.replace_source_output(cut.input_value(0))
            model.validate_nodes_and_infer_types()
        return model

    @cached_property
    def digest(self) -> str:
        """What is in the network's file, in a word."""
        return compile_cache.digest_of(self.path)

    def kept_bytes(self, tensors: Iterable[Tensor]) -> float:
        """Bytes that ``tensors`` take in files, for each pixel of the picture."""
        return float(self.kept.itemsize * sum(self.shapes[tensor].numbers for tensor in tensors))

    def inside(self, stage: Stage) -> list[Tensor]:
        """What a stage keeps for later ones: all but the painting."""
        return [tensor for tensor in stage.keeps if tensor != self.painted]

    def stages(self, limit: float) -> list[Stage]:
        """The passes in their order, the last of which paints; tensors of up to ``limit`` numbers a pixel are kept."""
        found, start = [], set[Tensor]()
        for level in range(1, self.depth + 1):
            norms = tuple(norm for norm in self.norms if self.flow.levels[norm.name] == level)
            cut = self._cut(level)
            if sum(self.shapes[tensor].numbers for tensor in cut) > limit:
                cut = start
            found.append(self._stage(start, norms, cut - start))
            start = cut
        return [*found, self._stage(start, (), {self.painted})]

    @cached_property
    def straight(self) -> Stage:
        """The whole graph as one pass, for when all moments are known."""
        return self._stage(set(), (), {self.painted})

    def _cut(self, level: int) -> set[Tensor]:
        """What must be kept behind the pass of ``level`` so that nothing before it is computed again."""
        cut = set()
        for name, sources in self.flow.inputs.items():
            for source in sources:
                if name in self.flow.levels and self.flow.levels[source[0]] < level <= self.flow.levels[name]:
                    cut.add(self._root(source))
        return {tensor for tensor in cut if tensor[0] != PICTURE}

    def _root(self, tensor: Tensor) -> Tensor:
        """The tensor from which ``tensor`` follows pixel by pixel: no larger, and often kept already."""
        while self.flow.kind(tensor[0]) in POINTWISE and len(self.flow.inputs[tensor[0]]) == 1:
            tensor = self.flow.inputs[tensor[0]][0]
        return tensor

    def _stage(self, start: set[Tensor], norms: tuple[Norm, ...], keeps: Iterable[Tensor]) -> Stage:
        keeps = tuple(sorted(keeps))
        ends = [norm.meets for norm in norms] + list(keeps)
        order = self._between(start, ends)
        read = {source for name in order for source in self.flow.inputs[name]} | set(ends)
        return Stage(
            reads=tuple(sorted(start & read)),
            norms=norms,
            keeps=keeps,
            halo=self._halo(start, order, ends),
            bytes=self._live_bytes(start, order, ends),
            work=sum(self.flow.work(name) for name in order),
        )

    def _between(self, start: set[Tensor], ends: list[Tensor]) -> list[str]:
        """Names of the nodes, in order, that lead from ``start`` and the picture to ``ends``."""
        wanted, todo = set[str](), [tensor for tensor in ends if tensor not in start]
        while todo:
            name, _ = todo.pop()
            if name not in wanted:
                wanted.add(name)
                todo += [source for source in self.flow.inputs[name] if source not in start]
        return [name for name in self.flow.nodes if name in wanted]

    def _halo(self, start: set[Tensor], order: list[str], ends: list[Tensor]) -> int:
        """How far from a tile's edge the ends are right, in pixels of the picture, rounded up to the multiple."""
        reach: dict[str, int] = {}
        for name in order:
            before = [0 if source in start else reach[source[0]] for source in self.flow.inputs[name]]
            reach[name] = max(before, default=0) + self.flow.reach(name)
            shape = self.shapes.get((name, 0))
            if shape is not None:
                reach[name] = -(-reach[name] // shape.scale) * shape.scale
        far = max((reach[tensor[0]] for tensor in ends if tensor not in start), default=0)
        return -(-far // self.multiple) * self.multiple

    def _live_bytes(self, start: set[Tensor], order: list[str], ends: list[Tensor]) -> float:
        """Bytes for each pixel of a tile at the fullest moment; what follows pixel by pixel takes no room."""
        last: dict[Tensor, int] = {}
        for i, name in enumerate(order):
            for source in self.flow.inputs[name]:
                last[self._place(start, source)] = i
        for tensor in ends:
            last[self._place(start, tensor)] = len(order)
        live = {tensor: self.flow.sizes[tensor] for tensor in start if tensor in last}
        most = 0.0
        for i, name in enumerate(order):
            own = {
                (name, port): self.flow.sizes.get((name, port), 0.0)
                for port in range(len(self.flow.nodes[name].outputs()))
            }
            live |= {tensor: size for tensor, size in own.items() if tensor in last}
            most = max(most, sum(live.values()))
            live = {tensor: size for tensor, size in live.items() if last[tensor] > i}
        return 4 * max(most, sum(live.values()))

    def _place(self, start: set[Tensor], tensor: Tensor) -> Tensor:
        """The tensor whose memory ``tensor`` takes over, if it follows from one alone, pixel by pixel."""
        while tensor not in start:
            kind, sources = self.flow.kind(tensor[0]), self.flow.inputs[tensor[0]]
            if len(sources) != 1 or kind not in POINTWISE | {"Reshape"}:
                break
            tensor = sources[0]
        return tensor

    def sizes_of(self, stage: Stage, size: tuple[int, int], style: Mapping[str, Any]) -> dict[str, list[int]]:
        """The sizes of a stage's inputs, those that differ from call to call, for tiles of ``size`` (height, width)."""
        height, width = size
        sizes = {name: list(value.shape) for name, value in style.items()}
        sizes[PICTURE] = [1, 3, height, width]
        for number, tensor in enumerate(stage.reads):
            shape = self.shapes[tensor]
            sizes[f"kept_{number}"] = [1, height // shape.scale, width // shape.scale, shape.channels]
        return sizes

    def label(self, stage: Stage) -> str:
        """What tells a stage from the graph's others; names of nodes are others in every process."""
        place = {name: number for number, name in enumerate(self.flow.nodes)}
        met = [norm.meets for norm in stage.norms]
        return str([[(place[name], port) for name, port in tensors] for tensors in (stage.reads, met, stage.keeps)])
