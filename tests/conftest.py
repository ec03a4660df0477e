"""Tiny things that several files of tests need: made-up photos and paintings, a small network and its bank."""

from __future__ import annotations

import importlib.util
import io
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pytest
from PIL import Image

from impasto import cli
from impasto.styles.bank import Bank, Card

if TYPE_CHECKING:
    from impasto.learn.loss.features import LossNetwork
    from impasto.learn.network.full import PasticheNetwork

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell; children would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is imported; threads only slow tiny tensors down
collect_ignore = [] if importlib.util.find_spec("torch") else ["learn"]
Found = TypeVar("Found")


def run(*words: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """The command line in this process: exit code, standard output, standard error."""
    old, sys.argv = sys.argv, ["impasto", *map(str, words)]
    try:
        cli.main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        sys.argv = old
    out, err = capsys.readouterr()
    return code, out, err


def until(there: Callable[[], Found], seconds: float = 60.0) -> Found:
    """What ``there`` gives once it is true: a busy machine gets a minute, one that hangs no more."""
    end = time.monotonic() + seconds
    while not (found := there()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.005)
    return found


def pixels(path: Path | io.BytesIO) -> np.ndarray:
    """The picture in a file, (h, w, 3), uint8."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture
def planned_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans count nothing of what this process takes besides, which changes between two of them."""
    monkeypatch.setattr("impasto.painting.memory.used", lambda: 0)


@pytest.fixture
def photo_file(tmp_path: Path) -> Path:
    """One photo of noise, 48 x 40, alone in its folder."""
    path = tmp_path / "cat.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)).save(path)
    return path


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of five soft made-up photos."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(1)
    for i in range(5):
        coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), np.uint8))
        coarse.resize((60 + 7 * i, 50), Image.Resampling.BICUBIC).save(folder / f"photo{i}.png")
    return folder


@pytest.fixture(scope="session")
def paintings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three paintings as different as can be: stripes, checks and noise."""
    folder = tmp_path_factory.mktemp("paintings")
    y, x = np.mgrid[:48, :48]
    noise = np.random.default_rng(2).integers(0, 256, (48, 48), np.uint8)
    for name, values in {"stripes": x // 4 % 2 * 255, "checks": (x // 3 + y // 3) % 2 * 255, "noise": noise}.items():
        Image.fromarray(np.stack([values, values // 2, 255 - values], -1).astype(np.uint8)).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="session")
def loss_network() -> LossNetwork:
    """A VGG-19 of random weights."""
    pytest.importorskip("torch")
    from impasto.learn.loss.features import random_loss_network

    return random_loss_network()


@pytest.fixture(scope="session")
def tiny_network() -> PasticheNetwork:
    """The paper's network at a tenth of its width, as it is before training."""
    torch = pytest.importorskip("torch")
    from impasto.learn.network.full import PasticheNetwork

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return PasticheNetwork(alpha=0.1).eval()


@pytest.fixture(scope="session")
def network_file(tiny_network: PasticheNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``tiny_network`` as tiny.onnx, and beside it three random styles and ``photo``."""
    from impasto.learn.network.to_onnx import network_graph

    path = tmp_path_factory.mktemp("network") / "tiny.onnx"
    path.write_bytes(network_graph(tiny_network, name="tiny", half=False).SerializeToString())
    names = ("red", "green", "blue", "photo")
    noise = np.random.default_rng(3).normal(0, 0.5, (len(names), tiny_network.row_size))
    rows = np.ones_like(noise) * (np.arange(tiny_network.row_size) < tiny_network.row_size // 2) + noise
    bank = Bank(
        names=names,
        rows=rows.astype(np.float32),
        cards=(Card("", "", "", "", ""),) * len(names),
        network="tiny",
        fingerprint=tiny_network.fingerprint(),
    )
    bank.save(path.with_suffix(".safetensors"))
    return path
