"""Which style goes where: pictures of weights in, one stack of masks that add up to 1 out. Knows no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from impasto import pictures
from impasto.errors import PictureError

Floats = npt.NDArray[np.float32]
Mask: TypeAlias = pictures.Source  # a grey picture: white is in, black is out; "alpha" is the photo's own alpha

ALPHA = "alpha"
TOO_MUCH = 1 + 2 / 255  # what masks may add up to before it counts as an overlap: rounding to 8 bits


def load(masks: Mapping[str, Mask], photo: pictures.Photo) -> dict[str, Floats]:
    """The weights (h, w), 0..1, of each style's mask, at the size of ``photo``.

    A mask is whatever ``pictures.load`` takes: its grey value is the weight, times its alpha if it has one.
    PictureError for a mask of another size than the photo, or "alpha" where the photo has none.
    """
    return {style: _weights(style, mask, photo) for style, mask in masks.items()}


def _weights(style: str, mask: Mask, photo: pictures.Photo) -> Floats:
    if isinstance(mask, str) and mask == ALPHA:
        if photo.alpha is None:
            raise PictureError(f"{photo.name} has no alpha to be the mask of {style!r}; give a picture as mask")
        return photo.alpha
    found = pictures.load(mask)
    weights: Floats = found.picture.mean(axis=2, dtype=np.float32)
    (height, width), expected = weights.shape, photo.picture.shape[:2]
    if (height, width) != expected:
        raise PictureError(
            f"the mask of {style!r} is {width} x {height} pixels and the photo {expected[1]} x {expected[0]}; "
            "make the mask as large as the photo"
        )
    return weights if found.alpha is None else weights * found.alpha


def overlap(masks: Mapping[str, Floats]) -> float:
    """The largest sum of the weights at one pixel; beyond ``TOO_MUCH`` ``stack`` scales such pixels down to 1."""
    return float(_sum(list(masks.values())).max()) if masks else 0.0


def stack(masks: Sequence[Floats]) -> Floats:
    """(K + 1, h, w) weights that add up to 1 at each pixel, from K masks (h, w) in 0..1; first what they leave over.

    Where masks add up to more than 1, they are divided by their sum.
    """
    total = _sum(masks)
    planes = [mask / np.maximum(total, 1) for mask in masks]
    return np.stack([np.maximum(1 - total, 0), *planes]).astype(np.float32)


def _sum(masks: Sequence[Floats]) -> Floats:
    total: Floats = np.sum(np.stack(masks), axis=0, dtype=np.float32)
    return total
