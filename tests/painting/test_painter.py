"""Photo and style in, painted photo out: every kind of photo, every dial, and the right bank for the network."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import impasto
from impasto import assets, pictures
from impasto.errors import BankError, MismatchError, NetworkError, OptionError, PictureError, StyleNameError
from impasto.painting import memory
from impasto.painting.grain import grained
from impasto.painting.painter import Painter, paint
from impasto.styles import blend
from impasto.styles.bank import PHOTO, Bank

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def painter(network_file: Path) -> Painter:
    return Painter(network_file, runtime="onnxruntime", threads=1)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """A photo of 30 x 22 pixels as 8-bit values."""
    return np.random.default_rng(5).integers(0, 256, (22, 30, 3), np.uint8)


def same(a: Image.Image, b: Image.Image) -> bool:
    return a.mode == b.mode and a.size == b.size and a.tobytes() == b.tobytes()


# Photos in


def test_any_source(painter: Painter, pixels: np.ndarray, tmp_path: Path) -> None:
    """A path, text, bytes, an open file, a PIL image and an array of one photo give one painting."""
    image = Image.fromarray(pixels)
    image.save(tmp_path / "photo.png")
    data = (tmp_path / "photo.png").read_bytes()
    expected = painter.paint(image, "red")
    assert expected.mode == "RGB" and expected.size == (30, 22)
    for source in (tmp_path / "photo.png", str(tmp_path / "photo.png"), data, io.BytesIO(data), pixels, pixels / 255):
        assert same(painter.paint(source, "red"), expected)


def test_paints_what_the_network_paints(painter: Painter, pixels: np.ndarray) -> None:
    """Without any dial a painting is the network's, in the style's own row."""
    picture = pictures.load(pixels).picture
    expected = painter.network.paint(grained(picture), painter.bank["green"])
    np.testing.assert_array_equal(painter.paint_array(picture, "green"), expected)
    assert same(painter.paint(pixels, "green"), pictures.to_pil(expected))


def test_grey(painter: Painter, pixels: np.ndarray) -> None:
    """A grey photo is painted in colour."""
    painted = np.asarray(painter.paint(Image.fromarray(pixels[..., 0]), "red"))
    assert painted.shape == (22, 30, 3)
    assert np.ptp(painted, axis=2).max() > 10


def test_alpha(painter: Painter, pixels: np.ndarray) -> None:
    """Transparency is carried over bit by bit, and the colours are painted as without it."""
    alpha = np.random.default_rng(6).integers(16, 256, (22, 30), np.uint8)  # visible everywhere
    painted = painter.paint(Image.fromarray(np.dstack([pixels, alpha])), "red")
    assert painted.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(painted)[..., 3], alpha)
    np.testing.assert_array_equal(np.asarray(painted)[..., :3], np.asarray(painter.paint(pixels, "red")))


def test_alpha_of_a_smaller_painting(painter: Painter, pixels: np.ndarray) -> None:
    """Transparency shrinks with the painting."""
    image = Image.fromarray(pixels).convert("RGBA").resize((60, 44))
    painted = painter.paint(image, "red", size=30)
    assert painted.mode == "RGBA" and painted.size == (30, 22)


def test_upright(painter: Painter, pixels: np.ndarray, tmp_path: Path) -> None:
    """A photo that its camera marked as turned is painted upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    upright = Image.fromarray(np.ascontiguousarray(np.rot90(pixels, -1)))
    assert same(painter.paint(tmp_path / "turned.png", "red"), painter.paint(upright, "red"))


# Styles


def test_styles(painter: Painter) -> None:
    """A painter shows the names of its styles, as its bank does."""
    assert painter.styles == painter.bank.styles == ("red", "green", "blue")


def test_mix(painter: Painter, pixels: np.ndarray) -> None:
    """A mix is painted in the mean of its rows, whether it comes as text, as a mapping or as the row itself."""
    row = blend.mix(painter.bank, {"red": 0.6, "blue": 0.4})
    expected = painter.paint(pixels, row)
    assert same(painter.paint(pixels, "red:0.6,blue:0.4"), expected)
    assert same(painter.paint(pixels, {"red": 3, "blue": 2}), expected)
    assert not same(painter.paint(pixels, "red"), expected)


