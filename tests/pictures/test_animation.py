"""Animations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.errors import OptionError, PictureError
from impasto.pictures import animation

FRAMES = [np.full((8, 12, 3), value, np.float32) for value in (0.1, 0.5, 0.9)]


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_every_picture_is_a_frame(suffix: str, tmp_path: Path) -> None:
    """The file holds the pictures in order, each for its time, and repeats for ever."""
    path = tmp_path / f"a.{suffix}"
    animation.save(iter(FRAMES), path, fps=10)
    with Image.open(path) as image:
        assert image.n_frames == 3 and image.size == (12, 8) and image.info["loop"] == 0
        for i, frame in enumerate(FRAMES):
            image.seek(i)
            image.load()
            assert image.info["duration"] == 100
            assert np.abs(np.asarray(image.convert("RGB")) / 255 - frame).max() < 0.02


def test_an_error_leaves_no_file(tmp_path: Path) -> None:
    """If the pictures break off, what was there stays."""

    def broken():  # type: ignore[no-untyped-def]
        yield FRAMES[0]
        raise ValueError("no more")

    (tmp_path / "a.gif").write_text("old")
    with pytest.raises(ValueError, match="no more"):
        animation.save(broken(), tmp_path / "a.gif")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(
    ("name", "fps", "message"),
    [
        ("a.mp4", 10, "ends in .gif or .webp"),
        ("no/a.gif", 10, "make it first"),
        ("a.gif", 0, "0.1 to 50"),
        ("a.gif", float("nan"), "0.1 to 50"),
    ],
)
def test_bad_targets(name: str, fps: float, message: str, tmp_path: Path) -> None:
    """Another suffix, a missing folder and an impossible rate are told before any work."""
    with pytest.raises((PictureError, OptionError), match=message):
        animation.check_target(tmp_path / name, fps=fps)


def test_no_picture(tmp_path: Path) -> None:
    """An animation of nothing is a PictureError."""
    with pytest.raises(PictureError, match="needs a picture"):
        animation.save([], tmp_path / "a.gif")
