"""A painting in the colours of its photo."""

from __future__ import annotations

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