def own_photo_row(painter: Painter, picture: pictures.Picture) -> np.ndarray:
    """The bank's photo row with the picture's own brightness and contrast."""
    return blend.with_own_tones(painter.bank[PHOTO], picture)


def test_strength_0(painter: Painter, pixels: np.ndarray) -> None:
    """Strength 0 is the photo itself, whatever the style; its row, as a row, is what the network makes of it."""
    picture = pictures.load(pixels).picture
    for style in ("red", "blue", PHOTO):
        np.testing.assert_array_equal(painter.paint_array(picture, style, strength=0), picture)
    row = painter.photo_row(picture)
    assert row is not None
    np.testing.assert_array_equal(row, own_photo_row(painter, picture))
    np.testing.assert_array_equal(painter.paint_array(picture, row), painter.network.paint(grained(picture), row))


def test_photo_style(painter: Painter) -> None:
    """The row called photo has each photo's own brightness, dark or light."""
    for level in (0.1, 0.8):
        picture = np.float32(level + 0.05 * np.random.default_rng(0).standard_normal((32, 32, 3))).clip(0, 1)
        row = painter.photo_row(picture)
        assert row is not None
        assert painter.paint_array(picture, row).mean() == pytest.approx(level, abs=0.03)
        np.testing.assert_array_equal(painter.paint_array(picture, PHOTO), picture)


def test_bank_stays(painter: Painter, pixels: np.ndarray) -> None:
    """Painting leaves the painter's bank as it was."""
    before = painter.bank.rows.tobytes()
    painter.paint(pixels, PHOTO, strength=0.3)
    assert painter.bank.rows.tobytes() == before


def test_bank_without_photo(painter: Painter, network_file: Path, pixels: np.ndarray, tmp_path: Path) -> None:
    """Where no photo's row can be had a bank paints at any strength."""
    (tmp_path / "alone.onnx").write_bytes(network_file.read_bytes())
    bare = Painter(tmp_path / "alone.onnx", bank=painter.bank.remove(PHOTO), runtime="onnxruntime")
    assert bare.photo_row(pixels) is None
    assert same(bare.paint(pixels, "red", strength=0), Image.fromarray(pixels))
    assert same(bare.paint(pixels, "red"), painter.paint(pixels, "red"))
    assert same(bare.paint(pixels, "red", strength=0.5), painter.paint(pixels, "red", strength=0.5))


def test_keep_color(painter: Painter, pixels: np.ndarray) -> None:
    """With the photo's colours kept, the painting's luma is the style's and its hue the photo's."""
    picture = pictures.load(pixels).picture
    plain = painter.paint_array(picture, "red")
    kept = painter.paint_array(picture, "red", keep_color=True)
    np.testing.assert_array_equal(kept, pictures.keep_color(plain, picture))
    assert not np.allclose(kept, plain, atol=0.05)


def test_size(painter: Painter, pixels: np.ndarray) -> None:
    """``size`` shrinks the longer side first, and never enlarges."""
    big = Image.fromarray(pixels).resize((120, 88))
    assert painter.paint(big, "red", size=60).size == (60, 44)
    assert same(painter.paint(big, "red", size=200), painter.paint(big, "red"))
    picture = pictures.load(big).picture
    smaller = painter.paint_array(pictures.resize(picture, 60), "red")
    np.testing.assert_array_equal(painter.paint_array(picture, "red", size=60), smaller)


def test_size_with_color(painter: Painter, pixels: np.ndarray) -> None:
    """Size, colour and strength go together."""
    big = Image.fromarray(pixels).resize((120, 88)).convert("RGBA")
    painted = painter.paint(big, "red:1,blue:1", size=44, keep_color=True, strength=0.7)
    assert painted.size == (44, 32) and painted.mode == "RGBA"


def test_paint(network_file: Path, painter: Painter, pixels: np.ndarray) -> None:
    """The short way paints like a painter with the same dials, as do its names in the package."""
    bank = painter.bank.select(["blue", PHOTO])
    dials = {"strength": 0.8, "size": 24, "keep_color": True}
    short = paint(pixels, "blue", network=network_file, bank=bank, **dials)
    assert same(short, Painter(network_file, bank=bank).paint(pixels, "blue", **dials))
    assert impasto.paint is paint and impasto.Painter is Painter


# What is refused


