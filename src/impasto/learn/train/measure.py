"""What a training step measures of the pictures that it paints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import Tensor

from impasto.errors import LearnError
from impasto.learn.loss.judge import Judge
from impasto.learn.loss.steadiness import Jolt
from impasto.learn.network.layers import StyleNetwork
from impasto.learn.paintings import Painting
from impasto.learn.train.model import paint
from impasto.learn.train.settings import TrainSettings, steady_weight, style_weight
from impasto.styles.bank import Bank

PARTS = (
    "content",
    "style",
    "error",
    "distance",
    "steady",
    "saturated",
    "total",
)  # what a step measures of each picture

Model = Callable[[Tensor, Tensor], Tensor]  # (pictures, ids) -> what is painted
Teacher = tuple[StyleNetwork, Tensor]  # a network and its rows, in the order of the run's
EDGE = 8  # of a picture's side, the part at its border that may boil: there the network sees what is mirrored


class Measure:
    """The objective of a run: the judge's, the photo row's squared error, and the distance from a teacher."""

    def __init__(
        self,
        judge: Judge,
        settings: TrainSettings,
        paintings: Sequence[Painting],
        teacher: Teacher | None,
        dtype: torch.dtype,
    ) -> None:
        self.judge, self.settings, self.teacher, self.dtype = judge, settings, teacher, dtype
        self.device = judge.device
        self.weights = torch.tensor([each.weight for each in paintings] + [0.0]).to(self.device)

    def autocast(self) -> AbstractContextManager[None]:
        """While it lasts convolutions have the run's precision."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def __call__(self, model: Model, pictures: Tensor, ids: Tensor) -> tuple[Tensor, ...]:
        """What ``model(pictures, ids)`` paints, (B, 3, H, W), and of each, (B,): content and style, 0 without an
        objective, squared error, and the distance from the teacher's, 0 without one.

        Behind the B ``pictures`` may come their next frames; what is painted of those is the last that is returned.
        """
        count = len(ids)
        with self.autocast():
            painted = model(pictures, ids if len(pictures) == count else ids.repeat(2))
        painted, again, pictures = painted[:count], painted[count:], pictures[:count]
        error = (painted.float() - pictures).square().flatten(1).mean(1)
        content = style = torch.zeros_like(error)
        if self.settings.objective_weight > 0:
            content, style, _ = self.judge.measure(painted, pictures, ids)
        if self.teacher is None:
            return painted, content, style, error, torch.zeros_like(error), again
        network, rows = self.teacher
        with torch.no_grad(), self.autocast():
            shown = paint(network, rows, pictures, ids)
        distance = (painted.float() - shown.float()).square().flatten(1).mean(1)
        return painted, content, style, error, distance, again

    def losses(self, found: tuple[Tensor, ...], ids: Tensor, step: int, jolt: Jolt | None = None) -> dict[str, Tensor]:
        """``PARTS`` of each picture, (B,), from what a call ``found``: ``total`` is weighted as at ``step``.

        ``jolt`` is what made the next frames, where there are any.
        """
        painted, content, style, error, distance, again = found
        settings = self.settings
        is_photo = (ids == len(self.weights) - 1).float()
        total = settings.objective_weight * (content + style_weight(settings, step) * self.weights[ids] * style)
        total = total + settings.photo_weight * is_photo * error + settings.teacher_weight * (1 - is_photo) * distance
        steady = torch.zeros_like(error)
        if jolt is not None:  # the photo's row has to give the noise back, too
            steady = (1 - is_photo) * jolt.unsteadiness(painted, again, _border(painted, jolt))
        total = total + steady_weight(settings, step) * steady
        saturated = ((painted < 0.004) | (painted > 0.996)).float().flatten(1).mean(1)
        return {
            "content": content,
            "style": style,
            "error": error,
            "distance": distance,
            "steady": steady,
            "saturated": saturated,
            "total": total,
        }


def _border(painted: Tensor, jolt: Jolt) -> int:
    return max(abs(jolt.down), abs(jolt.right)) + min(painted.shape[2:]) // EDGE


def teacher_for(
    given: tuple[StyleNetwork, Bank] | None, settings: TrainSettings, names: Sequence[str], device: torch.device
) -> Teacher | None:
    """The teacher's network and its rows in the order of a run's; LearnError if it lacks a style, or is missing."""
    if given is None:
        if settings.teacher_weight > 0 or settings.objective_weight <= 0:
            raise LearnError("to learn from a teacher a run needs one (--teacher)")
        return None
    network, bank = given
    missing = [name for name in names if name not in bank]
    if missing:
        raise LearnError(f"the teacher's bank has no style {missing[0]!r}; it must have every style of the run")
    rows = torch.from_numpy(np.stack([bank[name] for name in names]))
    network = network.requires_grad_(False).to(device).eval()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network, rows.to(device)
