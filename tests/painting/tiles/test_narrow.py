"""The last convolution, to three channels, as one to twelve: the same painting, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto import quiet
from impasto.painting.tiles.narrow import squares, widened

pytest.importorskip("openvino")


def last(model: Any) -> Any:
    return [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"][-1]


def painted(model: Any, height: int, width: int) -> Any:
    row = next(each for each in model.inputs if "scale" in each.get_names()).get_partial_shape()[0].get_length()
    feeds = {"picture": np.random.default_rng(0).random((1, 3, height, width), np.float32)}
    feeds |= {"scale": np.ones(row, np.float32), "shift": np.zeros(row, np.float32)}
    return quiet.core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(feeds)[0]


@pytest.mark.parametrize("size", [(32, 32), (36, 52), (20, 88)], ids=str)
def test_the_painting_is_the_same(network_file: Path, size: tuple[int, int]) -> None:
    """A network whose last convolution is widened paints the same, whatever the size."""
    plain, wide = (quiet.core().read_model(network_file) for _ in range(2))
    assert last(widened(wide)).get_output_partial_shape(0)[1].get_length() == 12
    np.testing.assert_allclose(painted(wide, *size), painted(plain, *size), rtol=0, atol=1e-6)


def test_others_stay(network_file: Path) -> None:
    """A network that ends in squares already stays as it is."""
    wide = widened(quiet.core().read_model(network_file))
    count = len(wide.get_ordered_ops())
    assert widened(wide) is wide and len(wide.get_ordered_ops()) == count


def test_squares() -> None:
    """Each of a square's four kernels is the kernel, moved to its pixel, with nothing around it."""
    weights = np.random.default_rng(0).normal(size=(3, 2, 3, 5)).astype(np.float32)
    found = squares(weights).reshape(3, 2, 2, 2, 4, 6)
    for down in range(2):
        for across in range(2):
            part = found[:, down, across]
            np.testing.assert_array_equal(part[:, :, down : down + 3, across : across + 5], weights)
            assert np.abs(part).sum() == pytest.approx(np.abs(weights).sum())
