"""Transparent places: what nobody sees decides nothing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from impasto import pictures
from impasto.pictures.transparency import cover

Array = npt.NDArray[Any]


def photo(height: int = 40, width: int = 60, seed: int = 0) -> Array:
    """A made-up photo, (h, w, 3), uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def disc(height: int = 40, width: int = 60) -> Array:
    """An opacity of 255 in an ellipse and of 0 around it, with one soft pixel between them."""
    y, x = np.mgrid[:height, :width]
    inside = 1 - np.hypot((y - height / 2) / (height / 3), (x - width / 2) / (width / 3))
    return np.clip(inside * height / 3 * 255 + 128, 0, 255).astype(np.uint8)


def cutout(hidden: int | Array, alpha: Array | None = None) -> Array:
    """An RGBA picture (h, w, 4), uint8, with other colours where it is fully transparent."""
    alpha = disc() if alpha is None else alpha
    colors = np.where(alpha[..., None] > 0, photo(), np.uint8(0) + hidden)
    return np.dstack([colors, alpha]).astype(np.uint8)


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(0, 2**32 - 1),
    st.sampled_from([np.uint8, np.uint16, np.float32]),
)
def test_hidden_colours_do_not_count(height: int, width: int, seed: int, kind: Any) -> None:
    """Pictures that are equal where they are visible come out the same to the bit, and what is visible stays."""
    rng = np.random.default_rng(seed)
    largest = 1 if kind is np.float32 else np.iinfo(kind).max
    one, other = (rng.uniform(0, largest, (height, width, 3)).astype(kind) for _ in range(2))
    alpha = (rng.integers(0, 3, (height, width)) * (largest / 2)).astype(kind)
    other[alpha > 0] = one[alpha > 0]
    covered = cover(one, alpha)
    assert covered.dtype == one.dtype and (covered == cover(other, alpha)).all()
    assert (covered[alpha > 0] == one[alpha > 0]).all()
    if alpha.any():  # every colour is one of the visible ones
        visible = {tuple(each) for each in one[alpha > 0].tolist()}
        assert {tuple(each) for each in covered.reshape(-1, 3).tolist()} <= visible


def test_rows_go_on_mirrored() -> None:
    """A row is mirrored at the ends of what is visible, as often as need be; one that shows nothing follows others."""
    pixels = np.repeat(np.arange(16, dtype=np.uint8).reshape(2, 8)[..., None], 3, axis=2)
    alpha = np.array([[0, 0, 0, 255, 255, 0, 0, 0], [0] * 8], np.uint8)
    assert cover(pixels, alpha)[..., 0].tolist() == [[4, 4, 3, 3, 4, 4, 3, 3]] * 2


def test_a_row_that_shows_little_is_not_repeated() -> None:
    """The tip of a cut-out does not fill its row: what surrounds it comes from rows that show more."""
    pixels, alpha = np.zeros((3, 8, 3), np.uint8), np.zeros((3, 8), np.uint8)
    alpha[0, 3], alpha[1:, 1:7] = 255, 255
    pixels[0, 3], pixels[1:] = 200, 100
    covered = cover(pixels, alpha)[..., 0]
    assert covered[0].tolist() == [100, 100, 100, 200, 100, 100, 100, 100] and (covered[1:] == 100).all()


def test_solid_pictures_come_back() -> None:
    """Where nothing is transparent, nothing is copied."""
    pixels = photo()
    assert cover(pixels, np.full(pixels.shape[:2], 255, np.uint8)) is pixels


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_an_invisible_picture_is_grey(kind: Any) -> None:
    """A picture in which nothing is visible becomes one even colour."""
    covered = cover(np.random.default_rng(0).uniform(0, 1, (4, 5, 3)).astype(kind), np.zeros((4, 5), kind))
    assert len(np.unique(covered)) == 1 and 0.49 < pictures.unit(covered).mean() < 0.51


