"""How a painting scores: content, style, and what went wrong with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from impasto.learn.evaluate.artefacts import Floats, border_ratio, checkerboard, diagonal_detail, luma_of, saturated
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.losses import StyleTargets, content_distance, gram, style_units
from impasto.learn.loss.settings import LossSettings
from impasto.learn.numbers import number

Paint = Callable[[Floats, str], Floats]


@dataclass(frozen=True)
class Scores:
    """What one style scores, as means over the photos.

    ``content``, ``style`` and ``total`` = content + style_weight * style are in the judge's units; ``untouched``
    is the total of the photo itself, what doing nothing would score. ``saturated`` is the share of channels at black or
    white; ``diagonal`` is ``diagonal_detail`` less that of the painting; ``border`` is ``border_ratio``;
    ``checkerboard`` the share of the finest detail that is a checker pattern.
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
    worth: float | None = None  # median number of L-BFGS evaluations that get as low, where it was measured


class Judge:
    """The loss network and the objective, opened once: ``score`` a style over many photos.

    ``paintings`` are (1, 3, H, W) in 0..1 at the size that counts. In the unit "energy" content is relative to each
    photo's own energy; otherwise, as in training, to that of ``photos`` in general, which also define the style units.
    """

    def __init__(
        self,
        loss_network: LossNetwork,
        paintings: Mapping[str, Tensor],
        photos: Sequence[Floats],
        settings: LossSettings,
    ) -> None:
        self.loss_network = loss_network
        self.style_weight = number("style_weight", settings.style_weight, float, within=(0, math.inf))
        self.content_layer = settings.content_layer
        self.style_layers = list(settings.style_layers)
        self.ids = {name: i for i, name in enumerate(paintings)}
        self.device = loss_network.get_buffer("conv1_1_weight").device
        self._paintings = dict(paintings)
        self._details: dict[str, float] = {}
        self._photos: dict[int, tuple[Floats, Tensor, dict[str, Tensor]]] = {}  # which keeps the photo, and so its id
        grams, _ = self._statistics(paintings.values())
        common, energies = self._statistics(map(tensor, photos))
        units = {layer: style_units(grams[layer], common[layer], settings.unit) for layer in self.style_layers}
        self.targets = StyleTargets(grams, units, settings.style_layer_weights)
        self.content_energy = None if settings.unit == "energy" else sum(energies) / len(energies)

    @torch.no_grad()
    def _features(self, picture: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = self.loss_network(picture.to(self.device), [*self.style_layers, self.content_layer])
        return found

    def _statistics(self, pictures: Iterable[Tensor]) -> tuple[dict[str, Tensor], list[float]]:
        """Gram matrices of all pictures by layer, (N, C, C), and each one's energy of content, one after the other."""
        grams, energies = [], []
        for picture in pictures:  # their features together would fill the memory
            found = self._features(picture)
            grams.append({layer: gram(found[layer]) for layer in self.style_layers})
            energies.append(float(found[self.content_layer].float().square().mean()))
        return {layer: torch.cat([each[layer] for each in grams]) for layer in self.style_layers}, energies

    def detail(self, name: str) -> float:
        """``diagonal_detail`` of the painting ``name``."""
        if name not in self._details:
            self._details[name] = diagonal_detail(luma_of(_numpy(self._paintings[name])))
        return self._details[name]

    def losses(self, painted: Tensor, photo: Tensor, name: str) -> tuple[Tensor, Tensor]:
        """Content and style loss, (1,) each, of ``painted`` (1, 3, H, W) made of ``photo`` in the style ``name``."""
        target = self._features(photo)[self.content_layer]
        found = self.loss_network(painted.to(self.device), [*self.style_layers, self.content_layer])
        style = self._style({layer: gram(found[layer]) for layer in self.style_layers}, name)
        return content_distance(found[self.content_layer], target, energy=self.content_energy), style

    def _style(self, grams: dict[str, Tensor], name: str) -> Tensor:
        return self.targets.distance(grams, torch.tensor([self.ids[name]], device=self.device))

    def _seen(self, photo: Floats) -> tuple[Tensor, dict[str, Tensor]]:
        """A photo's own content and Gram matrices, kept: every style is measured on the same photos."""
        if id(photo) not in self._photos:
            found = self._features(tensor(photo))
            grams = {layer: gram(found[layer]) for layer in self.style_layers}
            self._photos[id(photo)] = photo, found[self.content_layer], grams
        return self._photos[id(photo)][1:]

    def score(self, name: str, photos: Sequence[Floats], paint: Paint) -> Scores:
        """Paint every photo, (h, w, 3) in 0..1, in the style ``name`` and measure; means over the photos."""
        rows = [self._score_one(name, photo, paint(photo, name)) for photo in photos]
        return Scores(name, *(float(value) for value in np.mean(rows, axis=0)))

    @torch.no_grad()
    def _score_one(self, name: str, photo: Floats, painted: Floats) -> list[float]:
        found = self._features(tensor(painted))
        target, untouched = self._seen(photo)
        content = float(content_distance(found[self.content_layer], target, energy=self.content_energy))
        style = float(self._style({layer: gram(found[layer]) for layer in self.style_layers}, name))
        luma = luma_of(painted)
        return [
            content,
            style,
            content + self.style_weight * style,
            self.style_weight * float(self._style(untouched, name)),
            saturated(painted),
            diagonal_detail(luma) - self.detail(name),
            border_ratio(painted, photo),
            checkerboard(luma),
        ]


def tensor(picture: Floats) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]


def _numpy(picture: Tensor) -> Floats:
    return np.ascontiguousarray(picture[0].permute(1, 2, 0).cpu().numpy())
