"""Move one row: a painting and some photos in, a stream of ``Step`` records out; the network stays as it is.

The start is the mix of known styles that comes closest to the painting, and the objective is that of training. What is
best so far is always there, so a lesson may be broken off at any moment.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from impasto.errors import LearnError
from impasto.learn.devices import best_dtype, resolve_device
from impasto.learn.evaluate.judge import Judge
from impasto.learn.loss.features import LossNetwork, load_loss_network
from impasto.learn.loss.losses import content_distance, gram
from impasto.learn.memory import memory_watched, smaller
from impasto.learn.network.layers import StyleNetwork
from impasto.learn.numbers import number
from impasto.learn.photos import load_painting
from impasto.learn.teach.match import Floats, Match, convex_minimum
from impasto.learn.teach.pace import Pace
from impasto.learn.teach.settings import Settings
from impasto.styles.bank import Bank

SMALLEST = 64  # pixels: a painting with a shorter side says too little about strokes
UNIT_PHOTOS = 16  # pictures from which the units of the losses are taken
HELD_OUT = 2**31  # "steps" from here on are pictures that the lesson never learns from
SMALLEST_SHARE = 2e-3  # of a mix that the search goes on with: a softmax has no zeros
BATCH_OF_ROWS = 8  # rows tried at a time in the search for a start


class Photos(Protocol):
    """Where pictures come from: a ``PhotoFolder``, or ``DeadLeaves`` for those who have none."""

    def batch(self, seed: int, step: int, count: int, size: int) -> Tensor: ...


@dataclass(frozen=True)
class Step:
    """What one step measured. ``held_out`` is the total over pictures never learned from, when they had a turn."""

    step: int
    steps: int
    content: float
    style: float
    total: float
    held_out: float | None
    best: float
    learning_rate: float
    seconds: float
    progress: float  # 0..1, by steps or by time, whichever is further


class Lesson:
    """One painting, taught to a frozen network: ``match`` finds the start, ``run`` goes on from there, ``row`` is it.

    Raises LearnError for a painting below 64 pixels, PictureError for one that cannot be read, MismatchError for a bank
    of another network.
    """

    def __init__(
        self,
        painting: str | Path,
        network: StyleNetwork,
        bank: Bank,
        photos: Photos,
        settings: Settings | None = None,
        *,
        loss_network: LossNetwork | None = None,
        precision: Literal["auto", "float32", "bfloat16"] = "auto",
        device: str = "cpu",
    ) -> None:
        bank.check_network(network.fingerprint())
        self.painting = painting
        self.bank = bank
        self.photos = photos
        self.settings = settings or Settings.of(bank)
        self.device = torch.device(resolve_device(device))
        self.dtype = best_dtype(precision, self.device)
        picture = load_painting(painting, self.settings.style_size)  # the first to be wrong, so the first to be read
        if min(picture.shape[2:]) < SMALLEST:
            height, width = picture.shape[2:]
            raise LearnError(
                f"{painting} is only {width} x {height} pixels at a style size of {self.settings.style_size}, "
                f"and a painting needs {SMALLEST} a side"
            )
        self.network = network.to(self.device).requires_grad_(False).eval()
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a third faster on a CPU
        self.loss_network = (copy.deepcopy(loss_network) or load_loss_network()).to(self.device, self.dtype)
        with memory_watched(lambda: smaller(self.settings.style_size, "style_size")):
            self.judge = self._judge(picture)
        self.best: Floats | None = None
        self.best_total = math.inf
        self.step = 0
        self.seconds = 0.0
        self.stopped = False

    def stop(self) -> None:
        """End ``match`` or ``run`` behind the step that it is at; for another thread or a signal to call.

        The best row so far is there then, and it stays stopped.
        """
        self.stopped = True

    def at(self, style_size: int) -> Lesson:
        """A lesson on the same painting with ``style_size`` pixels on its longer side: smaller or larger strokes."""
        settings = replace(self.settings, style_size=style_size)
        options: dict[str, Any] = {"loss_network": self.loss_network, "device": str(self.device)}
        options["precision"] = "bfloat16" if self.dtype == torch.bfloat16 else "float32"
        return Lesson(self.painting, self.network, self.bank, self.photos, settings, **options)

    def _judge(self, painting: Tensor) -> Judge:
        settings = self.settings
        crops = self.photos.batch(settings.seed, HELD_OUT, UNIT_PHOTOS, settings.size)
        photos = [crop.permute(1, 2, 0).numpy() for crop in crops]
        return Judge(self.loss_network, {"painting": painting}, photos, settings)

    @property
    def row(self) -> Floats:
        """The best row (R,) so far; LearnError before there is any."""
        if self.best is None:
            raise LearnError("nothing was learned yet; call match or run first")
        return self.best

    # -- the start --------------------------------------------------------------------------------------------------

    def match(self) -> Match:
        """The convex mix of the bank's styles with the least loss.

        Every style paints the same few photos. The first guess is the mix whose mean Gram matrices and content losses
        are best, which is a quadratic problem; gradient descent on softmax weights goes on from there with what the
        mixed rows really paint. Weights below 2 % are dropped. LearnError for a bank without styles.
        """
        if not self.bank.styles:
            raise LearnError("the bank has no styles to mix; use one that has")
        with memory_watched(lambda: smaller(self.settings.match_size, "match_size")):
            return self._match(self.bank.styles)

    def _match(self, names: Sequence[str]) -> Match:
        settings = self.settings
        photos = self._draw(HELD_OUT + 1, settings.match_photos, settings.match_size)
        rows = torch.from_numpy(np.stack([self.bank[name] for name in names])).to(self.device)  # (N, R)
        alone, guess = self._alone(rows, photos)  # (N,) each
        found, least = torch.nn.functional.one_hot(alone.argmin(), len(names)).float(), float(alone.min())
        logits = guess.clamp_min(SMALLEST_SHARE).log().requires_grad_()
        optimizer = torch.optim.Adam([logits], lr=0.3)
        for _ in range(settings.match_steps):
            if self.stopped:
                break
            weights = logits.softmax(0)
            total = self._total(*self._measure(weights @ rows, photos))
            if float(total.detach()) < least:
                least, found = float(total.detach()), weights.detach().clone()
            optimizer.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        found = torch.where(found < 0.02, 0, found)
        found = found / found.sum()
        mix = found @ rows
        with torch.no_grad():
            content, style = self._measure(mix, photos)
        total = self._total(content, style)
        order = found.argsort(descending=True)
        weights_by_name = {names[i]: round(float(found[i]), 4) for i in order if found[i] > 0}
        self._keep(mix, math.inf)
        return Match(
            weights_by_name,
            self.row,
            names[int(alone.argmin())],
            float(content.mean()),
            float(style.mean()),
            float(total),
        )

    @torch.no_grad()
    def _alone(self, rows: Tensor, photos: Tensor) -> tuple[Tensor, Tensor]:
        """The total of every row (N, R) over all photos, (N,), and the weights (N,) of the mix that promises least."""
        contents, styles, grams = [], [], []
        for part in torch.split(rows, BATCH_OF_ROWS):
            each = part.repeat_interleave(len(photos), 0)
            content, style, found = self._look(each, photos.repeat(len(part), 1, 1, 1))
            contents.append(content.view(len(part), -1).mean(1))
            styles.append(style.view(len(part), -1).mean(1))
            grams.append({name: g.view(len(part), -1, *g.shape[1:]).mean(1) for name, g in found.items()})
        slope = torch.cat(contents).cpu().double()  # (N,); on the CPU, because MPS has no float64
        quadratic = torch.zeros(len(rows), len(rows), dtype=torch.float64)
        targets = self.judge.targets
        for name, counts in targets.shares.items():
            flat = torch.cat([found[name] for found in grams]).flatten(1).cpu().double()  # (N, C C)
            share = self.settings.style_weight * counts / float(targets.units[name][0])
            quadratic += share * flat @ flat.T
            slope -= 2 * share * flat @ targets.grams[name][0].flatten().cpu().double()
        guess = torch.from_numpy(convex_minimum(quadratic.numpy(), slope.numpy())).float().to(self.device)
        return torch.cat(contents) + self.settings.style_weight * torch.cat(styles), guess

    # -- the loop ---------------------------------------------------------------------------------------------------

    def run(self, *, max_minutes: float | None = None, start: Floats | None = None) -> Iterator[Step]:
        """Teach from ``start`` (by default what ``match`` finds), for ``settings.steps`` or ``max_minutes``.

        When the held-out loss no longer improves, the rate falls for a while, and the lesson ends early. LearnError if
        the loss is no longer a number.
        """
        if max_minutes is not None:
            number("max_minutes", max_minutes, float, within=(0, math.inf))
        return self._run(Pace(self.settings, max_minutes), None if start is None else self.bank.check_row(start))

    def _run(self, pace: Pace, start: Floats | None) -> Iterator[Step]:
        start = self.match().row if start is None else start
        with memory_watched(lambda: smaller(self.settings.size)):
            yield from self._steps(pace, start)

    def _steps(self, pace: Pace, start: Floats) -> Iterator[Step]:
        settings = self.settings
        held_out = self._draw(HELD_OUT + 2, settings.checks, settings.size)
        free = torch.from_numpy(start.copy()).to(self.device).requires_grad_()  # (R,)
        ways = self._ways()  # (N, R)
        along = torch.zeros(len(ways), device=self.device, requires_grad=True)  # (N,)
        average = free.detach().clone()
        optimizer = torch.optim.Adam([{"params": [free]}, {"params": [along]}], lr=0.0, betas=(0.9, 0.99))
        self._check(average, held_out)
        waited, mark = 0, self.best_total
        while pace.progress < 1 and not self.stopped:
            rate = pace.rate(self.step)
            for group, share in zip(optimizer.param_groups, (1.0, settings.along), strict=True):
                group["lr"] = share * rate
            optimizer.zero_grad()
            row = free + along @ ways
            content, style = self._measure(row, self._draw(self.step, settings.batch, settings.size))
            total = self._total(content, style)
            total.backward()  # type: ignore[no-untyped-call]
            if not (torch.isfinite(total) and free.grad is not None and torch.isfinite(free.grad).all()):
                raise LearnError(f"teaching broke down at step {self.step + 1}; lower the learning rate")
            optimizer.step()
            average.lerp_((free + along @ ways).detach(), 1 - min(settings.ema, (1 + self.step) / (10 + self.step)))
            self.step += 1
            pace.tick(self.step)
            checked = None
            if self.step % settings.check_every == 0 or pace.progress >= 1:
                checked = self._check(average, held_out)
                better = self.best_total < mark * (1 - settings.improvement)
                waited, mark = (0, self.best_total) if better else (waited + 1, mark)
                if waited >= settings.patience:
                    pace.fall(self.step)
            self.seconds = pace.seconds
            parts = float(content.detach().mean()), float(style.detach().mean()), float(total.detach())
            yield Step(self.step, settings.steps, *parts, checked, self.best_total, rate, self.seconds, pace.progress)

    def _ways(self) -> Tensor:
        """From the mean of the bank's styles to each of them, (N, R): directions in which paintings differ.

        The row also moves along these as a whole, which is faster than number by number.
        """
        rows = np.array([self.bank[name] for name in self.bank.styles], np.float32).reshape(-1, self.bank.rows.shape[1])
        return torch.from_numpy(rows - rows.mean(0) if len(rows) else rows).to(self.device)

    def preview(self, *, size: int = 256) -> Floats:
        """One held-out picture painted with the best row: (size, size, 3) in 0..1."""
        row = torch.from_numpy(self.row)[None].to(self.device)
        with torch.no_grad():
            painted = self.network(self._draw(HELD_OUT + 2, 1, size), row)
        return np.ascontiguousarray(painted[0].permute(1, 2, 0).float().cpu().numpy())

    @torch.no_grad()
    def _check(self, row: Tensor, held_out: Tensor) -> float:
        """The total of ``row`` over pictures it never learned from; the best is kept."""
        parts = [self._total(*self._measure(row, picture[None])) for picture in held_out]
        total = float(torch.stack(parts).mean())
        if total < self.best_total:
            self._keep(row, total)
        return total

    def _keep(self, row: Tensor, total: float) -> None:
        self.best, self.best_total = row.detach().float().cpu().numpy().copy(), total

    def _draw(self, step: int, count: int, size: int) -> Tensor:
        pictures = self.photos.batch(self.settings.seed, step, count, size).to(self.device)
        return pictures.contiguous(memory_format=torch.channels_last)

    def _total(self, content: Tensor, style: Tensor) -> Tensor:
        return (content + self.settings.style_weight * style).mean()

    def _measure(self, rows: Tensor, photos: Tensor) -> tuple[Tensor, Tensor]:
        """Content and style loss (B,) of ``photos`` (B, 3, H, W) painted with one row (R,) or a row each (B, R)."""
        return self._look(rows, photos)[:2]

    def _look(self, rows: Tensor, photos: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """``_measure``, and the Gram matrices (B, C, C) of each style layer."""
        layers, layer = self.judge.style_layers, self.settings.content_layer
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            painted = self.network(photos, rows.expand(len(photos), -1))
            with torch.no_grad():
                target = self.loss_network(photos, [layer])[layer]
            features = self.loss_network(painted, [*layers, layer])
            grams = {name: gram(features[name]) for name in layers}
        ids = torch.zeros(len(photos), dtype=torch.long, device=self.device)
        content = content_distance(features[layer], target, energy=self.judge.content_energy)
        return content, self.judge.targets.distance(grams, ids), grams
