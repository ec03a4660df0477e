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
    """Noise, which is everywhere about the same, so that places of it are like the whole."""
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
    """Places small enough for a picture of a test to be larger than all of them."""
    monkeypatch.setattr(loupe, "PLACE", 64)
    monkeypatch.setattr(loupe, "PLACES", 36)
    monkeypatch.setattr(loupe, "RIM", 12)


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
    """A painting that is hardly taller than a window has windows as others have."""
    pixels = photo(100, 3000)
    assert not Loupe(painter.prepare(Photo(pixels), painter.styles[0])).whole
    assert distance(painter, pixels, (slice(10, 90), slice(900, 980))) < 0.02


def test_with_all_moments_it_is_exact(painter: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the moments are those of the whole, only last bits differ: nothing else is lost in a window."""
    for name, value in {"PLACE": 2000, "PLACES": 1, "RIM": 0, "ENOUGH": 999}.items():
        monkeypatch.setattr(loupe, name, value)
    pixels = photo(448, 608)  # multiples of the network's, or the places would not be all of it
    for place in (PLACE, (slice(0, 50), slice(560, 608))):
        assert distance(painter, pixels, place, brush="small") < 1e-3


def test_says_whether_it_is_sure(painter: Painter, small_steps: None) -> None:
    """In one pass over a large photo a window is only about what the painting is; of a small one it is just that."""
    style = painter.styles[0]
    assert Loupe(painter.prepare(Photo(photo(480, 600)), style, brush="small")).about
    assert not Loupe(painter.prepare(Photo(photo(480, 600)), style, brush=160)).about
    assert not Loupe(painter.prepare(Photo(photo(90, 100)), style)).about


def test_the_photo_itself(painter: Painter, small_steps: None) -> None:
    """A window of the style ``photo`` is the photo."""
    assert distance(painter, photo(480, 600), PLACE) > 0
    assert np.array_equal(
        Loupe(painter.prepare(Photo(photo(480, 600)), "photo")).window(*PLACE), photo(480, 600)[PLACE]
    )


def test_small_paintings_are_exact(painter: Painter) -> None:
    """A window of a small painting is cut out of it."""
    assert distance(painter, photo(100, 90), (slice(10, 50), slice(20, 60))) == 0


@pytest.mark.parametrize("place", [(slice(5, 5), slice(0, 9)), (slice(0, 9), slice(999, 1200))])
def test_nothing_to_see(painter: Painter, place: tuple[slice, slice]) -> None:
    """A window that is empty or outside is refused in a sentence with the painting's size."""
    with pytest.raises(PictureError, match="90 x 100"):
        Loupe(painter.prepare(Photo(photo(100, 90)), painter.styles[0])).window(*place)
