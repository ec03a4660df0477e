"""Muon: its steps are orthogonal and of Adam's size."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from impasto.learn.train.muon import ADAM_SIZE, Muon, orthogonal, takes  # noqa: E402


@pytest.mark.parametrize("shape", [(8, 40), (40, 8), (16, 16)])
def test_orthogonal(shape: tuple[int, int]) -> None:
    """All singular values come near 1, whatever they were, and the singular vectors stay."""
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(*shape, generator=generator)
    result = orthogonal(matrix)
    values = torch.linalg.svdvals(result)
    assert 0.3 < values.min() and values.max() < 1.3
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    between = u.T @ result @ v.T
    assert (between - between.diagonal().diag()).abs().max() < 1e-3


def test_size_of_a_step() -> None:
    """A step is as large as Adam's at the same rate: its root mean square is near a fifth of the rate."""
    weight = nn.Parameter(torch.zeros(32, 16, 3, 3))
    weight.grad = torch.randn(32, 16, 3, 3, generator=torch.Generator().manual_seed(0)) * 1e-6
    Muon([weight], lr=0.1).step()
    assert float(weight.detach().square().mean().sqrt()) == pytest.approx(ADAM_SIZE * 0.1, rel=0.25)


def test_descends() -> None:
    """It finds the convolution that made the data."""
    generator = torch.Generator().manual_seed(0)
    x, true = torch.randn(4, 6, 12, 12, generator=generator), torch.randn(8, 6, 3, 3, generator=generator)
    weight = nn.Parameter(torch.zeros(8, 6, 3, 3))
    target = nn.functional.conv2d(x, true)
    optimizer = Muon([weight], lr=0.1)
    for step in range(200):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
        optimizer.zero_grad()
        loss = (nn.functional.conv2d(x, weight) - target).square().mean()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.01 * float(target.square().mean())


def test_what_it_takes() -> None:
    """It takes convolutions between hidden layers; rows and layers with a picture's channels are left to Adam."""
    assert takes(torch.zeros(64, 32, 3, 3))
    assert not takes(torch.zeros(64, 3, 9, 9))
    assert not takes(torch.zeros(3, 32, 9, 9))
    assert not takes(torch.zeros(40, 3206))
