"""The statistics of styles: Gram matrices, Gaussians, and their distances."""

from __future__ import annotations

import pytest
import torch

from impasto.learn.loss.statistics import gaussian, gram, guided_gram, matrix_root, wasserstein


def test_guided_gram() -> None:
    """A guide of ones changes nothing, and outside of a region the features do not matter."""
    features = torch.randn(1, 4, 6, 8)
    torch.testing.assert_close(guided_gram(features, torch.ones(12, 16)), gram(features))
    left = torch.zeros(6, 8)
    left[:, :4] = 1
    other = features.clone()
    other[..., 4:] = 9
    torch.testing.assert_close(guided_gram(other, left), guided_gram(features, left))
    torch.testing.assert_close(guided_gram(features, left), gram(features[..., :4]))


def test_wasserstein() -> None:
    """Two Gaussians with commuting covariances are |m - n|^2 + sum (sqrt a - sqrt b)^2 apart; equal ones are not."""
    a, b = torch.tensor([4.0, 1.0, 0.25]), torch.tensor([1.0, 9.0, 0.25])
    means = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[0.0, 2.0, 0.0]])
    first, second = torch.cat([a.diag(), means[0]])[None], torch.cat([b.diag(), means[1]])[None]
    expected = 5 + (a.sqrt() - b.sqrt()).square().sum()
    torch.testing.assert_close(wasserstein(first, second)[0], expected)
    torch.testing.assert_close(wasserstein(first, second, matrix_root(second[:, :-1]))[0], expected)
    assert wasserstein(first, first).item() == pytest.approx(0, abs=1e-5)


def test_wasserstein_gradient() -> None:
    """The gradient is the slope of the value, also where covariances have equal eigenvalues."""
    generator = torch.Generator().manual_seed(0)
    target = gaussian(torch.randn(1, 3, 5, 5, generator=generator)).double()
    x = torch.eye(3, dtype=torch.float64)
    start = torch.cat([x, torch.zeros(1, 3, dtype=torch.float64)])[None].requires_grad_()
    (gradient,) = torch.autograd.grad(wasserstein(start, target).sum(), start)
    move = torch.zeros_like(start)
    move[0, 0, 1] = move[0, 1, 0] = move[0, 2, 2] = 1e-4
    slope = (wasserstein(start + move, target) - wasserstein(start - move, target)) / 2
    torch.testing.assert_close((gradient * move).sum(), slope[0].detach(), rtol=1e-5, atol=0)


@pytest.mark.parametrize("guided", [False, True])
def test_gaussian(guided: bool) -> None:
    """Mean and covariance are those that numpy finds, and a guide of ones changes nothing."""
    features = torch.randn(1, 3, 5, 4)
    found = gaussian(features, torch.ones(10, 8) if guided else None)[0]
    flat = features[0].flatten(1)
    torch.testing.assert_close(found[-1], flat.mean(1))
    torch.testing.assert_close(found[:-1], torch.cov(flat, correction=0))
