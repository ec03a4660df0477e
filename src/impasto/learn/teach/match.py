"""The mix of known styles that comes closest to a painting."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from impasto.learn.teach.easel import HELD_OUT, Easel
from impasto.learn.teach.settings import LessonSettings
from impasto.styles.bank import Bank

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

BATCH_OF_ROWS = 8  # rows tried at a time
CANDIDATES = 12  # styles that are looked at closely
GLANCE = 64  # pixels: the side of the crop on which all styles are looked at first
SMALLEST_SHARE = 2e-3  # of a mix that the search goes on with: a softmax has no zeros
LEAST = 0.02  # weights below this are dropped


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


def closest_mix(easel: Easel, bank: Bank, settings: LessonSettings, stopped: Callable[[], bool]) -> Match:
    """The convex mix of the bank's styles with the least loss.

    All styles paint a small crop, and those that promise most, a dozen, a few larger ones. The first guess is the mix
    whose mean Gram matrices and content losses are best, which is a quadratic problem; gradient descent on softmax
    weights goes on from there with what the mixed rows really paint, until it is ``stopped``.
    """
    names = list(bank.styles)
    rows = torch.from_numpy(np.stack([bank[name] for name in names])).to(easel.device)  # (N, R)
    photos = easel.draw(HELD_OUT + 1, settings.match_photos, settings.match_size)
    chosen = _candidates(easel, rows, min(GLANCE, settings.match_size))
    names, rows = [names[i] for i in chosen], rows[chosen]
    nearest, found = _mixed(easel, rows, photos, settings.match_steps, stopped)
    found = torch.where(found < LEAST, 0, found)
    found = found / found.sum()
    mix = found @ rows
    with torch.no_grad():
        content, style, _ = easel.measure(mix, photos)
    weights_by_name = {names[i]: round(float(found[i]), 4) for i in found.argsort(descending=True) if found[i] > 0}
    return Match(
        weights_by_name,
        mix.float().cpu().numpy().copy(),
        names[nearest],
        float(content.mean()),
        float(style.mean()),
        float(easel.judge.total(content, style).mean()),
    )


def _mixed(easel: Easel, rows: Tensor, photos: Tensor, steps: int, stopped: Callable[[], bool]) -> tuple[int, Tensor]:
    """The best single row of (N, R), and the weights (N,) of the best mix that was found."""
    alone, guess = _alone(easel, rows, photos)  # (N,) each
    found, least = torch.nn.functional.one_hot(alone.argmin(), len(rows)).float(), float(alone.min())
    logits = guess.clamp_min(SMALLEST_SHARE).log().requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=0.3)
    for _ in range(steps):
        if stopped():
            break
        weights = logits.softmax(0)
        total = easel.total(weights @ rows, photos)
        if float(total.detach()) < least:
            least, found = float(total.detach()), weights.detach().clone()
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return int(alone.argmin()), found


def _candidates(easel: Easel, rows: Tensor, size: int) -> list[int]:
    """Which of the rows (N, R) are worth a closer look, in their order: those of the best mix of small paintings."""
    if len(rows) <= CANDIDATES:
        return list(range(len(rows)))
    with easel.margin(0):
        alone, guess = _alone(easel, rows, easel.draw(HELD_OUT + 1, 1, size))
    mixed = [i for i in guess.argsort(descending=True).tolist() if guess[i] >= LEAST][: CANDIDATES // 2]
    best = [i for i in alone.argsort().tolist() if i not in mixed]
    return sorted([*mixed, *best][:CANDIDATES])


@torch.no_grad()
def _alone(easel: Easel, rows: Tensor, photos: Tensor) -> tuple[Tensor, Tensor]:
    """The total of every row (N, R) over all photos, (N,), and the weights (N,) of the mix that promises least."""
    judge = easel.judge
    contents, styles, grams = [], [], []
    for part in torch.split(rows, BATCH_OF_ROWS):
        each = part.repeat_interleave(len(photos), 0)
        content, style, found = easel.measure(each, photos.repeat(len(part), 1, 1, 1))
        contents.append(content.view(len(part), -1).mean(1))
        styles.append(style.view(len(part), -1).mean(1))
        grams.append({name: g.view(len(part), -1, *g.shape[1:]).mean(1) for name, g in found.items()})
    slope = torch.cat(contents).cpu().double()  # (N,); on the CPU, because MPS has no float64
    quadratic = torch.zeros(len(rows), len(rows), dtype=torch.float64)
    for name, counts in judge.targets.shares.items():
        flat = torch.cat([found[name] for found in grams]).flatten(1).cpu().double()  # (N, C C)
        share = judge.style_weight * counts / float(judge.targets.units[name][0])
        quadratic += share * flat @ flat.T
        slope -= 2 * share * flat @ judge.targets.grams[name][0].flatten().cpu().double()
    guess = torch.from_numpy(convex_minimum(quadratic.numpy(), slope.numpy())).float().to(easel.device)
    return judge.total(torch.cat(contents), torch.cat(styles)), guess


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
