"""What a painting in one pass is worth: evaluations of the papers' L-BFGS."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from impasto.learn.evaluate.artefacts import Floats
from impasto.learn.evaluate.scorer import Scorer
from impasto.learn.optimize.descent import LBFGS
from impasto.learn.optimize.objective import Parts
from impasto.learn.tensors import to_planes


def worth(scorer: Scorer, photo: Floats, name: str, total: float, *, limit: int = 100) -> int:
    """How many evaluations L-BFGS needs, from the photo, to bring the judge's total down to ``total``.

    This is the papers' own yardstick for a network that paints in one pass (Johnson et al. 2016: 50 to 100 iterations
    of Gatys' optimisation). The search ends at ``limit``.
    """
    for used, reached in optimized(scorer, photo, name, limit=limit):
        if reached <= total:
            return used
    return limit


def optimized(scorer: Scorer, photo: Floats, name: str, *, limit: int) -> Iterator[tuple[int, float]]:
    """Gatys' optimisation from the photo: how many evaluations were used, and the lowest total so far, step by step."""
    for used, descent in descents(scorer, photo, name, limit=limit):
        if descent.best_parts is not None:
            yield used, descent.best_parts.total


def descents(scorer: Scorer, photo: Floats, name: str, *, limit: int) -> Iterator[tuple[int, LBFGS]]:
    """That optimisation itself, whose ``best`` is the picture, with the evaluations used, after every step.

    It is the papers' L-BFGS that runs, not our faster one. An evaluation is one value and gradient of the objective;
    those of line searches count, up to ``limit``.
    """
    judge, target, ids = scorer.judge, to_planes(photo), scorer.ids(name)
    kept = judge.content(target)

    def cost(picture: Tensor) -> tuple[Parts, Tensor]:
        picture = picture.detach().requires_grad_(True)
        content, style, _ = judge.measure(picture, target, ids, content=kept)
        value = judge.total(content, style)
        (gradient,) = torch.autograd.grad(value.sum(), picture)
        return Parts(content.item(), style.item(), 0.0, value.item()), gradient

    descent = LBFGS(target.to(judge.device), plain=True)
    used = 0
    while used < limit and (more := descent.step(cost)):
        used = min(used + more, limit)
        yield used, descent
