"""A painting that nothing was trained on becomes a row, and a row becomes a style like any other."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto import Painter, assets, pictures
from impasto.errors import BankError, MismatchError, NetworkError, PictureError
from impasto.styles.names import check_name, slug_of
from impasto.styles.unseen import likeness
from impasto.styles.unseen.eye import Aim
from impasto.styles.unseen.likeness import samples, seen_at
from impasto.styles.unseen.predictor import Predictor, features_count
from impasto.styles.unseen.search import SIDE, Settings, spread
from tests.conftest import run

pytestmark = pytest.mark.skipif(not assets.LOSS_NETWORK.is_file(), reason="no loss network in this checkout")


def stripes(side: int = 96) -> Image.Image:
    y, x = np.mgrid[:side, :side]
    values = np.stack([x // 6 % 2 * 220, y // 9 % 2 * 120, 255 - x * 255 // side], -1)
    return Image.fromarray(values.astype(np.uint8))


@pytest.fixture(scope="module")
def painter(network_file: Path) -> Painter:
    return Painter(network_file)


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    path = tmp_path / "My Stripes.png"
    stripes().save(path)
    return path


def losses(painter: Painter, painting: Path, row: np.ndarray) -> float:
    """What a row costs on all samples."""
    assert painter._likeness is not None
    search, aim = painter._likeness.search, Aim.of(painter.bank)
    target = painter._likeness._eye.look(seen_at(painting, aim.style_size)).grams
    pulls = search.pulls(target)
    return float(np.mean([sum(search.gradient(row, scene, target, pulls)[:2]) for scene in search.scenes]))


def test_rates_follow_what_differs() -> None:
    """Where known styles differ twice as much the rate is twice the median's; few styles say nothing about it."""
    ways = np.outer(np.linspace(-1, 1, 8), [1, 2, 4]).astype(np.float32)
    np.testing.assert_allclose(spread(ways), [0.5, 1, 2], rtol=1e-6)
    np.testing.assert_array_equal(spread(ways[:7]), 1)


def test_steps_bring_a_row_nearer(painter: Painter, painting: Path) -> None:
    """A few steps lower what a row costs, and the same steps give the same row."""
    start, moved, again = (painter.row(painting, steps=steps) for steps in (0, 8, 8))
    assert moved.shape == (painter.network.row_size,) and moved.dtype == np.float32
    assert losses(painter, painting, moved) < 0.97 * losses(painter, painting, start)
    np.testing.assert_array_equal(moved, again)


