"""The fast network: its shape, what a row does in it, and that its graph paints what torch paints."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from impasto.errors import LearnError  # noqa: E402
from impasto.learn.network.fast import FastNetwork, build  # noqa: E402
from impasto.learn.network.full import PasticheNetwork  # noqa: E402
from impasto.learn.network.layers import interleave_phases, split_phases  # noqa: E402
from impasto.learn.network.to_onnx import network_graph  # noqa: E402
from impasto.learn.train.export import difference  # noqa: E402


@pytest.fixture
def network() -> FastNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FastNetwork(alpha=0.25).eval()


def noisy_rows(network: FastNetwork, count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return network.initial_row() + 0.3 * torch.randn(count, network.row_size, generator=generator)


def test_row_size() -> None:
    """A style is 3,622 numbers: a scale and a shift for each channel of each norm."""
    assert FastNetwork().row_size == 2 * (48 + 2 * 48 + 128 + 5 * 2 * 128 + 48 + 2 * 2 * 48 + 16 + 3) == 3622


def test_arithmetic() -> None:
    """It needs less than a tenth of the multiplications of the paper's network."""
    weights = {
        kind: sum(
            layer.weight.numel() / (factor) ** 2 for layer, factor in zip(net.layers, net.reductions, strict=True)
        )
        for kind, net in (("fast", FastNetwork()), ("full", PasticheNetwork()))
    }
    assert weights["fast"] < weights["full"] / 10


@pytest.mark.parametrize("size", [(16, 16), (64, 40)])
def test_output(network: FastNetwork, size: tuple[int, int]) -> None:
    """Paintings have the picture's size and lie in 0..1."""
    with torch.no_grad():
        painted = network(torch.rand(2, 3, *size), noisy_rows(network, 2))
    assert painted.shape == (2, 3, *size)
    assert 0 <= painted.min() and painted.max() <= 1


def test_every_layer_has_a_style(network: FastNetwork) -> None:
    """A change of any layer's scale changes the picture."""
    picture, row = torch.rand(1, 3, 32, 32), noisy_rows(network, 1)
    start = 0
    with torch.no_grad():
        before = network(picture, row)
        for width in network.widths:
            changed = row.clone()
            changed[:, start : start + width] *= 1.5
            assert not torch.allclose(network(picture, changed), before, atol=1e-5)
            start += width


def test_blocks_begin_as_the_identity(network: FastNetwork) -> None:
    """In the initial row a residual block adds nothing: without its first convolution the picture is the same."""
    picture, row = torch.rand(1, 3, 32, 32), network.initial_row()[None]
    with torch.no_grad():
        before = network(picture, row)
        network.inside[0].weight.mul_(-1)
        assert torch.equal(network(picture, row), before)


def test_no_grid(network: FastNetwork) -> None:
    """An even picture is painted evenly: whatever the weights, no grid of fours or eights appears by itself."""
    with torch.no_grad():
        painted = network(torch.full((1, 3, 64, 64), 0.4), noisy_rows(network, 1))
    assert (painted - painted.mean((2, 3), keepdim=True)).abs().max() < 1e-4


def test_squares_as_channels() -> None:
    """Splitting by 4 puts the pixel at row i, column j of each square at place 4 i + j."""
    x = torch.arange(64.0).view(1, 1, 8, 8)
    squares = split_phases(x, 4)
    assert squares.shape == (1, 16, 1, 2, 2)
    assert torch.equal(squares[0, 4 * 2 + 3, 0], x[0, 0, 2::4, 3::4])
    assert torch.equal(interleave_phases(split_phases(x)), x)


def test_one_region_is_the_plain_network(network: FastNetwork) -> None:
    """Regions of two styles under masks of 1 and 0 paint what the first style paints."""
    picture, rows = torch.rand(1, 3, 32, 40), noisy_rows(network, 2)
    masks = torch.stack([torch.ones(32, 40), torch.zeros(32, 40)])[None]
    with torch.no_grad():
        assert torch.allclose(network(picture, rows[None], masks), network(picture, rows[:1]), atol=1e-5)


@pytest.mark.parametrize("regions", [False, True])
def test_graph(network: FastNetwork, regions: bool) -> None:
    """The exported graph paints what torch paints, with and without regions."""
    rows = noisy_rows(network, 2).numpy()
    model = network_graph(network, name="fast", half=False, regions=regions)
    assert difference(model, network, rows if regions else rows[0]) < 1e-4


def test_in_openvino(network: FastNetwork) -> None:
    """OpenVINO paints what torch paints."""
    openvino = pytest.importorskip("openvino")
    model = network_graph(network, name="fast", half=False).SerializeToString()
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    picture, row = torch.rand(1, 3, 40, 32), noisy_rows(network, 1)
    scale, shift = np.split(row[0].numpy(), 2)
    painted = compiled({"picture": picture.numpy(), "scale": scale, "shift": shift})[0]
    with torch.no_grad():
        assert np.abs(painted - network(picture, row).numpy()).max() < 1e-4


def test_build() -> None:
    """``build`` makes the kind that the settings name, and the paper's where they name none."""
    assert isinstance(build({"network": "fast", "alpha": 0.25}), FastNetwork)
    full = {"alpha": 0.25, "padding": "reflect", "upsampling": "nearest", "norm": "instance"}
    assert isinstance(build(full), PasticheNetwork)
    with pytest.raises(LearnError, match="no network 'slim'"):
        build({"network": "slim", **full})
    assert build(FastNetwork(alpha=0.5).settings).settings == FastNetwork(alpha=0.5).settings
