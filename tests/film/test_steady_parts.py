"""What holding a film still is made of: shifts, canvases, changes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from impasto.film.steady import shift
from impasto.film.steady.canvas import SHARP, SOFT, Canvas, later, moved, taps, window
from impasto.film.steady.change import AFTER, RESTING, at_rest, blended, changed, compared, near, noise_of, spread_out


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


@pytest.mark.parametrize("value", [0.0, 100.3, 255.0])
def test_even_pictures_have_no_shift(value: float) -> None:
    """A picture that is even all over, as of a film that begins in black, has no slopes; it is taken to stand still."""
    even = np.full((96, 128), value, np.float32)
    assert np.abs(shift.refined(even, even, STILL)).max() == 0
    assert np.abs(shift.refined(even, even + 3, STILL)).max() == 0


def test_a_frame_comes_back_from_its_canvas() -> None:
    """What is put onto a canvas is cut out of it again: to the last bit at whole places, nearly so between."""
    frame, canvas = view(scene(50, 70), 0, 0, (45, 61)), Canvas((45, 61), 8)
    assert canvas.shape == (64, 80)
    for place, most in (((0.0, 0.0), 0), ((3.0, 7.0), 0), ((0.5, 6.3), 8)):
        back = canvas.cut(canvas.put(frame, np.array(place)), np.array(place))
        assert np.abs(back[4:-4, 4:-4].astype(int) - frame[4:-4, 4:-4]).max() <= most


@pytest.mark.parametrize("reach", [SOFT, SHARP])
@pytest.mark.parametrize("fraction", [0.0, 0.031, 0.25, 0.5, 0.93])
def test_rounded_weights_are_fair(reach: int, fraction: float) -> None:
    """The weights of pixels add up to 1, and their mean is at the place, to a 256th of a pixel."""
    found = taps(fraction, reach)
    assert sum(found.values()) == 128
    assert sum(k * weight for k, weight in found.items()) / 128 == pytest.approx(fraction, abs=1 / 256)


def test_extremes_come_back() -> None:
    """Black beside white, where kernels overshoot most, stays within the numbers that there are."""
    frame, canvas = np.zeros((40, 40, 3), np.uint8), Canvas((40, 40), 8)
    frame[::2, ::2] = frame[20:, 20:] = 255
    for place in ((0.5, 0.5), (7.5, 3.25)):
        back = canvas.cut(canvas.put(frame, np.array(place)), np.array(place))
        assert back[30:36, 30:36].min() > 230 and back[4:16, 24:36].max() < 200


def test_threads_change_nothing() -> None:
    """A canvas is the same, however many threads make it."""
    frame, canvas, place = view(scene(50, 70), 0, 0, (45, 61)), Canvas((45, 61), 8), np.array((2.4, 1.7))
    assert np.array_equal(canvas.put(frame, place, 1), canvas.put(frame, place, 3))


@pytest.mark.parametrize("place", [(5.4, 4.7), (5.0, 4.7), (5.4, 4.0), (5.0, 4.0)])
@pytest.mark.parametrize("shape", [(70, 40), (70, 40, 3)])
def test_a_window_is_the_sum_of_its_pixels(place: tuple[float, float], shape: tuple[int, ...]) -> None:
    """What lies between pixels is the sum of those around with their weights, rounded across and then down."""
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    total = pixels.astype(int) - 128
    for axis, length in ((1, 30), (0, 60)):
        each = place[axis]
        parts = [
            weight * np.take(total, np.arange(length) + int(each) + k, axis)
            for k, weight in taps(each - int(each), SOFT).items()
        ]
        total = (sum(parts) + 64) >> 7
    expected = np.clip(total + 128, 0, 255)
    for threads in (1, 3):
        assert np.array_equal(window(pixels, np.array(place), (60, 30), SOFT, threads), expected)


def test_what_is_found_later_is_found() -> None:
    """An action that is done meanwhile gives what it gives at once."""
    assert [later(lambda: 3, threads)() for threads in (1, 2)] == [3, 3]


def test_the_scene_stays_at_its_place_of_the_lattice() -> None:
    """Wherever a frame moves, it is brought back onto the canvas by whole periods, and may go on either way."""
    canvas = Canvas((40, 40), 8)
    for place in ((-0.3, 8.7), (25.25, -17.0), (7.999, 0.0)):
        near_by, turned = canvas.wrapped(np.array(place))
        assert (near_by >= 0).all() and (near_by < 16).all()
        assert not np.mod(turned, 8).any()
        assert np.abs(near_by - turned - place).max() <= 0.02
    for leaving in (-0.5, 16.5):
        assert 7 < canvas.wrapped(np.array((leaving, 3.0)))[0][0] < 9


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
    assert changed(past, noisy, KNOWN, 3.0).holds.min() > 0.95


@pytest.mark.parametrize("by", [4, 60])
def test_what_changed_does_not_hold(past: np.ndarray, by: int) -> None:
    """Where a frame shows something new, however faint, nothing of the past holds; far from it all does."""
    new = past.copy()
    new[24:40, 40:56, 1] = np.clip(new[24:40, 40:56, 1].astype(int) + by, 0, 255)
    found = changed(past, new, KNOWN, 1.0)
    assert not found.holds[3:5, 5:7].any()
    assert (found.holds[:, 9:] == 1).all()
    assert (found.strength[3:5, 5:7] == 1).all() if by > 30 else found.strength.max() < 0.2


def test_a_strong_change_is_felt_far_and_long() -> None:
    """Nothing is held within three blocks of a strong change, nor soon behind it; a faint one disturbs hardly any."""
    strong, faint = np.zeros((2, 9, 9), np.float32)
    strong[4, 4], faint[4, 4] = AFTER, 0.05 * AFTER
    for passed in (0, AFTER - RESTING):
        held = at_rest(strong - np.float32(passed))
        assert held[1:8, 1:8].max() < 1e-6 and (held[0] == 1).all()
    assert at_rest(strong - np.float32(AFTER)).min() == 1
    assert at_rest(faint).min() > 0.8


def test_a_place_that_no_frame_showed_holds_nothing(past: np.ndarray) -> None:
    """Blocks that are not known hold nothing, and others hold beside them."""
    known, new = KNOWN.copy(), past.copy()
    known[:, 0], new[:, :8] = 0, 255
    holds = changed(past, new, known, 1.0).holds
    assert not holds[:, 0].any() and holds[:, 1:].all()


def test_blocks_become_smooth_rows() -> None:
    """Where all hold every pixel and channel does, and between two blocks the share changes evenly."""
    assert (spread_out(KNOWN, 0.75) == 24).all()
    half = KNOWN.copy()
    half[:, 6:] = 0
    row = spread_out(half, 1.0)[4, ::3]
    assert row[:44].tolist() == [32] * 44 and row[52:].tolist() == [0] * 44
    assert row[44:52].tolist() == [30, 26, 22, 18, 14, 10, 6, 2]
    assert near(np.eye(5, dtype=np.float32))[0, 1] == 1 and near(np.eye(5, dtype=np.float32))[0, 3] == 0


def test_a_blend_is_what_its_shares_say() -> None:
    """In the middle of a block the share of the old is the block's, and between two it changes evenly."""
    old, fresh = np.full((24, 24, 3), 200 << 6, np.int16), np.full((24, 24, 3), 40, np.uint8)
    holds = np.array([[0, 0, 0], [1, 1, 1], [1, 1, 1]], np.float32)
    exact, shown = blended(old, fresh, spread_out(holds, 0.5))
    assert np.abs(exact / 64 - shown).max() <= 0.5
    assert (shown[:4] == 40).all() and (shown[12:] == 120).all()
    assert np.abs(shown[4:12, 0, 0] - (40 + 80 * (np.arange(8) + 0.5) / 8)).max() <= 2.5


