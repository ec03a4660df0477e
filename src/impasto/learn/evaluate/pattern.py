"""What a network paints where there is nothing to paint: a regular pattern, in one number."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from impasto.learn.evaluate.artefacts import Floats
from impasto.learn.evaluate.scorer import Paint
from impasto.pictures.recolor import luma

SIDE = 384  # pixels, of the scenes
NOISE = 1 / 255  # of the scenes: standard deviation of every pixel and channel
PEAK, CENTRE, AROUND = 3, 7, 33  # bins of the spectrum: a peak; what is not its surroundings; what is
LONGEST = 32.0  # pixels: the longest wavelength that counts; beyond it is the composition


def scenes() -> dict[str, Floats]:
    """Even places as photos have them, (SIDE, SIDE, 3) in 0..1, with noise of 1/255: grey, a dark ramp, a clear sky."""
    down = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None, None] * np.ones((1, SIDE, 1), np.float32)
    colours = {
        "grey": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        "dark": ((0.02, 0.02, 0.02), (0.2, 0.2, 0.2)),
        "sky": ((0.3, 0.5, 0.8), (0.7, 0.85, 0.95)),
    }
    noise = np.random.default_rng(0).normal(0, NOISE, (SIDE, SIDE, 3)).astype(np.float32)
    made = {}
    for name, (top, bottom) in colours.items():
        first, last = (np.array(colour, np.float32) for colour in (top, bottom))
        made[name] = np.clip(first + (last - first) * down + noise, 0, 1)
    return made


def pattern(picture: Floats) -> float:
    """The strongest peak in the spectrum of a picture (h, w, 3), over what is around it.

    The spectrum is that of the luma under a Hann window. A peak is the mean energy of 3 x 3 bins, its surroundings are
    that of the 33 x 33 bins around them but for the innermost 7 x 7. Wavelengths up to 32 pixels count. Noise of
    any colour has 5 to 8, a straight edge up to 14; a grid or a weave that repeats over the picture has hundreds.
    """
    brightness = luma(picture)
    h, w = brightness.shape
    window = np.outer(np.hanning(h), np.hanning(w))
    energy = np.square(np.abs(np.fft.fft2((brightness - brightness.mean()) * window)))
    peak, centre, around = (_sums(energy, size) for size in (PEAK, CENTRE, AROUND))
    surroundings = (around - centre) / (AROUND**2 - CENTRE**2)
    ratio = peak / PEAK**2 / np.maximum(surroundings, 1e-12 * h * w)
    radius = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)[None])
    return float(ratio[radius >= 1 / LONGEST].max())


def patterns(paint: Paint, name: str) -> float:
    """The largest ``pattern`` of what ``paint`` makes of the even ``scenes`` in the style ``name``."""
    return max(pattern(paint(scene, name)) for scene in scenes().values())


def _sums(energy: np.ndarray, size: int) -> np.ndarray:
    """Sums over squares of ``size`` bins around each; a spectrum has no end."""
    edge = size // 2
    wrapped = F.pad(torch.from_numpy(energy)[None, None], (edge,) * 4, mode="circular")
    return (F.avg_pool2d(wrapped, size, stride=1)[0, 0] * size**2).numpy()