def test_unknown_style(painter: Painter, pixels: np.ndarray) -> None:
    """An unknown style is a StyleNameError that names the nearest one."""
    with pytest.raises(StyleNameError, match="did you mean 'green'"):
        painter.paint(pixels, "grene")


def test_another_network_knows_the_style(painter: Painter, tmp_path: Path, monkeypatch: Any) -> None:
    """A style that only another network of impasto's has is refused in a sentence that names that network."""
    other = dataclasses.replace(painter.bank.select(["red"]).rename("red", "ochre"), fingerprint="0a")
    other.save(tmp_path / "other.safetensors")
    monkeypatch.setattr(assets, "networks", lambda: ("other",))
    monkeypatch.setattr(assets, "bank_file", lambda name: tmp_path / f"{name}.safetensors")
    with pytest.raises(StyleNameError, match="no style 'ochre'; .*; the network 'other' has it$"):
        painter.check("ochre")
    with pytest.raises(StyleNameError, match="^(?!.*has it$)"):
        painter.check("umber")
    dataclasses.replace(other, fingerprint=painter.network.fingerprint).save(
        tmp_path / "other.safetensors", overwrite=True
    )
    with pytest.raises(StyleNameError, match="; the bank that came with 'other' has it: impasto styles add"):
        painter.check("ochre")


def test_bad_photo(painter: Painter, tmp_path: Path) -> None:
    """A photo that cannot be read is a PictureError that names it."""
    with pytest.raises(PictureError, match="missing.jpg"):
        painter.paint(tmp_path / "missing.jpg", "red")


def test_too_many_pixels(painter: Painter, pixels: np.ndarray) -> None:
    """A photo above the limit of pixels is refused."""
    with pytest.raises(PictureError, match="660 pixels, more than the limit of 600"):
        painter.paint(Image.fromarray(pixels), "red", max_pixels=600)


@pytest.mark.parametrize("shape", [(10, 30), (1, 1), (3, 170), (170, 2)], ids=str)
def test_small_and_long(painter: Painter, tight: Painter, shape: tuple[int, int]) -> None:
    """A photo of any size is painted in that size, whole and in tiles alike, with masks too, and with the colours."""
    photo = np.random.default_rng(4).integers(0, 256, (*shape, 3), np.uint8)
    mask = np.linspace(0, 1, shape[0] * shape[1], dtype=np.float32).reshape(shape)
    for dials in ({}, {"masks": {"blue": mask}}, {"keep_color": True}):
        whole, tiled = (each.paint_array(photo, "red", **dials) for each in (painter, tight))
        assert whole.shape == photo.shape
        assert np.abs(tiled.astype(int) - whole).max() <= 1


def test_made_small(painter: Painter, pixels: np.ndarray) -> None:
    """A photo may be made as small as a pixel."""
    assert painter.paint(pixels, "red", size=12).size == (12, 9)
    assert painter.paint(np.repeat(pixels[:2], 20, 1), "red", size=5).size == (5, 1)


def test_row_of_another_network(painter: Painter, pixels: np.ndarray) -> None:
    """A row of another length is a MismatchError."""
    with pytest.raises(MismatchError):
        painter.paint(pixels, np.ones(3206, np.float32))


# Banks


def test_bank_beside_the_network(network_file: Path) -> None:
    """Without a bank the one beside the network is taken; a bank may also be given as such or as a file."""
    beside = network_file.with_suffix(".safetensors")
    for bank in (None, beside, str(beside), Bank.load(beside)):
        assert Painter(network_file, bank=bank, runtime="onnxruntime").bank.names == ("red", "green", "blue", "photo")


def test_bank_of_another_network(network_file: Path, tmp_path: Path) -> None:
    """A bank of another network is refused by name, though its rows be as long."""
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    other = dataclasses.replace(bank, network="fast", fingerprint="0123456789abcdef")
    other.save(tmp_path / "other.safetensors")
    for source in (other, tmp_path / "other.safetensors"):
        with pytest.raises(MismatchError, match=r"network 'fast' \(0123456789abcdef\), not to 'tiny'"):
            Painter(network_file, bank=source)


def test_missing_bank(network_file: Path, tmp_path: Path) -> None:
    """A network without a bank beside it is a BankError that names the file."""
    (tmp_path / "alone.onnx").write_bytes(network_file.read_bytes())
    with pytest.raises(BankError, match="alone.safetensors"):
        Painter(tmp_path / "alone.onnx")


