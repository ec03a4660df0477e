"""A predictor is trained through a network, goes on from its checkpoint, and is numpy's in the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from impasto.errors import LearnError, MismatchError
from impasto.learn.loss.features import LossNetwork
from impasto.learn.network.layers import StyleNetwork
from impasto.learn.network.load import load_with_bank
from impasto.learn.photos import PhotoFolder
from impasto.learn.predict.run import Training
from impasto.learn.predict.settings import PredictSettings
from impasto.pictures import find
from impasto.styles.bank import Bank
from impasto.styles.unseen.eye import Statistics
from impasto.styles.unseen.predictor import Predictor

SETTINGS = PredictSettings(size=32, ring=4, batch=2, crop=32, kept=4, width=16, view=4, regress=20)


def training(
    folder: Path,
    network_file: Path,
    photos: Path,
    paintings: Path,
    loss_network: LossNetwork,
    settings: PredictSettings = SETTINGS,
    start: Predictor | None = None,
) -> Training:
    network, bank = load_with_bank(network_file)
    given = network, bank, PhotoFolder.open(photos), find([paintings]), settings
    return Training(folder, *given, start=start, loss_network=loss_network, device="cpu", precision="f32")


@pytest.fixture(scope="module")
def trained(
    network_file: Path,
    photos: Path,
    paintings: Path,
    loss_network: LossNetwork,
    tmp_path_factory: pytest.TempPathFactory,
) -> Training:
    """A training with a few steps behind it, and its checkpoint."""
    run = training(tmp_path_factory.mktemp("predict"), network_file, photos, paintings, loss_network)
    for step in run.run(minutes=1, steps=6):
        run.seconds = step.seconds
    run.save(run.seconds)
    return run


def test_it_learns(
    network_file: Path, photos: Path, paintings: Path, loss_network: LossNetwork, tmp_path: Path
) -> None:
    """A few steps bring rows nearer to the paintings that they are predicted for."""
    settings = replace(SETTINGS, whole=1.0, mixed=0.0, dropout=0.0, learning_rate=5e-3, ema=0.5)
    run = training(tmp_path, network_file, photos, paintings, loss_network, settings)
    learned = [step.learned for step in run.run(minutes=1, steps=30)]
    assert np.mean(learned[-6:]) < np.mean(learned[:6]) - 0.05


def test_it_goes_on(
    trained: Training, network_file: Path, photos: Path, paintings: Path, loss_network: LossNetwork
) -> None:
    """A run that is opened again is where it was, and its predictor the same."""
    again = training(trained.folder, network_file, photos, paintings, loss_network)
    assert (again.step, again.seconds) == (trained.step, trained.seconds)
    for name, values in trained.predictor().numbers.items():
        np.testing.assert_array_equal(again.predictor().numbers[name], values)
    assert again.optimizer.state_dict()["state"][0]["step"] == trained.optimizer.state_dict()["state"][0]["step"]


def test_it_starts_from_a_predictor(
    trained: Training, network_file: Path, photos: Path, paintings: Path, loss_network: LossNetwork, tmp_path: Path
) -> None:
    """Without its checkpoint a training goes on from its predictor: same numbers, and the count of steps goes on."""
    made = trained.predictor()
    given = network_file, photos, paintings, loss_network
    again = training(tmp_path, *given, start=made)
    for name, values in made.numbers.items():
        np.testing.assert_array_equal(again.predictor().numbers[name], values)
    assert again.step == trained.step
    assert next(again.run(minutes=1, steps=1)).step == trained.step + 1
    with pytest.raises(LearnError, match="other sizes"):
        training(tmp_path, *given, replace(SETTINGS, width=8), made)
    with pytest.raises(MismatchError, match="other network|not for"):
        training(tmp_path, *given, start=replace(made, fingerprint="0" * 16))


def test_a_run_is_of_one_network(
    trained: Training, tiny_network: StyleNetwork, network_file: Path, photos: Path, loss_network: LossNetwork
) -> None:
    """Neither a checkpoint nor a bank of another network is taken."""
    network, bank = load_with_bank(network_file)
    given = PhotoFolder.open(photos), find([photos]), SETTINGS
    other = Bank(names=bank.names, rows=bank.rows, cards=bank.cards, network="other", fingerprint="0123456789abcdef")
    with pytest.raises(MismatchError, match="belongs to network 'other'"):
        Training(trained.folder, network, other, *given, loss_network=loss_network, device="cpu")
    head = (trained.folder / "predictor-checkpoint.safetensors").read_bytes()
    moved = trained.folder / "moved"
    moved.mkdir()
    changed = head.replace(bank.fingerprint.encode(), b"0" * len(bank.fingerprint))
    (moved / "predictor-checkpoint.safetensors").write_bytes(changed)
    with pytest.raises(LearnError, match="another network"):
        Training(moved, network, bank, *given, loss_network=loss_network, device="cpu")


def test_numpy_predicts_what_torch_predicts(trained: Training, tmp_path: Path) -> None:
    """The predictor in a file gives the rows that the trained one gives, but for the rounding of its weights."""
    file = tmp_path / "predictor.safetensors"
    trained.predictor().save(file)
    grams, means = trained.shelf.whole
    rows = trained.average(grams, means).detach().numpy()
    layers = trained.shelf.layers
    loaded = Predictor.load(file)
    for number, row in enumerate(rows):
        seen = Statistics(
            {layer: each[number].numpy() for layer, each in zip(layers, grams, strict=True)},
            {layer: each[number].numpy() for layer, each in zip(layers, means, strict=True)},
        )
        np.testing.assert_allclose(loaded.row(seen), row, atol=5e-3)
        np.testing.assert_allclose(trained.predictor().row(seen), row, atol=1e-4)
