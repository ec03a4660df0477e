"""What the stages of an optimisation work with: the loss network in each precision, an objective, an optimiser."""

from __future__ import annotations

import torch
from torch import Tensor

from impasto.learn.devices import best_dtype
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.judge import ruler
from impasto.learn.optimize.descent import LBFGS, Adam
from impasto.learn.optimize.fit import Fit
from impasto.learn.optimize.objective import Objective
from impasto.learn.optimize.recipes import OptimizeSettings
from impasto.learn.optimize.scene import Scene


class Tools:
    """Made for one optimisation, which they outlive no longer than a stage, but for the loss networks."""

    def __init__(
        self, settings: OptimizeSettings, scene: Scene, loss_network: LossNetwork, fit: Fit, device: torch.device
    ) -> None:
        self.settings, self.scene, self.fit, self.device = settings, scene, fit, device
        self._given = loss_network
        self._networks: dict[str, LossNetwork] = {}

    def network(self, precision: str) -> LossNetwork:
        """The loss network with the settings' pooling, in "f32" or "bf16"."""
        if precision not in self._networks:
            self._networks[precision] = ruler(self._given, self.device, best_dtype(precision))
            self._networks[precision].pooling = self.settings.pooling
            self._networks[precision].winograd = True
        return self._networks[precision]

    def objective(self, size: int, precision: str) -> Objective:
        """What a picture with a long side of ``size`` pixels costs."""
        return Objective(
            self.network(precision),
            self.scene.photo_at(size, self.device),
            self.scene.regions_at(size, self.device),
            self.settings,
            recompute=self.fit.recompute and size == self.settings.size,
        )

    def optimizer(self, picture: Tensor, old: LBFGS | Adam | None = None) -> LBFGS | Adam:
        """The settings' optimiser for ``picture`` (1, 3, H, W); Adam takes over the moments of an ``old`` one."""
        settings = self.settings
        if settings.optimizer == "lbfgs":
            return LBFGS(picture, history=self.fit.history)
        new = Adam(picture, learning_rate=settings.learning_rate, average=settings.average)
        if isinstance(old, Adam):
            new.carry(old)
        return new
