"""What a run writes for people: a record of each step, and now and then a sheet of all styles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from impasto.files import write_atomically
from impasto.learn.loss.losses import psnr
from impasto.learn.train.settings import learning_rate
from impasto.learn.train.state import State

METRICS = "metrics.jsonl"
SHEET = "sheet.jpg"


@dataclass(frozen=True)
class TrainStep:
    """What one training step measured, over the whole batch. ``psnr`` (dB) is there when the photo row had a turn.

    ``distance`` is the mean squared difference from what the teacher paints, 0 without one, ``steady`` how far they
    boil in a film, 0 where that has no weight. Where several steps are read together (on an accelerator),
    ``pictures_per_second`` is their mean.
    """

    step: int
    steps: int
    content: float
    style: float
    total: float
    psnr: float | None
    learning_rate: float
    seconds: float
    pictures_per_second: float
    styles: tuple[str, ...]
    style_losses: tuple[float, ...]
    distance: float = 0.0
    steady: float = 0.0
    warning: str = ""


def record(state: State, step: int, values: dict[str, Tensor], ids: Tensor, seconds: float) -> TrainStep:
    """The record of a step of so many ``seconds`` that measured ``values``, (B,) each, of the styles ``ids`` (B,)."""
    settings = state.settings
    is_style = ids < len(state.names) - 1
    shown = is_style if is_style.any() else ~is_style  # in a small batch the photo's row may be alone
    warning = ""
    if values["saturated"].mean() > 0.5 and step > 100:
        warning = "more than half of all painted pixels are black or white: the network is collapsing"
    return TrainStep(
        step=step,
        steps=settings.steps,
        content=float(values["content"][shown].mean()),
        style=float(values["style"][shown].mean()),
        total=float(values["total"].mean()),
        psnr=None if is_style.all() else psnr(float(values["error"][~is_style].mean())),
        learning_rate=learning_rate(settings, step - 1),
        seconds=state.seconds,
        pictures_per_second=settings.batch / seconds,
        styles=tuple(state.names[i] for i in ids),
        style_losses=tuple(round(float(v), 5) for v in values["style"]),
        distance=float(values["distance"][shown].mean()),
        steady=float(values["steady"][shown].mean()),
        warning=warning,
    )


def trim_metrics(path: Path, step: int) -> None:
    """Drop the records of steps that a resumed run will do again."""
    if not path.exists():
        return
    lines = [line for line in path.read_text().splitlines() if line.endswith("}") and json.loads(line)["step"] <= step]
    write_atomically(path, "".join(f"{line}\n" for line in lines).encode())


def alike(painted: Sequence[Tensor], names: Sequence[str]) -> str:
    """A warning if two styles paint nearly the same picture, (3, H, W) each, or ""."""
    flat = torch.stack(list(painted)).flatten(1)
    distance = torch.cdist(flat, flat, p=1) / flat.shape[1]
    distance.fill_diagonal_(1)
    i, j = divmod(int(distance.argmin()), len(flat))
    if distance[i, j] > 0.02:
        return ""
    return f"{names[i]} and {names[j]} paint nearly the same picture (mean difference {distance[i, j]:.3f})"
