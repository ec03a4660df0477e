"""The pastiche network: the paper's numbers, and that every shortcut equals the plain way of computing it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.learn.network.fast import FastNetwork
from impasto.learn.network.full import PasticheNetwork
from impasto.learn.network.layers import (
    ConditionalNorm,
    ConvNorm,
    StyleNetwork,
    interleave_phases,
    phase_kernels,
    split_phases,
    with_own_tones,
)
from impasto.styles import blend

VARIANTS: list[dict[str, Any]] = [{"padding": "zeros"}, {"upsampling": "transposed"}, {"norm": "batch"}]
LAYERS = 16
RESIDUAL_ENDS = (4, 6, 8, 10, 12)  # of the 16 layers, those that are added to the skip connection


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def network() -> PasticheNetwork:
    return PasticheNetwork(alpha=0.1)


def some_rows(network: StyleNetwork, count: int = 1) -> Tensor:
    """Rows like those of a trained network: scales around 1 in every layer, shifts around 0."""
    half = network.row_size // 2
    ones = torch.cat([torch.ones(half), torch.zeros(half)])
    return ones + 0.3 * torch.randn(count, network.row_size)


def part(network: PasticheNetwork, layer: int, *, shift: bool) -> slice:
    """Where the scales, or the shifts, of one layer lie in a row."""
    start = sum(network.widths[:layer]) + shift * (network.row_size // 2)
    return slice(start, start + network.widths[layer])


# The paper's numbers


@pytest.mark.parametrize(
    ("alpha", "shared", "row"), [(1.0, 1_674_432, 3206), (0.5, 422_496, 1606), (0.25, 107_568, 806)]
)
def test_sizes(alpha: float, shared: int, row: int) -> None:
    """Shared convolution weights and numbers per style are those of the paper and of magenta's narrower networks."""
    network = PasticheNetwork(alpha=alpha)
    assert sum(p.numel() for p in network.parameters()) == shared
    assert network.row_size == len(network.initial_row()) == row


def test_no_bias(network: PasticheNetwork) -> None:
    """The only parameters are the weights of the sixteen convolutions: a norm makes biases useless."""
    assert [p.dim() for p in network.parameters()] == [4] * LAYERS
    assert all(name.endswith("weight") for name, _ in network.named_parameters())


def test_layers(network: PasticheNetwork) -> None:
    """Kernels, strides and activations are those of the paper's table."""
    layers = network.layers
    assert [layer.kernel for layer in layers] == [9] + [3] * 14 + [9]
    assert [layer.stride for layer in layers] == [1, 2, 2] + [1] * 13
    assert [layer.activation for layer in layers] == ["relu"] * 3 + ["relu", "none"] * 5 + ["relu"] * 2 + ["sigmoid"]
    assert [layer.upsample is not None for layer in layers] == [False] * 13 + [True] * 2 + [False]


@pytest.mark.parametrize("size", [(8, 8), (16, 16), (20, 36), (40, 12)])
def test_output(network: PasticheNetwork, size: tuple[int, int]) -> None:
    """The painting is as large as the photo and lies in 0..1."""
    painted = network(torch.rand(2, 3, *size), some_rows(network, 2))
    assert painted.shape == (2, 3, *size)
    assert 0 <= painted.min() < painted.max() <= 1


