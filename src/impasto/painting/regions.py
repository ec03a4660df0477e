"""Which style goes where: pictures of weights in, one stack of masks that add up to 1 out. Knows no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from impasto import pictures
from impasto.errors import PictureError
from impasto.pictures import arrays

Floats = npt.NDArray[np.float32]
Weights: TypeAlias = npt.NDArray[Any]
Mask: TypeAlias = pictures.Source  # a grey picture: white is in, black is out; "alpha" is the photo's own alpha

ALPHA = "alpha"
PIECES, MOST_TONES = 10, 512  # of a face that has its features still, but not its tones
SOFT = 0.012  # of the longer side: standard deviation of a soft edge
TOO_MUCH = 1 + 2 / 255  # what masks may add up to before it counts as an overlap: rounding to 8 bits


def load(
    masks: Mapping[str, Mask], photo: pictures.Photo, *, max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS
) -> dict[str, Weights]:
    """The weights (h, w) of each style's mask, at the size of ``photo``: float32 in 0..1, or uint8
    or uint16. Planes (h, w) of whole numbers are not copied.

    A mask is whatever ``pictures.load`` takes: its grey value is the weight, times its alpha if it has one. Booleans
    are black and white. One of another size is stretched, if it has the photo's proportions. PictureError for one of
    others, or "alpha" where the photo has none, or that cannot be read; ``max_pixels`` as in ``pictures.load``.
    """
    return {style: weights(style, mask, photo, max_pixels) for style, mask in masks.items()}


def weights(style: str, mask: Mask, photo: pictures.Photo, max_pixels: int | None) -> Weights:
    """Those of one mask; ``style`` is what messages call it."""
    if isinstance(mask, str) and mask == ALPHA:
        if photo.opacity is None:
            raise PictureError(f"{photo.name} has no alpha to be the mask of {style!r}; give a picture as mask")
        return photo.opacity
    try:
        if isinstance(mask, np.ndarray) and mask.ndim == 2 and mask.size:
            found = arrays.checked(mask, "it")
        else:
            found = _grey(pictures.load(mask, max_pixels=max_pixels))
    except PictureError as error:
        raise PictureError(f"the mask of {style!r} cannot be used: {error}") from error
    (height, width), (tall, wide) = found.shape, photo.pixels.shape[:2]
    if abs(width * tall - height * wide) >= max(height, width, tall, wide):  # a pixel of the smaller of the two
        raise PictureError(
            f"the mask of {style!r} is {width} x {height} pixels and the photo {wide} x {tall}; "
            "make the mask as large as the photo, or give it the photo's proportions"
        )
    return stretched(found, wide, tall)


def stretched(mask: Weights, width: int, height: int) -> Weights:
    """A mask (h, w) at another size, soft where it is enlarged: uint8 if it was, else float32."""
    if mask.shape == (height, width):
        return mask
    picture = Image.fromarray(mask if mask.dtype == np.uint8 else pictures.unit(mask))
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))


def _grey(mask: pictures.Photo) -> Weights:
    pixels = mask.pixels
    if mask.opacity is None and pixels.dtype == np.uint8 and all(_is_grey(pixels[part]) for part in _parts(pixels)):
        return np.ascontiguousarray(pixels[..., 0])  # a quarter of the memory
    weights = np.empty(pixels.shape[:2], np.float32)
    for part in _parts(pixels):
        pictures.unit(pixels[part]).mean(axis=2, dtype=np.float32, out=weights[part])
        if mask.opacity is not None:
            weights[part] *= pictures.unit(mask.opacity[part])
    return weights


def _is_grey(pixels: pictures.Pixels) -> bool:
    return bool((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all())


def _parts(array: npt.NDArray[Any]) -> Iterator[slice]:
    """Rows of a large array, about a million numbers at a time."""
    rows = max(1, 2**20 // max(1, array[0].size))
    return (slice(top, top + rows) for top in range(0, len(array), rows))


def softened(mask: Weights) -> Weights:
    """A mask (h, w), uint8, whose edges are no longer to be seen."""
    picture = Image.fromarray(pictures.to_bytes(mask))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(SOFT * max(mask.shape))))


def coarse(mask: Weights) -> int:
    """The longer side in pixels of so small a picture that what is in the mask is PIECES pixels large in it."""
    share = float(pictures.to_bytes(mask).mean(dtype=np.float64)) / 255
    return int(np.clip(PIECES / max(share, 1e-6) ** 0.5, PIECES, MOST_TONES))


def overlap(masks: Sequence[Weights]) -> float:
    """The largest sum of the weights at one pixel; beyond ``TOO_MUCH`` ``stack`` scales such pixels down to 1."""
    parts = _parts(masks[0]) if masks else ()
    return max((float(_sum([mask[part] for mask in masks]).max()) for part in parts), default=0.0)


def stack(masks: Sequence[Weights]) -> Floats:
    """(K + 1, h, w) weights that add up to 1 at each pixel, from K masks (h, w); first what they leave over.

    Where masks add up to more than 1, they are divided by their sum.
    """
    total = _sum(masks)
    planes = [pictures.unit(mask) / np.maximum(total, 1) for mask in masks]
    return np.stack([np.maximum(1 - total, 0), *planes]).astype(np.float32)


def _sum(masks: Sequence[Weights]) -> Floats:
    total: Floats = np.sum(np.stack([pictures.unit(mask) for mask in masks]), axis=0, dtype=np.float32)
    return total
