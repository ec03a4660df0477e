"""Off the CPU, and on several GPUs: everything of ``learn`` runs there, and a device that is not there is named."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from another_device import Elsewhere, another_device
from PIL import Image

from impasto import pictures
from impasto.errors import LearnError, OptionError
from impasto.learn import devices
from impasto.learn.devices import distributed, resolve_device
from impasto.learn.evaluate.scorer import Scorer
from impasto.learn.evaluate.worth import optimized
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.settings import LossSettings
from impasto.learn.network.load import load_network
from impasto.learn.optimize.grid import Cell, grid
from impasto.learn.optimize.recipes import settings_for
from impasto.learn.optimize.run import Optimization
from impasto.learn.photos import PhotoFolder
from impasto.learn.teach.lesson import Lesson
from impasto.learn.teach.settings import LessonSettings
from impasto.styles.bank import Bank

LAYERS: dict[str, Any] = {"content_layer": "relu1_1", "style_layers": ("relu1_1",)}
QUICK = LessonSettings(
    steps=2, batch=1, size=16, checks=1, match_size=16, match_photos=1, match_steps=2, seed=0, **LAYERS
)
SMALL: dict[str, Any] = {"size": 32, "coarsest": 16, "steps": 6, "precision": "float32"}
SMALL |= {"content_layers": ("relu2_1",), "style_layers": ("relu1_1", "relu2_1")}
RNG = np.random.default_rng(0)
PHOTO = np.kron(RNG.random((4, 5, 3), np.float32), np.ones((8, 8, 1), np.float32))
PAINTING = RNG.random((40, 40, 3)).astype(np.float32)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a device that is not the CPU."""
    monkeypatch.setattr(devices, "KINDS", (*devices.KINDS, "lazy"))
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    with another_device() as name:
        yield name


def test_the_other_device_is_strict(device: str) -> None:
    """What a GPU refuses, the tests' device refuses (so that the tests below are not green for nothing)."""
    there = torch.ones(2, device=device)
    with pytest.raises(AssertionError, match="two devices"):
        there + torch.ones(2)
    with pytest.raises((RuntimeError, TypeError)):
        there.numpy()
    with pytest.raises(AssertionError, match="float64"):
        there.double()
    assert isinstance(there, Elsewhere) and float(there.cpu().sum()) == 2


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": "adam"},
        {"statistic": "gaussian", "pooling": "l2", "tv_weight": 1.0},
        {"color": "luminance", "start": "noise"},
        {"units": "pastiche", "pooling": "average"},
    ],
    ids=str,
)
def test_optimize(loss_network: LossNetwork, device: str, options: dict[str, Any], tmp_path: Path) -> None:
    """An optimisation off the CPU paints what one on the CPU paints, also when it was saved and restored on the way."""
    settings = settings_for(**SMALL | options)
    *_, there = Optimization(PHOTO, PAINTING, settings, loss_network=loss_network, device=device).run()
    *_, here = Optimization(PHOTO, PAINTING, settings, loss_network=loss_network).run()
    assert there.picture is not None and here.picture is not None
    np.testing.assert_allclose(there.picture, here.picture, atol=1e-3)
    first, second = (Optimization(PHOTO, PAINTING, settings, loss_network=loss_network, device=device) for _ in "ab")
    next(first.run())
    first.save(tmp_path / "state")
    second.restore(tmp_path / "state")
    *_, again = second.run()
    assert again.picture is not None
    np.testing.assert_allclose(again.picture, here.picture, atol=1e-3)


def test_optimize_regions(loss_network: LossNetwork, device: str) -> None:
    """Masks go along to the device."""
    left = np.zeros_like(PHOTO)
    left[:, :16] = 1
    run = Optimization(
        PHOTO,
        [PAINTING, PAINTING[::-1].copy()],
        settings_for(**SMALL),
        photo_masks=[left, 1 - left],
        loss_network=loss_network,
        device=device,
    )
    assert list(run.run())[-1].picture is not None


def test_optimize_from_the_network(loss_network: LossNetwork, network_file: Path, device: str) -> None:
    """The search for the nearest mix measures on the device."""
    settings = settings_for(**SMALL | {"start": "network", "steps": 1})
    run = Optimization(PHOTO, PAINTING, settings, loss_network=loss_network, network=network_file, device=device)
    assert list(run.run())[-1].picture is not None and run.start.startswith("network:")


def test_grid(loss_network: LossNetwork, device: str, tmp_path: Path) -> None:
    """A grid takes a device as optimize does."""
    pictures.save(PHOTO, tmp_path / "photo.png")
    pictures.save(PAINTING, tmp_path / "painting.png")
    files = tmp_path / "photo.png", tmp_path / "painting.png"
    options = {key: value for key, value in SMALL.items() if key != "style_layers"} | {"device": device}
    made = grid(*files, tmp_path, layers=["relu1_1"], ratios=[1e-3], loss_network=loss_network, **options)
    assert [type(item) for item in made][-1] is Cell


