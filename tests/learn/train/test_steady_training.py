"""Training for films that hold still: ``steady_weight``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from impasto.learn.loss.features import LossNetwork
from impasto.learn.paintings import find_paintings
from impasto.learn.photos import PhotoFolder
from impasto.learn.train import run as module
from impasto.learn.train.checkpoint import CHECKPOINT, Checkpoint
from impasto.learn.train.run import Run
from impasto.learn.train.settings import TrainSettings, steady_weight

TINY: dict[str, Any] = dict(
    steps=4,
    batch=2,
    size=32,
    alpha=0.1,
    content_layer="relu1_1",
    style_layers=("relu1_1",),
    style_size=48,
    warmup=2,
    ramp=2,
    steady_weight=5.0,
)
OpenRun = Callable[..., Run]


@pytest.fixture
def open_run(
    photos: Path, paintings: Path, loss_network: LossNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> OpenRun:
    """Opens a tiny run; keywords are settings."""
    monkeypatch.setattr(module, "UNIT_PHOTOS", 1)

    def open_run(name: str = "run", **settings: Any) -> Run:
        chosen, styles = TrainSettings(**TINY | settings), find_paintings(paintings)
        plain: dict[str, Any] = {"loss_network": loss_network, "precision": "float32", "compile": False}
        return Run(tmp_path / name, PhotoFolder.open(photos), styles, chosen, **plain)

    return open_run


def test_without_a_weight_nothing_is_painted_twice(open_run: OpenRun) -> None:
    """A run without the weight paints each photo once, and reports 0."""
    run, painted = open_run(steady_weight=0.0), []
    run.state.model.register_forward_hook(lambda _, given, __: painted.append(len(given[0])))
    assert [step.steady for step in run.train()] == [0.0] * 4
    assert painted == [2] * 4


def test_the_loss_is_part_of_the_total(open_run: OpenRun) -> None:
    """The total has the weighted unsteadiness in it, but for the photo's row, which gives noise back."""
    run = open_run()
    run.state.step = run.settings.ramp
    pictures, photo = torch.rand(2, 3, 32, 32), len(run.paintings)
    parts = run.steps.losses(pictures, torch.tensor([0, photo]))
    assert parts["steady"][0] > 0 and parts["steady"][1] == 0
    expected = parts["content"] + 8 * parts["style"] + 5 * parts["steady"]
    torch.testing.assert_close(parts["total"][0], expected[0])


def test_it_is_learned(open_run: OpenRun) -> None:
    """Paintings hold stiller the longer a run asks for it."""
    fixed = dict(ramp=0, photo_turns=0.0, decay=0.0, learning_rate=0.02, objective_weight=0.01, steady_weight=100.0)
    steps = list(open_run(steps=120, **fixed).train())
    begin, end = (np.mean([step.steady for step in part]) for part in (steps[:8], steps[-8:]))
    assert end < 0.7 * begin


def test_a_killed_run_goes_on_to_the_same_bits(open_run: OpenRun, tmp_path: Path) -> None:
    """A run in two slices ends with the bits of one in one."""
    for steps in (2, 4):
        list(open_run("slices", steps=steps, decay=0.0).train())
    list(open_run("even", decay=0.0).train())
    one, other = (Checkpoint.read(tmp_path / name / CHECKPOINT).tensors for name in ("even", "slices"))
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_the_weight_grows() -> None:
    """The weight is 0 at first and all of it behind the ramp."""
    settings = TrainSettings(steady_weight=8.0, ramp=4)
    assert [steady_weight(settings, step) for step in range(6)] == [0, 2, 4, 6, 8, 8]
    assert steady_weight(TrainSettings(steady_weight=8.0, ramp=0), 0) == 8.0
