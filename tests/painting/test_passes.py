"""What two passes over a large picture hand on to each other: sizes, resizing by windows, the crossing of bands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto import pictures
from impasto.painting import passes
from impasto.painting.passes import Enlarged, Second, crossed, first_size


def noise(*shape: int, kind: Any = np.float32, seed: int = 0) -> Any:
    values = np.random.default_rng(seed).random(shape, np.float32)
    return values if kind == np.float32 else (values * np.iinfo(kind).max).astype(kind)


def smooth(height: int, width: int) -> Any:
    """Planes without anything finer than some pixels."""
    y, x = np.mgrid[:height, :width] / 9
    return np.float32(0.5 + 0.2 * np.stack([np.sin(x), np.cos(y), np.sin(x + y)]))


@pytest.mark.parametrize(
    ("size", "brush", "first"),
    [
        ((3000, 4000), "medium", (768, 1024)),
        ((3000, 4000), "large", (480, 640)),
        ((3000, 4000), "small", None),
        ((3000, 4000), 300, (225, 300)),
        ((900, 1400), "medium", None),
        ((900, 1500), "medium", (614, 1024)),
        ((1500, 900), "large", (640, 384)),
        ((500, 890), "large", None),
        ((16, 8000), "medium", None),
        ((100, 8000), "medium", (64, 5120)),
    ],
    ids=str,
)
def test_size_of_the_first_pass(size: tuple[int, int], brush: Any, first: Any) -> None:
    """It is as long as the brush says, 64 pixels on the shorter side, and there is none for what is hardly larger."""
    assert first_size(*size, brush) == first


@pytest.mark.parametrize("size", [(40, 60), (37, 11), (1, 5)], ids=str)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_resized_by_rows_is_resized(size: tuple[int, int], kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shrunk and enlarged a few rows at a time a picture is what Pillow makes of all of it."""
    monkeypatch.setattr(passes, "BAND", 7)
    photo = noise(113, 170, 3, kind=kind)
    photo = photo // 2 + photo.max() // 4 if kind != np.float32 else photo / 2 + np.float32(0.25)  # nothing is clipped
    planes = np.ascontiguousarray(pictures.unit(photo).transpose(2, 0, 1))
    images = [Image.fromarray(photo)] if kind == np.uint8 else [Image.fromarray(plane) for plane in planes]
    for to in (size, (150, 301)):
        found = [np.asarray(image.resize(to[::-1], Image.Resampling.LANCZOS)) for image in images]
        expected = found[0] / 255 if kind == np.uint8 else np.stack(found, -1).clip(0, 1)
        close = {"rtol": 0, "atol": 2.01 / 255 if kind == np.uint8 else 1e-5}
        small, large = passes.shrunk(photo, to), passes.enlarged(photo, to)
        np.testing.assert_allclose(small.transpose(1, 2, 0), expected, **close)
        np.testing.assert_allclose(pictures.unit(large), expected, **close)
        np.testing.assert_array_equal(passes.shrunk(photo, to, threads=2), small)
        assert large.dtype == (np.uint8 if kind == np.uint8 else np.float32)


def test_enlarged_is_bicubic() -> None:
    """Away from the border it is Pillow's bicubic, and a flat picture stays flat up to its border."""
    planes = noise(3, 20, 30)
    expected = [np.asarray(Image.fromarray(plane).resize((97, 71), Image.Resampling.BICUBIC)) for plane in planes]
    np.testing.assert_allclose(
        Enlarged(planes, (71, 97))(slice(None))[:, 8:-8, 8:-8], np.stack(expected)[:, 8:-8, 8:-8], rtol=0, atol=1e-5
    )
    np.testing.assert_allclose(Enlarged(np.full((1, 4, 5), 0.3, np.float32), (9, 13))(slice(None)), 0.3, atol=1e-6)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_windows_fit_together(kind: Any) -> None:
    """What the second pass sees is the same in every window, but for the last bit."""
    photo = noise(90, 130, 3, kind=kind)
    second = Second(noise(3, 20, 29, seed=1), photo, passes.shrunk(photo, (20, 29)))
    whole = second.whole()
    assert whole.shape == photo.shape and whole.dtype == second.dtype == (np.uint8 if kind == np.uint8 else np.float32)
    close = 1.01 / 255 if kind == np.uint8 else 1e-6
    for place in (np.s_[:40, 3:130], np.s_[31:77, 64:65], np.s_[80:96, :200]):
        apart = np.abs(pictures.unit(second[place]) - pictures.unit(whole[place]))
        assert apart.max() < close and apart.mean() < 1e-5
    np.testing.assert_allclose(pictures.unit(second.whole(threads=3)), pictures.unit(whole), atol=close)


def test_what_the_second_pass_sees() -> None:
    """It is the first pass enlarged, with so much of the photo's fine luma, and of its colours nothing."""
    first, photo = smooth(24, 36), noise(96, 144, 3)
    small = passes.shrunk(photo, (24, 36))
    plain = Enlarged(first, (96, 144))(slice(None)).transpose(1, 2, 0)
    np.testing.assert_allclose(Second(first, photo, small, detail=0).whole(), plain, atol=1e-6)
    added = Second(first, photo, small, detail=0.2).whole() - plain
    fine = (photo - Enlarged(small, (96, 144))(slice(None)).transpose(1, 2, 0)) @ passes.LUMA
    inside = (plain.min(-1) > 0.2) & (plain.max(-1) < 0.8)
    np.testing.assert_allclose(added[inside], 0.2 * np.repeat(fine[inside][:, None], 3, 1), atol=1e-5)


def test_crossed_bands() -> None:
    """What the first pass could show comes from it as far as the numbers say; finer things stay the second's."""
    first = smooth(40, 60)
    other = Enlarged(1 - first, (160, 240))(slice(None)).transpose(1, 2, 0)
    grain = np.float32(0.1) * (np.indices((160, 240)).sum(0) % 2 * 2 - 1)[..., None]
    second = other + grain
    expected = Enlarged(first, (160, 240))(slice(None)).transpose(1, 2, 0)
    whole = second + crossed(first, second, merge=[1.0])(slice(None)).transpose(1, 2, 0)
    np.testing.assert_allclose(whole, expected + grain, atol=0.02)
    half = second + crossed(first, second, merge=[0.5])(slice(None)).transpose(1, 2, 0)
    np.testing.assert_allclose(half, (expected + other) / 2 + grain, atol=0.02)


def test_octaves_have_shares_of_their_own() -> None:
    """Equal shares are one share; with 1 for the coarsest alone the mean comes from the first pass, the fine stays."""
    planes = noise(3, 33, 47)
    np.testing.assert_allclose(passes._weighted(planes, [0.5, 0.5, 0.5]), 0.5 * planes, atol=1e-6)
    coarse = passes._weighted(planes + 0.25, [0.0, 0.0, 1.0])
    assert coarse.mean() == pytest.approx(float(planes.mean()) + 0.25, abs=0.01)
    assert coarse.std() < 0.5 * planes.std()
    assert passes._weighted(planes[:, :1], [0.0, 1.0]).max() == 0  # what is too thin to be halved has one band
