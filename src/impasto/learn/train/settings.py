"""What defines a training run, and what its rates are at each step. Pure numbers, which the command line reads too."""

from __future__ import annotations

import math
from dataclasses import dataclass

from impasto import limits
from impasto.learn.loss.settings import LossSettings
from impasto.learn.network.designs import LATEST
from impasto.limits import Choice, Precision, field


@dataclass(frozen=True)
class TrainSettings(LossSettings):
    """What defines a run. All of it is written into the checkpoint and, in the end, into the bank.

    ``margin`` is how many pixels are painted around each picture and cut off, so that nobody sees what a network does
    along its border; ``pictures.margin`` says what they show. ``design`` is the architecture of the network "fast",
    one of ``designs.DESIGNS``; others have one only. ``apart`` is that of ``StyleNetwork``.
    """

    steps: int = field(40_000, "Train up to this many steps.", limits.STEPS)
    batch: int = field(4, "Photos per step, over all processes.", limits.SEVERAL)
    size: int = field(256, "Side of the training crops, in pixels.", limits.CROP)
    network: str = field("full", "full (the paper's) or fast (our slim one).", Choice(("full", "fast")))
    design: int = field(LATEST, "Design of the fast network.", limits.COUNT)
    alpha: float = field(1.0, "Multiplies the network's widths.", limits.ALPHA)
    padding: str = "reflect"
    upsampling: str = "nearest"
    norm: str = "instance"
    apart: bool = True
    seed: int = field(0, "Random seed.", limits.SEED)
    style_weight_start: float = field(1.2, "Style weight of the first step.", limits.LEARNING_RATE)  # > 0: geometric
    ramp: int = field(500, "Steps until the style weight is reached.", limits.COUNT)
    margin: int = field(
        0, "Pixels painted around each crop and cut off; default: as --start-from has, or 0.", limits.MARGIN
    )
    photo_weight: float = field(60.0, "Weight of the photo row's squared error.", limits.WEIGHT)
    photo_turns: float = field(2.0, "Turns of the photo row, where a style has one.", limits.WEIGHT)
    optimizer: str = field(
        "adam", "adam, or muon for the convolutions and adam for the rest.", Choice(("adam", "muon"))
    )
    learning_rate: float = field(1e-3, "Of the optimizer.", limits.LEARNING_RATE)
    warmup: int = field(100, "Steps over which the rate rises.", limits.COUNT)
    decay: float = field(0.3, "The rate falls over this last part of the steps.", limits.SHARE)
    ema: float = field(0.999, "How much of the averaged weights a step keeps.", limits.DECAY)
    clip: float = field(1.0, "Length that the gradient is cut to.", limits.LEARNING_RATE)
    teacher_weight: float = field(0.0, "Of the squared distance from the teacher's painting.", limits.WEIGHT)
    objective_weight: float = field(1.0, "Of content and style; 0 learns from the teacher alone.", limits.WEIGHT)
    steady_weight: float = field(0.0, "Of how far paintings boil in a film; twice the work if not 0.", limits.WEIGHT)

    # Two runs are the same run if these agree; the others may change from one slice to the next.
    FIXED = ("network", "design", "alpha", "padding", "upsampling", "norm", "apart", "seed")


@dataclass(frozen=True)
class Schedule:
    """When a run stops, and when it writes its files."""

    max_minutes: float | None = field(None, "Stop N minutes after the command began.", limits.MINUTES)
    checkpoint_every: int = field(500, "Steps between checkpoints.", limits.STEPS)
    checkpoint_minutes: float = field(1.0, "Minutes between checkpoints, if that is sooner.", limits.MINUTES)
    sheet_minutes: float = field(10.0, "Minutes between contact sheets.", limits.MINUTES)


@dataclass(frozen=True)
class Machine:
    """Where a run computes, and in what."""

    precision: Precision = field("auto", "auto, f32 or bf16.", limits.PRECISION)
    compile: bool | None = field(None, "Compile the step; default: if there is a compiler.")
    device: str = field("auto", "auto, cpu, cuda or mps.")
    workers: int | None = field(
        None, "Processes that decode photos; default: none on the CPU, else one per core, at most 14.", limits.COUNT
    )


def learning_rate(settings: TrainSettings, step: int) -> float:
    """Linear warm-up, then constant, then a cosine down to a fiftieth over the last ``decay`` of the run."""
    warm = min(1.0, (step + 1) / max(1, settings.warmup))
    begin = (1 - settings.decay) * settings.steps
    late = min(1.0, max(0.0, (step - begin) / max(1.0, settings.steps - begin)))
    return settings.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * late)))


def style_weight(settings: TrainSettings, step: int) -> float:
    """The style weight at ``step``: a geometric ramp from ``style_weight_start`` over the first ``ramp`` steps.

    A full weight from the first step made blotches that never went away.
    """
    late = min(1.0, step / max(1, settings.ramp))
    return float(settings.style_weight_start ** (1 - late) * settings.style_weight**late)


def steady_weight(settings: TrainSettings, step: int) -> float:
    """The weight of steadiness at ``step``: it grows evenly from 0 over the first ``ramp`` steps."""
    return settings.steady_weight * min(1.0, step / settings.ramp if settings.ramp else 1.0)
