"""Frames of a film, painted one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from impasto.errors import OptionError, StyleNameError
from impasto.film.steady import Steady
from impasto.painting.look import Look
from impasto.painting.painter import Painter

pytest.importorskip("onnx")
LOOK = Look("red")


@pytest.fixture(scope="module")
def painter(network_file: Path) -> Painter:
    return Painter(network_file, runtime="onnxruntime", threads=1)


def noisy(count: int, size: tuple[int, int] = (40, 56)) -> Iterator[np.ndarray]:
    """Frames of noise, each another."""
    rng = np.random.default_rng(0)
    return (rng.integers(0, 256, (*size, 3), np.uint8) for _ in range(count))


def test_steady_0_paints_each_frame_by_itself(painter: Painter) -> None:
    """With ``steady`` 0 every frame is what ``paint_array`` makes of it."""
    film = Steady(painter, steady=0)
    for count, frame in enumerate(noisy(3)):
        assert np.array_equal(film.paint(frame, LOOK, count / 25), painter.paint_array(frame, LOOK))


def test_frames_are_read_one_by_one(painter: Painter) -> None:
    """``paint_frames`` reads a frame when its painting is asked for, so that films may have any length."""
    read = []
    painted = painter.paint_frames((read.append(0) or frame for frame in noisy(9)), "red", steady=0)
    next(painted)
    assert len(read) == 1


def test_bad_options_are_refused_at_once(painter: Painter) -> None:
    """A bad number or an unknown style is refused before a frame is read."""
    for options in ({"steady": 1.5}, {"fps": 0}):
        with pytest.raises(OptionError, match=next(iter(options))):
            painter.paint_frames(noisy(1), "red", **options)
    with pytest.raises(StyleNameError):
        painter.paint_frames(noisy(1), "rde")
