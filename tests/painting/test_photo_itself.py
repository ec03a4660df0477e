"""Strength 0 and the style ``photo`` are the photo itself, whatever the photo, and the way up has no jump."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto import assets, pictures
from impasto.errors import ImpastoError, MismatchError, OptionError, PictureError, StyleNameError
from impasto.painting.grain import grained
from impasto.painting.painter import Painter
from impasto.styles import blend
from impasto.styles.bank import PHOTO, Bank

pytest.importorskip("onnx")

RNG = np.random.default_rng(3)
FLAT = np.zeros((40, 56, 3), np.uint8)
FLAT[:, 20:] = (0, 255, 0)
NOISE = RNG.integers(0, 256, (40, 56, 3), np.uint8)
NIGHT = np.where(RNG.random((40, 56, 1)) < 0.01, 250, RNG.integers(2, 9, (40, 56, 3))).astype(np.uint8)
LEFT = np.zeros((40, 56), np.uint8)
LEFT[:, :28] = 255


@pytest.fixture(scope="module")
def painter(network_file: Path) -> Painter:
    return Painter(network_file, runtime="openvino", precision="f32", threads=1)


@pytest.fixture
def tiles(network_file: Path, monkeypatch: pytest.MonkeyPatch) -> Painter:
    """A painter that paints everything in tiles."""
    monkeypatch.setattr("impasto.painting.planner.LEAST_BYTES", 400_000)
    return Painter(network_file, runtime="openvino", precision="f32", threads=1, max_memory=1)


@pytest.fixture
def idle(network_file: Path, monkeypatch: pytest.MonkeyPatch) -> Painter:
    """A painter whose network refuses to paint."""
    painter = Painter(network_file, runtime="onnxruntime")

    def refuse(*_: object) -> None:
        raise AssertionError("the network was run")

    for name in ("paint", "graph"):
        monkeypatch.setattr(painter.network, name, refuse)
    return painter


ALL_PHOTO: dict[str, tuple[Any, dict[str, Any]]] = {
    "strength": ("red", {"strength": 0}),
    "style": (PHOTO, {}),
    "style, overdone": (PHOTO, {"strength": 1.5}),
    "mix": ("photo:2,red:0", {}),
    "mix of strength 0": ({"red": 0.4, "blue": 0.6}, {"strength": 0.0}),
    "row": (np.ones(1, np.float32), {"strength": 0}),
    "color": ("red", {"strength": 0, "keep_color": True}),
    "masks": ("red", {"strength": 0, "masks": {"blue": LEFT}}),
    "mask over all": ("red", {"masks": {PHOTO: LEFT * 0 + 255}}),
    "photo around an empty mask": (PHOTO, {"masks": {"red": LEFT * 0}}),
}


@pytest.mark.parametrize("photo", [FLAT, NOISE, NIGHT], ids=["flat", "noise", "night"])
@pytest.mark.parametrize(("style", "dials"), ALL_PHOTO.values(), ids=ALL_PHOTO)
def test_all_photo_is_the_photo(idle: Painter, photo: np.ndarray, style: Any, dials: dict[str, Any]) -> None:
    """What is photo everywhere comes out pixel for pixel, and no network is run."""
    style = np.ones(idle.network.row_size) if isinstance(style, np.ndarray) else style
    np.testing.assert_array_equal(np.asarray(idle.paint(photo, style, **dials)), photo)
    np.testing.assert_array_equal(idle.paint_array(photo, style, **dials), photo)
    np.testing.assert_array_equal(idle.paint_array(pictures.unit(photo), style, **dials), pictures.unit(photo))


def test_the_photo_that_comes_out_is_a_new_one(idle: Painter) -> None:
    """Who draws on the result does not draw on the photo."""
    floats = pictures.unit(NOISE)
    for made, photo in ((idle.paint_array(NOISE, PHOTO), NOISE), (idle.paint_array(floats, PHOTO), floats)):
        assert made.flags.writeable and not np.shares_memory(made, photo)


def test_sixteen_bits(idle: Painter) -> None:
    """A 16-bit photo comes out as it is, and rounded to 8 bits as a PIL image."""
    deep = NOISE.astype(np.uint16) * 257 - (NOISE > 100) * np.uint16(90)
    np.testing.assert_array_equal(idle.paint_array(deep, "red", strength=0), deep)
    np.testing.assert_array_equal(np.asarray(idle.paint(deep, "red", strength=0)), pictures.to_bytes(deep))


def test_a_smaller_photo(idle: Painter) -> None:
    """With a size it is the photo of that size."""
    expected = pictures.to_bytes(pictures.resize(NOISE, 28))
    np.testing.assert_array_equal(np.asarray(idle.paint(NOISE, "red", strength=0, size=28)), expected)


@pytest.mark.parametrize("dials", [{}, {"keep_color": True}, {"masks": {"blue": LEFT}}], ids=str)
@pytest.mark.parametrize("photo", [FLAT, NOISE, NIGHT], ids=["flat", "noise", "night"])
def test_a_hundredth_is_nearly_the_photo(painter: Painter, photo: np.ndarray, dials: dict[str, Any]) -> None:
    """Strength 0.01 is within 3 of 255 of the photo: a hundredth of what there is."""
    made = painter.paint_array(photo, "red", strength=0.01, **dials)
    assert np.abs(made.astype(int) - photo).max() <= 3


@pytest.mark.parametrize("strength", [0.05, 0.3, 0.75, 1.0, 1.2, 1.5])
def test_between_photo_and_painting_and_beyond(painter: Painter, strength: float) -> None:
    """Every strength lies on the line from the photo through the painting, within what colours there are."""
    picture = pictures.unit(NOISE)
    painted = painter.network.paint(grained(picture), painter.bank["red"])
    expected = np.clip((1 - strength) * picture + strength * painted, 0, 1)
    np.testing.assert_allclose(painter.paint_array(picture, "red", strength=strength), expected, atol=1e-5)
    assert np.abs(painter.paint_array(NOISE, "red", strength=strength) - expected * 255).max() < 1.7


def test_a_little_of_another_style_in_the_photo(painter: Painter) -> None:
    """A mix that is mostly photo is nearly what a low strength is."""
    low = painter.paint_array(pictures.unit(FLAT), "red", strength=0.1)
    np.testing.assert_allclose(painter.paint_array(pictures.unit(FLAT), "photo:0.9,red:0.1"), low, atol=0.02)
    np.testing.assert_allclose(painter.paint_array(pictures.unit(FLAT), "photo,red", strength=0.2), low, atol=0.02)
    assert np.abs(low - pictures.unit(FLAT)).max() < 0.11


@pytest.mark.parametrize("where", ["painter", "tiles"])
def test_a_mask_of_photo_protects(where: str, request: pytest.FixtureRequest) -> None:
    """Where a mask says photo, the photo's own pixels come out; elsewhere it is painted; a soft edge stays soft."""
    chosen: Painter = request.getfixturevalue(where)
    made = chosen.paint_array(NOISE, "red", masks={PHOTO: LEFT})
    np.testing.assert_array_equal(made[:, :28], NOISE[:, :28])
    assert np.abs(made[:, 28:].astype(int) - NOISE[:, 28:]).mean() > 10
    inverse = chosen.paint_array(NOISE, PHOTO, masks={"red": 255 - LEFT})
    np.testing.assert_array_equal(inverse[:, :28], NOISE[:, :28])
    assert np.abs(made[:, 28:].astype(int) - inverse[:, 28:]).max() <= 1


