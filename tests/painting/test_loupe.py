"""A loupe: places of a large painting, painted without the rest of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto import pictures
from impasto.errors import OptionError
from impasto.painting import loupe
from impasto.painting.loupe import Loupe
from impasto.painting.painter import Painter

SIZE = 460, 620  # height and width of the photo


def photo(kind: type = np.uint8) -> pictures.Photo:
    """Soft colours with some noise."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 10, 3), np.uint8))
    soft = np.asarray(coarse.resize(SIZE[::-1], Image.Resampling.BICUBIC)).astype(np.float32) / 255
    noisy = np.clip(soft + rng.normal(0, 0.05, soft.shape), 0, 1)
    return pictures.Photo((noisy * 255).astype(np.uint8) if kind == np.uint8 else noisy.astype(np.float32))


def decibels(a: np.ndarray, b: np.ndarray) -> float:
    scale = 255 if a.dtype == np.uint8 else 1
    return float(-10 * np.log10(np.mean(((a.astype(float) - b) / scale) ** 2)))


@pytest.fixture(scope="module")
def painter(network_file: Path) -> Painter:
    return Painter(network_file, precision="f32")


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paintings of these tests count as large, and the places for moments are small."""
    monkeypatch.setattr(loupe, "WHOLE", 1000)
    monkeypatch.setattr(loupe, "BLOCK", 128)
    monkeypatch.setattr(loupe, "RIM", 24)


PLACES = [(200, 150, 128, 96), (0, 0, 90, 90), (SIZE[1] - 100, SIZE[0] - 80, 100, 80), (301, 77, 33, 65)]


@pytest.mark.parametrize(
    "dials",
    [
        {"brush": 200},
        {"brush": "small"},
        {"brush": 200, "strength": 0.4},
        {"brush": 200, "keep_color": True},
        {"brush": 200, "size": 500},
        {"brush": 200, "masks": {"blue": np.tile(np.linspace(0, 255, SIZE[1]).astype(np.uint8), (SIZE[0], 1))}},
    ],
    ids=["two passes", "one pass", "strength", "colours", "size", "regions"],
)
def test_a_window_is_that_of_the_painting(painter: Painter, dials: dict[str, Any]) -> None:
    """A window shows what the painting will have there, in its middle, at its borders and in its corners."""
    job = painter.prepare(photo(), "red", **dials)
    painting, seen = job.paint(), Loupe(job)
    tall, wide = painting.shape[:2]
    for left, top, width, height in PLACES:
        left, top = min(left, wide - width), min(top, tall - height)
        window = seen.paint(left, top, width, height)
        assert window.dtype == painting.dtype
        assert decibels(window, painting[top : top + height, left : left + width]) > 24


def test_with_all_moments_it_is_exact(painter: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the moments are those of the whole, only the last bits differ: nothing else is lost in a window."""
    pixels = photo(np.float32)
    pixels = pictures.Photo(np.ascontiguousarray(pixels.pixels[:448, :608]))
    monkeypatch.setattr(loupe, "BLOCK", 2000)
    monkeypatch.setattr(loupe, "RIM", 0)
    job = painter.prepare(pixels, "red", brush="small")
    painting, seen = job.paint(), Loupe(job, places=1)
    for left, top, width, height in PLACES[:2]:
        assert decibels(seen.paint(left, top, width, height), painting[top : top + height, left : left + width]) > 60


def test_says_whether_it_is_sure(painter: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one pass over a large photo, a window is only about what the painting will be."""
    assert Loupe(painter.prepare(photo(), "red", brush="small")).about
    assert not Loupe(painter.prepare(photo(), "red", brush=200)).about
    monkeypatch.setattr(loupe, "WHOLE", 10**6)
    assert not Loupe(painter.prepare(photo(), "red", brush="small")).about


def test_small_paintings_are_painted_whole(painter: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a painting that is small its windows are parts, to the last bit."""
    monkeypatch.setattr(loupe, "WHOLE", 10**6)
    job = painter.prepare(photo(), "red")
    assert np.array_equal(Loupe(job).paint(10, 20, 64, 48), job.paint()[20:68, 10:74])


def test_the_photo_itself(painter: Painter) -> None:
    """A window of the style ``photo`` is the photo."""
    assert np.array_equal(Loupe(painter.prepare(photo(), "photo")).paint(5, 6, 40, 30), photo().pixels[6:36, 5:45])


@pytest.mark.parametrize("place", [(-1, 0, 9, 9), (0, 0, 0, 9), (600, 0, 21, 9), (0, 455, 9, 9), (0, 0, 1025, 9)])
def test_windows_that_are_none(painter: Painter, place: tuple[int, int, int, int]) -> None:
    """A window that is not inside the painting is an error, which says how large that is."""
    with pytest.raises(OptionError, match="620 x 460"):
        Loupe(painter.prepare(photo(), "red")).paint(*place)
