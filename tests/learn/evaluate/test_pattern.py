"""The number that shows a grid or a weave in even places."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.learn.evaluate.pattern import SIDE, pattern, patterns, scenes

RNG = np.random.default_rng(0)
GREY = np.full((SIDE, SIDE, 3), 0.5, np.float32)


def noise(steepness: float) -> np.ndarray:
    """Noise whose amplitude falls with the frequency to a power, (SIDE, SIDE, 1), of deviation 0.1."""
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None])
    frequency[0, 0] = 1
    made = np.fft.ifft2(np.fft.fft2(RNG.normal(size=(SIDE, SIDE))) / frequency**steepness).real
    return (0.1 * made / made.std())[..., None].astype(np.float32)


@pytest.mark.parametrize("steepness", [0, 1, 2])
def test_noise_of_any_colour_has_no_pattern(steepness: float) -> None:
    """Whatever its spectrum, noise has a small number."""
    assert pattern(GREY + noise(steepness)) < 9


@pytest.mark.parametrize("wavelength", [2, 3, 4, 8, 16])
def test_a_faint_grid_shows(wavelength: int) -> None:
    """A grid of a third of the noise's deviation has a large number, at any wavelength."""
    y, x = np.mgrid[:SIDE, :SIDE] * 2 * np.pi / wavelength
    grid = 0.05 * (np.cos(x) + np.cos(y))[..., None]
    assert pattern(GREY + noise(0) + grid) > 30


def test_a_single_edge_is_no_pattern() -> None:
    """A picture of two halves, as of sky and sea, has a number that no grid has."""
    halves = GREY.copy()
    halves[SIDE // 3 :] = 0.2
    assert pattern(halves + noise(0) / 5) < 20


def test_scenes_are_even_and_the_same_every_time() -> None:
    """Three pictures without a pattern of their own, which do not change."""
    first, second = scenes(), scenes()
    assert list(first) == ["grey", "dark", "sky"]
    for name, scene in first.items():
        assert scene.shape == (SIDE, SIDE, 3) and 0 <= scene.min() and scene.max() <= 1
        assert np.array_equal(scene, second[name]) and pattern(scene) < 9


def test_the_worst_scene_counts() -> None:
    """A pattern that is painted into the dark alone is found."""
    stripes = np.cos(np.arange(SIDE) * np.pi / 2)[None, :, None] * np.float32(0.02)

    def paint(scene: np.ndarray, name: str) -> np.ndarray:
        return scene + stripes if name == "bad" and scene.mean() < 0.2 else scene

    assert patterns(paint, "bad") > 30 > 9 > patterns(paint, "good")
