"""Finer and larger strokes of styles that were taught at one size: the picture is painted larger, or first smaller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto import pictures
from impasto.errors import OptionError, PictureError
from impasto.film.steady.frames import _laid_out
from impasto.painting import passes
from impasto.painting.loupe import Loupe
from impasto.painting.painter import Painter
from impasto.pictures import Photo
from impasto.styles import strokes

OWN = strokes.USUAL  # pixels: the size that the tiny network's styles have
MASK = np.zeros((201, 330), np.uint8)
MASK[:, 110:] = 255


@pytest.fixture(scope="module")
def painter(network_file: Path) -> Painter:
    return Painter(network_file, runtime="openvino", precision="f32", threads=2)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """330 x 201 pixels, with large and fine things in them."""
    rng = np.random.default_rng(7)
    coarse = np.asarray(Image.fromarray(rng.integers(0, 200, (11, 15, 3), np.uint8)).resize((330, 201)))
    return coarse + rng.integers(0, 56, coarse.shape, np.uint8)


def assert_alike(one: Any, other: Any) -> None:
    """To 2 of 255: OpenVINO's last bits depend on what it painted before."""
    assert np.abs(np.asarray(one).astype(int) - np.asarray(other)).max() <= 2


def painted_twice_as_large(painter: Painter, photo: np.ndarray) -> np.ndarray:
    large = painter.paint_array(passes.enlarged(photo, (402, 660)), "red")
    return passes.shrunk(large, (201, 330)).transpose(1, 2, 0)


def test_half_the_size_is_painted_at_twice_the_size(painter: Painter, photo: np.ndarray) -> None:
    """Strokes for half the size are those of the picture at twice its size, which is shrunk."""
    floats = pictures.unit(photo)
    expected = painted_twice_as_large(painter, floats)
    np.testing.assert_allclose(painter.paint_array(floats, "red", stroke_size=OWN / 2), expected, atol=1e-4)
    assert np.abs(expected - painter.paint_array(floats, "red")).mean() > 0.01


def test_twice_the_size_begins_at_half_the_size(painter: Painter, photo: np.ndarray) -> None:
    """Strokes for twice the size are those of a brush that begins at half of the picture."""
    same = painter.paint_array(photo, "red", stroke_size=2 * OWN), painter.paint_array(photo, "red", brush=165)
    assert_alike(*same)


def test_the_own_size_changes_nothing(painter: Painter, photo: np.ndarray) -> None:
    """The size at which a style was taught is how it paints anyway; so it is for brushes."""
    for brush in ("medium", 150):
        same = painter.paint_array(photo, "red", brush=brush, stroke_size=OWN)
        assert_alike(same, painter.paint_array(photo, "red", brush=brush))


def test_brush_and_stroke_size(painter: Painter, photo: np.ndarray) -> None:
    """A brush's first pass grows as the strokes get finer."""
    same = {"brush": 110, "stroke_size": OWN / 2}, {"brush": 220}
    assert_alike(*(painter.paint_array(photo, "red", **dials) for dials in same))


DIALS: dict[str, dict[str, Any]] = {
    "strength": {"strength": 0.4},
    "colours": {"keep_color": True},
    "size": {"size": 100},
    "masks": {"masks": {"blue": MASK}},
    "protect": {"protect": MASK},
    "mix": {"style": {"red": 0.5, "blue": 0.5}},
}


@pytest.mark.parametrize("dials", DIALS.values(), ids=DIALS)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_finer_with_every_dial(painter: Painter, photo: np.ndarray, dials: dict[str, Any], kind: Any) -> None:
    """The painting has the photo's type and size, or that which the look asks for."""
    pixels = {np.uint8: photo, np.uint16: photo.astype(np.uint16) * 257, np.float32: pictures.unit(photo)}[kind]
    painted = painter.paint_array(pixels, **{"style": "red", **dials}, stroke_size=OWN / 2)
    assert painted.dtype == kind
    assert painted.shape == ((61, 100, 3) if "size" in dials else photo.shape)


def test_strength_draws_back_to_the_photo_itself(painter: Painter, photo: np.ndarray) -> None:
    """What of the photo shines through was neither enlarged nor shrunk."""
    np.testing.assert_array_equal(painter.paint_array(photo, "red", strength=0, stroke_size=OWN / 2), photo)
    weak = painter.paint_array(photo, "red", strength=0.01, stroke_size=OWN / 2)
    assert np.abs(weak.astype(int) - photo).max() <= 6


