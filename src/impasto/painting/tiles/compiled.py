"""A stage of a network, compiled."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import quiet
from impasto.painting.tiles.parts import Stage, Tensor, Window
from impasto.painting.tiles.stages import Graph


class Compiled:
    """A stage, ready to run tile by tile in several threads at once, on one core each.

    It holds memory for a tile in each thread until it is deleted. With a ``window`` it takes tiles like that one only,
    without masks, and is faster.
    """

    def __init__(self, graph: Graph, stage: Stage, streams: int, window: Window | None = None) -> None:
        ov = quiet.openvino()
        Model, Tensor, Type, ops = ov.Model, ov.Tensor, ov.Type, ov.opset13
        bits = Type.bf16 if graph.kept == np.float16 else Type.f32
        model = graph._model.clone()
        nodes = {node.get_friendly_name(): node for node in model.get_ordered_ops()}
        parameters = list(model.get_parameters())

        def parameter(name: str, shape: list[int], kind: Any) -> Any:
            made = ops.parameter(shape, kind, name=name)
            made.output(0).get_tensor().set_names({name})
            parameters.append(made)
            return made

        def put(old: Any, new: Any) -> None:
            for target in old.get_target_inputs():
                target.replace_source_output(new.output(0))

        ends = {
            tensor: nodes[tensor[0]].output(tensor[1]) for tensor in (*stage.keeps, *(n.meets for n in stage.norms))
        }
        for number, norm in enumerate(graph.norms):
            node = nodes[norm.name]
            channels = graph.shapes[norm.meets].channels
            gain, bias = (parameter(f"{what}_{number}", [1, channels, 1, 1], np.float32) for what in ("gain", "bias"))
            put(node.output(0), ops.add(ops.multiply(node.input_value(0), gain), bias))
        for number, tensor in enumerate(stage.reads):
            kept = parameter(f"kept_{number}", [1, graph.shapes[tensor].channels, -1, -1], bits)
            wide = ops.convert(kept, Type.f32)
            put(nodes[tensor[0]].output(tensor[1]), wide)
            if tensor in ends:
                ends[tensor] = wide.output(0)
        results: list[Any] = []
        self._scales = [graph.shapes[tensor].scale for tensor in ends]
        axes, steps = ops.constant(np.array([2, 3])), ops.constant(np.array([1, 1]))
        for number, (tensor, end) in enumerate(ends.items()):
            if window is None:
                first, last = (parameter(f"{what}_{number}", [2], np.int64) for what in ("first", "last"))
            else:
                corners = (window.first, window.last)
                first, last = (ops.constant(np.array(each) // self._scales[number]) for each in corners)
            core = ops.slice(end, first, last, steps, axes)
            if tensor in stage.keeps:
                results.append(ops.result(end) if tensor == graph.painted else ops.convert(end, bits))
            if any(norm.meets == tensor for norm in stage.norms):
                mean = ops.reduce_mean(core, axes, keep_dims=True)
                var = ops.reduce_mean(ops.squared_difference(core, mean), axes, keep_dims=False)
                results += [ops.squeeze(mean, axes), var]
        self._order = [
            (tensor, what)
            for tensor in ends
            for what in (
                *(("values",) if tensor in stage.keeps else ()),
                *(("mean", "var") if any(norm.meets == tensor for norm in stage.norms) else ()),
            )
        ]
        used = _reachable(results)
        found = [each for each in parameters if each.get_friendly_name() in used]
        self.inputs = {each.get_friendly_name() for each in found}
        options = {**graph._options, "NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": streams}
        model = Model(results, found)
        if window is not None:
            model.reshape(graph.sizes_of(stage, window, self.inputs))
        self._compiled = graph._core.compile_model(model, "CPU", options)
        quiet.has_threads(self)
        self._local = threading.local()
        self._tensor, self._type = Tensor, bits

    def run(
        self, feeds: Mapping[str, Any], first: tuple[int, int], last: tuple[int, int]
    ) -> dict[tuple[Tensor, str], npt.NDArray[Any]]:
        """Run one tile whose core goes from ``first`` to ``last`` (row, column), in pixels from the tile's corner.

        Gives by (tensor, "values"), (tensor, "mean") and (tensor, "var") what the stage asked for: what it keeps as a
        batch of one, of the whole tile, and the moments of the core as vectors (1, C). What is kept has the bits of
        ``Graph.kept``. The arrays are the runtime's, and change with the next tile of the same thread.
        """
        if not hasattr(self._local, "request"):
            self._local.request = self._compiled.create_infer_request()
        given = {name: self._kept(value) for name, value in feeds.items() if name in self.inputs}
        for number, scale in enumerate(self._scales):
            for what, (row, column) in (("first", first), ("last", last)):
                if f"{what}_{number}" in self.inputs:
                    given[f"{what}_{number}"] = np.array([row // scale, column // scale])
        found = self._local.request.infer(given, share_inputs=True, share_outputs=True)
        return {key: found[i] for i, key in enumerate(self._order)}

    def _kept(self, value: npt.NDArray[Any]) -> Any:
        """16 bits a number as the bfloat16 that they are; other arrays come back themselves."""
        return self._tensor(value, list(value.shape), self._type) if value.dtype == np.float16 else value


def _reachable(results: list[Any]) -> set[str]:
    """Names of all nodes that lead to ``results``."""
    found, todo = set[str](), list(results)
    while todo:
        node = todo.pop()
        if node.get_friendly_name() not in found:
            found.add(node.get_friendly_name())
            todo += [each.get_source_output().get_node() for each in node.inputs()]
    return found
