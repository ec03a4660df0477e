"""Every visible pixel has a loss: margins that are painted and cut off, and what the loss network sees of a border."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from impasto.errors import ImpastoError
from impasto.learn.loss.features import LossNetwork, random_loss_network
from impasto.learn.loss.losses import StyleTargets, content_distance, style_units
from impasto.learn.loss.statistics import gram
from impasto.learn.network.layers import with_own_tones
from impasto.learn.padding import surround
from impasto.learn.paintings import find_paintings
from impasto.learn.photos import PhotoFolder
from impasto.learn.train import run as module
from impasto.learn.train.model import paint
from impasto.learn.train.run import Run
from impasto.learn.train.settings import TrainSettings

LAYERS = ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]
TINY: dict[str, Any] = dict(
    steps=2, batch=2, size=64, alpha=0.1, content_layer="relu1_1", style_layers=("relu1_1",), style_size=48
)


@pytest.fixture(autouse=True)
def few_unit_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNIT_PHOTOS", 1)


def drawn(name: str, size: int = 96) -> Tensor:
    """A drawn painting (1, 3, size, size) without a border of its own."""
    y, x = np.mgrid[:size, :size]
    values = {
        "stripes": x // 6 % 2 * 0.8,
        "checks": (x // 5 + y // 5) % 2 * 0.6,
        "noise": np.random.default_rng(0).random((size, size)),
    }[name]
    return torch.tensor(np.stack([values, values / 2, 1 - values])[None], dtype=torch.float32)


def shares(loss: Tensor, picture: Tensor) -> float:
    """Mean absolute gradient in the outermost 8 pixels over that in the rest."""
    (gradient,) = torch.autograd.grad(loss, picture, retain_graph=True)
    size = gradient.abs().mean((0, 1))
    inner = size[8:-8, 8:-8]
    outer = (size.sum() - inner.sum()) / (size.numel() - inner.numel())
    return float(outer / inner.mean())


@pytest.mark.parametrize("painting", ["stripes", "checks", "noise"])
def test_every_visible_pixel_counts(painting: str) -> None:
    """The gradient of style, and of all, is 0.5 to 2 times as large along the border as inside."""
    network = random_loss_network()
    network.surround = 16
    target = {name: gram(found) for name, found in network(drawn(painting), LAYERS).items()}
    photo = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    seen = network(photo, [*LAYERS, "relu3_3"])
    units = {name: style_units(target[name], gram(seen[name]), "fair") for name in LAYERS}
    picture = (photo * 0.9 + 0.05).requires_grad_()
    found = network(picture, [*LAYERS, "relu3_3"])
    style = StyleTargets(target, units).distance({name: gram(found[name]) for name in LAYERS}, torch.tensor([0])).sum()
    content = content_distance(found["relu3_3"], seen["relu3_3"]).sum()
    assert 0.5 < shares(style, picture) < 2
    assert 0.5 < shares(content + 30 * style, picture) < 2


def test_no_border_of_the_loss_networks_own() -> None:
    """An even picture has even activations up to relu4_1, of the size that they have without a surround."""
    plain, surrounded = random_loss_network(), random_loss_network()
    surrounded.surround = 32
    picture = torch.full((1, 3, 64, 48), 0.3)
    layers = [*LAYERS, "pool1", "pool3", "relu3_3"]
    for name, found in surrounded(picture, layers).items():
        assert found.shape == plain(picture, [name])[name].shape
        assert float((found - found[:, :, :1, :1]).abs().max()) < 1e-3 * float(found.abs().max())


def test_preprocessing_stays_exact() -> None:
    """Mean and deviation stay float32, to the bit, whatever the convolutions are cast to."""
    network = random_loss_network()
    before = {name: network.get_buffer(name).clone() for name in ("mean", "std")}
    network.to(torch.bfloat16)
    assert network.get_buffer("conv1_1_weight").dtype == torch.bfloat16
    for name, value in before.items():
        assert torch.equal(network.get_buffer(name), value) and network.get_buffer(name).dtype == torch.float32


@pytest.fixture
def open_run(photos: Path, paintings: Path, loss_network: LossNetwork, tmp_path: Path) -> Iterator[Any]:
    def open_run(**settings: Any) -> Run:
        found, given = find_paintings(paintings), TrainSettings(**TINY | settings)
        options: dict[str, Any] = {"loss_network": loss_network, "precision": "float32", "compile": False}
        return Run(tmp_path / "run", PhotoFolder.open(photos), found, given, **options)

    yield open_run


@pytest.mark.parametrize("which", [0, 3])
def test_a_margin_is_painted_and_cut_off(which: int, open_run: Any) -> None:
    """With a margin the network paints the wide picture, in a row made for the visible one, which alone is left."""
    run = open_run(margin=8)
    picture, ids = torch.rand(1, 3, 64, 64), torch.tensor([which])
    network = run.state.model.network
    painted = paint(network, run.state.model.rows, picture, ids)
    wide = surround(picture, 8)
    chosen = run.state.model.rows[ids]
    own = with_own_tones(chosen, picture) if which == 3 else chosen
    network.margin = 0
    assert torch.equal(painted, network(wide, own)[:, :, 8:-8, 8:-8])


def test_settings_that_change_in_a_resumed_run(open_run: Any) -> None:
    """A resumed run names every setting that differs from the checkpoint's, with both values, and no other."""
    list(open_run(content_layer="relu1_2").train())
    changed = {"content_layer": ("relu1_2", "relu1_1"), "style_weight": (8.0, 9.0), "steps": (2, 3)}
    assert open_run(steps=3, style_weight=9.0).changes == changed


def test_nothing_changes_in_a_new_run(open_run: Any) -> None:
    """A run that begins has no changes to report."""
    assert open_run().changes == {}


@pytest.mark.parametrize("wrong", [{"margin": 5}, {"margin": -8}, {"loss_surround": 3}, {"content_layer": "relu9_1"}])
def test_margins_and_layers_that_make_no_sense(wrong: dict[str, Any]) -> None:
    """A margin that is no multiple of 8, and a content layer that VGG-19 does not have, are refused."""
    with pytest.raises(ImpastoError):
        TrainSettings(**wrong)


def test_the_callers_random_numbers_go_on(open_run: Any) -> None:
    """Opening a run leaves torch's random numbers where they were."""
    state = torch.random.get_rng_state()
    open_run()
    assert torch.equal(torch.random.get_rng_state(), state)
