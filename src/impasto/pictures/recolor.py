"""A painting in the colours of its photo, or brought to its tones or colours before it is learned from."""

from __future__ import annotations

from typing import Any

import numpy as np

from impasto.errors import PictureError
from impasto.pictures.arrays import shape as _shape
from impasto.pictures.pixels import Picture, checked

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, the Y of YCbCr and of YIQ


def keep_color(painted: Picture, photo: Picture) -> Picture:
    """The luma of `painted` with the colours (Cb and Cr) of `photo`; both h x w x 3, alike in size.

        out = Y(painted) + s * (photo - Y(photo)),   Y = 0.299 R + 0.587 G + 0.114 B

    This is luminance-only transfer after Gatys et al. (2016), "Preserving Color in Neural Artistic Style Transfer".
    They clip; here s <= 1 is, per pixel, the largest share of the colour that fits into 0..1, so luma and hue stay
    exact and only saturation gives way.
    """
    painted, photo = checked(painted), checked(photo)
    if painted.shape != photo.shape:
        raise PictureError(
            f"The painting is {_shape(painted)} but the photo is {_shape(photo)}; resize one to the other's size."
        )
    out = np.empty_like(painted)
    rows = max(1, 2**18 // painted[0].size)  # a megabyte at a time stays in the cache
    for top in range(0, len(painted), rows):
        part = slice(top, top + rows)
        out[part] = _keep_color(painted[part], photo[part])
    return out


def _keep_color(painted: Picture, photo: Picture) -> Picture:
    luma = np.clip(painted @ LUMA, 0, 1)  # h x w
    color = photo - (photo @ LUMA)[..., None]  # h x w x 3
    red, green, blue = color[..., 0], color[..., 1], color[..., 2]
    up = np.maximum(np.maximum(red, green), blue)
    down = -np.minimum(np.minimum(red, green), blue)
    tiny = np.float32(1e-12)
    share = np.minimum((1 - luma) / np.maximum(up, tiny), luma / np.maximum(down, tiny))
    color *= np.minimum(share, 1)[..., None]
    color += luma[..., None]
    return np.clip(color, 0, 1, out=color)


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
