"""Arrays as other libraries hand them over: painted as what they are, or refused for a true reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra import numpy as arrays_of
from PIL import Image

from impasto import pictures
from impasto.errors import PictureError
from impasto.painting import regions
from impasto.painting.painter import Painter

PHOTO = np.random.default_rng(0).integers(0, 256, (40, 51, 3), np.uint8)
DEEP = PHOTO.astype(np.uint16) * 257
SHARED = {"suppress_health_check": [HealthCheck.function_scoped_fixture], "deadline": None}


def refused(array: Any) -> str:
    with pytest.raises(PictureError) as caught:
        pictures.load(array)
    return str(caught.value)


class Other:
    """What another library may have: an object that makes a numpy array of itself."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __repr__(self) -> str:
        return f"Other({self.values!r})"

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if isinstance(self.values, Exception):
            raise self.values
        return np.asarray(self.values, dtype)


@pytest.mark.parametrize("low", [-1.0, -0.6])
def test_floats_around_zero_are_refused(low: float) -> None:
    """Floats in -1..1, whose darker half would be black, are refused with the way to map them; so are dim ones."""
    spread = (PHOTO / 255).astype(np.float32) * (1 - low) + low
    assert "(array + 1) / 2" in refused(spread)
    assert "(array + 1) / 2" in refused(spread * 0.2)  # never below -0.25, but a quarter of it is negative
    assert "float values from" in refused(spread * 100)
    assert "float values from" in refused((PHOTO / 255 - 0.45) / 0.225)  # as classifiers are fed


def test_ringing_is_clipped() -> None:
    """What resizing and sharpening leave outside 0..1 is cut off, as it was."""
    soft = np.clip(PHOTO / 255, 0, 1) * 1.1 - 0.05
    np.testing.assert_array_equal(pictures.load(soft).picture, np.clip(soft, 0, 1).astype(np.float32))


def test_booleans_are_black_and_white() -> None:
    """An array of booleans is a picture of black and white, as a PIL image of one bit is."""
    mask = PHOTO[..., 0] > 128
    assert np.array_equal(pictures.load(mask).pixels[..., 0], np.where(mask, 255, 0))
    assert np.array_equal(pictures.load(mask).pixels, pictures.load(Image.fromarray(mask)).pixels)


def test_every_layout_is_the_same_picture() -> None:
    """Byte orders, strides, read-only memory and subclasses of arrays do not matter."""
    locked = PHOTO.copy()
    locked.flags.writeable = False
    alike = [
        DEEP.astype(">u2"),
        np.asfortranarray(PHOTO),
        PHOTO[::-1, ::-1].copy()[::-1, ::-1],
        np.repeat(PHOTO, 2, axis=1)[:, ::2],
        locked,
        np.ma.masked_array(PHOTO),
        Other(PHOTO),
        (PHOTO / 255).astype(">f4"),
        (PHOTO / 255).astype(np.longdouble),
    ]
    for array in alike:
        photo = pictures.load(array)
        assert photo.pixels.flags.writeable and photo.pixels.dtype.isnative and photo.pixels.flags.c_contiguous
        np.testing.assert_allclose(photo.picture, PHOTO / np.float32(255), atol=1e-6)
    np.testing.assert_allclose(pictures.load((PHOTO / 255).astype(np.float16)).picture, PHOTO / 255, atol=1e-3)
    assert pictures.load(DEEP.astype(">u2"), max_side=20).pixels.shape == (16, 20, 3)


def test_grey_with_alpha() -> None:
    """h x w x 2 is grey and its alpha; neither shares memory with the array."""
    array = PHOTO[..., :2].copy()
    photo = pictures.load(array)
    assert photo.opacity is not None
    seen = array[..., 1] >= 16  # fainter colours count less and less
    assert np.array_equal(photo.pixels[seen][..., 2], array[seen][..., 0])
    assert np.array_equal(photo.opacity, array[..., 1])
    dot = np.zeros((1, 1, 4), np.uint8)
    opacity = pictures.load(dot).opacity
    assert opacity is not None and not np.shares_memory(opacity, dot)


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (PHOTO.transpose(2, 0, 1), "channels last"),
        (PHOTO[None], "array[0]"),
        (PHOTO[..., [0, 1, 2, 0, 1]], "40 x 51 x 5"),
        (PHOTO.astype(np.int32), "int32"),
        (PHOTO.astype(np.uint32), "uint32"),
        (np.ma.masked_less(PHOTO, 9), "masked"),
        (PHOTO.astype(object), "object"),
        (PHOTO.astype("M8[s]"), "datetime64"),
        (Other(RuntimeError("it lies on the GPU.")), "it lies on the GPU)"),
        (Other(3.5), "single number"),
        (PHOTO.tolist(), "not from list"),
    ],
    ids=str,
)
def test_what_is_no_picture_says_why(array: Any, word: str) -> None:
    """Channels in front, batches, other numbers, masked values, and what its own library will not convert."""
    assert word in refused(array)


