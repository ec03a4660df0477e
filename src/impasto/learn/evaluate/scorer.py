"""How a painting scores: content, style, and what went wrong with it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from impasto.learn.evaluate.artefacts import (
    BANDS,
    Floats,
    border_ratio,
    border_share,
    checkerboard,
    diagonal_detail,
    saturated,
)
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.judge import Grams, Judge
from impasto.learn.loss.settings import LossSettings
from impasto.learn.tensors import to_picture, to_planes
from impasto.pictures.recolor import luma

Paint = Callable[[Floats, str], Floats]


@dataclass(frozen=True)
class Scores:
    """What one style scores, as means over the photos.

    ``content``, ``style`` and ``total`` = content + style_weight * style are in the judge's units; ``untouched``
    is the total of the photo itself, what doing nothing would score. ``saturated`` is the share of channels at black or
    white; ``diagonal`` is ``diagonal_detail`` less that of the painting; ``border`` is ``border_ratio``;
    ``checkerboard`` the share of the finest detail that is a checker pattern; ``pull`` is ``Scorer.pull``.
    """

    name: str
    content: float
    style: float
    total: float
    untouched: float
    saturated: float
    diagonal: float
    border: float
    checkerboard: float
    frame: float | None = None  # and ``edge``: ``frames`` of the paintings of many crops, where they were measured
    edge: float | None = None
    pull: float | None = None
    pattern: float | None = None  # ``pattern.patterns``, where it was measured
    worth: float | None = None  # median number of L-BFGS evaluations that get as low, where it was measured


class Scorer:
    """A judge and what it knows by name: ``score`` a style over many photos.

    ``paintings`` are (1, 3, H, W) in 0..1 at the size that counts. In the unit "energy" content is relative to each
    photo's own energy; otherwise, as in training, to that of ``photos`` in general, which also define the style units.
    ``trained`` has the borders of the loss that the network was trained with, which ``settings`` may not have.
    """

    def __init__(
        self,
        loss_network: LossNetwork,
        paintings: Mapping[str, Tensor],
        photos: Sequence[Floats],
        settings: LossSettings,
        *,
        trained: LossSettings | None = None,
    ) -> None:
        self.trained = trained or settings
        own = settings.unit == "energy"
        self.judge = Judge(loss_network, paintings.values(), map(to_planes, photos), settings, own_energy=own)
        self.names = list(paintings)
        self._paintings = dict(paintings)
        self._details: dict[str, float] = {}
        self._photos: dict[int, tuple[Floats, tuple[Tensor, Grams]]] = {}  # which keeps the photo, and so its id

    def ids(self, name: str) -> Tensor:
        """The judge's id of the style ``name``, (1,)."""
        return torch.tensor([self.names.index(name)], device=self.judge.device)

    def detail(self, name: str) -> float:
        """``diagonal_detail`` of the painting ``name``."""
        if name not in self._details:
            self._details[name] = diagonal_detail(luma(to_picture(self._paintings[name])))
        return self._details[name]

    def losses(self, painted: Tensor, photo: Tensor, name: str) -> tuple[Tensor, Tensor]:
        """Content and style loss, (1,) each, of ``painted`` (1, 3, H, W) made of ``photo`` in the style ``name``."""
        return self.judge.measure(painted, photo, self.ids(name))[:2]

    def score(self, name: str, photos: Sequence[Floats], paint: Paint) -> Scores:
        """Paint every photo, (h, w, 3) in 0..1, in the style ``name`` and measure; means over the photos."""
        rows = [self._score_one(name, photo, paint(photo, name)) for photo in photos]
        return Scores(name, *(float(value) for value in np.mean(rows, axis=0)))

    def pull(self, name: str, photo: Floats, painted: Floats) -> float:
        """How strongly the objective, as it was trained, pulls at the border of a painting (h, w, 3) in 0..1.

        It is the mean absolute gradient in the outermost 8 visible pixels over that inside: about 1 where a border
        counts as much as the rest, 0 where it is free to be a frame.
        """
        judge = copy.copy(self.judge)
        judge.network = copy.copy(judge.network)
        judge.network.borders, judge.network.surround = self.trained.loss_borders, self.trained.loss_surround
        picture = to_planes(painted).to(judge.device).requires_grad_()
        content, style, _ = judge.measure(picture, to_planes(photo), self.ids(name))
        (gradient,) = torch.autograd.grad(judge.total(content, style).sum(), picture)
        return border_share(to_picture(1e6 * gradient.abs()).mean(2), BANDS[0][1])

    def _seen(self, photo: Floats) -> tuple[Tensor, Grams]:
        """A photo's own content and Gram matrices, kept: every style is measured on the same photos."""
        if id(photo) not in self._photos:
            self._photos[id(photo)] = photo, self.judge.look(to_planes(photo))
        return self._photos[id(photo)][1]

    @torch.no_grad()
    def _score_one(self, name: str, photo: Floats, painted: Floats) -> list[float]:
        judge, ids = self.judge, self.ids(name)
        target, untouched = self._seen(photo)
        measured = judge.measure(to_planes(painted), to_planes(photo), ids, content=target)
        content, style = (float(part) for part in measured[:2])
        brightness = luma(painted)
        return [
            content,
            style,
            judge.total(content, style),
            judge.total(0.0, float(judge.style(untouched, ids))),
            saturated(painted),
            diagonal_detail(brightness) - self.detail(name),
            border_ratio(painted, photo),
            checkerboard(brightness),
        ]
