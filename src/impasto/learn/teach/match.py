"""The mix of known styles that comes closest to a painting."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Match:
    """The mix of a bank that comes closest to a painting: ``weights`` of sum 1, the largest first, and its ``row``.

    ``content``, ``style`` and ``total`` are its losses, in training's units; ``nearest`` is the best single style.
    """

    weights: dict[str, float]
    row: Floats
    nearest: str
    content: float
    style: float
    total: float


def convex_minimum(quadratic: Doubles, slope: Doubles, *, steps: int = 1000) -> Doubles:
    """The weights w >= 0 of sum 1, (N,), with the least w Q w + slope w; Q (N, N) is positive semidefinite.

    Projected gradient with Nesterov's momentum (Beck and Teboulle 2009).
    """
    size = len(slope)
    rate = 1 / max(1e-12, 2 * float(np.linalg.eigvalsh(quadratic)[-1]))
    weights = ahead = np.full(size, 1 / size)
    pace = 1.0
    for _ in range(steps):
        before, weights = weights, _onto_simplex(ahead - rate * (2 * quadratic @ ahead + slope))
        last, pace = pace, (1 + math.sqrt(1 + 4 * pace * pace)) / 2
        ahead = weights + (last - 1) / pace * (weights - before)
    return weights


def _onto_simplex(values: Doubles) -> Doubles:
    """The nearest weights >= 0 of sum 1 (Held, Wolfe and Crowder 1974)."""
    falling = np.sort(values)[::-1]
    excess = (np.cumsum(falling) - 1) / np.arange(1, len(values) + 1)
    nearest: Doubles = np.maximum(values - excess[np.nonzero(falling > excess)[0][-1]], 0)
    return nearest
