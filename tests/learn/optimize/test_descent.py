"""L-BFGS and Adam go down, and get past what is no number."""

from __future__ import annotations

import pytest
import torch
from optimizing import bowl
from torch import Tensor

from impasto.errors import LearnError
from impasto.learn.optimize.descent import LBFGS, Adam
from impasto.learn.optimize.objective import Parts


@pytest.mark.parametrize("scale", [1.0, 1e-9])
def test_lbfgs_minimum(scale: float) -> None:
    """L-BFGS finds the minimum of a bowl, however flat, within 100 evaluations."""
    generator = torch.Generator().manual_seed(0)
    centre = torch.rand(1, 3, 6, 6, generator=generator) * 0.6 + 0.2
    curvature = torch.rand(1, 3, 6, 6, generator=generator) * 99 + 1
    evaluate = bowl(centre, curvature * scale)
    optimizer = LBFGS(torch.full_like(centre, 0.5))
    used = 0
    while used < 100 and (more := optimizer.step(evaluate)):
        used += more
    torch.testing.assert_close(optimizer.best, centre, atol=1e-3, rtol=0)


def test_plain_lbfgs() -> None:
    """The textbook's L-BFGS starts down the gradient and reaches the minimum of a quadratic too."""
    generator = torch.Generator().manual_seed(0)
    centre = 0.2 + 0.6 * torch.rand(1, 3, 12, 12, generator=generator)
    stiffness = 1 + 9 * torch.rand(1, 3, 12, 12, generator=generator)

    def evaluate(x: Tensor) -> tuple[Parts, Tensor]:
        value = float((stiffness * (x - centre).square()).sum())
        return Parts(value, 0.0, 0.0, value), 2 * stiffness * (x - centre)

    optimizer = LBFGS(torch.full_like(centre, 0.5), plain=True)
    optimizer.step(evaluate)
    move, gradient = optimizer.picture - 0.5, evaluate(torch.full_like(centre, 0.5))[1]
    torch.testing.assert_close(move / move.norm(), -gradient / gradient.norm())
    for _ in range(40):
        optimizer.step(evaluate)
    torch.testing.assert_close(optimizer.best, centre, atol=1e-3, rtol=0)


@pytest.mark.parametrize("kind", [LBFGS, Adam])
def test_bounds(kind: type[LBFGS] | type[Adam]) -> None:
    """Pixels stay in 0..1, where the minimum is outside and where it is inside."""
    centre = torch.linspace(-1, 2, 3 * 16).reshape(1, 3, 4, 4)
    optimizer = kind(torch.full_like(centre, 0.5))
    evaluate = bowl(centre, torch.ones_like(centre))
    for _ in range(100):
        optimizer.step(evaluate)
    assert optimizer.best.min() >= 0 and optimizer.best.max() <= 1
    torch.testing.assert_close(optimizer.best, centre.clamp(0, 1), atol=0.02, rtol=0)


@pytest.mark.parametrize("kind", [LBFGS, Adam])
def test_not_a_number(kind: type[LBFGS] | type[Adam]) -> None:
    """A region of the objective that is not a number is stepped back from."""
    centre = torch.full((1, 3, 4, 4), 0.7)
    smooth = bowl(centre, torch.ones_like(centre))

    def evaluate(x: Tensor) -> tuple[Parts, Tensor]:
        if x.mean() > 0.6:
            return Parts(*[float("nan")] * 4), torch.full_like(x, float("nan"))
        return smooth(x)

    optimizer = kind(torch.full_like(centre, 0.2))
    for _ in range(40):
        optimizer.step(evaluate)
    assert torch.isfinite(optimizer.best).all()
    assert 0.4 < optimizer.best.mean() <= 0.6


def test_not_a_number_at_the_start() -> None:
    """An objective that is no number anywhere is an error, not a picture."""

    def evaluate(x: Tensor) -> tuple[Parts, Tensor]:
        return Parts(*[float("nan")] * 4), torch.full_like(x, float("nan"))

    for kind in (LBFGS, Adam):
        with pytest.raises(LearnError, match="not numbers"):
            kind(torch.rand(1, 3, 4, 4)).step(evaluate)
