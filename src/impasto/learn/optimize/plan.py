"""The stages of an optimisation, their sizes, evaluations and precisions, and its clock."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, TypeAlias, get_args

import torch

from impasto.errors import LearnError
from impasto.learn.numbers import number
from impasto.learn.optimize.recipes import Precision

Plan: TypeAlias = list[tuple[int, int, str]]  # long side in pixels, evaluations, precision of the loss network
MOST_STAGES = 1000


def checked_plan(plan: object, *, largest: int, fewest: int = 1) -> Plan:
    """The stages of a plan from outside, none of more pixels than ``largest``; LearnError for what is no plan."""
    stages: Any = plan if isinstance(plan, tuple | list) else [None]
    if len(stages) > MOST_STAGES or not all(isinstance(stage, tuple | list) and len(stage) == 3 for stage in stages):
        raise LearnError("a plan is a list of stages, each with its size, its evaluations and its precision")
    known = [name for name in get_args(Precision) if name != "auto"]
    for _, _, precision in stages:
        if precision not in known:
            raise LearnError(f"the precision of a stage is {precision!r}; choose {', '.join(known)}")
    return [
        (
            number("the size of a stage", size, int, within=(1, largest)),
            number("the evaluations of a stage", count, int, within=(fewest, 10**9)),
            precision,
        )
        for size, count, precision in stages
    ]


def precisions(wanted: str, device: torch.device) -> tuple[str, str]:
    """The loss network's precision for most of the way, and for the end of it."""
    if wanted != "auto":
        return wanted, wanted
    # With AMX tiles, bfloat16 convolutions are several times as fast as float32 ones; without them it does not pay.
    fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else torch.cpu._is_amx_tile_supported()
    return ("bfloat16", "float32") if fast and device.type in ("cpu", "cuda") else ("float32", "float32")


def smallest_side(layers: Sequence[str]) -> int:
    """Pixels that the short side needs for one to be left at the deepest of ``layers``; every pooling halves it."""
    return max(1 << (int(layer[4]) - (not layer.startswith("pool"))) for layer in layers)


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
