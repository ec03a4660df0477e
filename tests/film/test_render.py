"""Films painted into films: frame times, sound, the right way up."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from impasto.film.coding import Coding
from impasto.film.render import Settings, render
from impasto.film.work import folder_of
from impasto.painting.look import Look
from impasto.painting.painter import Painter
from tests.film.drawn import Drawing, film, frames_of, packets_of, picture, times_of

EXACT = Settings(coding=Coding(quality=1, chroma="444"), steady=0.0)
AS_IT_IS = Look("red", strength=0)  # the photo itself


@pytest.fixture(scope="module")
def painter(network_file: Path) -> Painter:
    return Painter(network_file, precision="f32")


def painted(
    painter: Painter, source: Path, target: Path, look: Look = AS_IT_IS, settings: Settings = EXACT
) -> list[str]:
    """Paint a film, and give the notes."""
    return [note for step in render(source, target, look, painter=painter, settings=settings) for note in step.notes]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_phone_clip(painter: Painter, tmp_path: Path, suffix: str) -> None:
    """A variable rate and stereo sound come out as they went in: times to 1 ms, packets byte for byte."""
    times = list(np.cumsum([Fraction(n, 1000) for n in (0, 33, 34, 50, 17, 33, 100, 33, 8, 33, 33, 41)]))
    source = film(tmp_path / "in.mp4", Drawing(times=times, sounds=("aac", "aac")))
    target = tmp_path / f"out{suffix}"
    assert painted(painter, source, target) == []
    assert np.allclose(np.array(times_of(target), float), np.array(times_of(source), float), atol=0.001)
    before, after = packets_of(source), packets_of(target)
    assert [[data for _, data in each] for each in after] == [[data for _, data in each] for each in before]
    assert len(after) == 2 and len(after[0]) > 10
    for one, other in zip(before, after, strict=True):
        assert np.allclose([float(t) for t, _ in one], [float(t) for t, _ in other], atol=0.001)
    assert not folder_of(target).exists()


def test_hdr_phone_clip(painter: Painter, tmp_path: Path) -> None:
    """A phone's HDR clip (HEVC, 10 bits, HLG, rotated) comes out upright, as a usual film of 8 bits, and it is said."""

    def shown(number: int, width: int, height: int) -> Any:
        frame = av.VideoFrame.from_ndarray(picture(number, width, height))
        return frame.reformat(format="yuv420p10le", dst_colorspace=9, dst_color_range=1)

    drawing = Drawing(codec="libx265", pixels="yuv420p10le", tags=(9, 9, 18, 1), turn=(270, False, False), shown=shown)
    source, target = film(tmp_path / "in.mov", drawing), tmp_path / "out.mp4"
    assert any("HDR (HLG)" in note for note in painted(painter, source, target, settings=Settings(steady=0)))
    with av.open(str(target)) as made:
        frames, context = list(made.decode(video=0)), made.streams.video[0].codec_context
        assert (frames[0].width, frames[0].height, frames[0].format.name) == (48, 64, "yuv420p")
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
    red = frames_of(target)[0][4:12, -10:-4].reshape(-1, 3).mean(0)  # top left, turned to the right
    assert red[0] > 2 * red[1]


@pytest.mark.parametrize("flips", [(False, False), (True, False)])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_upright(painter: Painter, tmp_path: Path, degrees: int, flips: tuple[bool, bool]) -> None:
    """What a player would turn or mirror is painted the way it is seen."""
    source = film(tmp_path / "in.mp4", Drawing(frames=2, turn=(degrees, *flips), sounds=()))
    painted(painter, source, tmp_path / "out.mp4")
    seen = picture(0)
    seen = np.rot90(seen, degrees // 90)
    seen = seen[:, ::-1] if flips[0] else seen
    found = frames_of(tmp_path / "out.mp4")[0]
    assert found.shape == seen.shape
    assert np.abs(found.astype(int) - seen).mean() < 3


def test_resumed(painter: Painter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A film whose painting was broken off goes on at its last part, and has the same bytes in the end."""
    monkeypatch.setattr("impasto.film.render.FRAMES", 5)
    source = film(tmp_path / "in.mp4")
    look, settings = Look("red"), Settings()
    painted(painter, source, tmp_path / "whole.mp4", look, settings)
    steps = render(source, tmp_path / "out.mp4", look, painter=painter, settings=settings)
    for _ in range(8):
        next(steps)
    steps.close()
    assert not (tmp_path / "out.mp4").exists()
    left = list(render(source, tmp_path / "out.mp4", look, painter=painter, settings=settings))
    assert left[0].notes == ("note: going on behind frame 5, which was painted before",)
    assert left[0].frames == 6 and left[-1].frames == 12
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.parametrize(
    ("name", "coding", "note"),
    [
        ("out.gif", Coding(quality=30), "note: --quality has no effect on .gif"),
        ("frames", Coding("vp9", chroma="444"), "note: --codec and --chroma have no effect on a folder of pictures"),
        ("out.mkv", Coding("ffv1", quality=30), "note: --quality has no effect on ffv1"),
        ("out.mkv", Coding("ffv1", chroma="444"), None),
        ("out.webp", Coding(), None),
    ],
)
def test_coding_without_effect(painter: Painter, tmp_path: Path, name: str, coding: Coding, note: str | None) -> None:
    """What was asked for of the coding and has no effect on the target is named in a line."""
    source = film(tmp_path / "in.mp4", Drawing(frames=2, sounds=()))
    notes = painted(painter, source, tmp_path / name, settings=Settings(coding=coding))
    assert notes == ([] if note is None else [note])
