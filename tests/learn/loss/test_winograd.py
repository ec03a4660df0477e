"""Convolutions by minimal filtering give what direct ones give, and their gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from impasto.learn.loss import winograd
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.winograd import convolve_relu, prepared


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (9, 14), (41, 23)])
def test_same_as_direct(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    """Values and gradients are those of a direct convolution with its ReLU, in strips and for every size."""
    monkeypatch.setattr(winograd, "AT_ONCE", 4_000)  # so that there are several strips
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 5, *size, generator=generator, requires_grad=True)
    weight, bias = torch.randn(7, 5, 3, 3, generator=generator), torch.randn(7, generator=generator)
    weights = torch.randn(1, 7, *size, generator=generator)
    found, wanted = convolve_relu(x, prepared(weight, bias)), F.conv2d(x, weight, bias, padding=1).relu()
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)
    slopes = [torch.autograd.grad((y * weights).sum(), x)[0] for y in (found, wanted)]
    torch.testing.assert_close(*slopes, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("layers", [("relu2_2", "relu4_1"), ("conv4_2", "relu3_1"), ("pool4",)])
def test_network(loss_network: LossNetwork, layers: tuple[str, ...]) -> None:
    """The loss network finds the same activations either way, rectified or not."""
    picture = torch.rand(1, 3, 50, 36, generator=torch.Generator().manual_seed(0))
    wanted = loss_network(picture, layers)
    loss_network.winograd = True
    try:
        found = loss_network(picture, layers)
    finally:
        loss_network.winograd = False
    for name in layers:
        torch.testing.assert_close(found[name], wanted[name], atol=1e-2, rtol=1e-3)


def test_no_stale_weights(loss_network: LossNetwork) -> None:
    """A network that is cast to another type and back goes by the weights that it has then."""
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    state = {name: value.clone() for name, value in loss_network.named_buffers()}
    network = LossNetwork({})
    for name, value in state.items():
        network.register_buffer(name, value)
    network.winograd = True
    before = network(picture, ["relu3_1"])["relu3_1"]
    after = network.bfloat16().float()(picture, ["relu3_1"])["relu3_1"]
    network.winograd = False
    torch.testing.assert_close(after, network(picture, ["relu3_1"])["relu3_1"], atol=1e-2, rtol=1e-3)
    assert not torch.equal(before, after)
