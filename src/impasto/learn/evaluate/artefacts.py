"""What goes wrong in paintings, in numbers: borders, frames, checkers, diagonal lines, saturation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

BANDS = (0, 8), (8, 24)  # pixels from the border, from and to: where frames are; what is further in is the middle


def saturated(picture: Floats) -> float:
    """Share of channel values within 1/255 of black or white."""
    return float(((picture < 1 / 255) | (picture > 254 / 255)).mean())


def border_ratio(painted: Floats, photo: Floats) -> float:
    """Mean squared change within 16 pixels of the edge over that in the rest; about 1 if borders are clean."""
    return border_share(np.square(painted - photo).mean(2), 16)


def border_share(values: Floats, margin: int) -> float:
    """Mean of values (h, w) within ``margin`` pixels of the edge over that in the rest."""
    margin = max(1, min(margin, min(values.shape) // 4))  # of a small picture a part is inside, too
    inner = values[margin:-margin, margin:-margin]
    outer = (values.sum() - inner.sum()) / (values.size - inner.size)
    return float(outer / max(inner.mean(), 1e-8))


def turned(crops: Iterable[Floats]) -> Iterator[Floats]:
    """Each picture (h, w, 3), and the same turned by 180 degrees."""
    return (picture for crop in crops for picture in (crop, np.ascontiguousarray(crop[::-1, ::-1])))


def frames(pictures: Iterable[Floats]) -> tuple[float, float]:
    """How the mean of pictures (h, w, 3) of one size, 0..1, differs along its border from its middle, of 255.

    Of the outermost 8 pixels and of the next 16, whichever differs more: the largest difference of a channel's mean all
    around, and that at one of the four sides.
    """
    mean, count = np.zeros(1), 0
    for picture in pictures:
        mean, count = mean + 255.0 * picture, count + 1
    mean /= count
    inside = BANDS[-1][1]
    near = (np.minimum(np.arange(side), np.arange(side)[::-1]) for side in mean.shape[:2])
    apart = np.minimum.outer(*near)  # (h, w): pixels from the border
    middle = mean[apart >= inside].mean(0)
    rings = [mean[(first <= apart) & (apart < last)].mean(0) for first, last in BANDS]
    sides = [
        np.rot90(mean, turn)[first:last, inside:-inside].mean((0, 1)) for turn in range(4) for first, last in BANDS
    ]
    around, one_side = (float(np.abs(np.array(found) - middle).max()) for found in (rings, sides))
    return around, one_side


def checkerboard(luma: Floats) -> float:
    """Energy of the 2x2 checker over that of all three 2x2 Haar details: 1/3 for white noise, 1 for a checker."""
    h, w = (size // 2 * 2 for size in luma.shape)
    a, b, c, d = luma[0:h:2, 0:w:2], luma[0:h:2, 1:w:2], luma[1:h:2, 0:w:2], luma[1:h:2, 1:w:2]
    across, down, checker = (float(np.square(part).mean()) for part in (a - b + c - d, a + b - c - d, a - b - c + d))
    return checker / max(across + down + checker, 1e-12)


def diagonal_detail(luma: Floats) -> float:
    """Spectral energy within 15 degrees of the two diagonals over that near the two axes: 1 for white noise.

    Counted are wavelengths from 2 to 16 pixels. Networks of this family may cover flat places with fine diagonal lines
    (magenta#582, turicreate#666); those raise it.
    """
    h, w = luma.shape
    window = np.outer(np.hanning(h), np.hanning(w))
    energy = np.square(np.abs(np.fft.fft2((luma - luma.mean()) * window)))
    fy, fx = np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)[None]
    radius = np.hypot(fy, fx)
    angle = np.degrees(np.arctan2(np.abs(fy), np.abs(fx)))  # 0 .. 90
    counted = (radius > 1 / 16) & (radius < 1 / 2)
    diagonal = energy[counted & (np.abs(angle - 45) < 15)].sum()
    along_axes = energy[counted & ((angle < 15) | (angle > 75))].sum()
    return float(diagonal / max(along_axes, 1e-12))
