"""Whatever learns with a margin paints with it, and with its own: runs, teachers, lessons, exported files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from torch import Tensor

from impasto import cli
from impasto.learn.loss.features import LossNetwork
from impasto.learn.network.full import PasticheNetwork
from impasto.learn.network.load import load_network, load_with_bank
from impasto.learn.network.to_onnx import network_graph
from impasto.learn.padding import surround
from impasto.learn.paintings import find_paintings
from impasto.learn.photos import PhotoFolder
from impasto.learn.teach.lesson import Lesson
from impasto.learn.teach.settings import LessonSettings
from impasto.learn.train import run as module
from impasto.learn.train.checkpoint import Checkpoint
from impasto.learn.train.export import export
from impasto.learn.train.run import Run
from impasto.learn.train.settings import TrainSettings
from impasto.painting.network import Network
from impasto.pictures.margin import places
from impasto.styles.bank import Bank, Card

MARGIN = 16
LAYERS: dict[str, Any] = {"content_layer": "relu1_1", "style_layers": ("relu1_1",)}
OpenRun = Callable[..., Run]


@pytest.fixture
def open_run(
    photos: Path, paintings: Path, loss_network: LossNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> OpenRun:
    monkeypatch.setattr(module, "UNIT_PHOTOS", 1)
    given = TrainSettings(steps=1, batch=1, size=48, alpha=0.1, style_size=48, **LAYERS)

    def opened(name: str = "run", teacher: Any = None, **changes: Any) -> Run:
        settings = replace(given, **changes)
        options: dict[str, Any] = {"loss_network": loss_network, "precision": "float32", "compile": False}
        folder = PhotoFolder.open(photos)
        return Run(tmp_path / name, folder, find_paintings(paintings), settings, teacher=teacher, **options)

    return opened


@pytest.fixture
def hidden_file(network_file: Path, tiny_network: PasticheNetwork, tmp_path: Path) -> Path:
    """The tiny network's file with a margin, its bank beside it."""
    path = tmp_path / "hidden" / "tiny.onnx"
    path.parent.mkdir()
    network = load_network(network_file)
    network.margin = MARGIN
    onnx.save(network_graph(network, name="tiny", half=False), path)
    path.with_suffix(".safetensors").write_bytes(network_file.with_suffix(".safetensors").read_bytes())
    return path


def with_margin(network: PasticheNetwork, picture: Tensor, row: Tensor, margin: int) -> Tensor:
    """What ``network``, which has no margin, paints with one."""
    down, across = (torch.from_numpy(places(side, margin)) for side in picture.shape[2:])
    wide = picture[:, :, down][..., across]
    return network(wide, row)[:, :, margin:-margin, margin:-margin]


@pytest.mark.parametrize("margin", [0, 3, 4, 8, 24, 25, 40])
def test_the_places_of_a_margin(margin: int) -> None:
    """A margin in torch shows what its places say, larger than the picture or not."""
    picture = torch.rand(2, 3, 25, 31)
    expected = picture.numpy()[:, :, places(25, margin)][..., places(31, margin)]
    np.testing.assert_array_equal(surround(picture, margin).numpy(), expected)


def test_the_margin_of_a_run_is_in_its_files(open_run: OpenRun, tmp_path: Path) -> None:
    """Training, exporting and loading keep the margin, and the file paints what the run's average does."""
    run = open_run(margin=MARGIN)
    list(run.train())
    network, rows = run.state.averaged()
    path, bank = export(run.dir, tmp_path, half=False)
    loaded = load_network(path)
    assert network.margin == loaded.margin == Network(path).margin == MARGIN
    assert loaded.fingerprint() == Bank.load(bank).fingerprint == network.fingerprint()
    picture = torch.rand(1, 3, 40, 56)
    with torch.no_grad():
        expected = with_margin(load_network(_without(path, tmp_path)), picture, rows[:1], MARGIN)  # type: ignore[arg-type]
        torch.testing.assert_close(network(picture, rows[:1]), expected, rtol=0, atol=1e-5)
    painted = Network(path, precision="f32").paint(picture[0].permute(1, 2, 0).numpy(), rows[0].numpy())
    np.testing.assert_allclose(painted, expected[0].permute(1, 2, 0).numpy(), rtol=0, atol=1e-4)