def test_missing_network(tmp_path: Path) -> None:
    """A network that is not there, as a file or by name, is a NetworkError."""
    with pytest.raises(NetworkError, match="missing.onnx does not exist"):
        Painter(tmp_path / "missing.onnx")
    with pytest.raises(NetworkError, match="comes with no network 'nonesuch'"):
        Painter("nonesuch")


def test_network_by_name(network_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that come along are opened by name, the bank of the same name with them."""
    monkeypatch.setattr(assets, "FOLDER", network_file.parent)
    assert assets.networks() == ["tiny"]
    assert Painter("tiny").bank.names == ("red", "green", "blue", "photo")
    with pytest.raises(NetworkError, match="no network 'full'; it has tiny"):
        Painter()


def test_no_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If no network came along, the message says so."""
    monkeypatch.setattr(assets, "FOLDER", tmp_path)
    with pytest.raises(NetworkError, match="no network 'full'; it has none"):
        Painter()


# Of any size


@pytest.fixture
def tight(network_file: Path, monkeypatch: pytest.MonkeyPatch) -> Painter:
    """A painter that has so little memory that it paints everything in small tiles."""
    monkeypatch.setattr("impasto.painting.planner.LEAST_BYTES", 400_000)
    monkeypatch.setattr("impasto.painting.tiles.cutting.KEPT_LIMIT", 0.0)  # nothing is rounded to float16 on its way
    return Painter(network_file, runtime="openvino", precision="f32", threads=2, max_memory=1)


@pytest.fixture(scope="module")
def large() -> np.ndarray:
    """A photo of 330 x 201 pixels as 8-bit values."""
    coarse = np.random.default_rng(7).integers(0, 256, (11, 15, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((330, 201), Image.Resampling.BICUBIC))


DIALS: dict[str, dict[str, Any]] = {
    "plain": {},
    "strength": {"strength": 0.4},
    "color": {"keep_color": True},
    "size": {"size": 250},
    "masks": {"masks": {"blue": "left", "photo": "top"}},
    "all": {"strength": 0.8, "keep_color": True, "size": 300, "masks": {"blue": "left"}},
}


@pytest.mark.parametrize("dials", DIALS.values(), ids=DIALS)
def test_in_tiles_as_whole(painter: Painter, tight: Painter, large: np.ndarray, dials: dict[str, Any]) -> None:
    """In tiles a photo is painted as it is whole, with every dial."""
    dials = dict(dials)
    if "masks" in dials:
        places = {"left": np.zeros((201, 330), np.uint8), "top": np.zeros((201, 330), np.float32)}
        places["left"][:, :150] = 200
        places["top"][:50] = 0.7
        dials["masks"] = {style: places[place] for style, place in dials["masks"].items()}
    planned = tight.plan(330, 201, size=dials.get("size"), masks=len(dials.get("masks", {})))
    assert not planned.whole and planned.tiles > 1
    whole = painter.paint_array(large, "red", **dials)
    tiled = tight.paint_array(large, "red", **dials)
    assert tiled.dtype == np.uint8 and tiled.shape == whole.shape
    assert np.abs(tiled.astype(int) - whole).max() <= 1
    picture = tight.prepare(large, "red", kind=np.float32, **dials).paint()
    assert picture.dtype == np.float32
    apart = np.abs(pictures.to_bytes(picture).astype(int) - tiled).max()
    assert apart <= ("masks" in dials)  # paintings of 8 bits are blended in 8 bits


def test_alpha_and_tiles(tight: Painter, large: np.ndarray) -> None:
    """Transparency is carried over from tiles too."""
    alpha = np.random.default_rng(6).integers(0, 256, (201, 330), np.uint8)
    painted = tight.paint(Image.fromarray(np.dstack([large, alpha])), "red")
    np.testing.assert_array_equal(np.asarray(painted)[..., 3], alpha)


def test_pixels_are_their_picture(painter: Painter, pixels: np.ndarray) -> None:
    """What comes out has the type that went in; whole numbers are the float painting, rounded once."""
    expected = painter.paint_array(pictures.unit(pixels), "red")
    assert expected.dtype == np.float32
    np.testing.assert_array_equal(painter.paint_array(pixels, "red"), pictures.to_bytes(expected))
    deep = painter.paint_array(pixels.astype(np.uint16) * 257, "red")
    np.testing.assert_allclose(deep, expected * np.float32(65535), rtol=0, atol=1.01)  # noise in floats is rounded, too
    assert (deep % 257 != 0).any()


def test_steps(tight: Painter, large: np.ndarray) -> None:
    """Long work tells how far it is, from 0 to 1, and has the painting at the end alone."""
    steps = list(tight.steps(large, "red"))
    shares = [step.share for step in steps]
    assert len(steps) > 10 and shares == sorted(shares) and shares[-1] == 1
    assert [step.painted is None for step in steps] == [True] * (len(steps) - 1) + [False]


def test_out_of_memory_after_all(network_file: Path, large: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory that was free is gone, the picture is painted in tiles; other errors come out."""
    monkeypatch.setattr("impasto.painting.tiles.cutting.KEPT_LIMIT", 0.0)
    painter = Painter(network_file, runtime="openvino", precision="f32")
    expected = painter.paint_array(large, "red")
    for error in (MemoryError(), RuntimeError("std::bad_alloc")):
        monkeypatch.setattr(painter.network, "paint", _raiser(error))
        assert np.abs(painter.paint_array(large, "red").astype(int) - expected).max() <= 1
    monkeypatch.setattr(painter.network, "paint", _raiser(RuntimeError("of another kind")))
    with pytest.raises(RuntimeError, match="of another kind"):
        painter.paint_array(large, "red")


def _raiser(error: Exception) -> Any:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.mark.usefixtures("planned_alone")
def test_plan(network_file: Path) -> None:
    """Small pictures are painted whole; the larger ones need more memory, then tiles; a size makes them small."""
    painter = Painter(network_file, runtime="openvino", max_memory=2e9)
    small, middle, huge = (painter.plan(side, side) for side in (200, 1000, 30_000))
    assert small.whole and small.tiles == small.passes == 1 and small.disk == 0
    assert small.memory < middle.memory
    assert not huge.whole and huge.tiles > 100 and huge.passes > 1 and huge.disk > 30_000**2
    assert painter.plan(30_000, 15_000, size=200) == painter.plan(200, 100)
    assert painter.seconds(small) > 0


def test_more_memory_than_there_is(network_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine has free is the limit, whatever is allowed."""
    monkeypatch.setattr("impasto.painting.memory.available", lambda: 10**8)
    assert not Painter(network_file, runtime="openvino", max_memory=1e12).plan(3000, 3000).whole


@pytest.mark.usefixtures("planned_alone")
def test_a_guest_takes_little(network_file: Path) -> None:
    """Without a limit a huge picture is painted in tiles, however much memory is free; with one, whole if it allows."""
    free = 2**45
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("impasto.painting.memory.available", lambda: free)
        planned = Painter(network_file, runtime="openvino", threads=64).plan(12_000, 9_000)
        assert not planned.whole and planned.memory < 2.5 * 2**30
        assert Painter(network_file, runtime="openvino", max_memory=free).plan(12_000, 9_000).whole
        assert Painter(network_file, runtime="onnxruntime").plan(12_000, 9_000).whole


def test_tiles_need_openvino(network_file: Path, large: np.ndarray) -> None:
    """ONNX Runtime says so in one sentence."""
    with pytest.raises(NetworkError, match="painted in tiles, which needs OpenVINO"):
        Painter(network_file, runtime="onnxruntime", max_memory=1).paint(large, "red")


def test_bfloat16(network_file: Path, large: np.ndarray) -> None:
    """bf16 paints nearly the same, where the processor has it; ONNX Runtime has not, and other precisions are none."""
    painted = Painter(network_file, runtime="openvino", precision="bf16").paint_array(pictures.unit(large), "red")
    exact = Painter(network_file, runtime="openvino", precision="f32").paint_array(pictures.unit(large), "red")
    assert np.abs(painted - exact).mean() < 0.05
    with pytest.raises(NetworkError, match="bf16 needs OpenVINO"):
        Painter(network_file, runtime="onnxruntime", precision="bf16")
    with pytest.raises(OptionError, match="precision must be auto, f32 or bf16, not 'f8'"):
        Painter(network_file, precision="f8")  # type: ignore[arg-type]


NAN = float("nan")


@pytest.mark.parametrize(
    "options",
    [{"max_memory": 0}, {"max_memory": NAN}, {"max_memory": float("inf")}, {"threads": 0}]
    + [{"streams": 0}, {"streams": 1.5}],
    ids=str,
)
def test_nonsense(network_file: Path, options: dict[str, Any]) -> None:
    """Memory and numbers of threads that are none are an OptionError that names them."""
    with pytest.raises(OptionError, match=next(iter(options))):
        Painter(network_file, **options)


@pytest.mark.parametrize("options", [{"strength": NAN}, {"strength": 2}, {"size": 0}, {"size": NAN}], ids=str)
def test_nonsense_for_a_painting(network_file: Path, options: dict[str, Any]) -> None:
    """A strength or a size that is none is an OptionError, which is a ValueError."""
    painter = Painter(network_file)
    with pytest.raises(OptionError, match=next(iter(options))) as caught:
        painter.paint_array(np.zeros((20, 20, 3), np.uint8), "red", **options)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("options", [{"max_memory": float("inf")}, {"max_memory": -1}, {"max_memory": True}], ids=str)
def test_memory_that_is_none(network_file: Path, options: dict[str, Any]) -> None:
    """Memory is a finite number of bytes above 0; anything else is refused by name."""
    with pytest.raises(OptionError, match="max_memory, in bytes, must be a number of more than 0"):
        Painter(network_file, **options)


@pytest.mark.parametrize("options", [{"threads": 0}, {"threads": 1.5}, {"streams": -1}, {"streams": "2"}], ids=str)
def test_threads_that_are_none(network_file: Path, options: dict[str, Any]) -> None:
    """Threads and streams are whole numbers from 1 on."""
    with pytest.raises(OptionError, match=f"{next(iter(options))} must be a whole number from 1"):
        Painter(network_file, **options)


@pytest.mark.parametrize("sizes", [(0, 9), (9, -1), (float("nan"), 9), (9, 9, 0), (9, 9, 9, -1)], ids=str)
def test_plans_of_nothing(painter: Painter, sizes: tuple[Any, ...]) -> None:
    """A plan is for a picture that can be: its sizes are whole numbers from 1 on, masks from 0 on."""
    names = ("width", "height", "size", "masks")
    with pytest.raises(OptionError, match=r"^\w+ must be a whole number from \d"):
        painter.plan(**dict(zip(names, sizes, strict=False)))


def test_small_pictures_need_no_graph(network_file: Path, large: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that fits into memory by far is painted whole without the graph being read for its tiles."""
    monkeypatch.setattr("impasto.painting.network.Network.graph", _raiser(AssertionError("not needed")))
    assert Painter(network_file, runtime="openvino").paint_array(large, "red").shape == large.shape


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_no_memory_at_all(network_file: Path, large: np.ndarray, runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory is refused whole and in tiles, one sentence says so, and no claim stays."""
    painter = Painter(network_file, runtime=runtime)
    monkeypatch.setattr(painter.network, "paint", _raiser(MemoryError()))
    monkeypatch.setattr("impasto.painting.tiles.compiled.Compiled.run", _raiser(RuntimeError("std::bad_alloc")))
    with pytest.raises((PictureError, NetworkError), match="memory") as caught:
        painter.paint_array(large, "red")
    assert "\n" not in str(caught.value)
    assert memory.claims.open() == 0 == memory.claims._total


def test_paintings_at_once_share_the_memory(network_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a painting under way has claimed is not free for the next one: it is planned in tiles."""
    free = 2 * 10**9
    monkeypatch.setattr("impasto.painting.memory.available", lambda: free)
    painter = Painter(network_file, runtime="openvino")
    side = int((0.5 * free / painter.network.bytes_for(1000, 1000, floats=False)) ** 0.5 * 1000)  # one fits, two do not
    plans = []

    def while_painting(*_: object) -> np.ndarray:
        plans.append(painter.plan(side, side).whole)
        return np.zeros((side, side, 3), np.uint8)

    monkeypatch.setattr(painter.network, "paint", while_painting)
    assert painter.plan(side, side).whole
    painter.paint_array(np.broadcast_to(np.uint8(0), (side, side, 3)), "red", brush="small")
    assert plans == [False] and painter.plan(side, side).whole
