"""The bench: one picture, its photo and its painting in, one record out, the objective's numbers among them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.errors import LearnError, OptionError, PictureError
from impasto.learn.evaluate import measures
from impasto.learn.evaluate.judging import Bench, central, judged, together
from impasto.learn.evaluate.pairs import Pair
from impasto.learn.evaluate.protocol import Protocol
from impasto.learn.evaluate.scorer import Scorer
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.settings import LossSettings
from impasto.learn.tensors import to_picture, to_planes

RNG = np.random.default_rng(0)
PHOTO = RNG.random((48, 64, 3), np.float32)
PAINTED = np.clip(PHOTO * 0.5 + 0.3 * RNG.random(PHOTO.shape, np.float32), 0, 1)
PROTOCOL = Protocol(64)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """CFSD of small squares."""
    monkeypatch.setattr(measures, "STRUCTURE_SIDE", 32)


@pytest.fixture
def paintings() -> dict[str, torch.Tensor]:
    rand = torch.rand(2, 3, 48, 64, generator=torch.Generator().manual_seed(1))
    return {"a": rand[:1], "b": rand[1:] * 0.5}


def bench(loss_network: LossNetwork, paintings: dict[str, torch.Tensor], **options: object) -> Bench:
    settings = LossSettings(**{"unit": "energy", **options})  # type: ignore[arg-type]
    return Bench(loss_network, paintings, [to_planes(PHOTO)], settings, PROTOCOL)


@pytest.mark.parametrize("unit", ["energy", "fair", "photos"])
def test_one_objective(loss_network: LossNetwork, paintings: dict[str, torch.Tensor], unit: str) -> None:
    """Content, style, total and untouched are what a scorer gives the same picture, in every unit."""
    record = bench(loss_network, paintings, unit=unit).measure(PHOTO, PAINTED, "b")
    settings = LossSettings(unit=unit)  # type: ignore[arg-type]
    scores = Scorer(loss_network, paintings, [PHOTO], settings).score("b", [PHOTO], lambda *_: PAINTED)
    for key in ("content", "style", "total", "untouched"):
        assert record[key] == pytest.approx(getattr(scores, key), rel=1e-5) and record[key] > 0


def test_doing_nothing(loss_network: LossNetwork, paintings: dict[str, torch.Tensor]) -> None:
    """The photo given back has no content distance, all of its structure, and its whole style distance left."""
    record = bench(loss_network, paintings).measure(PHOTO, PHOTO, "a")
    zeros = ("content", "content_relu3_1", "content_relu4_1", "cfsd_original")
    assert [record[key] for key in zeros] == [0, 0, 0, 0]
    assert record["ssim"] == pytest.approx(1) and record["style_share"] == pytest.approx(1)
    assert record["total"] == pytest.approx(record["untouched"])


def test_the_painting_itself(loss_network: LossNetwork, paintings: dict[str, torch.Tensor]) -> None:
    """The painting has no style distance of any kind, and is far from the photo."""
    record = bench(loss_network, paintings).measure(PHOTO, to_picture(paintings["a"]), "a")
    for key in ("style", "style_share", "adain", "sliced_wasserstein", "rgb_uv"):
        assert record[key] == pytest.approx(0, abs=1e-4), key
    assert record["content_relu4_1"] > 0 and record["cfsd_original"] > 0 and record["ssim"] < 0.5
    assert record["style_floor"] > record["style"]


def test_content_is_relative_to_the_photo(loss_network: LossNetwork, paintings: dict[str, torch.Tensor]) -> None:
    """In the unit energy, content is the distance at relu3_1; in others, that of relu3_1 stays as it is."""
    own, fair = (bench(loss_network, paintings, unit=unit).measure(PHOTO, PAINTED, "a") for unit in ("energy", "fair"))
    assert own["content"] == own["content_relu3_1"] == fair["content_relu3_1"]


def test_the_photo_is_seen_anew(loss_network: LossNetwork, paintings: dict[str, torch.Tensor]) -> None:
    """What is kept of one photo is not taken for another, nor for another shape."""
    judge = bench(loss_network, paintings)
    first = judge.measure(PHOTO, PAINTED, "a")
    other = judge.measure(PHOTO[::-1].copy(), PAINTED, "a")
    assert other["content"] > first["content"]
    assert judge.measure(PHOTO, PAINTED, "a") == first


def test_only_what_is_asked_for(loss_network: LossNetwork, paintings: dict[str, torch.Tensor]) -> None:
    """A protocol with one measure has that and the objective; a word that is none is refused with the nearest."""
    judge = Bench(loss_network, paintings, [to_planes(PHOTO)], LossSettings(), Protocol(64, measures=("ssim",)))
    assert list(judge.measure(PHOTO, PAINTED, "a")) == ["content", "style", "total", "untouched", "ssim"]
    with pytest.raises(OptionError, match="no measure 'lpips'; did you mean"):
        Protocol(measures=("lpips",))


def test_sizes_are_brought_together() -> None:
    """A picture half as large, or off by a pixel, is brought to the photo's size, and the photo to the protocol's."""
    for painted in (PAINTED, PAINTED[::2, ::2], PAINTED[:47]):
        photo, picture = together(PHOTO, painted, Protocol(32))
        assert photo.shape == picture.shape == (24, 32, 3)
    assert together(PHOTO, PAINTED, PROTOCOL)[1] is PAINTED


def test_shapes_are_not_guessed() -> None:
    """Another shape is refused with both sizes; crop compares the middle of the photo, stretch all of it."""
    square = PAINTED[:, 8:56]
    with pytest.raises(PictureError, match="48 x 48 pixels are another shape than the photo's 64 x 48; --fit crop"):
        together(PHOTO, square, PROTOCOL)
    photo, painted = together(PHOTO, square, Protocol(48, "crop"))
    assert np.array_equal(photo, PHOTO[:, 8:56]) and painted is square
    photo, painted = together(PHOTO, square, Protocol(64, "stretch"))
    assert photo is PHOTO and painted.shape == PHOTO.shape


@pytest.mark.parametrize(("proportion", "shape"), [(1, (48, 48)), (2, (32, 64)), (0.5, (48, 24)), (1000, (1, 64))])
def test_the_middle(proportion: float, shape: tuple[int, int]) -> None:
    """The largest part of a proportion, at least a pixel each way."""
    assert central(PHOTO, proportion).shape[:2] == shape


def saved(path: Path, picture: np.ndarray) -> Path:
    Image.fromarray(picture).save(path)
    return path


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, np.uint8)


def test_what_cannot_be_read_is_a_record(loss_network: LossNetwork, tmp_path: Path) -> None:
    """A photo, picture or painting that cannot be read costs its own records, each with the reason."""
    good = {name: saved(tmp_path / f"{name}.png", noise(40, 40, 3)) for name in ("photo", "painted", "painting")}
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    tiny = saved(tmp_path / "tiny.png", noise(4, 40, 3))
    photo, painted, painting = good.values()
    pairs = [
        Pair(photo, painted, painting),
        Pair(photo, bad, painting),
        Pair(photo, tmp_path / "no.png", painting),
        Pair(photo, painted, bad),
        Pair(photo, painted, tiny),
        Pair(bad, painted, painting),
    ]
    records = list(judged(pairs, loss_network, LossSettings(unit="energy"), PROTOCOL))
    assert "error" not in records[0] and records[0]["style"] > 0 and records[0]["name"] == "painting"
    for record, word in zip(records[1:], ("bad.png", "no.png", "bad.png", "40 x 4 pixels", "bad.png"), strict=True):
        assert word in record["error"] and "content" not in record


def test_nothing_can_be_read(loss_network: LossNetwork, tmp_path: Path) -> None:
    """Without one photo, or without one painting, there is nothing to measure with: a sentence."""
    good, bad = saved(tmp_path / "good.png", noise(40, 40, 3)), tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    for pair in (Pair(bad, good, good), Pair(good, good, bad)):
        with pytest.raises(LearnError, match="bad.png"):
            list(judged([pair], loss_network, LossSettings(), PROTOCOL))


def test_a_photo_that_is_too_narrow(loss_network: LossNetwork, tmp_path: Path) -> None:
    """Where it comes first it does not stop the others; alone it is named, with what to do."""
    narrow, good = saved(tmp_path / "a.png", noise(1, 900, 3)), saved(tmp_path / "b.png", noise(64, 64, 3))
    pairs = [Pair(narrow, narrow, good), Pair(good, good, good)]
    first, second = judged(pairs, loss_network, LossSettings(unit="energy"), PROTOCOL)
    assert "too small" in first["error"] and second["content"] == 0
    with pytest.raises(LearnError, match=r"a\.png has .* too few to be measured.*a larger --size"):
        list(judged(pairs[:1], loss_network, LossSettings(unit="energy"), PROTOCOL))


@pytest.mark.parametrize(
    "picture",
    [noise(64, 64), noise(64, 64, 2), noise(64, 64, 4), noise(64, 64).astype(np.uint16) * 257],
    ids=["grey", "grey with alpha", "alpha", "16 bit"],
)
def test_every_kind_of_picture(loss_network: LossNetwork, tmp_path: Path, picture: np.ndarray) -> None:
    """Grey, transparent and deep pictures are measured in all three places; given back, they lack content or style."""
    file = saved(tmp_path / "any.png", picture)
    plain = saved(tmp_path / "plain.png", noise(64, 64, 3))
    pairs = [Pair(file, file, plain), Pair(plain, file, file)]
    first, second = judged(pairs, loss_network, LossSettings(unit="energy"), PROTOCOL)
    assert first["content"] == 0 and second["style_share"] < 0.01 < first["style_share"]


def test_a_painting_of_16_pixels(loss_network: LossNetwork, tmp_path: Path) -> None:
    """A painting of 16 pixels is a style like any other, and a flat one has finite numbers, too."""
    photo = saved(tmp_path / "photo.png", noise(40, 40, 3))
    flat = saved(tmp_path / "flat.png", np.zeros((16, 16, 3), np.uint8))
    (record,) = judged([Pair(photo, photo, flat)], loss_network, LossSettings(unit="energy"), PROTOCOL)
    numbers = [value for value in record.values() if isinstance(value, float)]
    assert len(numbers) == 13 and np.isfinite(numbers).all()