def _without(path: Path, folder: Path) -> Path:
    """The file as one of before, whose metadata name no margin."""
    model = onnx.load(path)
    kept = {entry.key: entry.value for entry in model.metadata_props if entry.key != "impasto.margin"}
    onnx.helper.set_model_props(model, kept)
    onnx.save(model, folder / "before.onnx")
    return folder / "before.onnx"


def test_files_of_before_have_no_margin(network_file: Path) -> None:
    """A network whose file names no margin has none."""
    assert load_network(network_file).margin == 0


@pytest.mark.parametrize("mine", [0, 8])
def test_a_teacher_paints_with_its_own_margin(open_run: OpenRun, mine: int) -> None:
    """The distance from a teacher is that from what it paints with its margin, whatever the run's own."""
    other = open_run("teacher", margin=MARGIN)
    network, rows = other.state.averaged()
    cards = (Card("", "", "", "", ""),) * len(rows)
    bank = Bank(
        names=tuple(other.names), rows=rows.numpy(), cards=cards, network="full", fingerprint=network.fingerprint()
    )
    run = open_run("pupil", teacher=(network, bank), margin=mine, objective_weight=0.0, teacher_weight=1.0)
    picture, ids = torch.rand(1, 3, 48, 48), torch.tensor([1])
    with torch.no_grad():
        distance = run.measure(lambda *_: torch.zeros(1, 3, 48, 48), picture, ids)[4]
        network.margin = 0
        shown = with_margin(network, picture, rows[1:2], MARGIN)  # type: ignore[arg-type]
    torch.testing.assert_close(distance, shown.square().flatten(1).mean(1))


def test_a_lesson_paints_with_the_margin(
    hidden_file: Path, network_file: Path, photos: Path, paintings: Path, loss_network: LossNetwork
) -> None:
    """Teaching looks at what the network paints with its margin, and so does its preview."""
    network, bank = load_with_bank(hidden_file)
    settings = LessonSettings(steps=1, batch=1, size=32, checks=1, match_size=32, match_photos=1, **LAYERS)
    painting = Image.open(paintings / "noise.png").resize((80, 80))
    painting.save(hidden_file.with_name("noise.png"))
    lesson = Lesson(
        hidden_file.with_name("noise.png"),
        network,
        bank,
        PhotoFolder.open(photos),
        settings,
        loss_network=loss_network,
        precision="float32",
    )
    seen: list[Tensor] = []
    loss = lesson.easel.judge.network
    lesson.easel.judge.network = lambda picture, layers: seen.append(picture.detach()) or loss(picture, layers)  # type: ignore
    photo, row = lesson.easel.draw(0, 1, 32), torch.from_numpy(bank["red"].copy())
    lesson.easel.measure(row, photo)
    with torch.no_grad():
        expected = with_margin(load_network(network_file), photo, row[None], MARGIN)  # type: ignore[arg-type]
    assert any(picture.shape == expected.shape and torch.allclose(picture, expected, atol=1e-5) for picture in seen)
    lesson._keep(row, 0.0)
    assert lesson.preview(size=32).shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["--start-from", "{hidden}"], MARGIN), (["--start-from", "{hidden}", "--margin", "8"], 8), ([], 0)],
    ids=["start", "both", "none"],
)
def test_the_margin_that_a_run_begins_with(
    words: list[str],
    expected: int,
    hidden_file: Path,
    photos: Path,
    paintings: Path,
    loss_network: LossNetwork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run that starts from a network has that network's margin, unless --margin says otherwise."""
    monkeypatch.setattr(module, "UNIT_PHOTOS", 1)
    monkeypatch.setattr("impasto.learn.loss.features.load_loss_network", lambda file=None: loss_network)
    given = ["--photos", photos, "--styles", paintings, "-o", tmp_path / "run", "--alpha", "0.1", "--size", "32"]
    given += ["--batch", "1", "--steps", "1", "--style-size", "48", "--no-compile", "--precision", "float32"]
    more = [word.format(hidden=hidden_file) for word in words]
    monkeypatch.setattr("sys.argv", ["impasto", "train", *map(str, given), *more])
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    assert Checkpoint.read(tmp_path / "run" / "checkpoint.safetensors").settings["margin"] == expected
