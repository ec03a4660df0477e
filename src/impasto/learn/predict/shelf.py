"""Paintings as what their style is told from: whole ones, and the newest of many crops, ready to be drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.statistics import gram
from impasto.learn.photos import load_painting
from impasto.learn.predict import augment
from impasto.learn.predict.settings import PredictSettings
from impasto.learn.tensors import to_picture, to_planes
from impasto.pictures import to_pil

Told = tuple[list[Tensor], list[Tensor]]  # Gram matrices (B, C, C) and means (B, C) by layer


class Shelf:
    """Statistics of ``paintings``, files, at ``style_size``, and of crops of them and of ``photos`` that are added."""

    def __init__(
        self,
        eye: LossNetwork,
        layers: Sequence[str],
        paintings: Sequence[Path],
        photos: Sequence[Path],
        style_size: int,
        settings: PredictSettings,
    ) -> None:
        self.eye, self.layers, self.settings = eye, list(layers), settings
        self.paintings, self.photos = list(paintings), list(photos)
        self.device = eye.get_buffer("conv1_1_weight").device
        self._images: list[Image.Image] = []
        found = []
        for path in self.paintings:
            picture = load_painting(path, style_size)
            self._images.append(to_pil(to_picture(picture)))
            found.append(self.look(picture))
        room = len(found) + settings.kept
        self._grams = [torch.empty(room, *each.shape[1:], device=self.device) for each in found[0][0]]
        self._means = [torch.empty(room, *each.shape[1:], device=self.device) for each in found[0][1]]
        for place, told in enumerate(found):
            self._put(place, told)
        self.crops = 0  # how many were added so far

    @torch.no_grad()
    def look(self, pictures: Tensor) -> Told:
        """The statistics of pictures (B, 3, H, W)."""
        found = self.eye(pictures.to(self.device), self.layers)
        features = [found[layer] for layer in self.layers]
        return [gram(each) for each in features], [each.float().mean((2, 3)) for each in features]

    @property
    def whole(self) -> Told:
        """Those of the whole paintings, in their order."""
        count = len(self.paintings)
        return [each[:count] for each in self._grams], [each[:count] for each in self._means]

    def add(self, generator: np.random.Generator) -> None:
        """Add a crop, in the place of the oldest."""
        image = self._some(generator)
        side = self.settings.crop
        other = augment.crop(generator, self._images[int(generator.integers(len(self._images)))], side)
        made = augment.recolored(generator, augment.crop(generator, image, side), other)
        self._put(len(self.paintings) + self.crops % self.settings.kept, self.look(to_planes(made)))
        self.crops += 1

    def draw(self, generator: np.random.Generator, count: int) -> Told:
        """The statistics of ``count`` paintings, crops, and collages of two of these."""
        first, second = (torch.tensor([self._place(generator) for _ in range(count)]) for _ in range(2))
        share = np.where(generator.random(count) < self.settings.mixed, generator.uniform(0.15, 0.5, count), 0)
        weight = torch.from_numpy(share).float().to(self.device)

        def mixed(values: Tensor) -> Tensor:
            kept = weight.view(-1, *[1] * (values.dim() - 1))
            return values[first.to(self.device)] * (1 - kept) + values[second.to(self.device)] * kept

        return [mixed(each) for each in self._grams], [mixed(each) for each in self._means]

    def _some(self, generator: np.random.Generator) -> Image.Image:
        if self.photos and generator.random() < self.settings.from_photos:
            path = self.photos[int(generator.integers(len(self.photos)))]
            return to_pil(to_picture(load_painting(path, 1000)))
        return self._images[int(generator.integers(len(self._images)))]

    def _place(self, generator: np.random.Generator) -> int:
        crops = min(self.crops, self.settings.kept)
        if not crops or generator.random() < self.settings.whole:
            return int(generator.integers(len(self.paintings)))
        return len(self.paintings) + int(generator.integers(crops))

    def _put(self, place: int, told: Told) -> None:
        for shelves, values in zip((self._grams, self._means), told, strict=True):
            for shelf, value in zip(shelves, values, strict=True):
                shelf[place] = value[0]
