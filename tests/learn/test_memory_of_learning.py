"""How much memory learning takes: reckoned with what the device has free, and one sentence where it is short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.errors import LearnError, OptionError
from impasto.learn.devices import free_memory
from impasto.learn.evaluate.scorer import Scorer
from impasto.learn.evaluate.scores import evaluate
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.settings import LossSettings
from impasto.learn.network.load import load_network
from impasto.learn.optimize.fit import fit
from impasto.learn.optimize.objective import Objective
from impasto.learn.optimize.recipes import settings_for
from impasto.learn.optimize.run import Optimization, optimize
from impasto.learn.teach.course import open_photos
from impasto.learn.teach.lesson import Lesson
from impasto.learn.teach.settings import LessonSettings
from impasto.painting import memory
from impasto.styles.bank import Bank

PHOTO = np.random.default_rng(0).random((96, 128, 3), np.float32)
SIGNS = [
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
]


def failing(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def test_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the CPU it is what the process can still take within its container, on a GPU what the GPU has left."""
    monkeypatch.setattr(memory, "available", lambda: 3_000_000_000)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5_000_000_000, 9_000_000_000))
    assert free_memory() == 3_000_000_000
    assert free_memory(torch.device("cuda:1")) == 5_000_000_000
    with pytest.raises(LearnError, match="room for 3.0; .* pixels would fit"):
        fit(4096, 4096, settings_for(), "f32")
    assert fit(1024, 1024, settings_for(), "f32", device=torch.device("cuda")).predicted < 5e9


def test_gigabytes(loss_network: LossNetwork) -> None:
    """A GB is 1e9 bytes, where it is read and where it is given."""
    settings = settings_for(size=4096)
    with pytest.raises(LearnError, match="room for 1.5;"):
        Optimization(PHOTO, PHOTO, settings, max_memory=1.5e9, loss_network=loss_network)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "4GB", True])
def test_odd_limits(loss_network: LossNetwork, value: Any) -> None:
    """A limit that is no amount of memory is refused."""
    with pytest.raises(OptionError, match="max_memory, in bytes, must be"):
        Optimization(PHOTO, PHOTO, settings_for(size=32), max_memory=value, loss_network=loss_network)


def test_large_paintings(loss_network: LossNetwork) -> None:
    """A painting that is looked at in a large size counts, however small the picture is."""
    settings = settings_for(size=64, coarsest=0, style_size=4000)
    painting = np.zeros((4000, 4000, 3), np.float32)
    with pytest.raises(LearnError, match="paintings of 16.0 megapixels need .*; choose a smaller style_size"):
        Optimization(PHOTO, painting, settings, max_memory=2e9, loss_network=loss_network)


@pytest.mark.parametrize("error", SIGNS, ids=lambda error: str(error)[:30])
def test_it_is_short_after_all(
    loss_network: LossNetwork, network_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Memory that turns out to be missing is one sentence with a size that may fit, in all that learns or measures."""
    with monkeypatch.context() as patch, pytest.raises(LearnError, match="choose a smaller size, such as 80"):
        patch.setattr(Objective, "gradient", failing(error))
        list(optimize(PHOTO, PHOTO, size=128, coarsest=0, loss_network=loss_network))
    judge = Scorer(loss_network, {"a": torch.rand(1, 3, 64, 64)}, [PHOTO], LossSettings(style_layers=("relu1_1",)))
    with pytest.raises(LearnError, match="choose a smaller size, such as 80"):
        list(evaluate(judge, failing(error), ["a"], [PHOTO]))
    Image.fromarray((PHOTO * 255).astype(np.uint8)).save(tmp_path / "painting.png")
    bank, network = Bank.load(network_file.with_suffix(".safetensors")), load_network(network_file)
    settings = LessonSettings(size=32, match_size=32, content_layer="relu1_1", style_layers=("relu1_1",))
    lesson = Lesson(tmp_path / "painting.png", network, bank, open_photos(None), settings, loss_network=loss_network)
    monkeypatch.setattr(lesson.easel, "measure", failing(error))
    with pytest.raises(LearnError, match="choose a smaller match_size, such as 16"):
        lesson.match()
    with pytest.raises(LearnError, match="choose a smaller size, such as 16"):
        list(lesson.run(start=bank["red"]))


def test_other_errors_stay(loss_network: LossNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of torch that is not about memory stays what it is."""
    monkeypatch.setattr(Objective, "gradient", failing(RuntimeError("wrong shape")))
    with pytest.raises(RuntimeError, match="wrong shape"):
        list(optimize(PHOTO, PHOTO, size=32, loss_network=loss_network))
