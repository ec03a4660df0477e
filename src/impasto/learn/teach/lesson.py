"""Move one row: a painting and some photos in, a stream of ``LessonStep`` records out; the network stays as it is.

The start is the mix of known styles that comes closest to the painting, and the objective is that of training. What is
best so far is always there, so a lesson may be broken off at any moment.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, TypedDict

import numpy as np
import torch
from torch import Tensor

from impasto import limits
from impasto.errors import LearnError
from impasto.files import printable
from impasto.learn.devices import best_dtype, memory_watched, resolve_device, smaller
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.judge import Judge, ruler
from impasto.learn.network.layers import StyleNetwork
from impasto.learn.photos import load_painting
from impasto.learn.teach.easel import HELD_OUT, Easel, Photos
from impasto.learn.teach.match import Floats, Match, closest_mix
from impasto.learn.teach.pace import Pace
from impasto.learn.teach.settings import LessonSettings
from impasto.learn.tensors import to_picture
from impasto.limits import Precision
from impasto.styles.bank import Bank
from impasto.styles.unseen.likeness import LEAST_SIDE, NOTHING
from impasto.styles.unseen.search import spread

Paintings: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

UNIT_PHOTOS = 16  # pictures from which the units of the losses are taken


@dataclass(frozen=True)
class LessonStep:
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


class Computing(TypedDict, total=False):
    """With what a lesson computes, as keywords: what measures the losses, by default the original VGG-19, and where."""

    loss_network: LossNetwork | None
    precision: Precision
    device: str


def all_of(painting: Paintings) -> list[Path]:
    """The files of one painting, or of several; LearnError where there is none, or one twice."""
    found = [Path(painting)] if isinstance(painting, str | os.PathLike) else [Path(each) for each in painting]
    if not found:
        raise LearnError("there is no painting to learn")
    known: dict[bytes, Path] = {}
    for path in found if len(found) > 1 else ():
        with contextlib.suppress(OSError):  # whoever reads it says what is wrong
            other = known.setdefault(hashlib.sha256(path.read_bytes()).digest(), path)
            if other is not path:
                raise LearnError(
                    f"{printable(other)} and {printable(path)} are the same painting; leave one of them out"
                )
    return found


class Lesson:
    """One painting, taught to a frozen network: ``match`` finds the start, ``run`` goes on from there, ``row`` is it.

    Several paintings, of one artist, are learned as one style: the mean of their Gram matrices. Raises LearnError for a
    painting below 64 pixels or of one colour, PictureError for one that cannot be read, MismatchError for a bank of
    another network.
    """

    def __init__(
        self,
        painting: Paintings,
        network: StyleNetwork,
        bank: Bank,
        photos: Photos,
        settings: LessonSettings | None = None,
        *,
        loss_network: LossNetwork | None = None,
        precision: Precision = "auto",
        device: str = "cpu",
    ) -> None:
        bank.check_network(network.fingerprint())
        self.painting = painting
        self.bank = bank
        self.photos = photos
        self.settings = settings or LessonSettings.of(bank)
        where = torch.device(resolve_device(device))
        self.dtype = best_dtype(precision, where)
        pictures = [self._read(each) for each in all_of(painting)]  # the first to be wrong, so the first to be read
        self.network = network.to(where).requires_grad_(False).eval()
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a third faster on a CPU
        self.loss_network = ruler(loss_network, where, self.dtype)
        with memory_watched(lambda: smaller(self.settings.style_size, "style_size")):
            crops = photos.batch(self.settings.seed, HELD_OUT, UNIT_PHOTOS, self.settings.size)
            judge = Judge(self.loss_network, pictures, list(crops[:, None]), self.settings, together=True)
        self.easel = Easel(self.network, judge, photos, self.settings.seed, self.dtype)
        self.best: Floats | None = None
        self.best_total = math.inf
        self.step = 0
        self.seconds = 0.0
        self.stopped = False

    def _read(self, painting: Path) -> Tensor:
        picture = load_painting(painting, self.settings.style_size)
        if min(picture.shape[2:]) < LEAST_SIDE:
            height, width = picture.shape[2:]
            raise LearnError(
                f"{painting} is only {width} x {height} pixels at a style size of {self.settings.style_size}, "
                f"and a painting needs {LEAST_SIDE} a side"
            )
        if float(picture.std((2, 3)).max()) < NOTHING:
            raise LearnError(f"{painting} is of one colour and shows no style; take another picture")
        return picture

    def stop(self) -> None:
        """End ``match`` or ``run`` behind the step that it is at; for another thread or a signal to call.

        The best row so far is there then, and it stays stopped.
        """
        self.stopped = True

    def at(self, style_size: int) -> Lesson:
        """A lesson on the same painting with ``style_size`` pixels on its longer side: smaller or larger strokes."""
        return Lesson(
            self.painting,
            self.network,
            self.bank,
            self.photos,
            replace(self.settings, style_size=style_size),
            loss_network=self.loss_network,
            precision="bf16" if self.dtype == torch.bfloat16 else "f32",
            device=str(self.easel.device),
        )

    @property
    def row(self) -> Floats:
        """The best row (R,) so far; LearnError before there is any."""
        if self.best is None:
            raise LearnError("nothing was learned yet; call match or run first")
        return self.best

    # -- the start --------------------------------------------------------------------------------------------------

    def match(self) -> Match:
        """The convex mix of the bank's styles with the least loss, see ``closest_mix``; it becomes the best row so far.

        LearnError for a bank without styles.
        """
        if not self.bank.styles:
            raise LearnError("the bank has no styles to mix; use one that has")
        with memory_watched(lambda: smaller(self.settings.match_size, "match_size")):
            found = closest_mix(self.easel, self.bank, self.settings, lambda: self.stopped)
        self.best, self.best_total = found.row, math.inf
        return found

    # -- the loop ---------------------------------------------------------------------------------------------------

    def run(self, *, max_minutes: float | None = None, start: Floats | None = None) -> Iterator[LessonStep]:
        """Teach from ``start`` (by default what ``match`` finds), for ``settings.steps`` or ``max_minutes``.

        When the held-out loss no longer improves, the rate falls for a while, and the lesson ends early. LearnError if
        the loss is no longer a number.
        """
        if max_minutes is not None:
            limits.MINUTES.check("max_minutes", max_minutes)
        return self._run(Pace(self.settings, max_minutes), None if start is None else self.bank.check_row(start))

    def _run(self, pace: Pace, start: Floats | None) -> Iterator[LessonStep]:
        start = self.match().row if start is None else start
        with memory_watched(lambda: smaller(self.settings.size)):
            yield from self._steps(pace, start)

    def _steps(self, pace: Pace, start: Floats) -> Iterator[LessonStep]:
        settings, easel = self.settings, self.easel
        held_out = easel.draw(HELD_OUT + 2, settings.checks, settings.size)
        begin, ways = torch.from_numpy(start.copy()).to(easel.device), self._ways()  # (R,), (N, R)
        shares = torch.from_numpy(spread(ways.cpu().numpy())).to(easel.device)  # (R,)
        free, along = (torch.zeros(count, device=easel.device, requires_grad=True) for count in (len(begin), len(ways)))
        average = begin.clone()
        optimizer = torch.optim.Adam([{"params": [free]}, {"params": [along]}], lr=0.0, betas=(0.8, 0.95))
        self._check(average, held_out)
        waited, mark = 0, self.best_total
        while pace.progress < 1 and not self.stopped:
            rate = pace.rate(self.step)
            for group, share in zip(optimizer.param_groups, (1.0, settings.along), strict=True):
                group["lr"] = share * rate
            optimizer.zero_grad()
            row = begin + shares * free + along @ ways
            content, style, _ = easel.measure(row, easel.draw(self.step, settings.batch, settings.size))
            total = easel.judge.total(content, style).mean()
            total.backward()  # type: ignore[no-untyped-call]
            if not (torch.isfinite(total) and free.grad is not None and torch.isfinite(free.grad).all()):
                raise LearnError(f"teaching broke down at step {self.step + 1}; lower the learning rate")
            optimizer.step()
            row = (begin + shares * free + along @ ways).detach()
            average.lerp_(row, 1 - min(settings.ema, (1 + self.step) / (10 + self.step)))
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
            yield LessonStep(
                self.step, settings.steps, *parts, checked, self.best_total, rate, self.seconds, pace.progress
            )

    def _ways(self) -> Tensor:
        """From the mean of the bank's styles to each of them, (N, R): directions in which paintings differ.

        The row also moves along these as a whole, which is faster than number by number.
        """
        rows = np.array([self.bank[name] for name in self.bank.styles], np.float32).reshape(-1, self.bank.rows.shape[1])
        return torch.from_numpy(rows - rows.mean(0) if len(rows) else rows).to(self.easel.device)

    @torch.no_grad()
    def preview(self, *, size: int = 256) -> Floats:
        """One held-out picture painted with the best row: (size, size, 3) in 0..1."""
        row = torch.from_numpy(self.row)[None].to(self.easel.device)
        return to_picture(self.network(self.easel.draw(HELD_OUT + 2, 1, size), row))

    @torch.no_grad()
    def _check(self, row: Tensor, held_out: Tensor) -> float:
        """The total of ``row`` over pictures it never learned from; the best is kept."""
        parts = [self.easel.total(row, picture[None]) for picture in held_out]
        total = float(torch.stack(parts).mean())
        if total < self.best_total:
            self._keep(row, total)
        return total

    def _keep(self, row: Tensor, total: float) -> None:
        self.best, self.best_total = row.detach().float().cpu().numpy().copy(), total
