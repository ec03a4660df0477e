"""More paintings out of few: crops whose colours are turned, exchanged, inverted or gone.

Crops of a fifth to two fifths of a painting count almost as other paintings; flips do not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Floats = npt.NDArray[np.float32]

SCALE = (0.6, 1.5)  # how much smaller or larger strokes become
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
CHANCES = {"exchanged": 0.35, "turned": 0.35, "inverted": 0.1, "grey": 0.08}  # of colours


def crop(generator: np.random.Generator, painting: Image.Image, side: int) -> Floats:
    """Some square of a painting, (side, side, 3) in 0..1, its strokes made smaller or larger."""
    scale = float(np.exp(generator.uniform(*np.log(SCALE))))
    length = min(side / scale, *painting.size)
    left, top = (generator.uniform(0, whole - length) for whole in painting.size)
    square = painting.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, left + length, top + length))
    return np.asarray(square, np.float32) / np.float32(255)


def recolored(generator: np.random.Generator, picture: Floats, other: Floats) -> Floats:
    """``picture`` with other colours, now and then those of ``other``; both (h, w, 3) in 0..1."""
    chance = generator.random()
    if (chance := chance - CHANCES["exchanged"]) < 0:
        picture = exchanged(picture, other)
    elif (chance := chance - CHANCES["turned"]) < 0:
        picture = turned(picture, generator.uniform(0, 2 * np.pi))
    elif (chance := chance - CHANCES["inverted"]) < 0:
        picture = 1 - picture
    elif (chance := chance - CHANCES["grey"]) < 0:
        picture = np.repeat((picture @ LUMA)[..., None], 3, 2)
    gain, bend = np.exp(generator.normal(0, 0.15)), np.exp(generator.normal(0, 0.15))
    mean = picture.mean()
    result: Floats = (np.clip(mean + gain * (picture - mean), 0, 1) ** bend).astype(np.float32)
    return result


def turned(picture: Floats, angle: float) -> Floats:
    """The hues turned by ``angle`` around the grey axis, brightness as it was."""
    axis = np.full(3, 1 / np.sqrt(3))
    cross = np.cross(np.eye(3), axis)
    turn = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * np.outer(axis, axis)
    moved = picture @ turn.T.astype(np.float32)
    moved += (picture @ LUMA - moved @ LUMA)[..., None]
    result: Floats = np.clip(moved, 0, 1)
    return result


def exchanged(picture: Floats, other: Floats) -> Floats:
    """The mean and the covariance of colours those of ``other`` (Gatys et al. 2016, 1606.05897)."""
    flat, wanted = (each.reshape(-1, 3).astype(np.float64) for each in (picture, other))
    root, back = _root(np.cov(wanted.T), 0.5), _root(np.cov(flat.T), -0.5)
    moved = (flat - flat.mean(0)) @ (root @ back).T + wanted.mean(0)
    result: Floats = np.clip(moved, 0, 1).astype(np.float32).reshape(picture.shape)
    return result


def _root(covariance: npt.NDArray[np.float64], power: float) -> npt.NDArray[np.float64]:
    values, vectors = np.linalg.eigh(covariance + 1e-5 * np.eye(3))
    result: npt.NDArray[np.float64] = (vectors * np.maximum(values, 1e-6) ** power) @ vectors.T
    return result
