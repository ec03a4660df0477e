"""Gradients of graphs that OpenVINO has read: for every operation in them, what goes back through it.

Only what impasto's networks and VGG are made of. Sizes must be fixed, and constants folded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from impasto import quiet
from impasto.errors import NetworkError

Node = Any  # of OpenVINO's, which has no types
Gradients = Iterator[tuple[int, Node]]  # numbers of inputs, and what goes back to each

STEEP = 1e20  # what makes 1 of everything above zero that counts


class Backward:
    """Back through the graph ``model`` from some of its values to ``parameters``, names of its inputs."""

    def __init__(self, model: Any, parameters: Iterable[str]) -> None:
        self._nodes = model.get_ordered_ops()
        self._inputs = [model.input(name).get_node().get_name() for name in parameters]
        self._found: dict[str, Node] = {}  # what has come back to a node so far

    def start(self, node: Node, gradient: Node) -> None:
        """``gradient`` comes from outside to ``node``, whose first output it has the shape of."""
        name = node.get_name()
        before = self._found.get(name)
        self._found[name] = gradient if before is None else quiet.openvino().opset13.add(before, gradient)

    def run(self) -> list[Node]:
        """The gradient of each of the parameters; NetworkError where an operation is not known."""
        moved = set(self._inputs)  # what depends on the parameters
        for node in self._nodes:
            if any(each.get_node().get_name() in moved for each in node.input_values()):
                moved.add(node.get_name())
        for node in reversed(self._nodes):
            if node.get_name() not in self._found or node.get_name() in self._inputs:
                continue
            kind = node.get_type_name()
            if kind not in RULES:
                raise NetworkError(f"there is no way back through {kind}; take another network")
            for index, gradient in RULES[kind](node, self._found[node.get_name()]):
                source = node.input_value(index).get_node()
                if source.get_name() in moved:
                    self.start(source, gradient)
        return [self._found[name] for name in self._inputs]


def _ops() -> Any:
    return quiet.openvino().opset13


def _whole(values: Iterable[int]) -> Node:
    return _ops().constant(np.array(list(values), np.int64))


def _number(value: float) -> Node:
    return _ops().constant(np.float32(value))


def _shape(value: Any) -> list[int]:
    return [int(side) for side in value.get_shape()]


def _constant(node: Node, index: int) -> list[int]:
    return [int(each) for each in node.input_value(index).get_node().get_data().flatten()]


def _like(gradient: Node, value: Any) -> Node:
    """``gradient`` summed to the shape of ``value``, which had been repeated to the gradient's."""
    shape, wanted = _shape(gradient.output(0)), _shape(value)
    padded = [1] * (len(shape) - len(wanted)) + wanted
    axes = [axis for axis, (side, own) in enumerate(zip(shape, padded, strict=True)) if own == 1 < side]
    summed = _ops().reduce_sum(gradient, _whole(axes), True) if axes else gradient
    return _ops().reshape(summed, _whole(wanted), False) if len(wanted) < len(shape) else summed


def _sum(node: Node, gradient: Node) -> Gradients:
    for index in (0, 1):
        yield index, _like(gradient, node.input_value(index))


def _product(node: Node, gradient: Node) -> Gradients:
    for index in (0, 1):
        other = node.input_value(1 - index)
        yield index, _like(_ops().multiply(gradient, other), node.input_value(index))


def _difference(node: Node, gradient: Node) -> Gradients:
    yield 0, _like(gradient, node.input_value(0))
    yield 1, _ops().negative(_like(gradient, node.input_value(1)))


def _quotient(node: Node, gradient: Node) -> Gradients:
    """Of the first by the second, which is a constant wherever it comes."""
    yield 0, _like(_ops().divide(gradient, node.input_value(1)), node.input_value(0))


def _relu(node: Node, gradient: Node) -> Gradients:
    """Where it is above zero; a sign would do, but OpenVINO computes that in another layout, and slowly."""
    ops = _ops()
    yield 0, ops.multiply(gradient, ops.clamp(ops.multiply(node.output(0), _number(STEEP)), 0.0, 1.0))


def _sigmoid(node: Node, gradient: Node) -> Gradients:
    value = node.output(0)
    yield 0, _ops().multiply(gradient, _ops().multiply(value, _ops().subtract(_number(1), value)))


