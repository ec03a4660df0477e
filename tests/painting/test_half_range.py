"""The shipped graphs suit runtimes that compute in float16, or want one output: numbers stay small, nodes plain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from impasto import assets
from impasto.styles.bank import Bank

pytestmark = pytest.mark.skipif("full" not in assets.networks(), reason="no trained network in this checkout")
HALF = float(np.finfo(np.float16).max)  # 65,504
MARGIN = 50  # times as large as the largest number may be
SIDE, FEW = 48, 2  # pixels; styles with the largest numbers, and about as many others
GRAPHS = ["fast", "full"]


def waves(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.stack([np.sin(x / 5 + turn) * np.cos(y / 9) for turn in range(3)], -1) / 2 + 0.5


PICTURES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "noise": lambda y, x: np.random.default_rng(0).random((*x.shape, 3)),
    "waves": waves,
    "black, one white pixel": lambda y, x: np.repeat(((x == 23) & (y == 20))[..., None], 3, -1),
    "white": lambda y, x: np.ones((*x.shape, 3)),
    "checks": lambda y, x: np.repeat(((x // 2 + y // 2) % 2)[..., None], 3, -1),
    "hard edge": lambda y, x: np.stack([x > 23, x < 23, y > 23], -1),
}


def watched(name: str) -> onnxruntime.InferenceSession:
    """A shipped graph, every tensor of floats an output."""
    model = onnx.load(assets.network_file(name))
    shapes = {value.name: value for value in onnx.shape_inference.infer_shapes(model).graph.value_info}
    for node in model.graph.node:
        for output in node.output:
            if output in shapes and shapes[output].type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
                model.graph.output.append(shapes[output])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def largest(session: onnxruntime.InferenceSession, picture: np.ndarray, row: np.ndarray) -> float:
    """The largest number in any tensor."""
    half = len(row) // 2
    given: dict[str, Any] = {"picture": picture.transpose(2, 0, 1)[None].astype(np.float32)}
    given |= {"scale": row[:half], "shift": row[half:]}
    return max(float(np.abs(each).max()) for each in session.run(None, given))


@pytest.mark.parametrize("name", GRAPHS)
def test_numbers_stay_in_the_range_of_float16(name: str) -> None:
    """Painted in several styles, no number of any tensor comes near float16's largest one."""
    session, bank = watched(name), Bank.load(assets.bank_file(name))
    y, x = np.mgrid[:SIDE, :SIDE]
    far = sorted(bank, key=lambda style: float(np.abs(bank[style]).max()))[-FEW:]
    styles, found = [*far, *list(bank)[:: len(bank) // FEW]], {}
    for kind, make in PICTURES.items():
        for style in styles:
            found[kind, style] = largest(session, make(y, x), bank[style])
    worst = max(found, key=lambda key: found[key])
    assert found[worst] * MARGIN < HALF, (worst, found[worst])


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_have_one_output(name: str) -> None:
    """The graph has one output, and so has each of its nodes."""
    model = onnx.load(assets.network_file(name))
    assert [output.name for output in model.graph.output] == ["painted"]
    assert all(len(node.output) == 1 for node in model.graph.node)