@pytest.mark.parametrize("size", [OWN / 4.1, OWN * 4.1])
def test_sizes_too_far_away(painter: Painter, photo: np.ndarray, size: float) -> None:
    """More than four times finer or larger is refused, with the range."""
    with pytest.raises(OptionError, match=f"from {OWN // 4} to {4 * OWN} pixels, not {size:g}"):
        painter.paint_array(photo, "red", stroke_size=size)


def test_larger_than_what_may_be_read(painter: Painter, photo: np.ndarray) -> None:
    """The limit of pixels holds for what is painted, too."""
    with pytest.raises(PictureError, match="660 x 402 pixels"):
        painter.paint(photo, "red", stroke_size=OWN / 2, max_pixels=200_000)


def test_a_plan_for_finer_strokes(painter: Painter) -> None:
    """It says at what size all is painted, and that this takes more memory."""
    fine, plain = painter.plan(1000, 800, stroke_size=OWN / 2), painter.plan(1000, 800)
    assert (fine.width, fine.height, fine.first) == (1000, 800, 2000)
    assert fine.memory > plain.memory
    assert painter.plan(4000, 3000, stroke_size=OWN / 2).first == 2048
    assert painter.plan(4000, 3000, stroke_size=OWN * 2).first == 512


def test_preview_of_finer_strokes(painter: Painter, photo: np.ndarray) -> None:
    """Where two passes are made it is the first, at its own size; where one is, it is the painting."""
    shown = painter.preview(photo, "red", brush=110, stroke_size=OWN / 2)
    assert_alike(shown, painter.preview(photo, "red", brush=220))
    assert_alike(*(show(photo, "red", stroke_size=OWN / 2) for show in (painter.preview, painter.paint)))


def test_windows_of_finer_strokes(painter: Painter, photo: np.ndarray) -> None:
    """A loupe shows the place of the painting itself."""
    job = painter.prepare(Photo(photo), "red", stroke_size=OWN / 2)
    assert_alike(Loupe(job).window(slice(9, 50), slice(70, 99)), job.paint()[9:50, 70:99])


def test_a_film_of_finer_strokes(painter: Painter, photo: np.ndarray) -> None:
    """The first frame is the photo with such strokes, and not with others; one that stands still stays as it is."""
    film = list(painter.paint_frames([photo, photo], "red", stroke_size=OWN / 2))
    fine, plain = (painter.paint_array(photo, "red", stroke_size=size).astype(int) for size in (OWN / 2, OWN))
    assert 2 * np.abs(film[0] - fine).mean() < np.abs(film[0] - plain).mean()
    assert np.abs(film[1].astype(int) - film[0]).mean() < 1


@pytest.mark.parametrize("size", [0.93, 0.97, 1.05, 1.2])
def test_nearly_the_own_size_is_one_pass(painter: Painter, size: float) -> None:
    """In films, too, strokes that are hardly finer or larger never make two passes of nearly the same size."""
    job = painter.prepare(Photo(np.zeros((720, 1280, 3), np.uint8)), "red", brush="small", stroke_size=OWN * size)
    assert job.first is None or job.larger
    laid, canvas = _laid_out(job)
    assert laid.first is None or max(laid.first.size) > max(canvas.shape)


def test_a_plan_for_a_style_of_several_sizes(painter: Painter, network_file: Path) -> None:
    """A style that was taught at a size is planned as it is painted: in one pass, with a row of its own."""
    card = painter.bank.card("red")
    bank = painter.bank.add("red", painter.bank["red"], strokes.card(card, 100), replace=True)
    bank = bank.add("red.800", painter.bank["blue"], strokes.card(card, 800, of="red"))
    taught = Painter(network_file, bank=bank, precision="f32")
    assert taught.plan(300, 200, style="red", stroke_size=110).first == 0
    assert painter.plan(300, 200, style="red", stroke_size=256).first == 600


def test_steps_of_finer_strokes(painter: Painter, photo: np.ndarray) -> None:
    """How far it is only grows, and the painting comes once, at the end."""
    steps = list(painter.steps(photo, "red", stroke_size=OWN / 2))
    assert [step.share for step in steps] == sorted(step.share for step in steps)
    assert [step.painted is None for step in steps] == [True] * (len(steps) - 1) + [False]
