"""What defines a training run, and what its rates are at each step. Pure numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

from impasto import limits
from impasto.learn.loss.features import Borders
from impasto.learn.loss.settings import LossSettings
from impasto.learn.network.fast import LATEST

LIMITS: dict[str, limits.Limit] = {
    "steps": limits.STEPS,
    "batch": limits.SEVERAL,
    "size": limits.CROP,
    "network": limits.Choice(("full", "fast")),
    "design": limits.COUNT,
    "alpha": limits.ALPHA,
    "seed": limits.SEED,
    "style_weight_start": limits.LEARNING_RATE,  # above 0, for the ramp is geometric
    "ramp": limits.COUNT,
    "margin": limits.MARGIN,
    "loss_borders": limits.Choice(get_args(Borders)),
    "loss_surround": limits.MARGIN,
    "photo_weight": limits.WEIGHT,
    "photo_turns": limits.WEIGHT,
    "optimizer": limits.Choice(("adam", "muon")),
    "learning_rate": limits.LEARNING_RATE,
    "warmup": limits.COUNT,
    "decay": limits.SHARE,
    "ema": limits.DECAY,
    "clip": limits.LEARNING_RATE,
    "teacher_weight": limits.WEIGHT,
    "objective_weight": limits.WEIGHT,
}


@dataclass(frozen=True)
class Settings(LossSettings):
    """What defines a run. All of it is written into the checkpoint and, in the end, into the bank.

    ``design`` is the architecture of the network "fast", one of ``fast.DESIGNS``; others have one only.
    ``margin`` is how many pixels of mirrored photo are painted around each picture and cut off, so that nobody sees
    what a network does along its border; ``loss_surround`` how many pixels of the painting are mirrored outwards before
    the loss network looks at it, which makes every visible pixel count and no border of its own. ``loss_borders`` is
    what the loss network sees beyond that, "zeros" or a "mirror" around every layer.
    """

    steps: int = 40_000
    batch: int = 4
    size: int = 256
    network: str = "full"
    design: int = LATEST
    alpha: float = 1.0
    padding: str = "reflect"
    upsampling: str = "nearest"
    norm: str = "instance"
    seed: int = 0
    style_weight_start: float = 1.2
    ramp: int = 500
    margin: int = 0
    loss_borders: Borders = "zeros"
    loss_surround: int = 0
    photo_weight: float = 60.0
    photo_turns: float = 2.0
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    warmup: int = 100
    decay: float = 0.3
    ema: float = 0.999
    clip: float = 1.0
    teacher_weight: float = 0.0
    objective_weight: float = 1.0

    # Two runs are the same run if these agree; the others may change from one slice to the next.
    FIXED = ("network", "design", "alpha", "padding", "upsampling", "norm", "seed")

    def __post_init__(self) -> None:
        super().__post_init__()
        limits.check_all(self, LIMITS)


def learning_rate(settings: Settings, step: int) -> float:
    """Linear warm-up, then constant, then a cosine down to a fiftieth over the last ``decay`` of the run."""
    warm = min(1.0, (step + 1) / max(1, settings.warmup))
    begin = (1 - settings.decay) * settings.steps
    late = min(1.0, max(0.0, (step - begin) / max(1.0, settings.steps - begin)))
    return settings.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * late)))


def style_weight(settings: Settings, step: int) -> float:
    """The style weight at ``step``: a geometric ramp from ``style_weight_start`` over the first ``ramp`` steps.

    A full weight from the first step made blotches that never went away.
    """
    late = min(1.0, step / max(1, settings.ramp))
    return float(settings.style_weight_start ** (1 - late) * settings.style_weight**late)
