"""Several paintings of one artist are one style."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.errors import PictureError
from impasto.learn.loss.features import LossNetwork
from impasto.learn.network.load import load_network
from impasto.learn.photos import PhotoFolder
from impasto.learn.teach.lesson import Lesson
from impasto.learn.teach.settings import LessonSettings
from impasto.styles.bank import Bank
from tests.conftest import run

LAYERS: dict[str, Any] = {"content_layer": "relu1_1", "style_layers": ("relu1_1",)}
QUICK = LessonSettings(steps=2, batch=1, size=32, check_every=2, checks=1, match_size=32, match_photos=1, **LAYERS)


@pytest.fixture
def paintings(tmp_path: Path) -> list[Path]:
    """Four paintings of other sizes and colour modes."""
    noise, found = np.random.default_rng(0), []
    for number, mode in enumerate(("RGB", "L", "P", "RGBA")):
        picture = Image.fromarray(noise.integers(0, 256, (70 + 10 * number, 90, 3), np.uint8)).convert(mode)
        found.append(tmp_path / f"{number}.png")
        picture.save(found[-1])
    return found


@pytest.fixture
def opened(photos: Path, network_file: Path, loss_network: LossNetwork) -> Any:
    """Makes a lesson of some paintings."""
    bank, network = Bank.load(network_file.with_suffix(".safetensors")), load_network(network_file)
    learned_on = PhotoFolder.open(photos)
    return lambda paintings: Lesson(paintings, network, bank, learned_on, QUICK, loss_network=loss_network)


def test_the_target_is_the_mean(opened: Any, paintings: list[Path]) -> None:
    """The Gram matrices that a row is taught are the means of those of the paintings; one alone is its own."""
    several, each = opened(paintings), [opened(path) for path in paintings]
    target, alone = several.easel.judge.targets, [one.easel.judge.targets for one in each]
    assert len(target) == 1
    mean = torch.stack([one.grams["relu1_1"] for one in alone]).mean(0)
    torch.testing.assert_close(target.grams["relu1_1"], mean)


def test_the_mean_has_the_gradient_of_them_all(opened: Any, paintings: list[Path]) -> None:
    """In equal units, the mean of the distances from all paintings is that from their mean and a constant."""
    grams = torch.cat([opened(path).easel.judge.targets.grams["relu1_1"] for path in paintings])
    tried = torch.randn(3, *grams.shape[1:])
    all_of_them = (tried[:, None] - grams).square().sum((2, 3)).mean(1)
    apart = all_of_them - (tried - grams.mean(0)).square().sum((1, 2))
    torch.testing.assert_close(apart, apart[:1].expand(3), rtol=1e-3, atol=1e-2)


def test_one_is_broken(opened: Any, paintings: list[Path]) -> None:
    """The one that cannot be read is named before anything is learned."""
    paintings[2].write_bytes(paintings[2].read_bytes()[:40])
    with pytest.raises(PictureError, match=r"2\.png"):
        opened(paintings)


def test_on_the_command_line(paintings: list[Path], network_file: Path, tmp_path: Path, capsys: Any) -> None:
    """A broken file among several is one sentence that names it, exit code 2, and nothing is written."""
    paintings[1].write_bytes(b"no picture")
    out = tmp_path / "out.safetensors"
    words = ["teach", *paintings, "--name", "monet", "--network", network_file, "-o", out]
    code, _, err = run(*words, capsys=capsys)
    assert code == 2 and "1.png" in err and err.count("\n") == 1 and not out.exists()
