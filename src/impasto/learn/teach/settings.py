"""What defines a lesson, as numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from impasto.errors import LearnError
from impasto.learn.loss.settings import LossSettings
from impasto.learn.numbers import number

_WHOLE = {"steps": 1, "batch": 1, "size": 16, "warmup": 0, "check_every": 1, "checks": 1, "patience": 1, "fall": 1}
_WHOLE |= {"match_size": 16, "match_photos": 1, "match_steps": 0, "seed": 0, "style_size": 1}  # and the least of each
_REAL = {"learning_rate": (0, math.inf), "along": (0, math.inf), "ema": (0, 1 - 1e-9), "hold": (0, 1)}
_REAL |= {"improvement": (0, 1), "style_weight": (0, math.inf)}


@dataclass(frozen=True)
class Settings(LossSettings):
    """What defines a lesson. The objective's part is by default what the bank's network was trained with."""

    steps: int = 1000
    batch: int = 2
    size: int = 192
    learning_rate: float = 3e-2
    along: float = 0.7  # of that rate, for the weights of the bank's styles in the row
    warmup: int = 10
    ema: float = 0.98
    check_every: int = 20
    checks: int = 4  # held-out pictures
    patience: int = 4  # checks without improvement after which the rate falls
    improvement: float = 0.01
    hold: float = 0.6  # of the steps or the time, at most, before the rate falls
    fall: int = 40  # steps at least over which it falls
    match_size: int = 128
    match_photos: int = 2
    match_steps: int = 12
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in _WHOLE.items():
            object.__setattr__(self, name, number(name, getattr(self, name), int, within=(least, 2**31)))
        for name, within in _REAL.items():
            object.__setattr__(self, name, number(name, getattr(self, name), float, within=within))
        for name in ("size", "match_size"):
            if getattr(self, name) % 4:
                raise LearnError(f"{name} is {getattr(self, name)}; it must be a multiple of 4")
