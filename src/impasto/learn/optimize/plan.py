"""The stages of an optimisation, their sizes, evaluations and precisions, and its clock."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, TypeAlias

import torch

from impasto import limits
from impasto.errors import LearnError, OptionError
from impasto.learn.devices import pays_bfloat16
from impasto.learn.optimize.recipes import OptimizeSettings, ladder, used_layers
from impasto.learn.optimize.scene import Scene

Plan: TypeAlias = list[tuple[int, int, str]]  # long side in pixels, evaluations, precision of the loss network
MOST_STAGES = 1000
EXACT = 0.04  # of the evaluations at full size are in float32, at four times the cost; the others in bfloat16
SLOWDOWN = 5  # of float32 against bfloat16
STAGE = limits.Choice(limits.PRECISION.words[1:], limits.PRECISION.old)


def checked_plan(plan: object, *, largest: int, fewest: int = 1) -> Plan:
    """The stages of a plan from outside, none of more pixels than ``largest``; OptionError for what is no plan."""
    stages: Any = plan if isinstance(plan, tuple | list) else [None]
    if len(stages) > MOST_STAGES or not all(isinstance(stage, tuple | list) and len(stage) == 3 for stage in stages):
        raise OptionError("a plan is a list of stages, each with its size, its evaluations and its precision")
    found: Plan = []
    for size, count, precision in stages:
        limits.Number(1, largest, whole=True).check("the size of a stage", size)
        limits.Number(fewest, 10**9, whole=True).check("the evaluations of a stage", count)
        found.append((int(size), int(count), STAGE.read("the precision of a stage", precision)))
    return found


def precisions(wanted: str, device: torch.device) -> tuple[str, str]:
    """The loss network's precision for most of the way, and for the end of it."""
    if wanted != "auto":
        return wanted, wanted
    return ("bf16" if pays_bfloat16(device) else "f32"), "f32"


def smallest_side(layers: Sequence[str]) -> int:
    """Pixels that the short side needs for one to be left at the deepest of ``layers``; every pooling halves it."""
    return max(1 << (int(layer[4]) - (not layer.startswith("pool"))) for layer in layers)


def plan_for(settings: OptimizeSettings, scene: Scene, device: torch.device) -> Plan:
    """The settings' ladder; what is too small for the deepest layer gives its evaluations to the next size.

    LearnError where the full size, or a painting, is too small for it.
    """
    smallest = smallest_side(used_layers(settings))
    for what, short, option in (
        ("picture", min(scene.shape_at(settings.size)), "size"),
        ("painting", scene.painting_side(settings.size), "style_size"),
    ):
        if short < smallest:
            raise LearnError(
                f"the {what}'s short side would be {short} pixels, but the deepest layer needs {smallest}; "
                f"choose a larger {option} or layers that are less deep"
            )
    rungs = ladder(settings)
    small = sum(min(*scene.shape_at(size), scene.painting_side(size)) < smallest for size, _ in rungs)
    steps = rungs[small:]
    steps[0] = steps[0][0], steps[0][1] + sum(count for _, count in rungs[:small])
    coarse, fine = precisions(settings.precision, device)
    if coarse == fine:
        return [(size, count, fine) for size, count in steps]
    size, count = steps.pop()
    exact = round(count * EXACT)
    plan = [(size, count, coarse) for size, count in [*steps, (size, count - exact)]]
    return [stage for stage in [*plan, (size, exact, fine)] if stage[1]]


def time_shares(plan: Plan, used: Sequence[int]) -> list[float]:
    """The share of the time after which each stage should be over, by the evaluations that are left to it."""
    slow = {"bf16": 1, "f32": SLOWDOWN}
    stages = zip(plan, used, strict=True)
    costs = [size**2 * slow[precision] * max(0, count - used) for (size, count, precision), used in stages]
    return [sum(costs[: i + 1]) / max(1, sum(costs)) for i in range(len(costs))]


class Clock:
    """Seconds of this run and of those before it, and whether a share of the time that this one has is over."""

    def __init__(self, before: float, limit: float | None) -> None:
        self.before, self.limit = before, limit
        self.begin = time.monotonic()

    @property
    def seconds(self) -> float:
        return self.before + time.monotonic() - self.begin

    def over(self, share: float) -> bool:
        return self.limit is not None and time.monotonic() - self.begin >= share * self.limit
