"""Pictures converted, resized, and in the colours of their photos."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import noise, refusal, smooth
from PIL import Image

from impasto.errors import OptionError
from impasto.pictures import from_pil, keep_color, load, resize, to_pil

# ---- conversions


def test_to_pil_and_from_pil_undo_each_other():
    """8-bit values survive the way through float and back, every one of them."""
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)[..., None].repeat(3, axis=2)
    np.testing.assert_array_equal(np.asarray(to_pil(from_pil(Image.fromarray(values)))), values)


def test_to_pil_rounds_and_clips():
    """Floats go to the nearest level, and what lies outside 0..1 to its border."""
    row = np.array([-3, -0.1, 0.4 / 255, 0.6 / 255, 254.4 / 255, 254.6 / 255, 1.2, 90], np.float32)
    picture = row[None, :, None].repeat(3, axis=2)
    assert np.asarray(to_pil(picture))[0, :, 0].tolist() == [0, 0, 0, 1, 254, 255, 255, 255]


def test_to_pil_leaves_the_picture_alone_and_takes_any_layout():
    """Turned views, wide floats and very narrow pictures are converted like any other."""
    picture = smooth(30, 20)
    expected = np.rint(picture * 255).astype(np.uint8)
    kept = picture.copy()
    np.testing.assert_array_equal(np.asarray(to_pil(picture)), expected)
    np.testing.assert_array_equal(picture, kept)
    np.testing.assert_array_equal(np.asarray(to_pil(picture.swapaxes(0, 1)[::-1])), expected.swapaxes(0, 1)[::-1])
    np.testing.assert_array_equal(np.asarray(to_pil(picture.astype(np.float64))), expected)
    tall = np.random.default_rng(0).random((200_000, 1, 3), np.float32)
    np.testing.assert_array_equal(np.asarray(to_pil(tall)), np.rint(tall * 255).astype(np.uint8))


def test_alpha_must_fit_the_picture():
    """to_pil() refuses an alpha of another size."""
    assert "4 x 4" in refusal(to_pil, smooth(), np.ones((4, 4), np.float32))
    assert to_pil(smooth(), np.ones((16, 24), np.float32)).mode == "RGBA"


# ---- resize


@pytest.mark.parametrize(
    ("height", "width", "side", "expected"),
    [(60, 90, 45, (30, 45)), (90, 60, 45, (45, 30)), (1, 1000, 10, (1, 10)), (3, 1000, 10, (1, 10)), (7, 7, 1, (1, 1))],
)
def test_resize_sets_the_longer_side(height, width, side, expected):
    """The longer side is exact, the other keeps the proportions and never falls below one pixel."""
    small = resize(np.ones((height, width, 3), np.float32), side)
    assert small.shape == (*expected, 3) and small.dtype == np.float32
    np.testing.assert_allclose(small, 1, atol=1e-6)


def test_resize_enlarges_only_when_asked():
    """A picture that is small enough comes back as it is."""
    picture = smooth()
    assert resize(picture, 24) is picture and resize(picture, 500) is picture
    assert resize(picture, 48, enlarge=True).shape == (32, 48, 3)


def test_resize_stays_in_range_and_does_not_round():
    """Lanczos overshoots at edges; the result is clipped to 0..1, and it has more than 256 levels."""
    edge = np.zeros((40, 60, 3), np.float32)
    edge[:, 30:] = 1
    large = resize(edge, 120, enlarge=True)
    assert large.min() == 0 and large.max() == 1
    fine = resize(smooth(40, 60) * np.float32(0.01), 50)
    assert len(np.unique(fine)) > 1000


def test_resize_keeps_channels_and_directions_apart():
    """A smooth picture made smaller is the same smooth picture."""
    np.testing.assert_allclose(resize(smooth(160, 240), 24), smooth(16, 24), atol=0.06)


def test_resize_to_nothing_is_refused():
    """A longer side below one pixel is an error."""
    with pytest.raises(OptionError, match="longer side in pixels must be a whole number from 1 .*, not 0"):
        resize(smooth(), 0)
    refusal(resize, noise().astype(int), 4)


# ---- keep_color


def luma(picture):
    return picture @ np.array([0.299, 0.587, 0.114])


def test_keep_color_has_the_luma_of_the_painting():
    """Luma is that of the painting at every pixel, and nothing leaves 0..1."""
    painted, photo = load(noise(seed=1)).picture, load(noise(seed=2)).picture
    out = keep_color(painted, photo)
    assert out.dtype == np.float32 and out.min() >= 0 and out.max() <= 1
    np.testing.assert_allclose(luma(out), luma(painted), atol=1e-5)


def test_keep_color_has_the_colours_of_the_photo():
    """Colour differences are the photo's, at most weaker where they do not fit, never turned in hue."""
    painted, photo = load(noise(seed=1)).picture * 0.2 + 0.4, load(noise(seed=2)).picture * 0.2 + 0.4
    out = keep_color(painted, photo)
    np.testing.assert_allclose(out - luma(out)[..., None], photo - luma(photo)[..., None], atol=1e-5)
    strong = load(noise(seed=2)).picture
    kept = keep_color(painted, strong)
    ours, theirs = (x - luma(x)[..., None] for x in (kept, strong))
    assert (np.cross(ours, theirs) ** 2).sum(-1).max() < 1e-10 and (ours * theirs).sum(-1).min() >= 0


def test_keep_color_agrees_with_swapping_cb_and_cr():
    """Where nothing is clipped, it is the YCbCr channel swap that everyone uses."""
    painted, photo = load(noise(seed=1)).picture * 0.2 + 0.4, load(noise(seed=2)).picture * 0.2 + 0.4
    y, (_, cb, cr) = to_pil(painted).convert("YCbCr").split()[0], to_pil(photo).convert("YCbCr").split()
    swapped = from_pil(Image.merge("YCbCr", (y, cb, cr)))
    np.testing.assert_allclose(keep_color(painted, photo), swapped, atol=4 / 255)


def test_keep_color_of_a_picture_with_itself_is_itself():
    """A painting with the photo's colours and light is the photo."""
    picture = load(noise()).picture
    np.testing.assert_allclose(keep_color(picture, picture), picture, atol=1e-6)


def test_keep_color_leaves_its_arguments_alone_and_wants_equal_sizes():
    """Neither picture is changed; pictures of two sizes are refused with both."""
    painted, photo = smooth(), smooth()[::-1].copy()
    keep_color(painted, photo)
    assert (painted == smooth()).all() and (photo == smooth()[::-1]).all()
    message = refusal(keep_color, smooth(4, 5), smooth(6, 7))
    assert "4 x 5" in message and "6 x 7" in message
