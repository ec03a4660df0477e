"""One objective: what training, teaching and evaluation measure of the same pictures is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.learn.evaluate.scorer import Scorer
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.judge import Judge
from impasto.learn.loss.losses import content_unit, own_units, style_units
from impasto.learn.loss.settings import LossSettings
from impasto.learn.loss.statistics import gaussian, gram
from impasto.learn.network.load import load_with_bank
from impasto.learn.paintings import Painting
from impasto.learn.photos import load_painting
from impasto.learn.teach.lesson import Lesson
from impasto.learn.teach.settings import LessonSettings
from impasto.learn.tensors import to_picture
from impasto.learn.train import run as training
from impasto.learn.train.settings import TrainSettings

LOSSES: list[dict[str, Any]] = [
    {},
    {"loss_surround": 16, "loss_borders": "mirror", "content_layer": "relu2_2"},
    {"unit": "photos", "style_layer_weights": (1.0, 3.0), "style_weight": 30.0},
]


class Fixed:
    """The same crops whatever is asked for."""

    def __init__(self) -> None:
        self.crops = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    def batch(self, seed: int, step: int, count: int, size: int) -> torch.Tensor:
        return self.crops


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    path = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 96, 3), np.uint8)).save(path)
    return path


@pytest.mark.parametrize("losses", LOSSES, ids=str)
def test_training_teaching_and_evaluation_agree(
    losses: dict[str, Any], painting: Path, loss_network: LossNetwork, network_file: Path, tmp_path: Path
) -> None:
    """Content, style and total of the same painted picture are the same numbers in all three."""
    given = {"style_layers": ("relu1_1", "relu2_1"), "style_size": 96, "loss_surround": 0, **losses}
    network, bank = load_with_bank(network_file)
    photos, row = Fixed(), torch.from_numpy(bank["red"].copy())
    photo, ids = photos.crops[:1], torch.tensor([0])
    with torch.no_grad():
        painted = network(photo, row[None])

        styles = [Painting("noise", painting)]
        settings = TrainSettings(**given, alpha=0.1, batch=1)
        options: dict[str, Any] = {"loss_network": loss_network, "precision": "float32"}
        run = training.Run(tmp_path / "run", photos, styles, settings, compile=False, **options)  # type: ignore[arg-type]
        trained = run.measure(lambda *_: painted, photo, ids)[1:3]

        lesson = Lesson(painting, network, bank, photos, LessonSettings(**given), **options)
        taught = lesson.easel.measure(row, photo)[:2]

    whole = {"noise": load_painting(painting, 96)}
    scorer = Scorer(loss_network, whole, [to_picture(crop) for crop in photos.crops], LossSettings(**given))
    scored = scorer.score("noise", [to_picture(photo)], lambda *_: to_picture(painted))
    expected = scored.content, scored.style, scored.total
    for judge, (content, style) in ((run.judge, trained), (lesson.easel.judge, taught)):
        found = content.item(), style.item(), judge.total(content, style).item()
        assert found == pytest.approx(expected, rel=1e-5) and min(found) > 0


def test_every_visible_pixel_counts(loss_network: LossNetwork, painting: Path) -> None:
    """With a surround the border of the loss network changes nothing; the caller's network keeps its own."""
    whole, photos = [load_painting(painting, 96)], Fixed().crops.split(1)
    found = []
    for borders in ("zeros", "mirror"):
        settings = LossSettings(
            style_layers=("relu1_1",), content_layer="relu2_1", loss_surround=16, loss_borders=borders
        )
        judge = Judge(loss_network, whole, photos, settings)
        found.append(torch.stack(judge.measure(photos[0].flip(3), photos[0], torch.tensor([0]))[:2]))
        assert judge.network.surround == 16
    torch.testing.assert_close(*found)
    assert (loss_network.borders, loss_network.surround) == ("zeros", 0)


def test_the_photo_itself_has_no_style(loss_network: LossNetwork, painting: Path) -> None:
    """An id behind the last painting has style 0, and content as any."""
    photos = Fixed().crops
    settings = LossSettings(style_layers=("relu1_1",), content_layer="relu1_1")
    judge = Judge(loss_network, [load_painting(painting, 96)], photos.split(1), settings)
    content, style, _ = judge.measure(photos[:2].flip(3), photos[:2], torch.tensor([0, 1]))
    assert style[0] > 0 and style[1] == 0 and content.min() > 0


@pytest.mark.parametrize("unit", ["energy", "gatys", "pastiche"])
def test_units_that_optimize_shares(unit: str) -> None:
    """The units of a picture of its own are those of the formulas, for Gram matrices, Gaussians and content."""
    features = torch.rand(2, 4, 6, 6, generator=torch.Generator().manual_seed(1))
    grams = gram(features)
    expected = {
        "energy": grams.square().sum((1, 2)),
        "gatys": torch.full((2,), 64.0),
        "pastiche": torch.full((2,), 25.6),
    }
    torch.testing.assert_close(own_units(grams, unit), expected[unit])
    if unit != "pastiche":
        torch.testing.assert_close(style_units(grams, grams, unit), expected[unit])  # type: ignore[arg-type]
    moments = gaussian(features)
    energy = moments[:, -1].square().sum(1) + torch.stack([m[:-1].trace() for m in moments])
    if unit == "energy":
        torch.testing.assert_close(own_units(moments, unit), energy)
    contents = {"energy": float(features[:1].square().sum()), "gatys": 2.0, "pastiche": 100.0 * 144}
    assert content_unit(features[:1], unit) == pytest.approx(contents[unit])