def test_a_soft_mask_of_photo_is_a_soft_transition(painter: Painter) -> None:
    """Along a ramp the photo goes over into the painting in step with the mask."""
    picture = pictures.unit(NOISE)
    ramp = np.tile(np.linspace(1, 0, 56, dtype=np.float32), (40, 1))
    made = painter.paint_array(picture, "red", masks={PHOTO: ramp})
    painted, weight = painter.paint_array(picture, "red"), 1 - ramp[..., None]
    np.testing.assert_allclose(made, (1 - weight) * picture + weight * painted, atol=1e-5)


def test_a_strong_painting_keeps_off(painter: Painter) -> None:
    """Beside what a soft mask keeps, a painting of 130 % goes over into the photo in step with the mask."""
    picture, ramp = pictures.unit(NOISE), np.tile(np.linspace(1, 0, 56, dtype=np.float32), (40, 1))
    made = painter.paint_array(picture, "red", strength=1.3, masks={PHOTO: ramp})
    painted, weight = painter.paint_array(picture, "red"), 1.3 * (1 - ramp[..., None])
    np.testing.assert_allclose(made, np.clip((1 - weight) * picture + weight * painted, 0, 1), atol=1e-5)


def test_paths_and_squares_know_their_photo(painter: Painter) -> None:
    """As mixes, the stops of paths and squares keep what is photo in them, and give the rows between styles."""
    mixes = blend.path_mixes([PHOTO, "red:0.5,blue:0.5", "red"], 5)
    assert mixes[0] == {PHOTO: 1} and mixes[-1] == {"red": 1} and mixes[1] == {PHOTO: 0.5, "red": 0.25, "blue": 0.25}
    rows = list(blend.path(painter.bank, [PHOTO, "red:0.5,blue:0.5", "red"], 5))
    for mix, row in zip(mixes[2:], rows[2:], strict=True):
        np.testing.assert_allclose(blend.mix(painter.bank, mix), row, atol=1e-6)
    cells = blend.square_mixes([PHOTO, "red", "green", PHOTO], 3)
    assert cells[0] == cells[-1] == {PHOTO: 1} and cells[4] == {PHOTO: 0.5, "red": 0.25, "green": 0.25}
    np.testing.assert_array_equal(painter.paint_array(FLAT, mixes[0]), FLAT)
    with pytest.raises(OptionError, match="must have names"):
        blend.path_mixes([rows[0], "red"], 3)


