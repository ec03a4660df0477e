"""What holding a film still is made of: shifts, canvases, changes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from impasto.film.steady import shift
from impasto.film.steady.canvas import Canvas, moved
from impasto.film.steady.change import holding, near, noise_of, spread_out
from impasto.film.steady.past import blended


def scene(height: int, width: int, seed: int = 0, finer: int = 4) -> Image.Image:
    """A picture of soft blobs of all sizes."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height * finer, width * finer, 3))
    for size in (6, 14, 30):
        coarse = Image.fromarray(rng.integers(0, 256, (size, size, 3), np.uint8))
        total += np.asarray(coarse.resize((width * finer, height * finer), Image.Resampling.BICUBIC))
    return Image.fromarray((total / 3).astype(np.uint8))


def view(picture: Image.Image, left: float, top: float, size: tuple[int, int], finer: int = 4) -> np.ndarray:
    """A window of it, sampled so much coarser."""
    box = tuple(finer * each for each in (left, top, left + size[1], top + size[0]))
    return np.asarray(picture.resize((size[1], size[0]), Image.Resampling.LANCZOS, box))


STILL = np.zeros(2)


@pytest.mark.parametrize("move", [(0.0, 1.0), (1.3, 3.7), (-0.4, 0.2), (9.6, -14.2)])
def test_a_shift_is_found_to_a_thirtieth_of_a_pixel(move: tuple[float, float]) -> None:
    """The shift between two windows of a scene is found, small or large, without knowing how it moved before."""
    picture = scene(140, 180)
    there, here = (shift.grey(view(picture, 16 + right, 16 + down, (96, 128)), 1) for down, right in ((0, 0), move))
    found, _ = shift.find(there, here, STILL, STILL)
    assert np.abs(found - move).max() < 1 / 30


def test_noise_is_no_shift() -> None:
    """A scene that is the same but for noise has not moved at all."""
    picture = shift.grey(view(scene(100, 130), 0, 0, (96, 128)), 1)
    noisy = picture + np.random.default_rng(1).normal(0, 3, picture.shape).astype(np.float32)
    assert np.array_equal(shift.find(picture, noisy, STILL, STILL)[0], STILL)


def test_an_object_that_moves_is_not_followed() -> None:
    """Before a still scene an object may move: the scene is what counts."""
    back, thing = view(scene(100, 130), 0, 0, (96, 128)), view(scene(60, 60, 5), 0, 0, (48, 48))
    there, here = back.copy(), back.copy()
    there[20:68, 20:68], here[20:68, 25:73] = thing, thing
    assert np.array_equal(shift.find(shift.grey(there, 1), shift.grey(here, 1), STILL, STILL)[0], STILL)


def test_a_frame_comes_back_from_its_canvas() -> None:
    """What is put onto a canvas is cut out of it again: to the last bit at whole places, nearly so between."""
    frame, canvas = view(scene(50, 70), 0, 0, (45, 61)), Canvas((45, 61), 8)
    assert canvas.shape == (56, 72)
    for place, most in (((0.0, 0.0), 0), ((3.0, 7.0), 0), ((0.5, 6.3), 8)):
        back = canvas.cut(canvas.put(frame, np.array(place)), np.array(place))
        assert np.abs(back[4:-4, 4:-4].astype(int) - frame[4:-4, 4:-4]).max() <= most


def test_threads_change_nothing() -> None:
    """A canvas is the same, however many threads make it."""
    frame, canvas, place = view(scene(50, 70), 0, 0, (45, 61)), Canvas((45, 61), 8), np.array((2.4, 1.7))
    assert np.array_equal(canvas.put(frame, place, 1), canvas.put(frame, place, 3))


def test_the_scene_stays_at_its_place_of_the_lattice() -> None:
    """Wherever a frame moves, it lies within the first period, and all was moved by whole periods for that."""
    canvas = Canvas((40, 40), 8)
    for place in ((-0.3, 8.7), (25.25, -17.0), (7.999, 0.0)):
        near_by, turned = canvas.wrapped(np.array(place))
        assert (near_by >= 0).all() and (near_by < 8).all()
        assert not np.mod(turned, 8).any()
        assert np.abs(near_by - turned - place).max() <= 0.02


def test_moved_moves() -> None:
    """Pixels move by whole pixels, down and right, up and left."""
    pixels = np.arange(30).reshape(5, 6)
    assert np.array_equal(moved(pixels, (1, 2))[1:, 2:], pixels[:-1, :-2])
    assert np.array_equal(moved(pixels, (-2, 0))[:-2], pixels[2:])


@pytest.fixture(scope="module")
def past() -> np.ndarray:
    return view(scene(64, 96), 0, 0, (64, 96))


KNOWN = np.ones((8, 12), np.float32)


def test_noise_is_measured(past: np.ndarray) -> None:
    """The noise of a frame is found to a quarter of it."""
    for sigma in (2, 5):
        noisy = past + np.random.default_rng(0).normal(0, sigma, past.shape)
        assert noise_of(np.clip(noisy, 0, 255).astype(np.uint8)) == pytest.approx(sigma, rel=0.25)


def test_what_noise_does_holds(past: np.ndarray) -> None:
    """Where frames differ by noise, all of the past holds."""
    noisy = np.clip(past + np.random.default_rng(0).normal(0, 3, past.shape), 0, 255).astype(np.uint8)
    assert holding(past, noisy, KNOWN, 3.0).min() > 0.95


@pytest.mark.parametrize("by", [4, 60])
def test_what_changed_does_not_hold(past: np.ndarray, by: int) -> None:
    """Where a frame shows something new, however faint, nothing of the past holds; far from it all does."""
    new = past.copy()
    new[24:40, 40:56, 1] = np.clip(new[24:40, 40:56, 1].astype(int) + by, 0, 255)
    holds = holding(past, new, KNOWN, 1.0)
    assert not holds[3:5, 5:7].any()
    assert (holds[:, 9:] == 1).all()


def test_a_place_that_no_frame_showed_holds_nothing(past: np.ndarray) -> None:
    """Blocks that are not known hold nothing, and others hold beside them."""
    known, new = KNOWN.copy(), past.copy()
    known[:, 0], new[:, :8] = 0, 255
    holds = holding(past, new, known, 1.0)
    assert not holds[:, 0].any() and holds[:, 1:].all()


def test_blocks_become_a_smooth_picture() -> None:
    """Blocks are spread out to their pixels; where all hold, every pixel does."""
    assert (spread_out(KNOWN, 0.8) == 204).all()
    assert near(np.eye(5, dtype=np.float32))[0, 1] == 1 and near(np.eye(5, dtype=np.float32))[0, 3] == 0


def test_a_blend_forgets_nothing_below_a_half() -> None:
    """Old and new are mixed as floats, so that the old fades away entirely."""
    old, fresh, keep = (
        np.full((4, 4, 3), 90, np.float32),
        np.full((4, 4, 3), 100, np.uint8),
        np.full((4, 4, 3), 204, np.uint8),
    )
    for _ in range(30):
        old, shown = blended(old, fresh, keep)
    assert (shown == 100).all()
