"""The number that says how large the strokes of a picture are."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.strokes import length


@pytest.mark.parametrize("times", [2, 3])
def test_larger_grain_is_longer(times: int) -> None:
    """Noise whose grains are N times as wide has N times the length."""
    rng = np.random.default_rng(0)
    noise = rng.random((384, 512, 1), np.float32).repeat(2, 0).repeat(2, 1)[:384, :512].repeat(3, 2)
    larger = noise.repeat(times, 0).repeat(times, 1)[:384, :512]
    assert length(larger) == pytest.approx(times * length(noise), rel=0.15)


def test_what_is_coarser_than_strokes_does_not_count() -> None:
    """A ramp from black to white under the same grain changes the length by less than a tenth."""
    noise = np.random.default_rng(0).random((96, 128, 1), np.float32).repeat(4, 0).repeat(4, 1).repeat(3, 2) / 10
    ramp = np.linspace(0, 0.9, 512, dtype=np.float32)[None, :, None]
    assert length(noise + ramp) == pytest.approx(length(noise), rel=0.1)
