"""Crops of paintings in other colours."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from impasto.learn.predict import augment

RNG = np.random.default_rng(0)
ONE, OTHER = RNG.random((20, 30, 3), np.float32) * 0.5 + 0.2, RNG.random((16, 16, 3), np.float32) * 0.3 + 0.4


def test_exchanged_colours_are_the_others() -> None:
    """Mean and covariance of the colours become those of the other picture."""
    found = augment.exchanged(ONE, OTHER).reshape(-1, 3)
    np.testing.assert_allclose(found.mean(0), OTHER.reshape(-1, 3).mean(0), atol=5e-3)
    np.testing.assert_allclose(np.cov(found.T), np.cov(OTHER.reshape(-1, 3).T), atol=1e-3)


def test_turned_hues_keep_brightness() -> None:
    """Turning hues leaves brightness, and grey; a whole turn leaves all."""
    dull = 0.5 + 0.1 * (ONE - ONE.mean())
    turned = augment.turned(dull, 1.0)
    np.testing.assert_allclose(turned @ augment.LUMA, dull @ augment.LUMA, atol=1e-5)
    assert np.abs(turned - dull).max() > 0.01
    np.testing.assert_allclose(augment.turned(dull, 2 * np.pi), dull, atol=1e-5)
    grey = np.full((2, 2, 3), 0.4, np.float32)
    np.testing.assert_allclose(augment.turned(grey, 2.0), grey, atol=1e-5)


@pytest.mark.parametrize("size", [(200, 40), (64, 64), (9, 500)])
def test_crops_fit(size: tuple[int, int]) -> None:
    """A crop has the size that was asked for, of paintings that are smaller, too, and is the same for equal seeds."""
    image = Image.fromarray(RNG.integers(0, 256, (*size[::-1], 3), np.uint8))
    one, same, other = (augment.crop(np.random.default_rng(seed), image, 32) for seed in (1, 1, 2))
    assert one.shape == (32, 32, 3) and 0 <= one.min() <= one.max() <= 1
    assert (one == same).all() and (one != other).any()
    again = augment.recolored(np.random.default_rng(3), one, other)
    assert again.shape == one.shape and 0 <= again.min() and again.max() <= 1