@pytest.mark.parametrize("photos_from", ["folder", "leaves"])
def test_teach_and_match(
    loss_network: LossNetwork, network_file: Path, photos: Path, device: str, tmp_path: Path, photos_from: str
) -> None:
    """A lesson off the CPU finds the mix and learns the row that one on the CPU does."""
    path = tmp_path / "painting.png"
    Image.fromarray(RNG.integers(0, 256, (72, 80, 3), np.uint8)).save(path)
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    folder = PhotoFolder.open(photos)

    def taught(where: str) -> Lesson:
        network = load_network(network_file)
        lesson = Lesson(path, network, bank, folder, QUICK, loss_network=loss_network, device=where)
        assert len(list(lesson.run())) == 2
        return lesson

    there, here = taught(device), taught("cpu")
    apart = np.abs(there.row - here.row)  # where a gradient is nearly 0 rounding turns Adam's step round
    assert apart.max() < 5e-2 and (apart < 1e-2).mean() > 0.98
    assert there.at(72).match().weights and there.preview(size=16).shape == (16, 16, 3)


def test_evaluate(loss_network: LossNetwork, device: str) -> None:
    """A judge whose network is off the CPU takes photos and paintings from the CPU, and finds the same numbers."""
    painting = {"a": torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(1))}
    settings = LossSettings(unit="energy", content_layer="relu2_1", style_layers=("relu1_1",))
    here = Scorer(loss_network, painting, [PHOTO], settings)
    import copy

    there = Scorer(copy.deepcopy(loss_network).to(device), painting, [PHOTO], settings)
    scores = [judge.score("a", [PHOTO], lambda photo, name: photo * np.float32(0.9)) for judge in (here, there)]
    assert scores[0].total == pytest.approx(scores[1].total, rel=1e-4)
    assert scores[0].diagonal == pytest.approx(scores[1].diagonal)
    assert list(optimized(there, PHOTO, "a", limit=3))


# Which device


def test_absent_devices() -> None:
    """A device that is not there, or that torch does not know, is one sentence; so is one that holds no numbers."""
    for name in ("cuda", "cuda:3", "mps", "meta", "gpu", "cpu:x", ""):
        if name.partition(":")[0] == "cuda" and torch.cuda.is_available():
            continue
        with pytest.raises(LearnError, match="there is no device"):
            resolve_device(name)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A machine that says it has two GPUs; the calls that choose one."""
    calls: list[object] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: calls.append(str(device)))
    monkeypatch.setattr(torch, "empty", lambda *_, **__: None)
    monkeypatch.setattr(dist, "init_process_group", calls.append)
    monkeypatch.setattr(dist, "barrier", lambda: None)
    monkeypatch.setattr(dist, "destroy_process_group", lambda: None)
    monkeypatch.setenv("WORLD_SIZE", "2")
    return calls


@pytest.mark.parametrize("rank", ["0", "1"])
@pytest.mark.parametrize("asked", ["auto", "cuda"])
def test_a_gpu_for_each_process(two_gpus: list[object], monkeypatch: pytest.MonkeyPatch, rank: str, asked: str) -> None:
    """Each process that torchrun starts takes the GPU of its number, and they talk through NCCL."""
    monkeypatch.setenv("LOCAL_RANK", rank)
    assert resolve_device(asked) == f"cuda:{rank}"
    with distributed(asked):
        assert two_gpus == [f"cuda:{rank}", "nccl"]


def test_processes_on_the_cpu(two_gpus: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that are to train on the CPU talk through gloo, whatever GPUs there are."""
    monkeypatch.setenv("LOCAL_RANK", "1")
    with distributed("cpu"):
        assert two_gpus == ["gloo"]


def test_more_processes_than_gpus(two_gpus: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without a GPU of its own says how many there are, before it waits for the others."""
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(LearnError, match="'cuda:2' here, only 2 GPUs"), distributed("auto"):
        pass
    assert not two_gpus


CHILD = """
import torch
import torch.distributed as dist
from impasto.learn.devices import distributed, resolve_device
with distributed("cpu"):
    value = torch.tensor(dist.get_rank() + 1.0, device=resolve_device("cpu"))
    dist.all_reduce(value)
    print(dist.get_backend(), value.item())
"""


def test_two_real_processes() -> None:
    """Two processes, started as torchrun starts them, meet through gloo on the CPU."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    world = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": "lo"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD],
            env={**os.environ, **world, "RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    assert [process.communicate(timeout=300)[0].split() for process in started] == [["gloo", "3.0"]] * 2


def test_precision_is_checked() -> None:
    """An unknown precision is refused by name."""
    with pytest.raises(OptionError, match="precision must be auto, f32 or bf16"):
        devices.best_dtype(replace(QUICK).unit)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tiles", "units", "tried", "expected"),
    [
        (True, True, "f32", torch.bfloat16),
        (False, True, "bf16", torch.bfloat16),
        (False, True, "f32", torch.float32),
        (False, False, "bf16", torch.float32),
    ],
)
def test_precision_that_pays(
    monkeypatch: pytest.MonkeyPatch, tiles: bool, units: bool, tried: str, expected: torch.dtype
) -> None:
    """With AMX it is bfloat16; with other units for it what a trial finds quicker; without any float32."""
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: tiles)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: units)
    monkeypatch.setattr(devices, "quicker", lambda key, openers: tried)
    devices._quicker_in_bfloat16.cache_clear()
    assert devices.best_dtype() == expected
    devices._quicker_in_bfloat16.cache_clear()


def test_trial_of_precisions() -> None:
    """What is tried convolves there and back, and takes some time."""
    assert all(devices._convolving(dtype)() > 0 for dtype in (torch.float32, torch.bfloat16))