def _norm(node: Node, gradient: Node) -> Gradients:
    """y = (x - m) / s:  dx = (dy - mean(dy) - y mean(dy y)) / s."""
    ops, x, y, axes = _ops(), node.input_value(0), node.output(0), _whole(_constant(node, 1))
    centred = ops.subtract(x, ops.reduce_mean(x, axes, True))
    variance = ops.reduce_mean(ops.multiply(centred, centred), axes, True)
    deviation = ops.sqrt(ops.add(variance, _number(node.get_attributes()["eps"])))
    along = ops.multiply(y, ops.reduce_mean(ops.multiply(gradient, y), axes, True))
    rest = ops.subtract(ops.subtract(gradient, ops.reduce_mean(gradient, axes, True)), along)
    yield 0, ops.divide(rest, deviation)


def _convolution(node: Node, gradient: Node) -> Gradients:
    """With stride 1 it is a convolution with the kernels turned round.

    The transposed one of OpenVINO 2026.4 is wrong for kernels of 9 x 9.
    """
    ops, given, weights = _ops(), node.get_attributes(), node.input_value(1)
    strides, low, high = (list(given[key]) for key in ("strides", "pads_begin", "pads_end"))
    *groups, _, _, tall, wide = _shape(weights)
    if max(strides) == 1:
        last = len(groups) + 2
        ends, steps, axes = [-1] * 2, [-1] * 2, [last, last + 1]
        turned = ops.slice(weights, *map(_whole, (ends, [-1 - tall, -1 - wide], steps, axes)))
        order = [*range(len(groups)), len(groups) + 1, len(groups), last, last + 1]
        turned = ops.transpose(turned, _whole(order))
        before, after = (
            [reach - 1 - pad for reach, pad in zip((tall, wide), pads, strict=True)] for pads in (low, high)
        )
        made: Callable[..., Node] = ops.group_convolution if groups else ops.convolution
        yield 0, made(gradient, turned, strides, before, after, list(given["dilations"]))
        return
    sides = zip(_shape(node.input_value(0))[2:], _shape(node.output(0))[2:], strict=True)
    rest = [  # pixels that no step of the stride reached
        side + begin + end - (stride * (out - 1) + reach)
        for (side, out), stride, reach, begin, end in zip(sides, strides, (tall, wide), low, high, strict=True)
    ]
    made = ops.group_convolution_backprop_data if groups else ops.convolution_backprop_data
    pads = {"pads_begin": low, "pads_end": high, "dilations": list(given["dilations"])}
    yield 0, made(gradient, weights, strides, output_padding=rest, **pads)


def _transposed(node: Node, gradient: Node) -> Gradients:
    keys = ("strides", "pads_begin", "pads_end", "dilations")
    yield 0, _ops().convolution(gradient, node.input_value(1), *(list(node.get_attributes()[key]) for key in keys))


def _padding(node: Node, gradient: Node) -> Gradients:
    """What the mirrored, or repeated, border gives back to the pixels that it was made of."""
    before, after = _constant(node, 1), _constant(node, 2)
    mode = node.get_attributes()["pad_mode"]
    for axis, (low, high) in enumerate(zip(before, after, strict=True)):
        if low or high:
            gradient = _unpadded(gradient, axis, low, high, mode)
    yield 0, gradient


def _unpadded(gradient: Node, axis: int, low: int, high: int, mode: str) -> Node:
    ops = _ops()
    shape = _shape(gradient.output(0))
    side = shape[axis] - low - high

    def part(start: int, stop: int, step: int = 1) -> Node:
        stop = stop if stop >= 0 else -shape[axis] - 1
        return ops.slice(gradient, *(_whole([each]) for each in (start, stop, step, axis)))

    def placed(piece: Node, start: int) -> Node:
        """``piece`` at its place in an empty picture."""
        long = _shape(piece.output(0))[axis]
        zeros = [[0] * len(shape) for _ in range(2)]
        zeros[0][axis], zeros[1][axis] = start, side - start - long
        return ops.pad(piece, _whole(zeros[0]), _whole(zeros[1]), "constant", _number(0))

    inner = part(low, low + side)
    if mode == "reflect":
        first = placed(part(low - 1, -1, -1), 1) if low else None
        last = placed(part(low + side + high - 1, low + side - 1, -1), side - 1 - high) if high else None
    elif mode == "edge":
        total = [ops.reduce_sum(piece, _whole([axis]), True) for piece in (part(0, low), part(low + side, shape[axis]))]
        first, last = placed(total[0], 0) if low else None, placed(total[1], side - 1) if high else None
    else:
        first = last = None
    for piece in (first, last):
        inner = inner if piece is None else ops.add(inner, piece)
    return inner


