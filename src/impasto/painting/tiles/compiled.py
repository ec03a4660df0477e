"""A stage of a network, compiled."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import compile_cache, quiet
from impasto.painting.tiles.flow import POINTWISE
from impasto.painting.tiles.parts import Stage, Tensor
from impasto.painting.tiles.stages import Graph

FIRST, LAST = [0, 3, 1, 2], [0, 2, 3, 1]  # (1, rows, columns, C) <-> (1, C, rows, columns)


class Compiled:
    """A stage, ready to run tiles of one ``size`` (height, width) in several threads at once, on one core each.

    It holds memory for a tile in each thread until it is deleted. ``style`` are the graph's inputs scale and shift.
    """

    def __init__(
        self, graph: Graph, stage: Stage, streams: int, size: tuple[int, int], style: Mapping[str, Any]
    ) -> None:
        ov = quiet.openvino()
        self._tensor, self._type = ov.Tensor, ov.Type.bf16 if graph.kept == np.float16 else ov.Type.f32
        norms = {norm.meets: graph.shapes[norm.meets].scale for norm in stage.norms}
        self._scales = dict(enumerate(norms.values()))
        self._order: list[tuple[Tensor, str]] = [(tensor, "values") for tensor in stage.keeps]
        self._order += [(tensor, what) for tensor in norms for what in ("mean", "var")]
        sizes = graph.sizes_of(stage, size, style)

        def model() -> Any:
            made = _Model(graph, stage, self._type)
            ends = made.ends()
            results = [made.kept(tensor, ends[tensor]) for tensor in stage.keeps]
            for number, tensor in enumerate(norms):
                results += made.moments(number, ends[tensor])
            made.sink()
            used = _reachable(results)
            inputs = [each for each in made.parameters if each.get_friendly_name() in used]
            found = ov.Model(results, inputs)
            found.reshape({name: sizes[name] for name in {each.get_friendly_name() for each in inputs} & set(sizes)})
            return found

        options = {**graph.options, "NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": streams}
        key = (graph.digest, str(graph.margin), graph.label(stage), str(sorted(sizes.items())), _code())
        self._compiled = compile_cache.compiled(model, options, *key)
        self.inputs = {name for each in self._compiled.inputs for name in each.get_names()}
        quiet.has_threads(self)
        self._local = threading.local()

    def run(
        self, feeds: Mapping[str, Any], first: tuple[int, int], last: tuple[int, int]
    ) -> dict[tuple[Tensor, str], npt.NDArray[Any]]:
        """Run one tile whose core goes from ``first`` to ``last`` (row, column), in pixels from the tile's corner.

        Gives by (tensor, "values"), (tensor, "mean") and (tensor, "var") what the stage asked for: what it keeps, of
        the whole tile, as (1, rows, columns, C), and the moments of the core as vectors (1, C). What is kept has the
        bits of ``Graph.kept``. The arrays are the runtime's, and change with the next tile of the same thread.
        """
        if not hasattr(self._local, "request"):
            self._local.request = self._compiled.create_infer_request()
        given = {name: self._kept(value) for name, value in feeds.items() if name in self.inputs}
        for number, scale in self._scales.items():
            for what, (row, column) in (("first", first), ("last", last)):
                given[f"{what}_{number}"] = np.array([row // scale, column // scale])
        found = self._local.request.infer(given, share_inputs=True, share_outputs=True)
        return {key: found[i] for i, key in enumerate(self._order)}

    def _kept(self, value: npt.NDArray[Any]) -> Any:
        """16 bits a number as the bfloat16 that they are; other arrays come back themselves."""
        return self._tensor(value, list(value.shape), self._type) if value.dtype == np.float16 else value


@cache
def _code() -> str:
    """What stages are made by: what was compiled by other code is another model."""
    return compile_cache.digest_of(*sorted(Path(__file__).parent.glob("*.py")))


class _Model:
    """A copy of the graph's model on its way to be a stage: norms become products and sums, what is read an input."""

    def __init__(self, graph: Graph, stage: Stage, bits: Any) -> None:
        ov = quiet.openvino()
        self.graph, self.stage, self.bits, self.floats, self.ops = graph, stage, bits, ov.Type.f32, ov.opset13
        self._model = graph.model.clone()
        self.parameters = list(self._model.get_parameters())
        self.turned = list[Any]()  # what brings channels to the front

    def ends(self) -> dict[Tensor, Any]:
        """The outputs of the stage's tensors, once the norms and what it reads are replaced."""
        ops, shapes = self.ops, self.graph.shapes
        nodes = {node.get_friendly_name(): node for node in self._model.get_ordered_ops()}
        wanted = (*self.stage.keeps, *(norm.meets for norm in self.stage.norms))
        ends = {tensor: nodes[tensor[0]].output(tensor[1]) for tensor in wanted}
        for number, norm in enumerate(self.graph.norms):
            node, shape = nodes[norm.name], [1, shapes[norm.meets].channels, 1, 1]
            gain, bias = (self._parameter(f"{what}_{number}", shape, np.float32) for what in ("gain", "bias"))
            _put(node.output(0), ops.add(ops.multiply(node.input_value(0), gain), bias))
        for number, tensor in enumerate(self.stage.reads):
            kept = self._parameter(f"kept_{number}", [1, -1, -1, shapes[tensor].channels], self.bits)
            wide = ops.transpose(ops.convert(kept, self.floats), ops.constant(np.array(FIRST)))
            self.turned.append(wide)
            _put(nodes[tensor[0]].output(tensor[1]), wide)
            if tensor in ends:
                ends[tensor] = wide.output(0)
        return ends

    def kept(self, tensor: Tensor, end: Any) -> Any:
        """What the stage keeps of a tensor, in the bits of what is kept: channels last, as quick convolutions have."""
        last = self.ops.transpose(end, self.ops.constant(np.array(LAST)))
        return self.ops.result(last) if tensor == self.graph.painted else self.ops.convert(last, self.bits)

    def moments(self, number: int, end: Any) -> tuple[Any, Any]:
        """Mean and variance of a tensor's core, whose corners are inputs."""
        ops = self.ops
        first, last = (self._parameter(f"{what}_{number}", [2], np.int64) for what in ("first", "last"))
        axes, steps = ops.constant(np.array([2, 3])), ops.constant(np.array([1, 1]))
        core = ops.slice(end, first, last, steps, axes)
        mean = ops.reduce_mean(core, axes, keep_dims=True)
        var = ops.reduce_mean(ops.squared_difference(core, mean), axes, keep_dims=False)
        return ops.squeeze(mean, axes), var

    def sink(self) -> None:
        """Bring channels to the front only before convolutions, to which it makes no difference, not at the start.

        What goes value by value, and what mirrors, is done with channels last; what turns them back again vanishes.
        """
        while self.turned:
            turn = self.turned.pop()
            for target in turn.output(0).get_target_inputs():
                node = target.get_node()
                if node.get_type_name() == "Transpose":
                    _put(node.output(0), turn.input_value(0).get_node())
                elif self._sinks(node):
                    others = list(node.output(0).get_target_inputs())
                    self.turned.append(self.ops.transpose(node.output(0), self.ops.constant(np.array(FIRST))))
                    for other in others:
                        other.replace_source_output(self.turned[-1].output(0))

    def _sinks(self, node: Any) -> bool:
        """Whether a node could be changed so that it takes and gives channels last."""
        kind, inputs = node.get_type_name(), [each.get_source_output() for each in node.inputs()]
        if kind == "Pad":
            for port in (1, 2):
                pads = inputs[port].get_node().get_data()[LAST]
                node.input(port).replace_source_output(self.ops.constant(pads).output(0))
            inputs = inputs[:1]
        elif kind not in POINTWISE - {"MVN", "Convert"}:
            return False
        if not all(_is_turned(each) or _is_small(each) for each in inputs):
            return False
        for port, source in enumerate(inputs):
            if _is_turned(source):
                node.input(port).replace_source_output(source.get_node().input_value(0))
            elif len(source.get_partial_shape()) == 4:
                small = self.ops.transpose(source, self.ops.constant(np.array(LAST)))
                node.input(port).replace_source_output(small.output(0))
        return True

    def _parameter(self, name: str, shape: list[int], kind: Any) -> Any:
        made = self.ops.parameter(shape, kind, name=name)
        made.output(0).get_tensor().set_names({name})
        self.parameters.append(made)
        return made


def _is_turned(source: Any) -> bool:
    """Whether a value comes from what brings channels to the front."""
    node = source.get_node()
    if node.get_type_name() != "Transpose":
        return False
    order: list[int] = node.input_value(1).get_node().get_data().tolist()
    return order == FIRST


def _is_small(source: Any) -> bool:
    """Whether there is one number, or one for each channel, (1, C, 1, 1)."""
    shape = source.get_partial_shape()
    return len(shape) == 0 or (len(shape) == 4 and all(shape[axis] == 1 for axis in (0, 2, 3)))


def _put(old: Any, new: Any) -> None:
    for target in old.get_target_inputs():
        target.replace_source_output(new.output(0))


def _reachable(results: list[Any]) -> set[str]:
    """Names of all nodes that lead to ``results``."""
    found, todo = set[str](), list(results)
    while todo:
        node = todo.pop()
        if node.get_friendly_name() not in found:
            found.add(node.get_friendly_name())
            todo += [each.get_source_output().get_node() for each in node.inputs()]
    return found