# Shortcuts equal the plain way


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (2, 2), (3, 5), (8, 6)])
def test_upsampling(size: tuple[int, int]) -> None:
    """Four phases at low resolution equal: repeat each pixel, mirror the border, convolve. In value and gradients."""
    x = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(5, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    plain = F.conv2d(F.pad(F.interpolate(x, scale_factor=2, mode="nearest"), [1] * 4, mode="reflect"), weight)
    phases = F.conv2d(F.pad(x, [1] * 4, mode="replicate"), phase_kernels(weight))
    ours = interleave_phases(phases.view(2, 4, 5, *size))
    torch.testing.assert_close(ours, plain)
    probe = torch.randn_like(plain)
    torch.testing.assert_close(
        torch.autograd.grad(ours, (x, weight), probe), torch.autograd.grad(plain, (x, weight), probe)
    )


@pytest.mark.parametrize(("factor", "kernel"), [(2, 3), (2, 5), (4, 3), (4, 9)])
def test_enlargement(factor: int, kernel: int) -> None:
    """Phases at low resolution equal: repeat the border, repeat each pixel, cut what is too much, convolve."""
    x, weight = torch.randn(2, 3, 4, 5, dtype=torch.float64), torch.randn(6, 3, kernel, kernel, dtype=torch.float64)
    small = F.pad(x, [1] * 4, mode="replicate")
    big = F.interpolate(small, scale_factor=factor, mode="nearest")
    cut = factor - kernel // 2
    plain = F.conv2d(big[:, :, cut : big.shape[2] - cut, cut : big.shape[3] - cut], weight)
    phases = F.conv2d(small, phase_kernels(weight, factor)).view(2, factor**2, 6, 4, 5)
    torch.testing.assert_close(interleave_phases(phases), plain)


def test_moments_apart() -> None:
    """A layer that takes moments apart gives each phase mean 0 and deviation 1, before scale and shift."""
    layer = ConvNorm(6, 3, 9, upsample="nearest", factor=4, apart=True, activation="none")
    x = torch.randn(2, 6, 8, 8)
    painted = layer(x, torch.full((2, 3), 2.0), torch.full((2, 3), 0.5))
    std, mean = torch.std_mean(split_phases(painted, 4), dim=(3, 4), correction=0)
    torch.testing.assert_close(mean, torch.full_like(mean, 0.5), atol=1e-4, rtol=0)
    torch.testing.assert_close(std, torch.full_like(std, 2.0), atol=0.1, rtol=0)  # epsilon


@pytest.mark.parametrize("make", [PasticheNetwork, FastNetwork])
def test_less_of_a_grid(make: Any) -> None:
    """With moments apart, what lies at one place of every 4 x 4 pixels differs less from the others, in the mean."""
    found = []
    for apart in (False, True):
        torch.manual_seed(0)  # the same weights
        network = make(alpha=0.25, apart=apart).eval()
        with torch.no_grad():
            painted = network(torch.rand(8, 3, 128, 128), some_rows(network, 8))
        found.append(float(split_phases(painted, 4).mean((3, 4)).std(1).mean()))
    assert found[1] < 0.7 * found[0]


@pytest.mark.parametrize(("kernel", "stride", "border"), [(3, 1, 1), (9, 1, 4), (3, 2, 1), (8, 4, 2), (4, 4, 0)])
def test_border(kernel: int, stride: int, border: int) -> None:
    """Padding is such that the output has the input's size by the stride, to the pixel."""
    layer = ConvNorm(3, 4, kernel, stride=stride)
    assert layer.border == border
    ones = torch.ones(1, 4)
    assert layer(torch.randn(1, 3, 32, 24), ones, ones).shape == (1, 4, 32 // stride, 24 // stride)


def test_upsampling_layer() -> None:
    """An upsampling layer equals repeat, mirror, convolve, instance norm and ReLU, one after the other."""
    layer = ConvNorm(6, 4, 3, upsample="nearest").double()
    x = torch.randn(1, 6, 5, 7, dtype=torch.float64)
    scale, shift = torch.randn(2, 1, 4, dtype=torch.float64)
    big = F.pad(F.interpolate(x, scale_factor=2, mode="nearest"), [1] * 4, mode="reflect")
    plain = F.relu(F.instance_norm(F.conv2d(big, layer.weight), weight=scale[0], bias=shift[0], eps=1e-5))
    torch.testing.assert_close(layer(x, scale, shift), plain, atol=1e-5, rtol=1e-5)  # our norm computes in float32


def test_conditional_norm() -> None:
    """Conditional instance norm equals F.instance_norm with each picture's own scale and shift."""
    x = torch.randn(3, 5, 6, 7) * 4 + 2
    scale, shift = torch.randn(2, 3, 5)
    ours = ConditionalNorm(5)(x, scale, shift)
    each = [F.instance_norm(x[i : i + 1], weight=scale[i], bias=shift[i], eps=1e-5) for i in range(3)]
    torch.testing.assert_close(ours, torch.cat(each), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_norm_in_phases(norm: Any) -> None:
    """The norm of four phases is the norm of the picture they make: its moments are the whole picture's."""
    x = torch.randn(2, 4, 5, 6, 7)
    scale, shift = torch.randn(2, 2, 5)
    phases = ConditionalNorm(5, norm)(x, scale, shift)
    whole = ConditionalNorm(5, norm)(interleave_phases(x), scale, shift)
    torch.testing.assert_close(interleave_phases(phases), whole, atol=1e-5, rtol=1e-5)


def test_norm_in_bfloat16() -> None:
    """The norm of a bfloat16 tensor is computed in float32 and rounded once, at the end."""
    x = (torch.randn(2, 5, 8, 8) + 30).bfloat16()
    scale, shift = torch.randn(2, 2, 5)
    ours = ConditionalNorm(5)(x, scale, shift)
    assert torch.equal(ours, ConditionalNorm(5)(x.float(), scale, shift).bfloat16())


# Rows


def test_batch(network: PasticheNetwork) -> None:
    """A batch in which every picture has its own style equals the pictures painted one by one."""
    pictures, rows = torch.rand(3, 3, 16, 20), some_rows(network, 3)
    each = [network(pictures[i : i + 1], rows[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(network(pictures, rows), torch.cat(each), atol=1e-5, rtol=1e-5)


def test_different_styles(network: PasticheNetwork) -> None:
    """Two rows paint the same photo differently."""
    painted = network(torch.rand(1, 3, 16, 16).repeat(2, 1, 1, 1), some_rows(network, 2))
    assert (painted[0] - painted[1]).abs().mean() > 0.01


def test_mixture(network: PasticheNetwork) -> None:
    """A weighted mean of two rows is a row: its painting is unlike either's and moves smoothly with the weight."""
    a, b = some_rows(network, 2)
    photo = torch.rand(1, 3, 16, 16)
    paint = {t: network(photo, torch.lerp(a, b, t)[None]) for t in (0.0, 0.499, 0.5, 1.0)}
    far = min((paint[0.5] - paint[t]).abs().mean() for t in (0.0, 1.0))
    assert far > 0.02
    assert (paint[0.5] - paint[0.499]).abs().mean() < far / 10


def test_initial_row(network: PasticheNetwork) -> None:
    """A fresh row scales by 1 and shifts by 0, but scales by 0 at the end of every residual block."""
    row = network.initial_row()
    for layer in range(LAYERS):
        assert (row[part(network, layer, shift=False)] == (0 if layer in RESIDUAL_ENDS else 1)).all()
        assert (row[part(network, layer, shift=True)] == 0).all()


def test_no_relu_after_the_sum(network: PasticheNetwork) -> None:
    """With a scale of 0 and a shift of -2 at its end a residual block subtracts 2, also where that is negative."""
    row = network.initial_row()
    row[part(network, RESIDUAL_ENDS[0], shift=True)] = -2.0
    seen: dict[str, Tensor] = {}
    network.residual[0].register_forward_pre_hook(lambda _, inputs: seen.update(before=inputs[0]))
    network.residual[2].register_forward_pre_hook(lambda _, inputs: seen.update(after=inputs[0]))
    network(torch.rand(1, 3, 16, 16), row[None])
    assert torch.equal(seen["after"], seen["before"] - 2)
    assert seen["after"].min() < 0


@pytest.mark.parametrize("shift", [False, True], ids=["scale", "shift"])
@pytest.mark.parametrize("layer", range(LAYERS))
def test_every_layer_has_a_style(network: PasticheNetwork, layer: int, shift: bool) -> None:
    """Scale and shift behind every convolution, the last one too, change the picture; but see the next test."""
    photo, row = torch.rand(1, 3, 16, 16), some_rows(network)
    other = row.clone()
    other[:, part(network, layer, shift=shift)] += 0.5 * torch.randn(network.widths[layer])
    change = (network(photo, row) - network(photo, other)).abs().max()
    assert change > 1e-3 or (shift and layer in RESIDUAL_ENDS)


def test_shifts_that_do_nothing(network: PasticheNetwork) -> None:
    """The shift at a residual block's end has no effect: with mirror padding, the next norms take a constant away.

    So 640 of the 3,206 numbers of a style are idle, and all others count.
    """
    network = network.double()
    row = some_rows(network).double().requires_grad_()
    painted = network(torch.rand(1, 3, 32, 32).double(), row)
    (gradient,) = torch.autograd.grad((painted * torch.randn_like(painted)).sum(), row)
    idle = torch.zeros(network.row_size, dtype=torch.bool)
    for layer in RESIDUAL_ENDS:
        idle[part(network, layer, shift=True)] = True
    assert gradient[0, idle].abs().max() < 1e-4 * gradient[0, ~idle].abs().min()


@pytest.mark.parametrize("options", [{}, *VARIANTS], ids=str)
def test_gradients(options: dict[str, Any]) -> None:
    """In every variant gradients reach all weights, and of the rows only those in the batch."""
    network = PasticheNetwork(alpha=0.1, **options)
    rows = some_rows(network, 4).requires_grad_()
    painted = network(torch.rand(2, 3, 24, 16), rows[[3, 1]])
    assert painted.shape == (2, 3, 24, 16)
    painted.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.abs().max() > 0 for p in network.parameters())
    assert rows.grad is not None
    assert rows.grad.abs().amax(1).gt(0).tolist() == [False, True, False, True]


def test_variants_have_the_same_size() -> None:
    """The variants for comparisons have as many weights and row numbers as the paper's network."""
    sizes = {
        (sum(p.numel() for p in network.parameters()), network.row_size)
        for network in (PasticheNetwork(alpha=0.1, **options) for options in [{}, *VARIANTS])
    }
    assert len(sizes) == 1


def test_batch_norm_evaluates_with_running_averages() -> None:
    """With batch norm a picture's painting depends on its neighbours in training, and not in evaluation."""
    network = PasticheNetwork(alpha=0.1, norm="batch")
    pictures, rows = torch.rand(3, 3, 16, 16), some_rows(network, 3)
    together, alone = network(pictures, rows)[:1], network(pictures[:1], rows[:1])
    assert (together - alone).abs().max() > 1e-3
    before = {name: value.clone() for name, value in network.named_buffers()}
    network.eval()
    together, alone = network(pictures, rows)[:1], network(pictures[:1], rows[:1])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in network.named_buffers())


def test_batch_norm_learns_its_averages() -> None:
    """Running averages move a tenth of the way towards each batch's mean and variance."""
    norm = ConditionalNorm(3, "batch")
    x = torch.randn(4, 3, 8, 8) * 3 + 5
    norm(x, torch.ones(4, 3), torch.zeros(4, 3))
    torch.testing.assert_close(norm.running_mean, 0.1 * x.mean((0, 2, 3)))
    torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * x.var((0, 2, 3), correction=0))


# The photo's own tones


def test_own_tones(network: PasticheNetwork) -> None:
    """Only the last norm's three scales and three shifts change, and they are what painting takes, too."""
    rows, pictures = some_rows(network, 2), torch.rand(2, 3, 12, 16)
    own = with_own_tones(rows, pictures)
    changed = (own != rows).nonzero()[:, 1].tolist()
    half = network.row_size // 2
    assert changed == 2 * [*range(half - 3, half), *range(2 * half - 3, 2 * half)]
    for row, picture, expected in zip(rows, pictures, own, strict=True):
        painting = blend.with_own_tones(row.numpy(), picture.permute(1, 2, 0).numpy())
        torch.testing.assert_close(torch.from_numpy(painting), expected, atol=1e-5, rtol=1e-5)


def test_own_tones_bring_back_brightness(network: PasticheNetwork) -> None:
    """In a row with the photo's own tones a painting has, before the sigmoid, the photo's mean and deviation."""
    photo = torch.rand(1, 3, 32, 32) * 0.3 + 0.1
    painted = network(photo, with_own_tones(some_rows(network), photo))
    for moment in (torch.mean, torch.std):
        torch.testing.assert_close(moment(painted.logit(), (2, 3)), moment(photo.logit(), (2, 3)), atol=1e-2, rtol=0)


def test_own_tones_of_a_flat_picture() -> None:
    """The tones of a black or white picture are finite."""
    for value in (0.0, 1.0):
        assert with_own_tones(torch.ones(1, 8), torch.full((1, 3, 4, 4), value)).isfinite().all()


# What is refused


@pytest.mark.parametrize("size", [(18, 16), (16, 17), (15, 15)])
def test_size_must_be_a_multiple(network: PasticheNetwork, size: tuple[int, int]) -> None:
    """A side that is no multiple of 4 is a ValueError that names the size."""
    with pytest.raises(ValueError, match=rf"multiples of 4, not \({size[0]}, {size[1]}\)"):
        network(torch.rand(1, 3, *size), some_rows(network))


def test_rows_must_fit(network: PasticheNetwork) -> None:
    """Rows of another length or number than the pictures are a ValueError that names both shapes."""
    with pytest.raises(ValueError, match=rf"\(2, {network.row_size}\), not \(1, 5\)"):
        network(torch.rand(2, 3, 16, 16), torch.zeros(1, 5))


# Fingerprint


def test_fingerprint(network: PasticheNetwork) -> None:
    """The fingerprint is sixteen hex digits that change with any weight and with the settings."""
    before = network.fingerprint()
    assert len(before) == 16 and int(before, 16) >= 0
    other = PasticheNetwork(alpha=0.1, upsampling="nearest", padding="zeros")
    other.load_state_dict(network.state_dict())
    assert other.fingerprint() != before
    with torch.no_grad():
        network.layers[-1].weight[0, 0, 0, 0] += 0.01
    assert network.fingerprint() != before


def test_fingerprint_survives_rounding(network: PasticheNetwork) -> None:
    """Weights rounded to float16, as in the exported file, or laid out otherwise in memory, are the same network."""
    before = network.fingerprint()
    assert network.to(memory_format=torch.channels_last).fingerprint() == before  # type: ignore[call-overload]
    assert network.half().float().fingerprint() == before


def test_fingerprint_of_whole_alpha() -> None:
    """Alpha 1 and alpha 1.0 are the same network."""
    a, b = PasticheNetwork(alpha=1), PasticheNetwork(alpha=1.0)
    b.load_state_dict(a.state_dict())
    assert a.fingerprint() == b.fingerprint()


def test_phases_are_split_and_interleaved() -> None:
    """``split_phases`` undoes ``interleave_phases``; the first phase holds the even rows and columns."""
    x = torch.rand(2, 3, 6, 8)
    assert torch.equal(interleave_phases(split_phases(x)), x)
    assert torch.equal(split_phases(x)[:, 0], x[:, :, 0::2, 0::2])
