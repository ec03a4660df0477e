"""A GPU is taken where a runtime offers one that paints as the processor does. Stand-ins: none was there to run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto import quiet
from impasto.errors import NetworkError, OptionError
from impasto.painting import devices
from impasto.painting.devices import QUICKER, SLOWER, WRONG, Gpu, WithGpu, chosen, compared
from impasto.painting.network import Network
from impasto.painting.sessions import OnnxRuntime, OpenVino

CUDA, INTEL = Gpu("onnxruntime", "CUDAExecutionProvider"), Gpu("openvino", "GPU")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("IMPASTO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "impasto"


class House:
    """Runtimes that offer GPUs, which do as they are said to."""

    def __init__(self, **verdicts: str) -> None:
        self.verdicts = {{"cuda": CUDA, "intel": INTEL}[name]: verdict for name, verdict in verdicts.items()}
        self.looked, self.tested = 0, list[Gpu]()

    def gpus(self) -> list[Gpu]:
        self.looked += 1
        return list(self.verdicts)

    def test(self, gpu: Gpu) -> str:
        self.tested.append(gpu)
        if self.verdicts[gpu] == "breaks":
            raise RuntimeError("no such device")
        return self.verdicts[gpu]

    def choose(self, device: str, key: str = "here") -> Gpu | None:
        return chosen(device, key, self.gpus, self.test)


@pytest.mark.parametrize(
    ("verdicts", "auto", "gpu"),
    [
        ({"cuda": QUICKER}, CUDA, CUDA),
        ({"cuda": SLOWER}, None, CUDA),  # right, but the processor is quicker: only who asks for it gets it
        ({"cuda": SLOWER, "intel": QUICKER}, INTEL, CUDA),
        ({"cuda": QUICKER, "intel": QUICKER}, CUDA, CUDA),
    ],
    ids=str,
)
def test_choice(verdicts: dict[str, str], auto: Gpu | None, gpu: Gpu) -> None:
    """ "auto" is the first GPU that is right and quicker than the processor, "gpu" the first that is right."""
    assert House(**verdicts).choose("auto") == auto
    assert House(**verdicts).choose("gpu", "there") == gpu
    assert House(**verdicts).choose("cpu") is None


@pytest.mark.parametrize("device", ["auto", "gpu"])
@pytest.mark.parametrize("verdict", [WRONG, "breaks"])
def test_a_wrong_one(device: str, verdict: str) -> None:
    """Where a GPU paints wrong, or not at all, the processor paints, and one line says so."""
    with pytest.warns(RuntimeWarning, match="the processor paints, since onnxruntime CUDA.* does not") as seen:
        assert House(cuda=verdict).choose(device) is None
    assert len(seen) == 1 and "\n" not in str(seen[0].message)


def test_a_wrong_one_beside_a_right_one() -> None:
    """The next GPU is tried where the first is wrong."""
    assert House(cuda=WRONG, intel=QUICKER).choose("gpu") == INTEL


def test_none() -> None:
    """Without a GPU "auto" is the processor without a word, and "gpu" a sentence that says what to do."""
    assert House().choose("auto") is None
    with pytest.raises(NetworkError, match="no installed runtime offers a GPU here; .* or take the device cpu"):
        House().choose("gpu")


def test_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU is looked for and tested once; another key, or a new driver, has it done again."""
    house = House(cuda=QUICKER)
    assert [house.choose("auto") for _ in range(3)] == [CUDA] * 3
    assert house.looked == 1 and house.tested == [CUDA]
    assert house.choose("gpu") == CUDA and house.tested == [CUDA]
    house.choose("auto", "there")
    monkeypatch.setattr(devices, "signs", lambda: "/dev/nvidia1")
    house.choose("auto")
    assert house.looked == 4 and house.tested == [CUDA] * 3


def test_no_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be kept "auto" is the processor, since every opening would look again; "gpu" still looks."""
    monkeypatch.setenv("IMPASTO_CACHE", "off")
    house = House(cuda=QUICKER)
    assert house.choose("auto") is None and house.looked == 0
    assert house.choose("gpu") == CUDA


def test_signs_do_not_change() -> None:
    """What a GPU is remembered by is the same as long as nothing is installed."""
    assert devices.signs() == devices.signs()


@pytest.mark.parametrize(
    ("offset", "seconds", "verdict"), [(0, 0.1, QUICKER), (3, 0.1, QUICKER), (0, 0.95, SLOWER), (4, 0.1, WRONG)]
)
def test_comparison(offset: int, seconds: float, verdict: str) -> None:
    """Right is within 3 of 255 of the processor's painting everywhere, and quicker a tenth quicker."""
    right = np.full((1, 8, 8, 3), 100, np.uint8)
    painted = right.copy()
    painted[0, 4, 4, 1] += offset
    assert compared(lambda: (right, 1.0), lambda: (painted, seconds)) == verdict