def test_tensors_of_torch() -> None:
    """A tensor h x w x 3 is taken; one with channels in front, or with gradients, is refused in a sentence."""
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(PHOTO)
    assert np.array_equal(pictures.load(tensor).pixels, PHOTO)
    assert "channels last" in refused(tensor.permute(2, 0, 1))
    assert "grad" in refused((tensor / 255).requires_grad_())


@pytest.mark.parametrize("mask", [PHOTO[..., 0] > 128, (PHOTO[..., 0] > 128)[..., None]], ids=["h x w", "h x w x 1"])
def test_masks_of_booleans(mask: np.ndarray, network_file: Path) -> None:
    """A mask of booleans is the same as one of 0 and 255."""
    painter = Painter(network_file, runtime="onnxruntime")
    grey = np.where(mask.reshape(40, 51), np.uint8(255), np.uint8(0))
    expected = painter.paint(PHOTO, "red", masks={"green": grey})
    assert np.array_equal(painter.paint(PHOTO, "red", masks={"green": mask}), expected)


def test_masks_that_are_none() -> None:
    """A mask of floats up to 255 or of another size is refused, and the message names its style."""
    photo = pictures.load(PHOTO)
    for mask in (PHOTO[..., 0].astype(np.float32), PHOTO[:9, :9, 0] > 3, [[1]]):
        with pytest.raises(PictureError, match="the mask of 'green'"):
            regions.load({"green": mask}, photo)  # type: ignore[dict-item]


def test_the_limit_of_pixels(network_file: Path, tmp_path: Path) -> None:
    """max_pixels reaches masks; None is no limit."""
    painter = Painter(network_file, runtime="onnxruntime")
    Image.fromarray(PHOTO).save(tmp_path / "a.png")
    Image.fromarray(PHOTO[..., 0]).save(tmp_path / "mask.png")
    for limit in (None, 40 * 51):
        masks = {"green": tmp_path / "mask.png"}
        assert painter.paint(tmp_path / "a.png", "red", masks=masks, max_pixels=limit).size == (51, 40)
    photo = pictures.load(PHOTO)
    with pytest.raises(PictureError, match="the mask of 'green' .* 2,040 pixels"):
        regions.load({"green": tmp_path / "mask.png"}, photo, max_pixels=100)


DTYPES = st.one_of(
    arrays_of.boolean_dtypes(),
    arrays_of.integer_dtypes(),
    arrays_of.unsigned_integer_dtypes(),
    arrays_of.floating_dtypes(),
    arrays_of.complex_number_dtypes(),
    arrays_of.datetime64_dtypes(),
    arrays_of.unicode_string_dtypes(max_len=3),
    st.just(np.dtype(object)),
    st.just(np.dtype([("r", "u1"), ("g", "u1")])),
)


@given(arrays_of.arrays(DTYPES, arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)))
@settings(max_examples=300, **SHARED)
def test_any_array_is_a_photo_or_a_sentence(array: np.ndarray) -> None:
    """Whatever the type and shape: a picture that is one, or a PictureError on one line."""
    try:
        photo = pictures.load(array)
    except PictureError as error:
        assert str(error).isprintable() and str(error).endswith(".")
        return
    assert photo.pixels.shape == (*array.shape[:2], 3)
    assert 0 <= photo.picture.min() <= photo.picture.max() <= 1


@given(
    st.sampled_from(["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "LA", "PA", "RGBX", "RGBa"]
                    + ["La", "I;16", "I;16L", "I;16B", "I;16N"]),
    st.dictionaries(
        st.sampled_from(["icc_profile", "gamma", "chromaticity", "srgb", "transparency", "nclx_profile", "exif"]),
        st.one_of(st.none(), st.binary(max_size=9), st.integers(), st.floats(), st.tuples(*[st.floats()] * 8)),
    ),
)  # fmt: skip
@settings(max_examples=300, **SHARED)
def test_any_pil_image_is_a_photo_or_a_sentence(mode: str, info: dict[str, Any]) -> None:
    """Every mode, whatever its info holds."""
    image = Image.new(mode, (4, 3))
    image.info.update(info)
    try:
        assert pictures.load(image).pixels.shape == (3, 4, 3)
    except PictureError as error:
        assert str(error).isprintable()
