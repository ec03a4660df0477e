"""How still paintings hold while the camera moves: frames of known motion out of a photo, and their painter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from impasto.learn.evaluate.artefacts import Floats

STEP = 3.7, 1.3  # pixels a frame, across and down
FRAMES = 3
FINER = 1.5  # pixels of the photo for one of a frame: what is between pixels is known
BORDER = 16  # pixels at the edges that do not count: painters see less of the scene there
LEAST = 64  # pixels of a frame's shorter side


def warping_error(paint: Callable[[Floats], Floats], photo: Floats) -> float | None:
    """How far a painted frame is from the one before it, moved as the scene has moved: the root mean square, in %.

    The warping error of Lai et al. (2018, "Learning Blind Video Temporal Consistency"), but that the motion is known,
    so that no flow is estimated: the frames are windows of ``photo`` (h, w, 3), 0..1, that move by ``STEP``. 0 is a
    painting that sticks to the scene. None if the photo has less than about 100 pixels.
    """
    height, width = (
        int((side - 2) / FINER - (FRAMES - 1) * step) for side, step in zip(photo.shape, STEP[::-1], strict=False)
    )
    if min(height, width) < LEAST:
        return None
    places = [(FINER * i * STEP[0], FINER * i * STEP[1]) for i in range(FRAMES)]
    size = width, height
    painted = [
        paint(np.clip(window(photo, (x, y, x + FINER * width, y + FINER * height), size), 0, 1)) for x, y in places
    ]
    inside = width - 2 * BORDER, height - 2 * BORDER
    left, top = BORDER + STEP[0], BORDER + STEP[1]
    apart = [
        window(old, (left, top, left + inside[0], top + inside[1]), inside) - new[BORDER:-BORDER, BORDER:-BORDER]
        for old, new in zip(painted, painted[1:], strict=False)
    ]
    return 100 * float(np.sqrt(np.mean(np.square(apart))))


def window(picture: Floats, box: tuple[float, float, float, float], size: tuple[int, int]) -> Floats:
    """What is in ``box`` (left, top, right, bottom) of a picture (h, w, 3), at ``size`` (width, height); Lanczos."""
    planes = [Image.fromarray(np.ascontiguousarray(picture[..., channel])) for channel in range(3)]
    return np.stack([np.asarray(each.resize(size, Image.Resampling.LANCZOS, box)) for each in planes], -1)