def test_a_blend_forgets_nothing_below_a_half() -> None:
    """Old and new are mixed in fractions, so that the old fades away entirely."""
    for was in (90, 110):
        old, fresh = np.full((8, 8, 3), was << 6, np.int16), np.full((8, 8, 3), 100, np.uint8)
        for _ in range(30):
            old, shown = blended(old, fresh, spread_out(np.ones((1, 1), np.float32), 0.8))
        assert (shown == 100).all()


def test_a_blend_of_nothing_old_is_the_new() -> None:
    """Where nothing is kept the new is there to the last bit, and where all is the old, to a quarter of a level."""
    rng = np.random.default_rng(0)
    old, fresh = rng.integers(0, 255 << 6, (16, 16, 3), np.int16), rng.integers(0, 256, (16, 16, 3), np.uint8)
    nothing, everything = (spread_out(np.full((2, 2), share, np.float32), 1.0) for share in (0, 1))
    assert np.array_equal(blended(old, fresh, nothing)[1], fresh)
    assert np.abs(blended(old, fresh, everything)[0] - old).max() <= 16


def test_threads_compare_the_same(past: np.ndarray) -> None:
    """Differences, slopes and blends are the same, however many threads find them."""
    new = np.roll(past, 1, 1)
    for one, three in zip(compared(past, new, 1), compared(past, new, 3), strict=True):
        assert np.array_equal(one, three)
    keep = spread_out(np.random.default_rng(0).random((8, 12), np.float32), 0.8)
    for one, three in zip(*(blended(past.astype(np.int16) << 6, new, keep, count) for count in (1, 3)), strict=True):
        assert np.array_equal(one, three)
