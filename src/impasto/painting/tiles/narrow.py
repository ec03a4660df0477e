"""A network's last convolution, to three channels, as one to twelve at a quarter of the places. OpenVINO only.

Processors multiply channels in blocks of sixteen, so three cost as much as sixteen. A kernel with stride 2 that holds
the four kernels of a square of 2 x 2 pixels, each moved to its own, gives that square as twelve channels: the same sums
in the same order, in a third of the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import quiet

SIDE = 2  # pixels a side of a square; what the network paints has even sides
CHANNELS = 3


def widened(model: Any) -> Any:
    """The model itself, with such a convolution for its last one, if that is of the kind."""
    convolutions = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    weights = _weights(convolutions[-1]) if convolutions else None
    if weights is None:
        return model
    last, ops = convolutions[-1], quiet.openvino().opset13
    kernel = ops.constant(squares(weights))
    wide = ops.convolution(last.input_value(0), kernel, [SIDE] * 2, [0, 0], [0, 0], [1, 1], name="wide")
    found = ops.depth_to_space(wide, "depth_first", SIDE, name="painted_squares")
    for target in last.output(0).get_target_inputs():
        target.replace_source_output(found.output(0))
    model.validate_nodes_and_infer_types()
    return model


def squares(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Kernels (C, in, k, k) as (4 C, in, k + 1, k + 1): for each channel those of a square's pixels, row by row."""
    channels, inputs, height, width = weights.shape
    found = np.zeros((channels, SIDE, SIDE, inputs, height + SIDE - 1, width + SIDE - 1), np.float32)
    for down in range(SIDE):
        for across in range(SIDE):
            found[:, down, across, :, down : down + height, across : across + width] = weights
    return found.reshape(channels * SIDE**2, *found.shape[3:])


def _weights(node: Any) -> npt.NDArray[np.float32] | None:
    """The kernels of a convolution to three channels that goes over all places and pads nothing; None of others."""
    given, kernel = node.get_attributes(), node.input_value(1).get_node()
    if kernel.get_type_name() == "Convert":  # of half precision
        kernel = kernel.input_value(0).get_node()
    steps = {*given["strides"], *given["dilations"]}
    pads = {*given["pads_begin"], *given["pads_end"]}
    if (
        kernel.get_type_name() != "Constant"
        or steps != {1}
        or pads != {0}
        or given["auto_pad"] not in ("explicit", "valid")
    ):
        return None
    weights = np.asarray(kernel.get_data(), np.float32)
    return weights if len(weights) == CHANNELS and min(weights.shape[2:]) > 1 else None
