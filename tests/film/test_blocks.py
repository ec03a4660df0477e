"""Blocks of a codec, which nobody sees in a film, are no squares in its painting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av")

from impasto import assets
from impasto.film.reading import opened
from impasto.painting.painter import Painter
from tests.film.drawn import Drawing, film

pytestmark = [pytest.mark.film, pytest.mark.skipif("fast" not in assets.networks(), reason="no trained network here")]
SIZE, BLOCK = (320, 240), 16
STYLE = "hokusai-great-wave"


def scene(number: int, width: int, height: int) -> np.ndarray:
    """Soft hills, a sky and a little grain; the camera moves slowly to the right."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:height, : width + 64].astype(float)
    hills = 120 + 50 * np.sin(x / 31) + 20 * np.sin(x / 7.3 + y / 11) - y / 3
    pixels = np.stack([hills, hills * 0.9 + 20, 200 - hills / 2], -1) + rng.normal(0, 3, (height, width + 64, 1))
    return np.clip(pixels[:, number : number + width], 0, 255).round().astype(np.uint8)


def squares(pixels: np.ndarray) -> float:
    """How much steeper a picture is at the borders of blocks than inside them."""
    light = pixels.astype(float).mean(-1)
    ratios = []
    for axis in (0, 1):
        steps = np.abs(np.diff(light, axis=axis)).mean(1 - axis)
        border = np.arange(1, len(steps) + 1) % BLOCK == 0
        ratios.append(steps[border].mean() / steps[~border].mean())
    return float(np.mean(ratios))


def test_blocks_are_no_squares(tmp_path: Path) -> None:
    """Painted from a film at CRF 35, borders of its blocks are no steeper than painted from its clean twin."""
    painter, found = Painter("fast", precision="f32"), []
    for name, crf in (("clean", "1"), ("coarse", "35")):
        drawing = Drawing(frames=12, size=SIZE, shown=scene, sounds=(), options=(("crf", crf),))
        frames = [frame.pixels for frame in opened(film(tmp_path / f"{name}.mp4", drawing)).frames()]
        paintings = list(painter.paint_frames(frames, STYLE))
        found.append(np.mean([squares(each) for each in paintings[4:]]))
    clean, coarse = found
    assert coarse < 1.1 * clean, found
