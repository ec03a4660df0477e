"""What defines the losses, as numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self, get_args

from impasto import limits
from impasto.errors import OptionError
from impasto.learn.loss.features import check_layers
from impasto.learn.loss.losses import Unit
from impasto.styles.bank import Bank

LOSS_LIMITS: dict[str, limits.Limit] = {
    "style_size": limits.SIDE,
    "style_weight": limits.WEIGHT,
    "unit": limits.Choice(get_args(Unit)),
}


@dataclass(frozen=True)
class LossSettings:
    """What defines the losses that a network or a row is trained with, and measured by."""

    content_layer: str = "relu3_1"
    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    style_layer_weights: tuple[float, ...] = ()
    style_size: int = 512
    style_weight: float = 8.0
    unit: Unit = "fair"

    def __post_init__(self) -> None:
        limits.check_all(self, LOSS_LIMITS)
        check_layers([self.content_layer, *self.style_layers])
        weights, layers = self.style_layer_weights, self.style_layers
        if weights and (len(weights) != len(layers) or not limits.WEIGHTS.allows(weights) or sum(weights) <= 0):
            raise OptionError(
                f"style_layer_weights must be one number for each of {', '.join(layers)}, 0 or more, not {weights}"
            )

    @classmethod
    def of(cls, bank: Bank, **options: Any) -> Self:
        """The settings of ``options``; what is None or missing of the losses is as the bank's network was trained."""
        trained = bank.meta.get("settings")
        names = {field.name for field in fields(LossSettings)}
        found = {key: trained[key] for key in names & trained.keys()} if isinstance(trained, dict) else {}
        chosen: dict[str, Any] = found | {key: value for key, value in options.items() if value is not None}
        tuples = {key: tuple(value) for key, value in chosen.items() if isinstance(value, list)}  # JSON has none
        return cls(**chosen | tuples)