def test_nearly_hidden_colours_hardly_count() -> None:
    """Between clear and visible nothing jumps: the weight of a colour grows with its opacity, from nothing."""
    covers = []
    for level in (0, 1, 4, 8, 15, 16):
        alpha = np.where(disc() > 127, 255, level).astype(np.uint8)
        covers.append([cover(cutout(hidden, disc())[..., :3], alpha) for hidden in (0, 255)])
    apart = [float(np.abs(dark[0, 0].astype(int) - bright[0, 0]).max()) for dark, bright in covers]
    assert apart[0] == 0 and apart[1] <= 2 and apart[-1] == 255
    assert all(0 < step < 170 for step in np.diff(apart)), apart


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_files_with_other_hidden_colours_are_one_photo(kind: str) -> None:
    """Whatever a program left behind a cut-out, it is read as the same pixels; so are arrays and PIL images."""
    options: dict[str, Any] = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    loaded = []
    for hidden in (0, 255, photo(seed=1)):
        image, buffer = Image.fromarray(cutout(hidden)), io.BytesIO()
        image.save(buffer, kind, **options)
        loaded += [pictures.load(source).pixels for source in (buffer.getvalue(), image, cutout(hidden))]
    assert all((each == loaded[0]).all() for each in loaded)


def test_sixteen_bit_arrays_and_palettes() -> None:
    """16-bit alpha, float alpha and the clear entry of a palette hide colours likewise."""
    for scale, kind in ((257, np.uint16), (1 / 255, np.float32)):
        one, other = (pictures.load((cutout(hidden).astype(float) * scale).astype(kind)).pixels for hidden in (0, 255))
        assert one.dtype == kind and (one == other).all()
    pair = []
    for hidden in ([255, 0, 0], [0, 0, 255]):
        image = Image.new("P", (3, 1))
        image.putpalette([*hidden, 0, 255, 0])
        image.putdata([0, 1, 0])
        image.info["transparency"] = 0
        pair.append(pictures.load(image).pixels)
    assert (pair[0] == pair[1]).all() and (pair[0] == [0, 255, 0]).all()


def test_what_is_hidden_in_an_array_may_be_no_number() -> None:
    """Dividing by an alpha of 0 leaves NaN and infinity where nobody looks; they do not cost the picture."""
    array = (cutout(0) / 255).astype(np.float32)
    expected = pictures.load(array).pixels
    array[array[..., 3] == 0, :3] = [np.nan, np.inf, -9]
    assert (pictures.load(array).pixels == expected).all()


@pytest.mark.parametrize("side", [30, 15, 7])
def test_shrinking_leaves_no_fringe(side: int) -> None:
    """A cut-out of one colour keeps that colour up to its edge, however small it is made."""
    alpha = disc()
    array = np.dstack([np.where(alpha[..., None] > 0, np.uint8([200, 40, 90]), np.uint8(0)), alpha])
    small = pictures.load(array, max_side=side)
    assert np.abs(small.picture * 255 - [200, 40, 90]).max() < 0.01


def test_shrinking_counts_colours_as_far_as_they_are_seen() -> None:
    """The colour of a small pixel is the mean of the colours in it, weighted with their opacity."""
    pixels = np.zeros((8, 8, 3), np.float32)
    pixels[:, ::2] = 1
    alpha = np.tile(np.float32([1, 0.2]), (8, 4))
    small = pictures.resize(pixels, 1, opacity=alpha)
    assert small[0, 0] == pytest.approx(1 / 1.2, abs=0.03)
    assert pictures.resize(pixels, 1)[0, 0] == pytest.approx(0.5, abs=0.03)


def test_jpeg_is_on_white_paper_and_says_so(tmp_path: Path) -> None:
    """Where a format has no transparency, white shows through, and save returns a sentence; solid photos need none."""
    like = pictures.load(cutout(0))
    notes = pictures.save(like.pixels, tmp_path / "out.jpg", like=like)
    found = np.asarray(Image.open(tmp_path / "out.jpg")).astype(int)
    assert np.abs(found[disc() == 0][:200] - 255).max() < 12 and found[0, 0].tolist() == [255] * 3
    assert notes == (f"{tmp_path / 'out.jpg'} has no transparency: transparent places are white",)
    assert pictures.save(like.pixels, tmp_path / "out.png", like=like) == ()
    solid = pictures.load(np.dstack([photo(), np.full((40, 60), 255, np.uint8)]))
    assert pictures.save(solid.pixels, tmp_path / "solid.jpg", like=solid) == ()
