"""The fast network: its shape, what a row does in it, and that its graph paints what torch paints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from impasto import assets  # noqa: E402
from impasto.errors import LearnError  # noqa: E402
from impasto.learn.network.designs import DESIGNS, FIRST, LATEST, Design  # noqa: E402
from impasto.learn.network.fast import FastNetwork, build  # noqa: E402
from impasto.learn.network.full import PasticheNetwork  # noqa: E402
from impasto.learn.network.layers import interleave_phases, split_phases  # noqa: E402
from impasto.learn.network.to_onnx import network_graph  # noqa: E402
from impasto.learn.train.export import difference  # noqa: E402


@pytest.fixture(params=[FIRST, LATEST])
def network(request: pytest.FixtureRequest) -> FastNetwork:
    return small(request.param)


def small(design: int | Design) -> FastNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FastNetwork(alpha=0.25, design=design).eval()


def noisy_rows(network: FastNetwork, count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return network.initial_row() + 0.3 * torch.randn(count, network.row_size, generator=generator)


def test_row_size() -> None:
    """In the first design a style is 3,622 numbers: a scale and a shift for each channel of each norm."""
    assert (
        FastNetwork(design=FIRST).row_size == 2 * (48 + 2 * 48 + 128 + 5 * 2 * 128 + 48 + 2 * 2 * 48 + 16 + 3) == 3622
    )


@pytest.mark.parametrize("design", [FIRST, LATEST])
def test_arithmetic(design: int) -> None:
    """It needs less than a tenth of the multiplications of the paper's network."""
    assert FastNetwork(design=design).multiplications < PasticheNetwork().multiplications / 10


def test_designs() -> None:
    """What is trained from now on is the latest design; the first, which files do not name, has other layers."""
    assert FastNetwork().settings == {"network": "fast", "alpha": 1.0, "design": LATEST}
    assert FastNetwork(design=FIRST).settings == {"network": "fast", "alpha": 1.0}
    assert FastNetwork().row_size != FastNetwork(design=FIRST).row_size


def test_plain_operators() -> None:
    """The latest design's graph holds only what OpenVINO, ONNX Runtime, WASM and WebGPU have kernels for."""
    plain = "Cast Conv Pad InstanceNormalization Relu Sigmoid Add Resize Slice Tile MatMul Concat DepthToSpace"
    graph = network_graph(small(LATEST), name="fast").graph
    assert {node.op_type for node in graph.node} <= set(plain.split())
    wanted = {"kernel_shape", "strides", "pads", "dilations", "group"}
    for node in graph.node:
        if node.op_type == "Conv":
            assert {attribute.name for attribute in node.attribute} == wanted
        assert len(node.input) <= 8 or node.op_type == "Concat"


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("alpha", [1.0, 0.25])
def test_channels_by_fours(design: int, alpha: float) -> None:
    """But for the picture, convolutions read channels in fours: WebGPU's kernels are wrong with fifteen."""
    layers = list(FastNetwork(alpha=alpha, design=design).layers)
    assert all(layer.weight.shape[1] * layer.groups % 4 == 0 for layer in layers if layer.weight.shape[1] != 3)


@pytest.mark.parametrize("file", sorted(assets.FOLDER.glob("*.onnx")), ids=lambda file: file.stem)
def test_buffers(file: Path) -> None:
    """No node of a network that ships reads and writes more than the ten buffers that a shader may have."""
    for node in onnx.load(file).graph.node:
        assert len(node.input) + len(node.output) <= 10
        assert node.op_type != "Conv" or len(node.attribute) == 5


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


def test_graph(network: FastNetwork) -> None:
    """The exported graph paints what torch paints."""
    row = noisy_rows(network, 2).numpy()[0]
    assert difference(network_graph(network, name="fast", half=False), network, row) < 1e-4


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
    assert isinstance(build({"network": "fast", "alpha": 0.25, "apart": True}), FastNetwork)
    full = {"alpha": 0.25, "padding": "reflect", "upsampling": "nearest", "norm": "instance", "apart": True}
    assert isinstance(build(full), PasticheNetwork)
    with pytest.raises(LearnError, match="no network 'slim'"):
        build({"network": "slim", **full})
    for design in (FIRST, LATEST):
        settings = FastNetwork(alpha=0.5, design=design).settings
        assert build({**settings, "apart": True}).settings == settings


def test_unknown_design() -> None:
    """A design that is not known is refused, and the known ones are named."""
    with pytest.raises(LearnError, match="there is no design 99 of fast; choose one of 1, 2"):
        build({"network": "fast", "alpha": 0.25, "design": 99})


@pytest.mark.parametrize(
    "design",
    [
        Design(stem=4, groups=(0, 0), tail=((4, 9),), apart=True),
        Design(stem=8, blocks=(0, 1, 0), tail=((2, 3), (2, 5)), apart=True),
        Design(stem=12, groups=(3, 1), tail=((2, 3), (2, 3))),
    ],
)
def test_graph_of_a_candidate(design: Design) -> None:
    """A candidate of the search is exported as it paints."""
    network = small(design)
    row = noisy_rows(network, 2).numpy()[0]
    assert difference(network_graph(network, name="fast", half=False), network, row) < 1e-4