# Files of one style


def test_one_style_obeys_every_dial(network_file: Path, painter: Painter, tmp_path: Path) -> None:
    """A file of one style borrows the photo row of the network's own bank, for strengths, mixes and masks."""
    painter.bank.select(["red"]).save(tmp_path / "one.safetensors")
    one = Painter(network_file, bank=tmp_path / "one.safetensors", runtime="openvino", precision="f32", threads=1)
    assert one.styles == ("red",)
    masks = {PHOTO: LEFT}
    for style, dials in (("red", {"strength": 0.5}), ("red,photo", {}), ("red", {"masks": masks}), (PHOTO, {})):
        expected = painter.paint_array(NOISE, style, **dials)  # type: ignore[arg-type]
        np.testing.assert_array_equal(one.paint_array(NOISE, style, **dials), expected)  # type: ignore[arg-type]


@pytest.mark.skipif("full" not in assets.networks(), reason="no trained network in this checkout")
def test_one_style_of_the_shipped_network(tmp_path: Path) -> None:
    """So does a style of the network that comes with impasto, with the network named or in a file of another name."""
    own = Bank.load(assets.bank_file("full"))
    name = own.styles[0]
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(assets.network_file("full").read_bytes())
    for network in ("full", copy):
        one = Painter(network, bank=own.select([name]), threads=1)
        assert one.bank[PHOTO].tobytes() == own[PHOTO].tobytes() and one.styles == (name,)


# What is refused, and when


