"""Muon: momentum whose steps are made orthogonal (Jordan et al. 2024), for the weights of convolutions.

torch has it for matrices alone; here a convolution's weight (O, I, k, k) counts as a matrix (O, I k k).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration; five turns bring singular values to about 1
ADAM_SIZE = 0.2  # root mean square of a step in units of the rate, as Adam's usually is (Liu et al. 2025)


def orthogonal(matrix: Tensor, turns: int = 5) -> Tensor:
    """Roughly U V^T of ``matrix`` = U S V^T (n, m), by a Newton-Schulz iteration."""
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(turns):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    result: Tensor = x.T if tall else x
    return result


class Muon(torch.optim.Optimizer):
    """Steps of momentum, Nesterov's way, made orthogonal and then as large as Adam's at the same rate ``lr``."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float) -> None:
        super().__init__(list(parameters), {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Move every parameter that has a gradient; ``closure`` is not used."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                momentum = state["momentum"].lerp_(parameter.grad, 1 - MOMENTUM)
                ahead = parameter.grad.lerp(momentum, MOMENTUM)
                step = orthogonal(ahead.reshape(len(ahead), -1).float())
                size = ADAM_SIZE * max(step.shape) ** 0.5
                parameter.add_(step.reshape(parameter.shape), alpha=-group["lr"] * size)
        return None


def takes(parameter: Tensor) -> bool:
    """Whether Muon suits a parameter: a convolution's weight with more than a picture's channels on both sides."""
    return parameter.dim() == 4 and min(parameter.shape[:2]) > 3