def _slice(node: Node, gradient: Node) -> Gradients:
    ops, shape, given = _ops(), _shape(node.input_value(0)), _shape(node.output(0))
    begin, after = [0] * len(shape), [0] * len(shape)
    for start, axis in zip(_constant(node, 1), _constant(node, 4), strict=True):
        begin[axis] = start + shape[axis] if start < 0 else start
        after[axis] = shape[axis] - begin[axis] - given[axis]
    yield 0, ops.pad(gradient, _whole(begin), _whole(after), "constant", _number(0))


def _concatenation(node: Node, gradient: Node) -> Gradients:
    axis, start = int(node.get_attributes()["axis"]), 0
    for index, value in enumerate(node.input_values()):
        stop = start + _shape(value)[axis]
        yield index, _ops().slice(gradient, *(_whole([each]) for each in (start, stop, 1, axis)))
        start = stop


def _reshape(node: Node, gradient: Node) -> Gradients:
    yield 0, _ops().reshape(gradient, _whole(_shape(node.input_value(0))), False)


def _tile(node: Node, gradient: Node) -> Gradients:
    """Of vectors, repeated as a whole."""
    (size,) = _shape(node.input_value(0))
    yield 0, _ops().reduce_sum(_ops().reshape(gradient, _whole([-1, size]), False), _whole([0]), False)


def _phases(node: Node, gradient: Node) -> Gradients:
    given = node.get_attributes()
    yield 0, _ops().space_to_depth(gradient, given["mode"], given["block_size"])


def _enlarged(node: Node, gradient: Node) -> Gradients:
    """Every pixel had become a square of 2 x 2."""
    squares = _ops().avg_pool(gradient, [2, 2], [0, 0], [0, 0], [2, 2], True)
    yield 0, _ops().multiply(squares, _number(4))


def _pooled(node: Node, gradient: Node) -> Gradients:
    """The largest of 2 x 2, or all that are equal and largest, get it."""
    ops, x = _ops(), node.input_value(0)
    largest, spread = (doubled(value, x) for value in (node.output(0), gradient))
    chosen = ops.convert(ops.equal(x, largest), "f32")
    yield 0, ops.multiply(chosen, spread)


def doubled(value: Any, like: Any) -> Node:
    """Every pixel as a square of 2 x 2, and zeros to the size of ``like``, where that was odd."""
    ops, wanted = _ops(), _shape(like)
    sizes = [2 * side for side in _shape(value if not hasattr(value, "output") else value.output(0))[2:]]
    larger = ops.interpolate(
        value, _whole(sizes), "nearest", "sizes", [0] * 4, [0] * 4, "asymmetric", "floor", axes=_whole([2, 3])
    )
    rest = [0, 0, wanted[2] - sizes[0], wanted[3] - sizes[1]]
    return ops.pad(larger, _whole([0] * 4), _whole(rest), "constant", _number(0)) if any(rest) else larger


RULES: dict[str, Callable[[Node, Node], Gradients]] = {
    "Add": _sum,
    "Subtract": _difference,
    "Multiply": _product,
    "Divide": _quotient,
    "Relu": _relu,
    "Sigmoid": _sigmoid,
    "MVN": _norm,
    "Convolution": _convolution,
    "GroupConvolution": _convolution,
    "ConvolutionBackpropData": _transposed,
    "Pad": _padding,
    "Slice": _slice,
    "Concat": _concatenation,
    "Reshape": _reshape,
    "Tile": _tile,
    "DepthToSpace": _phases,
    "Interpolate": _enlarged,
    "MaxPool": _pooled,
}
