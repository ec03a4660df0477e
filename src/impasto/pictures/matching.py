"""Paintings brought to a photo's tones or colours, before they are learned from."""

from __future__ import annotations

from typing import Any

import numpy as np

from impasto.pictures.pixels import Picture
from impasto.pictures.recolor import LUMA


def match_luminance(painting: Picture, photo: Picture) -> Picture:
    """The painting in grey, its luma shifted and scaled to the photo's mean and deviation; h x w x 3, clipped to 0..1.

    L' = (sigma_photo / sigma_painting) (L - mu_painting) + mu_photo   (Gatys et al. 2016, "Preserving Color", eq. 4)
    """
    luma_photo, luma_painting = luma(photo), luma(painting)
    scale = luma_photo.std() / max(float(luma_painting.std()), 1e-6)
    return grey(np.clip(scale * (luma_painting - luma_painting.mean()) + luma_photo.mean(), 0, 1))


def match_colors(painting: Picture, photo: Picture) -> Picture:
    """The painting with the photo's mean colour and covariance of colours; h x w x 3, clipped to 0..1.

    x' = S_photo^1/2 S_painting^-1/2 (x - mu_painting) + mu_photo   (Gatys et al. 2016, "Preserving Color", section 4)
    """
    pixels, wanted = painting.reshape(-1, 3).astype(np.float64), photo.reshape(-1, 3).astype(np.float64)
    matrix = _matrix_power(np.cov(wanted.T), 0.5) @ _matrix_power(np.cov(pixels.T), -0.5)
    moved = (pixels - pixels.mean(0)) @ matrix.T + wanted.mean(0)
    matched: Picture = np.clip(moved, 0, 1).astype(np.float32).reshape(painting.shape)
    return matched


def luma(picture: Picture) -> Picture:
    """Y = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), h x w."""
    values: Picture = picture @ LUMA
    return values


def grey(values: Picture) -> Picture:
    return np.repeat(values[..., None], 3, axis=2).astype(np.float32)


def _matrix_power(matrix: Any, power: float) -> Any:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 1e-5) ** power) @ vectors.T
