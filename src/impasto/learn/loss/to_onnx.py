"""The loss network as an ONNX graph: what recognises style where there is no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from impasto.errors import LearnError
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.layers import layer_names

OPSET, IR_VERSION = 18, 9  # as of networks
CODES = 256  # different weights that a convolution may have to be stored as 8-bit codes


def loss_graph(network: LossNetwork, layers: Sequence[str]) -> onnx.ModelProto:
    """``network`` up to the deepest of ``layers``, ReLUs, as an ONNX model.

    Input: ``picture`` (1, 3, H, W) in 0..1. Output: ``statistics``, for each layer its Gram matrix (C C,), flat, and
    behind all of those the means of each layer's channels (C,). A node is called what its layer is called. Weights are
    stored as they are, as 8-bit codes with a table of 256 values where a convolution has no more than that.
    """
    if network.pooling != "max" or network.borders != "zeros" or network.surround:
        raise LearnError("the loss network is exported as it comes: with max pooling, and zeros around its layers")
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def add(op: str, *inputs: str, name: str = "", **given: Any) -> str:
        name = name or f"{op.lower()}_{len(nodes)}"
        nodes.append(helper.make_node(op, list(inputs), [name], name=name, **given))
        return name

    def constant(value: npt.NDArray[Any]) -> str:
        name = f"constant_{len(constants)}"
        constants.append(numpy_helper.from_array(value, name))
        return name

    def weight(value: npt.NDArray[np.float32]) -> str:
        table, codes = np.unique(value, return_inverse=True)
        if table.size > CODES:
            return constant(value)
        indices = add("Cast", constant(codes.reshape(value.shape).astype(np.uint8)), to=TensorProto.INT32)
        return add("Gather", constant(table), indices)

    mean, std = (network.get_buffer(each).cpu().numpy() for each in ("mean", "std"))
    x = add("Div", add("Sub", "picture", constant(mean)), constant(std))
    names = layer_names(network.depth)
    for name in names[: 1 + max(map(names.index, layers))]:
        if name.startswith("conv"):
            values = (network.get_buffer(f"{name}_{part}").cpu().float().numpy() for part in ("weight", "bias"))
            kernel, bias = values
            given: dict[str, Any] = {
                "kernel_shape": [3, 3],
                "strides": [1, 1],
                "pads": [1] * 4,
                "dilations": [1, 1],
                "group": 1,
            }
            x = add("Conv", x, weight(np.ascontiguousarray(kernel)), constant(bias), **given)
        elif name.startswith("relu"):
            x = add("Relu", x, name=name)
        else:
            x = add("MaxPool", x, name=name, kernel_shape=[2, 2], strides=[2, 2])
    found = [_statistics(add, constant, layer) for layer in layers]
    add("Concat", *(gram for gram, _ in found), *(means for _, means in found), name="statistics", axis=0)
    return _model(nodes, constants, network, layers)


def _statistics(add: Callable[..., str], constant: Callable[[npt.NDArray[Any]], str], layer: str) -> tuple[str, str]:
    """The flat Gram matrix and the channels' means of a layer."""
    flat = add("Reshape", layer, constant(np.array([0, 0, -1], np.int64)))  # (1, C, positions)
    shape = add("Shape", flat, start=2, end=3)
    count = add("Cast", shape, to=TensorProto.FLOAT)
    gram = add("Div", add("MatMul", flat, add("Transpose", flat, perm=[0, 2, 1])), count)
    means = add("ReduceMean", flat, constant(np.array([2], np.int64)), keepdims=0)
    line = constant(np.array([-1], np.int64))
    return add("Reshape", gram, line), add("Reshape", means, line)


def _model(
    nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto], network: LossNetwork, layers: Sequence[str]
) -> onnx.ModelProto:
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, "height", "width"])
    statistics = helper.make_tensor_value_info("statistics", TensorProto.FLOAT, ["numbers"])
    graph = helper.make_graph(nodes, "loss", [picture], [statistics], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="impasto")
    model.ir_version = IR_VERSION
    widths = [network.get_buffer(f"conv{layer[4:]}_weight").shape[0] for layer in layers]
    meta = {"layers": ",".join(layers), "widths": ",".join(map(str, widths))}
    helper.set_model_props(model, {f"impasto.{key}": value for key, value in meta.items()})
    onnx.checker.check_model(model)
    return model
