"""What defines the losses, as numbers. No torch in here: the command line reads its options from these fields."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from impasto import limits
from impasto.errors import OptionError
from impasto.learn.loss.layers import check_layers
from impasto.limits import Choice, field

if TYPE_CHECKING:
    from impasto.styles.bank import Bank

Unit = Literal["fair", "photos", "energy", "gatys", "dumoulin"]
Pooling = Literal["max", "average", "l2"]
Borders = Literal["zeros", "mirror"]

OF_TRAINING = ("loss_borders", "loss_surround")  # eval measures without, for docs/; a lesson has its own


@dataclass(frozen=True)
class LossSettings:
    """What defines the losses that a network or a row is trained with, and measured by.

    ``loss_surround`` is how many pixels of the painting are mirrored outwards before the loss network looks at it,
    which makes every visible pixel count and no border of its own; ``loss_borders`` is what the loss network sees
    beyond that, "zeros" or a "mirror" around every layer.
    """

    content_layer: str = field("relu3_1", "Layer of VGG-19 whose activations are the content.")
    style_layers: tuple[str, ...] = field(("relu1_1", "relu2_1", "relu3_1", "relu4_1"), "", limits.LAYERS)
    style_layer_weights: tuple[float, ...] = field(
        (), "Of relu1_1,relu2_1,relu3_1,relu4_1; default: all alike.", limits.WEIGHTS
    )
    style_size: int = field(512, "Long side of the paintings, in pixels.", limits.SIDE)
    style_weight: float = field(8.0, "Weight of the style loss against the content loss.", limits.WEIGHT)
    unit: Unit = field("fair", "Unit of the style loss: fair, photos, energy, gatys, dumoulin.", Choice(get_args(Unit)))
    loss_surround: int = field(0, "Pixels of the painting mirrored outwards for VGG; 16 is enough.", limits.MARGIN)
    loss_borders: Borders = field("zeros", "What VGG sees beyond that: zeros or mirror.", Choice(get_args(Borders)))

    def __post_init__(self) -> None:
        limits.settle(self)
        check_layers([self.content_layer, *self.style_layers])
        weights, layers = self.style_layer_weights, self.style_layers
        if weights and (len(weights) != len(layers) or sum(weights) <= 0):
            raise OptionError(
                f"style_layer_weights must be one number for each of {', '.join(layers)}, 0 or more, not {weights}"
            )

    @classmethod
    def of(cls, bank: Bank, *, borders: bool = False, **options: Any) -> Self:
        """The settings of ``options``; what is None or missing of the losses is as the bank's network was trained.

        But for those of borders, unless ``borders`` asks for them, too.
        """
        trained = bank.meta.get("settings")
        names = {each.name for each in fields(LossSettings)} - (set() if borders else set(OF_TRAINING))
        found = {key: trained[key] for key in names & trained.keys()} if isinstance(trained, dict) else {}
        return cls(**found | {key: value for key, value in options.items() if value is not None})
