"""A compiled step whose gradient is no number costs a warning, not the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from impasto.learn.loss.features import LossNetwork
from impasto.learn.paintings import find_paintings
from impasto.learn.photos import PhotoFolder
from impasto.learn.train import run as module
from impasto.learn.train.run import Run
from impasto.learn.train.settings import TrainSettings
from impasto.learn.train.steps import Steps

TINY: dict[str, Any] = dict(
    steps=3, batch=2, size=32, alpha=0.1, content_layer="relu1_1", style_layers=("relu1_1",), style_size=48
)


def test_a_compiler_that_errs(
    photos: Path, paintings: Path, loss_network: LossNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step is done again without the compiler, which one warning says, and the run ends as one without it."""
    monkeypatch.setattr(module, "UNIT_PHOTOS", 1)

    def run(name: str, compile: bool) -> Run:
        options: dict[str, Any] = {"loss_network": loss_network, "precision": "float32", "compile": compile}
        return Run(
            tmp_path / name, PhotoFolder.open(photos), find_paintings(paintings), TrainSettings(**TINY), **options
        )

    def wrong(self: Steps) -> Any:
        plain = self._plain()
        return lambda pictures, ids: tuple(part * torch.inf for part in plain(pictures, ids))

    monkeypatch.setattr(Steps, "_compiled", wrong)
    erring, sound = run("erring", True), run("sound", False)
    warnings = [step.warning for step in erring.train()]
    assert ["compiler" in warning for warning in warnings] == [True, False, False]
    assert not any(step.warning for step in sound.train())
    assert all(
        torch.equal(a, b) for a, b in zip(erring.state.model.parameters(), sound.state.model.parameters(), strict=True)
    )
