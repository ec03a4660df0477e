"""Banks on the command line: one style obeys every dial, damage is a sentence, cards cannot steer a terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto import cli
from impasto.styles.bank import Bank, Card

pytest.importorskip("onnx")


@pytest.fixture
def folder(network_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a photo, a mask and ``one.safetensors``, a file of the style red alone."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.random.default_rng(5).integers(0, 256, (40, 48, 3), np.uint8)).save("photo.png")
    mask = np.zeros((40, 48), np.uint8)
    mask[:, :24] = 255
    Image.fromarray(mask).save("mask.png")
    Bank.load(network_file.with_suffix(".safetensors")).select(["red"]).save("one.safetensors")
    return tmp_path


def impasto(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["impasto", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0)


def painted(name: str) -> np.ndarray:
    return np.asarray(Image.open(name).convert("RGB"))


@pytest.mark.parametrize(
    "command",
    [
        ["paint", "photo.png", "-s", "red", "--strength", "0.5"],
        ["paint", "photo.png", "-s", "red:0.5,photo:0.5"],
        ["paint", "photo.png", "-s", "red", "--mask", "photo=mask.png"],
        ["sheet", "photo.png", "--strength", "0.7", "--size", "40"],
        ["path", "photo.png", "-s", "photo,red", "--frames", "2", "--size", "40"],
        ["square", "photo.png", "-s", "photo,red,red,photo", "--n", "2", "--size", "40"],
    ],
    ids=" ".join,
)
def test_one_style_obeys_every_dial(
    command: list[str], folder: Path, network_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a file of one style every command has the photo row of the network's own bank."""
    output = "frames" if command[0] == "path" else "out.png"
    options = ["-o", output, "--network", network_file, "--bank", "one.safetensors"]
    assert impasto(monkeypatch, *command, *options) == 0
    assert Path(output).exists()


def test_strength_0_is_the_photo(folder: Path, network_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strength 0 is the photo, and so are the first frame of a path from photo and the region of a mask of photo."""
    options = ["--network", network_file]
    assert impasto(monkeypatch, "paint", "photo.png", "-s", "red", "--strength", 0, "-o", "zero.png", *options) == 0
    np.testing.assert_array_equal(painted("zero.png"), painted("photo.png"))
    walk = ["path", "photo.png", "-s", "photo,red", "--frames", 3, "--size", 48, "-o", "walk"]
    assert impasto(monkeypatch, *walk, *options) == 0
    np.testing.assert_array_equal(painted("walk/frame-0001.png"), painted("photo.png"))
    region = ["paint", "photo.png", "-s", "red", "--mask", "photo=mask.png", "-o", "region.png"]
    assert impasto(monkeypatch, *region, *options) == 0
    np.testing.assert_array_equal(painted("region.png")[:, :24], painted("photo.png")[:, :24])


def test_a_damaged_file_is_a_sentence(
    folder: Path, network_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A flipped bit is told with the file's name, exit code 2, and nothing is written."""
    data = bytearray(Path("one.safetensors").read_bytes())
    data[-3] ^= 4
    Path("bad.safetensors").write_bytes(data)
    options = ["--network", network_file, "--bank", "bad.safetensors", "-o", "out.png"]
    assert impasto(monkeypatch, "paint", "photo.png", "-s", "red", *options) == 2
    error = capsys.readouterr().err
    assert "'bad.safetensors' cannot be used" in error and "checksum" in error and error.count("\n") == 1
    assert not Path("out.png").exists()


def test_cards_cannot_steer_a_terminal(
    folder: Path, network_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Escapes, control characters, markup and lone surrogates in cards are shown as what they are, or replaced."""
    evil = "a\x1b[2Jb\x9b31mc\rd\x07e\u202ef\ud800g[red]h[/red]\n"
    one = Bank.load("one.safetensors")
    card = Card(evil, "plain: é 北", "1", "", "", extra={"x\x1b]0;": evil})
    Bank(names=("red",), rows=one.rows, cards=(card,), network=one.network, fingerprint=one.fingerprint).save("evil")
    assert impasto(monkeypatch, "styles", "--bank", "evil") == 0
    shown = capsys.readouterr().out
    assert all(each.isprintable() or each == "\n" for each in shown)
    assert "[red]h[/red]" in shown and "plain: é 北" in shown
    assert impasto(monkeypatch, "styles", "list", "--bank", "evil", "--json") == 0
    shown = capsys.readouterr().out
    assert shown.rstrip("\n").isprintable() and json.loads(shown)["styles"][0]["artist"] == evil


def test_names_of_files_cannot_either(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither can a file's name in a message."""
    assert impasto(monkeypatch, "styles", "--bank", "no\x1b[31m\x9bfile") == 2
    error = capsys.readouterr().err
    assert "file" in error and error.rstrip("\n").isprintable()
