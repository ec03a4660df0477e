"""The objective: content and style of what was painted, in units that are the same wherever they are measured.

Training moves a network by it, teaching one row, and evaluation scores paintings with it. ``optimize`` moves pixels by
an objective of its own, made of the same statistics and units.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TypeVar

import torch
from torch import Tensor

from impasto.learn.loss.features import LossNetwork, load_loss_network
from impasto.learn.loss.losses import StyleTargets, content_distance, style_units
from impasto.learn.loss.settings import LossSettings
from impasto.learn.loss.statistics import gram

Number = TypeVar("Number", float, Tensor)
Grams = dict[str, Tensor]


class Judge:
    """The loss network and what paintings and photos look like to it, opened once; then ``measure``.

    ``paintings`` and ``photos`` are pictures (1, 3, H, W) in 0..1, from any device; they are measured where the loss
    network is, in its precision. The style of painting i is that of the id i. What ``photos`` have defines the units
    of style, and the one of content: their mean energy; with ``own_energy`` that is each photo's own instead. With
    ``together`` the paintings are one style, of the id 0, whose Gram matrices are the means of theirs.
    """

    def __init__(
        self,
        loss_network: LossNetwork,
        paintings: Iterable[Tensor],
        photos: Iterable[Tensor],
        settings: LossSettings,
        *,
        own_energy: bool = False,
        together: bool = False,
    ) -> None:
        self.network = copy.copy(loss_network)  # the weights are shared, and the caller's borders stay as they were
        self.network.borders, self.network.surround = settings.loss_borders, settings.loss_surround
        self.device = loss_network.get_buffer("conv1_1_weight").device
        self.content_layer, self.style_layers = settings.content_layer, list(settings.style_layers)
        self.style_weight = settings.style_weight
        grams, _ = self._statistics(paintings)
        if together:  # in one unit, the mean of the distances has the gradient of the distance from the mean
            grams = {layer: each.mean(0, keepdim=True) for layer, each in grams.items()}
        common, energies = self._statistics(photos)
        units = {layer: style_units(grams[layer], common[layer], settings.unit) for layer in self.style_layers}
        self.targets = StyleTargets(grams, units, settings.style_layer_weights)
        self.content_energy = None if own_energy else sum(energies) / len(energies)

    def measure(
        self, painted: Tensor, photos: Tensor, ids: Tensor, *, content: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Grams]:
        """Content and style loss, (B,) each, and Gram matrices by layer, of ``painted`` (B, 3, H, W).

        It was made of ``photos`` (B, 3, H, W), whose ``content`` need not be found again if it is known, in the styles
        ``ids`` (B,). An id behind the last painting is the photo itself: its style is 0.
        """
        if content is None:
            content = self.content(photos)
        return self.rate(self.network(painted.to(self.device), [*self.style_layers, self.content_layer]), content, ids)

    def rate(self, found: Grams, content: Tensor, ids: Tensor) -> tuple[Tensor, Tensor, Grams]:
        """What ``measure`` gives, of pictures whose activations by layer, (B, C, H', W'), are ``found`` already."""
        grams = self.grams(found)
        distance = content_distance(found[self.content_layer], content, energy=self.content_energy)
        return distance, self.style(grams, ids), grams

    def style(self, grams: Grams, ids: Tensor) -> Tensor:
        """The style loss, (B,), of pictures with these Gram matrices, (B, C, C) by layer."""
        last = len(self.targets) - 1
        return self.targets.distance(grams, ids.clamp_max(last)) * (ids <= last)

    @torch.no_grad()
    def content(self, photos: Tensor) -> Tensor:
        """What the content of pictures is compared with: their activations (B, C, H', W')."""
        found: Grams = self.network(photos.to(self.device), [self.content_layer])
        return found[self.content_layer]

    @torch.no_grad()
    def look(self, pictures: Tensor) -> tuple[Tensor, Grams]:
        """``content`` and Gram matrices by layer, (B, C, C), of pictures (B, 3, H, W)."""
        found = self.network(pictures.to(self.device), [*self.style_layers, self.content_layer])
        return found[self.content_layer], self.grams(found)

    def grams(self, found: dict[str, Tensor]) -> Grams:
        """Gram matrices (B, C, C) of the layers of style, of activations (B, C, H', W') by layer."""
        return {layer: gram(found[layer]) for layer in self.style_layers}

    def total(self, content: Number, style: Number) -> Number:
        """content + style_weight * style."""
        return content + self.style_weight * style

    def _statistics(self, pictures: Iterable[Tensor]) -> tuple[Grams, list[float]]:
        """Gram matrices of all pictures by layer, (N, C, C), and each one's energy of content, one after the other."""
        grams, energies = [], []
        for picture in pictures:  # their features together would fill the memory
            content, found = self.look(picture)
            grams.append(found)
            energies.append(float(content.float().square().mean()))
        return {layer: torch.cat([each[layer] for each in grams]) for layer in self.style_layers}, energies


def ruler(loss_network: LossNetwork | None, device: torch.device, dtype: torch.dtype) -> LossNetwork:
    """A copy of ``loss_network``, by default the original VGG-19, on a device and in a type."""
    return (copy.deepcopy(loss_network) or load_loss_network()).to(device, dtype)
