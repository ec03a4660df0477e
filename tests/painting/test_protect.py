"""What is protected: features are kept there, without an edge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto import pictures
from impasto.errors import PictureError
from impasto.painting.look import GENTLE, Look
from impasto.painting.loupe import Loupe
from impasto.painting.painter import Painter
from impasto.painting.rows import rows_of
from impasto.styles import blend, strokes
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


def test_details_are_gentle_and_tones_bold(painter: Painter) -> None:
    """Inside are the details of the lower strength with the tones of the whole one; outside all is of that."""
    made = painter.paint_array(PHOTO, "red", protect=LEFT)
    bold, gentle = (painter.paint_array(PHOTO, "red", strength=each) for each in (1, GENTLE))
    np.testing.assert_allclose(made[:, 100:], bold[:, 100:], atol=1e-4)
    inside = np.s_[:, :60]
    assert np.corrcoef((made - bold)[inside].ravel(), (gentle - bold)[inside].ravel())[0, 1] > 0.5
    apart, whole = (np.abs(small(each) - small(bold))[:, 0].mean() for each in (made, gentle))
    assert apart < 0.5 * whole


def test_the_edge_is_soft(painter: Painter) -> None:
    """Where a mask jumps from black to white, the painting goes over little by little."""
    made = painter.paint_array(PHOTO, "red", protect=LEFT)
    apart = np.abs(made - painter.paint_array(PHOTO, "red")).mean((0, 2))
    assert np.abs(np.diff(apart)).max() < 0.5 * apart.max() and apart[90:].max() < 1e-3


def test_all_of_it(painter: Painter) -> None:
    """Where all is protected, the painting is that of the lower strength; where nothing is, the whole one."""
    for mask, strength in ((LEFT * 0 + 1, GENTLE), (LEFT * 0, 1)):
        made = painter.paint_array(PHOTO, "red", protect=mask)
        np.testing.assert_allclose(made, painter.paint_array(PHOTO, "red", strength=strength), atol=1e-4)


@pytest.mark.parametrize("own", [200, 800])
def test_strokes_are_the_finest(painter: Painter, own: int) -> None:
    """What is protected has the strokes of the smallest size, whatever size the rest has."""
    red, card = painter.bank["red"], painter.bank.card("red")
    bank = painter.bank.add("red", red, strokes.card(card, own), replace=True)
    bank = bank.add("red.400", painter.bank["blue"], strokes.card(card, 400, of="red"))
    finest = {200: red, 800: painter.bank["blue"]}[own]
    for size in (None, 400, 300 if own == 200 else 600):
        found = rows_of(bank, Look("red", stroke_size=size, protect=LEFT), PHOTO)
        gentle = blend.mix(bank.add("fine", finest, card), "fine", strength=GENTLE, photo=painter.photo_row(PHOTO))
        np.testing.assert_array_equal(found[1], gentle)
        np.testing.assert_array_equal(found[0], red if size is None else strokes.row(bank, "red", size))


def test_the_photo_stays_the_photo(painter: Painter) -> None:
    """In a region that keeps the photo nothing is painted, protected or not."""
    top = LEFT * 0
    top[:60] = 1
    kept = painter.paint_array(PHOTO, "red", masks={"photo": top}, protect=LEFT)
    np.testing.assert_array_equal(kept[:60], PHOTO[:60])


def test_a_plan_knows_it(painter: Painter) -> None:
    """What is protected is a second painting; the loupe shows what is painted."""
    job = painter.prepare(pictures.Photo(PHOTO), Look("red", protect=LEFT))
    assert job.plan.paintings == 2
    np.testing.assert_allclose(Loupe(job).window(slice(0, 40), slice(60, 100)), job.paint()[:40, 60:100], atol=1e-4)


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