def test_what_is_no_number_is_wrong() -> None:
    """A painting that holds no numbers, or is of another size, is wrong."""
    right = np.zeros((1, 4, 4, 3), np.float32)
    for painted in (np.full_like(right, np.nan), right[:, :3]):
        assert compared(lambda: (right, 1.0), lambda painted=painted: (painted, 0.1)) == WRONG  # type: ignore[misc]


def offered(monkeypatch: pytest.MonkeyPatch, providers: list[str], names: list[str]) -> list[Gpu]:
    ort = type("Ort", (), {"get_available_providers": staticmethod(lambda: providers)})
    monkeypatch.setattr(quiet, "onnxruntime", lambda: ort)
    monkeypatch.setattr(quiet, "core", lambda: type("Core", (), {"available_devices": names}))
    return devices.gpus()


def test_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime's providers for NVIDIA, Windows and Apple come before OpenVINO's first GPU; others do not count."""
    assert offered(monkeypatch, ["AzureExecutionProvider", "CPUExecutionProvider"], ["CPU", "NPU"]) == []
    providers = ["CoreMLExecutionProvider", "DmlExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    assert [gpu.name for gpu in offered(monkeypatch, providers, ["CPU", "GPU.0", "GPU.1"])] == [
        "CUDAExecutionProvider",
        "DmlExecutionProvider",
        "CoreMLExecutionProvider",
        "GPU.0",
    ]


def test_no_runtime_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime that is missing or breaks offers nothing."""

    def missing() -> None:
        raise ImportError("not here")

    monkeypatch.setattr(quiet, "onnxruntime", missing)
    monkeypatch.setattr(quiet, "core", missing)
    assert devices.gpus() == []


# On a network


def on_a_gpu(monkeypatch: pytest.MonkeyPatch, opened: Callable[[Path], Any]) -> None:
    """One GPU is offered, and opens networks so."""
    monkeypatch.setattr(devices, "gpus", lambda: [CUDA])
    monkeypatch.setattr(Gpu, "open", lambda self, path: opened(path))


class Counted:
    """A session that counts, and cannot hold pictures of more than ``most`` pixels."""

    def __init__(self, session: Any, most: float = float("inf"), wrong: int = 0) -> None:
        self.session, self.most, self.wrong, self.painted = session, most, wrong, 0
        self.meta = session.meta

    def run(self, feeds: Any) -> Any:
        if feeds["picture"].size // 3 > self.most:
            raise RuntimeError("CUDA out of memory")
        self.painted += 1
        found = self.session.run(feeds)
        return found + found.dtype.type(self.wrong)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)


def picture(side: int) -> Any:
    return np.random.default_rng(side).integers(0, 256, (side, side, 3), np.uint8)


def test_a_network_on_a_gpu(network_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network opened for a GPU paints there, plain and with masks, what the processor paints; its plan stays."""
    opened: list[Counted] = []

    def open(path: Path) -> Counted:
        opened.append(Counted(OnnxRuntime(path, 1)))
        return opened[-1]

    on_a_gpu(monkeypatch, open)
    plain, network = Network(network_file), Network(network_file, device="gpu")
    assert (network.device, network.runtime, plain.device) == ("gpu", "openvino", "cpu")
    rows = np.random.default_rng(0).normal(1, 0.2, (2, network.row_size)).astype(np.float32)
    before = opened[-1].painted
    np.testing.assert_allclose(network.paint(picture(48), rows[0]), plain.paint(picture(48), rows[0]), atol=1)
    assert opened[-1].painted == before + 1
    assert network.bytes_for(100, 100) == plain.bytes_for(100, 100)
    network.prepare(48, 48), network.let_go(), network.afresh()


def test_too_large_for_the_gpu(network_file: Path) -> None:
    """What the GPU cannot hold the processor paints, and no larger picture is tried there again; one line says so."""
    gpu = Counted(OnnxRuntime(network_file, 1), most=64 * 64)
    both, right = WithGpu(gpu, OpenVino(network_file, 1)), OpenVino(network_file, 1)
    half = int(right.meta["impasto.row_size"]) // 2
    style = {"scale": np.ones(half, np.float32), "shift": np.zeros(half, np.float32)}
    with pytest.warns(RuntimeWarning, match="the processor paints what the GPU cannot"):
        painted = both.run({"picture": picture(96)[None], **style})
    np.testing.assert_allclose(painted, right.run({"picture": picture(96)[None], **style}), atol=1)
    gpu.most = float("inf")
    for side, times in ((96, 0), (64, 1), (128, 1)):
        both.run({"picture": picture(side)[None], **style})
        assert gpu.painted == times


def test_a_wrong_network(network_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that paints this network wrong is not taken."""
    on_a_gpu(monkeypatch, lambda path: Counted(OnnxRuntime(path, 1), wrong=9))
    with pytest.warns(RuntimeWarning, match="the processor paints, since"):
        assert Network(network_file, device="gpu").device == "cpu"


def test_unknown_device(network_file: Path) -> None:
    """An unknown device is an OptionError that names the known ones."""
    with pytest.raises(OptionError, match="device must be auto, cpu or gpu, not 'tpu'"):
        Network(network_file, device="tpu")  # type: ignore[arg-type]
