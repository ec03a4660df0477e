"""What a network's graph is taken apart into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Tensor: TypeAlias = tuple[str, int]  # a node's name and the number of its output

PICTURE = "picture"
SURROUNDED = "surrounded"  # the picture with its margin


@dataclass(frozen=True)
class Shape:
    """What a tensor measures: ``channels``, and ``scale`` pixels of the picture to one of its own."""

    channels: int
    scale: int

    @property
    def numbers(self) -> float:
        """Numbers for each pixel of the picture."""
        return self.channels / self.scale**2


@dataclass(frozen=True)
class Norm:
    """A norm to come: its name and epsilon, and the tensor it meets."""

    name: str
    epsilon: float
    meets: Tensor


@dataclass(frozen=True)
class Stage:
    """A pass over all tiles: from ``reads`` (and picture) to the moments of ``norms`` and what it ``keeps``.

    ``halo`` is in pixels of the picture. ``bytes`` is what one pixel of a tile takes while it runs, ``work`` how many
    multiplications.
    """

    reads: tuple[Tensor, ...]
    norms: tuple[Norm, ...]
    keeps: tuple[Tensor, ...]
    halo: int
    bytes: float
    work: float
