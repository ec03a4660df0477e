"""What is protected: features are kept there, without an edge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto import pictures
from impasto.errors import PictureError
from impasto.painting.look import Look
from impasto.painting.loupe import Loupe
from impasto.painting.painter import Painter
from impasto.painting.work import KEPT
from tests.conftest import pixels, run

PHOTO = np.random.default_rng(0).random((120, 160, 3)).astype(np.float32)
LEFT = np.zeros((120, 160), np.float32)
LEFT[:, :80] = 1


@pytest.fixture(scope="module")
def painter(network_file: Path) -> Painter:
    return Painter(network_file, precision="f32", runtime="openvino")


def small(picture: np.ndarray) -> np.ndarray:
    """The tones: means of squares of 40 x 40 pixels."""
    return picture.reshape(3, 40, 4, 40, 3).mean((1, 3))


def test_details_are_the_photos_and_tones_the_paintings(painter: Painter) -> None:
    """Inside a share of the photo's details shows, with the tones of the painting; outside all is painted."""
    made, bold = painter.paint_array(PHOTO, "red", protect=LEFT), painter.paint_array(PHOTO, "red")
    np.testing.assert_allclose(made[:, 100:], bold[:, 100:], atol=1e-4)
    inside = np.s_[:, :60]
    fine = [(each - np.kron(small(each), np.ones((40, 40, 1))))[inside].ravel() for each in (made, bold, PHOTO)]
    assert np.corrcoef(fine[0] - (1 - KEPT) * fine[1], fine[2])[0, 1] > 0.95
    apart, whole = (np.abs(small(each) - small(bold))[:, 0].mean() for each in (made, PHOTO))
    assert apart < 0.3 * KEPT * whole


def test_the_edge_is_soft(painter: Painter) -> None:
    """Where a mask jumps from black to white, the painting goes over little by little."""
    made = painter.paint_array(PHOTO, "red", protect=LEFT)
    apart = np.abs(made - painter.paint_array(PHOTO, "red")).mean((0, 2))
    assert np.abs(np.diff(apart)).max() < 0.5 * apart.max() and apart[90:].max() < 1e-3


def test_none_of_it(painter: Painter) -> None:
    """Where nothing is protected, the painting is the one without a mask."""
    made = painter.paint_array(PHOTO, "red", protect=LEFT * 0)
    np.testing.assert_allclose(made, painter.paint_array(PHOTO, "red"), atol=1e-4)


@pytest.mark.parametrize("dials", [{"strength": 0.5}, {"strength": 0.5, "masks": {"blue": 1 - LEFT}}])
def test_strength_acts_on_what_is_protected(painter: Painter, dials: dict[str, Any]) -> None:
    """Half of the strength is half way from the photo to the painting with what is protected in it."""
    half, whole = (painter.paint_array(PHOTO, "red", **{**dials, "strength": s}, protect=LEFT) for s in (0.5, 1))
    apart = np.abs(half - (PHOTO + whole) / 2)
    assert apart.max() < 0.05 and apart.mean() < 1e-3  # but where black or white is an end


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_whole_numbers(painter: Painter, kind: Any) -> None:
    """A photo of whole numbers is painted alike."""
    most = np.iinfo(kind).max
    made = painter.paint_array((PHOTO * most).round().astype(kind), "red", protect=LEFT)
    assert made.dtype == kind
    assert np.abs(made / most - painter.paint_array(PHOTO, "red", protect=LEFT)).mean() < 2 / 255


def test_the_photo_stays_the_photo(painter: Painter) -> None:
    """In a region that keeps the photo nothing is painted, protected or not."""
    top = LEFT * 0
    top[:60] = 1
    kept = painter.paint_array(PHOTO, "red", masks={"photo": top}, protect=LEFT)
    np.testing.assert_array_equal(kept[:60], PHOTO[:60])


def test_it_takes_no_second_painting(painter: Painter) -> None:
    """What is protected is painted once, as all else; the loupe shows what is painted."""
    job = painter.prepare(pictures.Photo(PHOTO), Look("red", protect=LEFT))
    assert job.plan.paintings == 1
    np.testing.assert_allclose(Loupe(job).window(slice(0, 40), slice(60, 100)), job.paint()[:40, 60:100], atol=1e-4)


@pytest.mark.parametrize("strength", [1.0, 1.5])
def test_no_value_is_beyond_white_or_black(painter: Painter, strength: float) -> None:
    """A painting in floats stays within 0 and 1."""
    harsh = (PHOTO > 0.5).astype(np.float32)
    made = painter.paint_array(harsh, "red", protect=LEFT, strength=strength)
    assert 0 <= made.min() and made.max() <= 1


def test_films(painter: Painter) -> None:
    """A film keeps what is protected, too, and what is remembered from frame to frame is the painting alone."""
    frames = [(255 * PHOTO).astype(np.uint8)] * 2
    kept, plain = (list(painter.paint_frames(frames, "red", protect=each)) for each in (LEFT, None))
    for one, other in zip(kept, plain, strict=True):
        apart = np.abs(one.astype(int) - other)
        assert apart[:, 100:].max() <= 2 < apart[:, :60].mean()


def test_on_the_command_line(network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--protect takes a picture of the photo's proportions; another one is one sentence, and nothing is written."""
    pictures.save(PHOTO, tmp_path / "photo.png")
    Image.fromarray((255 * LEFT).astype(np.uint8)).save(tmp_path / "face.png")
    Image.new("L", (4, 5)).save(tmp_path / "small.png")
    words = ["paint", tmp_path / "photo.png", "-s", "red", "--network", network_file]
    code, _, err = run(*words, "-o", tmp_path / "a.png", "--protect", tmp_path / "face.png", capsys=capsys)
    assert code == 0, err
    assert run(*words, "-o", tmp_path / "b.png", capsys=capsys)[0] == 0
    apart = np.abs(pixels(tmp_path / "a.png").astype(int) - pixels(tmp_path / "b.png"))
    assert apart[:, 100:].max() <= 2 < apart[:, :60].max()
    code, _, err = run(*words, "-o", tmp_path / "c.png", "--protect", tmp_path / "small.png", capsys=capsys)
    assert code == 2 and "the mask of 'protect' is 4 x 5 pixels" in err and err.count("\n") == 1
    assert not (tmp_path / "c.png").exists()


def test_no_mask(painter: Painter) -> None:
    """What is no picture is a PictureError."""
    with pytest.raises(PictureError, match="mask of 'protect'"):
        painter.paint_array(PHOTO, "red", protect=LEFT.T)
