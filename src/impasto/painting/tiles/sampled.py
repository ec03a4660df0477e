"""A network whose norms take their moments from places that stand for a whole picture. OpenVINO only."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from impasto import quiet
from impasto.painting.tiles.stages import Graph

Floats = npt.NDArray[np.float32]
Moments: TypeAlias = dict[str, Floats]  # "mean_N" and "root_N", (1, C, 1, 1), of the norm of that number


class Sampled:
    """A network's graph in two halves: ``moments`` of some pixels, and ``paint`` anything with moments that are known.

    Feeds are the graph's inputs: planes (1, 3, h, w) in 0..1 with sides that are multiples of the network's, and the
    style.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph, self._weighted, self._known = graph, _weighted(graph), _known(graph)
        quiet.has_threads(self)

    def moments(self, feeds: dict[str, Any], weights: Floats) -> Moments:
        """The moments that each norm meets where ``weights`` (h, w) are above 0, as if the rest were not there."""
        given = dict(feeds)
        for scale in {self._graph.shapes[norm.meets].scale for norm in self._graph.norms}:
            height, width = (side // scale for side in weights.shape)
            part = weights.reshape(height, scale, width, scale).mean(axis=(1, 3))
            given[f"weights_{scale}"] = np.ascontiguousarray(part / part.sum(), np.float32)[None, None]
        found = self._weighted(given)
        names = [f"{what}_{number}" for number in range(len(self._graph.norms)) for what in ("mean", "root")]
        return {name: np.array(found[i]) for i, name in enumerate(names)}

    def paint(self, feeds: dict[str, Any], moments: Moments) -> Floats:
        """The painting of these planes, (h, w, 3), as if they were a part of the picture that the moments are of."""
        painted: Floats = self._known({**feeds, **moments})[0][0].transpose(1, 2, 0)
        return painted


def _parameter(name: str, shape: list[int]) -> Any:
    made = quiet.openvino().opset13.parameter(shape, np.float32, name=name)
    made.output(0).get_tensor().set_names({name})
    return made


def _weighted(graph: Graph) -> Any:
    """The graph with weighted moments in the place of its norms' own, which it gives instead of a picture."""
    ov = quiet.openvino()
    ops, model = ov.opset13, graph.model.clone()
    nodes = {node.get_friendly_name(): node for node in model.get_ordered_ops()}
    axes, weights, results = ops.constant(np.array([2, 3])), dict[int, Any](), list[Any]()
    for norm in graph.norms:
        scale = graph.shapes[norm.meets].scale
        weight = weights.setdefault(scale, _parameter(f"weights_{scale}", [1, 1, -1, -1]))
        node = nodes[norm.name]
        mean = ops.reduce_sum(ops.multiply(node.input_value(0), weight), axes, keep_dims=True)
        apart = ops.subtract(node.input_value(0), mean)
        var = ops.reduce_sum(ops.multiply(ops.multiply(apart, apart), weight), axes, keep_dims=True)
        root = ops.sqrt(ops.add(var, ops.constant(np.float32(norm.epsilon))))
        normed = ops.divide(apart, root)
        for target in node.output(0).get_target_inputs():
            target.replace_source_output(normed.output(0))
        results += [ops.result(mean), ops.result(root)]
    inputs = [*model.get_parameters(), *weights.values()]
    return graph.core.compile_model(ov.Model(results, inputs), "CPU", graph.options)


def _known(graph: Graph) -> Any:
    """The graph with norms that are given their moments."""
    ops, model = quiet.openvino().opset13, graph.model.clone()
    nodes = {node.get_friendly_name(): node for node in model.get_ordered_ops()}
    parameters = []
    for number, norm in enumerate(graph.norms):
        node, channels = nodes[norm.name], graph.shapes[norm.meets].channels
        mean, root = (_parameter(f"{what}_{number}", [1, channels, 1, 1]) for what in ("mean", "root"))
        normed = ops.divide(ops.subtract(node.input_value(0), mean), root)
        for target in node.output(0).get_target_inputs():
            target.replace_source_output(normed.output(0))
        parameters += [mean, root]
    model.add_parameters(parameters)
    model.validate_nodes_and_infer_types()
    return graph.core.compile_model(model, "CPU", graph.options)
