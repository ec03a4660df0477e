"""How a picture goes on beyond its ends, where a network paints a margin that is cut off again. Numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

MIRRORED = 4  # pixels next to the picture: farther out, what is mirrored would be painted as a frame


def places(length: int, margin: int) -> npt.NDArray[Any]:
    """Which pixel of ``length`` each of ``margin + length + margin`` shows.

    Next to the picture ``MIRRORED`` pixels are mirrored; beyond them lies the strip that is inside of those, moved
    outwards and not turned, so that lines keep their direction. A picture of no more pixels than the margin is mirrored
    again and again.
    """
    inside = np.arange(length)
    if margin <= MIRRORED or length <= margin:
        return np.pad(inside, margin, "reflect")
    before = np.concatenate([inside[MIRRORED:margin], inside[MIRRORED:0:-1]])
    return np.concatenate([before, inside, length - 1 - before[::-1]])