@pytest.mark.parametrize(
    ("style", "dials", "message"),
    [
        ("red", {"strength": float("nan")}, "strength must be a number from 0 to 1.5, not nan"),
        ("red", {"strength": float("inf")}, "strength must be a number"),
        ("red", {"strength": -0.1}, "strength must be a number"),
        ("red", {"strength": "much"}, "strength must be a number .* not 'much'"),
        ("red", {"strength": None}, "strength must be a number"),
        ("red", {"size": 0}, "size must be a whole number from 1 to .* not 0"),
        ("red", {"size": -5}, "size must be"),
        ("red", {"size": 20.5}, "size must be"),
        ("red", {"size": float("nan")}, "size must be"),
        ("red", {"size": "big"}, "size must be"),
        ("red", {"masks": [LEFT]}, "masks are a dict of styles and their pictures, not of type list"),
        ("red", {"masks": LEFT}, "masks are a dict"),
        ("red", {"masks": {"gren": LEFT}}, "no style 'gren'"),
        ("gren", {"strength": 0}, "no style 'gren'"),
        ("photo,gren:0", {}, "no style 'gren'"),
    ],
)
def test_refused_before_the_photo_is_read(idle: Painter, style: str, dials: dict[str, Any], message: str) -> None:
    """Dials that make no sense are one sentence, before anything is read or painted."""
    with pytest.raises(ImpastoError, match=message):
        idle.paint("there/is/no/photo.jpg", style, **dials)
    with pytest.raises(ImpastoError, match=message):
        idle.paint_array(NOISE, style, **dials)


@pytest.mark.parametrize("memory", ["2 GB", float("nan"), 0, -1, []])
def test_memory_that_is_none(network_file: Path, memory: Any) -> None:
    """Neither is a memory that is no number above 0."""
    with pytest.raises(OptionError, match="max_memory, in bytes, must be a number of more than 0"):
        Painter(network_file, max_memory=memory)


def test_masks_of_another_shape(painter: Painter) -> None:
    """Arrays of other shapes than the photo's are refused in a sentence, in pixels too."""
    with pytest.raises(PictureError, match="make the mask as large as the photo"):
        painter.paint_array(NOISE, "red", masks={"blue": LEFT[:20]})
    with pytest.raises(PictureError, match=r"pixels are an array \(height, width, 3\)"):
        painter.paint_array(NOISE[..., 0], "red")


def test_no_limit_of_pixels(painter: Painter) -> None:
    """max_pixels=None sets no limit."""
    assert painter.paint(Image.fromarray(NOISE), "red", max_pixels=None).size == (56, 40)


def test_another_bank_is_checked_too(painter: Painter, network_file: Path) -> None:
    """A painter's bank can be exchanged, and one of another network is refused then as at first."""
    own = Painter(network_file, runtime="onnxruntime")
    own.bank = painter.bank.select(["red", "blue"])
    assert own.styles == ("red", "blue") and PHOTO in own.bank
    for other in (
        dataclasses.replace(painter.bank, fingerprint="0123456789abcdef"),
        dataclasses.replace(painter.bank, rows=painter.bank.rows[:, :-1]),
    ):
        with pytest.raises(MismatchError):
            own.bank = other
    assert own.styles == ("red", "blue")


def test_a_file_of_another_network_is_named(network_file: Path, painter: Painter, tmp_path: Path) -> None:
    """The sentence names the file, both networks and what to do."""
    older = dataclasses.replace(painter.bank, fingerprint="0123456789abcdef").select(["red"])
    older.save(tmp_path / "older.safetensors")
    message = (
        r"older.safetensors': the bank belongs to network 'tiny' \(0123456789abcdef\), not to 'tiny' \(\w+\); an older"
    )
    with pytest.raises(MismatchError, match=message):
        Painter(network_file, bank=tmp_path / "older.safetensors")


def test_an_empty_bank(network_file: Path, painter: Painter) -> None:
    """A bank without styles paints nothing, plans as any other, and is still told what is missing."""
    empty = Painter(network_file, bank=painter.bank.select([]), runtime="openvino")
    assert empty.styles == () and empty.plan(100, 100).whole
    with pytest.raises(StyleNameError, match="no style 'red'"):
        empty.paint(NOISE, "red")
