"""A photo, a painting and small optimisations of them, for several files of tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from impasto import pictures
from impasto.learn.loss.features import LossNetwork
from impasto.learn.optimize.objective import Parts
from impasto.learn.optimize.recipes import settings_for
from impasto.learn.optimize.run import Optimization, OptimizeStep, optimize

SMALL: dict[str, Any] = {
    "size": 32,
    "steps": 8,
    "coarsest": 0,
    "content_layers": ("relu2_1",),
    "style_layers": ("relu1_1", "relu2_1"),
    "precision": "float32",
}


@pytest.fixture
def photo() -> pictures.Picture:
    """Soft blobs, 24 x 32."""
    coarse = np.random.default_rng(1).random((4, 5, 3), np.float32)
    return np.ascontiguousarray(np.kron(coarse, np.ones((8, 8, 1), np.float32))[:24, :32])


@pytest.fixture
def painting() -> pictures.Picture:
    """Yellow and blue stripes, 40 x 40."""
    stripes = (np.arange(40) // 3 % 2)[:, None, None] * np.array([0.8, 0.7, -0.6]) + np.array([0.1, 0.1, 0.8])
    return np.broadcast_to(stripes, (40, 40, 3)).astype(np.float32).copy()


@pytest.fixture
def painted(
    loss_network: LossNetwork, photo: pictures.Picture, painting: pictures.Picture
) -> Callable[..., list[OptimizeStep]]:
    """Run a small optimisation with some options changed."""

    def run(**options: Any) -> list[OptimizeStep]:
        return list(optimize(photo, painting, loss_network=loss_network, **SMALL | options))

    return run


def opened(photo: Any, painting: Any, network: LossNetwork, *, recipe: str = "default", **options: Any) -> Optimization:
    keywords = {name: options.pop(name) for name in ("photo_masks", "painting_masks", "max_memory") if name in options}
    settings = settings_for(recipe, **SMALL | options)
    return Optimization(photo, painting, settings, loss_network=network, **keywords)


def bowl(centre: Tensor, curvature: Tensor) -> Callable[[Tensor], tuple[Parts, Tensor]]:
    """A quadratic objective with a known minimum."""

    def evaluate(x: Tensor) -> tuple[Parts, Tensor]:
        value = float((curvature * (x - centre).square()).sum() / 2)
        return Parts(value, 0.0, 0.0, value), curvature * (x - centre)

    return evaluate


def saved(folder: Path, photo: pictures.Picture, painting: pictures.Picture) -> tuple[Path, Path]:
    pictures.save(photo, folder / "photo.png")
    pictures.save(painting, folder / "painting.png")
    return folder / "photo.png", folder / "painting.png"
