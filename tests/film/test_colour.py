"""Colours of films: every tag, none, full range, HDR, alpha; read and written."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from impasto.film import colour
from impasto.film.reading import opened
from tests.film.drawn import Drawing, film

BARS = [(235, 235, 235), (191, 191, 16), (16, 191, 191), (16, 191, 16), (191, 16, 191), (191, 16, 16), (16, 16, 191)]


def bars(_: int, width: int, height: int) -> np.ndarray:
    """Seven upright bars."""
    found = np.zeros((height, width, 3), np.uint8)
    for number, shade in enumerate(BARS):
        found[:, number * width // 7 : (number + 1) * width // 7] = shade
    return found


def middles(pixels: np.ndarray) -> np.ndarray:
    """The colour in the middle of each bar."""
    height, width = pixels.shape[:2]
    return np.array([pixels[height // 2, (2 * number + 1) * width // 14] for number in range(7)], int)


def coded(matrix: int, full: bool, **drawing: Any) -> Drawing:
    """Bars, coded by a matrix (as swscale counts) and in a range."""

    def shown(number: int, width: int, height: int) -> Any:
        frame = av.VideoFrame.from_ndarray(bars(number, width, height))
        return frame.reformat(format="yuv444p", dst_colorspace=matrix, dst_color_range=2 if full else 1)

    return Drawing(frames=1, pixels="yuv444p", sounds=(), shown=shown, **drawing)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("tag", "matrix"), [(1, 1), (5, 5), (6, 5), (9, 9)])
def test_tagged(tmp_path: Path, tag: int, matrix: int, full: bool) -> None:
    """Whatever matrix and range a film says it has, its bars come back within 2 of 255."""
    source = film(tmp_path / "in.mp4", coded(matrix, full, size=(140, 48), tags=(tag, 1, 1, 2 if full else 1)))
    frame = next(opened(source).frames())
    assert np.abs(middles(frame.pixels) - BARS).max() <= 2


@pytest.mark.parametrize(("height", "matrix"), [(480, 5), (720, 1)])
def test_untagged(tmp_path: Path, height: int, matrix: int) -> None:
    """Without a tag a film has the matrix of its height, as players have it."""
    frame = next(opened(film(tmp_path / "in.mp4", coded(matrix, False, size=(140, height)))).frames())
    assert np.abs(middles(frame.pixels) - BARS).max() <= 2


@pytest.mark.parametrize("kind", ["yuv420p", "yuv444p", "yuv422p10le"])
def test_there_and_back(kind: str) -> None:
    """What is written is tagged BT.709 in limited range, and is that."""
    frame = colour.Writer(kind).frame(bars(0, 140, 48))
    assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)
    luma = frame.reformat(format="yuv444p").to_ndarray()[0, 24, 10]
    assert abs(int(luma) - (16 + 235 * 219 / 255)) <= 1
    found = colour.Reader.of(frame, (140, 48)).pixels(frame)
    assert np.abs(middles(found) - BARS).max() <= 2


@pytest.mark.parametrize(("curve", "level"), [(16, 0.5807), (18, 0.7498)])
def test_hdr(tmp_path: Path, curve: int, level: float) -> None:
    """Diffuse white of HDR, 203 nit (75 % of HLG, 58 % of PQ), is near white, not grey; and that it was HDR is said."""

    def shown(_: int, width: int, height: int) -> Any:
        frame = av.VideoFrame(width, height, "yuv420p10le")
        for plane, value in zip(frame.planes, (64 + level * 876, 512, 512), strict=True):
            plane.update(np.full(plane.buffer_size // 2, round(value), np.uint16).tobytes())
        return frame

    drawing = Drawing(frames=1, codec="ffv1", pixels="yuv420p10le", sounds=(), shown=shown, tags=(9, 9, curve, 1))
    found = opened(film(tmp_path / "in.mkv", drawing))
    pixels = next(found.frames()).pixels
    assert pixels.min() >= 235
    assert any("HDR" in note for note in found.notes)


def test_alpha_is_over_black(tmp_path: Path) -> None:
    """Transparent places of a film are black."""

    def shown(_: int, width: int, height: int) -> Any:
        pixels = np.full((height, width, 4), 200, np.uint8)
        pixels[:, : width // 2, 3] = 0
        pixels[:, width // 2 :, 3] = 255
        return av.VideoFrame.from_ndarray(pixels, format="rgba").reformat(format="yuva420p")

    source = film(tmp_path / "in.mkv", Drawing(frames=1, codec="ffv1", pixels="yuva420p", sounds=(), shown=shown))
    pixels = next(opened(source).frames()).pixels
    assert pixels[:, :28].max() <= 1 and abs(int(pixels[20, 50, 1]) - 200) <= 2


@pytest.mark.parametrize(("ratio", "size"), [((4, 3), (85, 48)), ((1, 2), (64, 96))])
def test_square_pixels(tmp_path: Path, ratio: tuple[int, int], size: tuple[int, int]) -> None:
    """Pixels that are not square are made square."""
    facts = opened(film(tmp_path / "in.mp4", Drawing(frames=1, ratio=Fraction(*ratio), sounds=()))).facts
    assert (facts.width, facts.height) == size
