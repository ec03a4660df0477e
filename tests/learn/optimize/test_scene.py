"""Colours, masks and paintings of an optimisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from optimizing import opened, painted as painted, painting as painting, photo as photo

from impasto import pictures
from impasto.errors import LearnError
from impasto.learn.loss.features import LossNetwork
from impasto.learn.optimize.run import OptimizeStep
from impasto.pictures.recolor import luma, match_colors, match_luminance


def test_luminance(painted: Callable[..., list[OptimizeStep]], photo: pictures.Picture) -> None:
    """With luminance only, hue and saturation are the photo's where they fit, and the luma is new."""
    picture = painted(color="luminance")[-1].picture
    assert picture is not None
    colour, expected = (each - luma(each)[..., None] for each in (picture, photo))
    assert np.median(np.abs(colour - expected)) < 1e-4
    assert np.abs(luma(picture) - luma(photo)).mean() > 0.01


def test_match(photo: pictures.Picture, painting: pictures.Picture) -> None:
    """Matched colours have the photo's mean and covariance; matched luminance is grey with its mean and deviation."""
    noise = np.random.default_rng(0).random((30, 30, 3), np.float32)
    calm = 0.4 + 0.2 * photo  # so that nothing is clipped
    matched = match_colors(noise, calm).reshape(-1, 3)
    np.testing.assert_allclose(matched.mean(0), calm.reshape(-1, 3).mean(0), atol=1e-2)
    np.testing.assert_allclose(np.cov(matched.T), np.cov(calm.reshape(-1, 3).T), atol=1e-3)
    grey = match_luminance(noise, calm)
    assert np.ptp(grey, axis=2).max() == 0
    assert grey.mean() == pytest.approx(luma(calm).mean(), abs=1e-2)
    assert grey.std() == pytest.approx(luma(calm).std(), abs=1e-2)


def test_masks(loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture) -> None:
    """Each region takes after its own painting: a black one darkens its half, a white one lightens the other."""
    left = np.zeros_like(photo)
    left[:, :16] = 1
    black, white = np.zeros_like(painting), np.ones_like(painting)
    run = opened(photo, [black, white], loss_network, content_weight=0.0, steps=40, photo_masks=[left, 1 - left])
    picture = list(run.run())[-1].picture
    assert picture is not None
    assert picture[:, :14].mean() < 0.35 and picture[:, 18:].mean() > 0.65


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ({"photo_masks": [np.ones((10, 32, 3), np.float32)]}, "32 x 10 pixels but the photo is 32 x 24"),
        ({"photo_masks": [np.zeros((24, 32, 3), np.float32)]}, "black all over"),
        ({"painting_masks": [np.ones((40, 40, 3), np.float32)]}, "need masks of the photo"),
    ],
)
def test_bad_masks(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture, masks: dict[str, Any], message: str
) -> None:
    """Masks that do not fit are refused before anything is painted."""
    with pytest.raises(LearnError, match=message):
        opened(photo, painting, loss_network, **masks)
