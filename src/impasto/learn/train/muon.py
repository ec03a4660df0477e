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


def orthogonal(matrices: Tensor, turns: int = 5) -> Tensor:
    """Roughly U V^T of each of ``matrices`` = U S V^T, (..., n, m), by a Newton-Schulz iteration."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(turns):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    result: Tensor = x.mT if tall else x
    return result


class Muon(torch.optim.Optimizer):
    """Steps of momentum, Nesterov's way, made orthogonal and then as large as Adam's at the same rate ``lr``.

    Parameters of one shape move together: a GPU would wait for its orders if each had operations of its own.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float) -> None:
        super().__init__(list(parameters), {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Move every parameter that has a gradient; ``closure`` is not used."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike.setdefault(parameter.shape, []).append(parameter)
            for parameters in alike.values():
                self._move(parameters, group["lr"])
        return None

    def _move(self, parameters: list[nn.Parameter], rate: float) -> None:
        for parameter in parameters:
            if "momentum" not in self.state[parameter]:
                self.state[parameter]["momentum"] = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        momenta = [self.state[parameter]["momentum"] for parameter in parameters]
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        ahead = torch.stack(torch._foreach_lerp(gradients, momenta, MOMENTUM)).flatten(2).float()
        steps = orthogonal(ahead)
        size = ADAM_SIZE * max(steps.shape[1:]) ** 0.5
        moves = list(steps.reshape(-1, *parameters[0].shape))
        torch._foreach_add_(list[Tensor](parameters), moves, alpha=-rate * size)


def takes(parameter: Tensor) -> bool:
    """Whether Muon suits a parameter: a convolution's weight with more than a picture's channels on both sides."""
    return parameter.dim() == 4 and min(parameter.shape[:2]) > 3
