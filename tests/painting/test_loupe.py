"""The loupe: a window that is painted by itself looks like the same place of the whole painting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto import Painter
from impasto.errors import PictureError
from impasto.painting import loupe
from impasto.painting.loupe import Loupe
from impasto.pictures import Photo


@pytest.fixture
def painter(network_file: Path) -> Painter:
    return Painter(network_file, precision="f32")


def photo(height: int, width: int) -> Any:
    """Noise, which is everywhere about the same, so that patches of it are like the whole."""
    return np.random.default_rng(0).random((height, width, 3), np.float32)


def distance(painter: Painter, pixels: Any, place: tuple[slice, slice], **dials: Any) -> float:
    style = painter.styles[0]
    job = painter.prepare(Photo(pixels), style, **dials)
    window, whole = Loupe(job).window(*place), job.paint()
    assert window.dtype == whole.dtype
    assert window.shape == whole[place].shape
    return float(np.abs(window.astype(np.float64) - whole[place]).mean())


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patches small enough for a picture of a test to be larger than all of them."""
    monkeypatch.setattr(loupe, "PATCH", 64)


PLACE = slice(203, 263), slice(390, 480)


@pytest.mark.parametrize("brush", ["small", 160], ids=["one pass", "two passes"])
def test_window(painter: Painter, small_steps: None, brush: Any) -> None:
    """In one pass or two, a window differs from the whole painting by less than a fiftieth of what can be."""
    assert not Loupe(painter.prepare(Photo(photo(480, 600)), painter.styles[0], brush=brush)).whole
    assert distance(painter, photo(480, 600), PLACE, brush=brush) < 0.02


def test_window_of_bytes(painter: Painter, small_steps: None) -> None:
    """A painting of bytes has windows of bytes."""
    pixels = (photo(480, 600) * 255).astype(np.uint8)
    assert distance(painter, pixels, PLACE, brush=160) < 5


def test_window_of_masks(painter: Painter, small_steps: None) -> None:
    """Regions, strength and the photo's colours are in the window as in the painting."""
    mask = np.zeros((480, 600), np.float32)
    mask[:, 430:] = 1
    dials = {"masks": {painter.styles[1]: mask}, "strength": 0.7, "keep_color": True, "brush": "small"}
    assert distance(painter, photo(480, 600), PLACE, **dials) < 0.03


def test_corners(painter: Painter, small_steps: None) -> None:
    """In a corner the window ends where the painting does."""
    assert distance(painter, photo(480, 600), (slice(440, 9999), slice(560, 9999)), brush=160) < 0.025


def test_wide_paintings(painter: Painter, small_steps: None) -> None:
    """A painting that is not taller than a window is painted whole, and the window is cut out of it."""
    pixels = photo(100, 3000)
    assert not Loupe(painter.prepare(Photo(pixels), painter.styles[0])).whole
    assert distance(painter, pixels, (slice(10, 90), slice(900, 980))) < 1e-5


def test_small_paintings_are_exact(painter: Painter) -> None:
    """A window of a small painting is cut out of it."""
    assert distance(painter, photo(100, 90), (slice(10, 50), slice(20, 60))) == 0


@pytest.mark.parametrize("place", [(slice(5, 5), slice(0, 9)), (slice(0, 9), slice(999, 1200))])
def test_nothing_to_see(painter: Painter, place: tuple[slice, slice]) -> None:
    """A window that is empty or outside is refused in a sentence with the painting's size."""
    with pytest.raises(PictureError, match="90 x 100"):
        Loupe(painter.prepare(Photo(photo(100, 90)), painter.styles[0])).window(*place)