def test_without_a_predictor_it_begins_with_the_mean(painter: Painter, painting: Path) -> None:
    """Where nothing predicts, the beginning is the mean of the bank's styles, without ``photo``, in the own tones."""
    mean, found = np.mean([painter.bank[name] for name in ("red", "green", "blue")], 0), painter.row(painting, steps=0)
    tones = [*range(mean.size // 2 - 3, mean.size // 2), *range(mean.size - 3, mean.size)]
    np.testing.assert_allclose(np.delete(found, tones), np.delete(mean, tones), rtol=1e-6)
    seen = np.clip(np.asarray(stripes(), np.float32) / 255, 0.01, 0.99)
    logits = np.log(seen / (1 - seen))
    np.testing.assert_allclose(found[tones], [*logits.std((0, 1)), *logits.mean((0, 1))], rtol=1e-3)


def test_a_painting_is_a_style_with_every_dial(painter: Painter, painting: Path) -> None:
    """What was added is painted alone, in mixes, at any strength, and behind masks; nothing else has changed."""
    photo = np.random.default_rng(0).integers(0, 256, (48, 40, 3), np.uint8)
    before = {name: painter.bank[name].copy() for name in painter.bank}
    name = painter.add(painting, steps=2)
    assert name == "my-stripes" and name in painter.styles
    alone, mixed = (painter.paint_array(photo, style) for style in (name, {name: 0.5, "red": 0.5}))
    weak = painter.paint_array(photo, name, strength=0.3)
    masked = painter.paint_array(photo, "red", masks={name: np.eye(48, 40, dtype=np.float32)})
    assert len({each.tobytes() for each in (alone, mixed, weak, masked, photo)}) == 5
    assert all(np.array_equal(painter.bank[name], row) for name, row in before.items())


def test_a_row_is_of_the_networks_own_bank(painter: Painter, painting: Path, network_file: Path) -> None:
    """With a bank of one's own a painting becomes the same row, whatever that bank says of its training."""
    few = replace(painter.bank.select(["red"]), meta={"settings": {"style_layers": "relu1_1"}})
    other = Painter(network_file, bank=few)
    np.testing.assert_array_equal(other.row(painting, steps=2), painter.row(painting, steps=2))


@pytest.mark.parametrize(
    "said",
    [
        {"style_layers": ["relu1_1"], "style_layer_weights": [1.0, 2.0]},
        {"style_layer_weights": [0.0] * 4},
        {"style_weight": "x"},
        {"style_weight": 1e38},
        {"style_layers": "relu1_1"},
        {"style_layers": 5},
        {"style_size": 0},
    ],
)
def test_what_training_cannot_have_been(painter: Painter, said: dict[str, Any]) -> None:
    """A bank that says odd things about its network's training is refused in one sentence."""
    with pytest.raises(BankError, match="says odd things about its training"):
        Aim.of(replace(painter.bank, meta={"settings": said}))


@pytest.mark.parametrize(
    ("file", "name"),
    [("The Red Room.jpg", "the-red-room"), ("photo.jpg", "painting"), ("絵画.jpg", "painting"), ("x" * 300, "x" * 100)],
)
def test_names_of_files(file: str, name: str) -> None:
    """A file's name becomes one that a style may have, and never that of the style that gives the photo back."""
    assert slug_of(Path(file)) == name
    check_name(slug_of(Path(file)))


def test_names_have_an_end(painter: Painter) -> None:
    """A name that is too long for a file's name is refused before anything is searched."""
    with pytest.raises(BankError, match="at most 100 characters, not 5,000"):
        painter.add("nowhere.png", "a" * 5000)


def test_a_picture_that_was_read(painter: Painter, painting: Path) -> None:
    """A painting may have been read before, with whatever limit of pixels."""
    photo = pictures.load(painting, max_pixels=96 * 96)
    np.testing.assert_array_equal(painter.row(photo, steps=0), painter.row(painting, steps=0))


def test_photo_is_taken(painter: Painter, painting: Path) -> None:
    """No painting becomes the style that gives the photo back."""
    with pytest.raises(BankError, match="choose another name"):
        painter.add(painting, "photo")


def test_what_a_painting_may_be(painter: Painter, tmp_path: Path) -> None:
    """Grey, transparent, CMYK and 16-bit pictures, arrays and bytes become rows."""
    image, data = stripes(), io.BytesIO()
    image.convert("CMYK").save(data, "JPEG")
    clear = image.copy()
    clear.putalpha(Image.fromarray(np.eye(96, dtype=np.uint8) * 255))
    deep = np.asarray(image).astype(np.uint16) * 257
    given = [image.convert("L"), clear, data.getvalue(), deep, np.asarray(image, np.float32) / 255]
    rows = [painter.row(each, steps=0) for each in given]
    assert all(np.isfinite(row).all() for row in rows)


def test_what_a_painting_may_not_be(painter: Painter, tmp_path: Path) -> None:
    """What is too small, of one colour, a folder or not there is one sentence that names it."""
    stripes(16).save(tmp_path / "tiny.png")
    Image.new("RGB", (90, 90), "teal").save(tmp_path / "flat.png")
    stripes(700).crop((0, 0, 700, 64)).resize((6400, 64)).save(tmp_path / "long.png")
    for name, why in {
        "tiny.png": "tiny.png is only 16 x 16 pixels, and a painting needs 64 a side",
        "flat.png": "flat.png is of one colour and shows no style",
        "long.png": "too long and narrow, 6400 x 64 pixels",
        ".": "folder",
        "missing.png": "missing.png",
    }.items():
        with pytest.raises(PictureError, match=why):
            painter.row(tmp_path / name)
    with pytest.raises(BankError, match="cannot be a name"):
        painter.add(stripes(), "My painting")


def test_a_row_is_of_one_network(network_file: Path, tmp_path: Path, painting: Path) -> None:
    """A predictor of another network beside a network is refused, and so is a row in another network's bank."""
    for end in (".onnx", ".safetensors"):
        (tmp_path / f"other{end}").write_bytes(network_file.with_suffix(end).read_bytes())
    one = Painter(tmp_path / "other.onnx")
    size, layers = one.network.row_size, ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    views = tuple(np.ones((width, 1), np.float32) for width in (64, 128, 256, 512))
    count = features_count([view.shape for view in views])
    shapes = {"inner": (2, count), "outer": (2, 2), "basis": (size, 2), "inner_bias": (2,), "outer_bias": (2,)}
    shapes |= {"row": (size,), "centre": (count,), "spread": (count,)}
    numbers = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    for fingerprint in (one.network.fingerprint, "0" * 16):
        predictor = Predictor("tiny", fingerprint, layers, views, numbers)
        predictor.save(tmp_path / "other-predictor.safetensors")
        opened = Painter(tmp_path / "other.onnx")
        if fingerprint != one.network.fingerprint:
            with pytest.raises(MismatchError, match="the predictor gives rows for network 'tiny'"):
                opened.row(painting, steps=0)
        else:
            assert opened.row(painting, steps=0).shape == (size,)


def test_without_openvino_nothing_is_searched(network_file: Path, painting: Path) -> None:
    """With ONNX Runtime alone and no predictor there is one sentence that says what to install."""
    pytest.importorskip("onnxruntime")
    with pytest.raises(NetworkError, match="pip install openvino"):
        Painter(network_file, runtime="onnxruntime").row(painting)


def test_the_samples_are_there() -> None:
    """The photos that rows are tried on come with the package, and none is like another."""
    found = samples()
    assert len(found) == 2 * len(assets.SAMPLES) and len({each.tobytes() for each in found}) == len(found)
    assert all(each.shape == (SIDE, SIDE, 3) and 0 <= each.min() < 0.2 < each.max() <= 1 for each in found)


# ---- the command line


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches of five steps in place of sixty: what they find is not what is looked at."""
    monkeypatch.setattr(likeness, "Settings", lambda: Settings(steps=5))


@pytest.mark.process
def test_paint_with_a_painting(
    few_steps: None, network_file: Path, photo_file: Path, painting: Path, tmp_path: Path, capsys: Any
) -> None:
    """--style-image is a style by its file's name, alone, in -s and behind a mask."""
    Image.new("L", (48, 40), 128).save(tmp_path / "mask.png")
    given = ("paint", photo_file, "--network", network_file, "--style-image", painting)
    made = set()
    for number, more in enumerate(
        [(), ("-s", "my-stripes:0.4,red"), ("-s", "red", "--mask", f"my-stripes={tmp_path / 'mask.png'}")]
    ):
        output = tmp_path / f"out{number}.png"
        assert run(*given, *more, "-o", output, capsys=capsys)[0] == 0
        made.add(output.read_bytes())
    assert len(made) == 3


@pytest.mark.process
def test_row_is_what_paint_takes(
    few_steps: None, network_file: Path, photo_file: Path, painting: Path, tmp_path: Path, capsys: Any
) -> None:
    """impasto row writes a bank of the one style, and painting with that is painting with --style-image."""
    mine, network = tmp_path / "mine.safetensors", ("--network", network_file)
    code, _, err = run("row", painting, "-o", mine, "--artist", "Me", *network, capsys=capsys)
    assert code == 0 and "1 style" in err
    pictures = []
    for more in (("--bank", mine, "-s", "my-stripes"), ("--style-image", painting)):
        assert run("paint", photo_file, *network, *more, "-o", tmp_path / "out.png", capsys=capsys)[0] == 0
        pictures.append(np.asarray(Image.open(tmp_path / "out.png")))
    np.testing.assert_array_equal(*pictures)
    code, _, err = run("row", painting, "-o", mine, *network, capsys=capsys)
    assert code == 2 and "exists already" in err
    code, _, err = run("row", painting, "-o", tmp_path / "b.safetensors", *network, "--max-pixels", 99, capsys=capsys)
    assert code == 2 and "the limit of 99" in err


@pytest.mark.process
def test_what_is_to_be_known_of_a_painting_is_said(
    few_steps: None, network_file: Path, photo_file: Path, tmp_path: Path, capsys: Any
) -> None:
    """A note of the painting's file, such as that only its first picture is taken."""
    frames = [stripes(), stripes().rotate(90)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    given = ("paint", photo_file, "--network", network_file, "--style-image", tmp_path / "moving.gif")
    code, _, err = run(*given, "-o", tmp_path / "out.png", capsys=capsys)
    assert code == 0 and "moving.gif is an animation" in err and "is the style moving, found in " in err


@pytest.mark.parametrize(
    "words, why",
    [
        ((), "no style is given; name one with -s, or a painting of your own with --style-image"),
        (("--style-image", "{}", "-s", "red"), "is not used; name it in -s or --mask, as 'my-stripes'"),
        (("--style-image", "{}", "--style-image", "{}"), "would both be the style 'my-stripes'"),
        (("--style-image", "nowhere.png"), "nowhere.png"),
    ],
)
def test_wrong_style_images(
    words: tuple[str, ...],
    why: str,
    network_file: Path,
    photo_file: Path,
    painting: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A painting that is not used, not there, or there twice is one sentence, and nothing is written."""
    given = [word.replace("{}", str(painting)) for word in words]
    output = tmp_path / "out.png"
    code, _, err = run("paint", photo_file, "--network", network_file, *given, "-o", output, capsys=capsys)
    assert code == 2 and why in err and "Traceback" not in err and not output.exists()
