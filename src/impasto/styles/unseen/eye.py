"""The loss network in its file: a picture -> what its style is told from; and what a network aims at, in such numbers.

The same Gram matrices as ``learn`` trains with, without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from impasto import limits
from impasto.errors import BankError, NetworkError, OptionError, brief
from impasto.styles import strokes
from impasto.styles.bank import Bank

Floats = npt.NDArray[np.float32]
Grams = dict[str, Floats]  # (C, C) by layer

# What a bank that does not say how its network was trained is taken to be trained with: the defaults of training.
LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
DEFAULTS = {"content_layer": "relu3_1", "style_weight": 8.0, "style_size": strokes.USUAL}


@dataclass(frozen=True)
class Aim:
    """What a network's rows are to reach: content, and style by layer, of the sum of which each has its ``shares``."""

    content_layer: str
    shares: dict[str, float]
    style_weight: float
    style_size: int

    @classmethod
    def of(cls, bank: Bank) -> Aim:
        """What the network of a bank was trained for; BankError where the bank says what cannot be."""
        said = bank.meta.get("settings")
        trained: dict[str, Any] = said if isinstance(said, dict) else {}
        layers = trained.get("style_layers") or LAYERS
        rest = {key: trained.get(key, value) for key, value in DEFAULTS.items()}
        try:
            limits.LAYERS.check("style_layers", layers)
            weights = trained.get("style_layer_weights") or [1.0] * len(layers)
            limits.WEIGHTS.check("style_layer_weights", weights)
            limits.WEIGHT.check("style_weight", rest["style_weight"])
            limits.SIDE.check("style_size", rest["style_size"])
            whole = sum(weights)
            return cls(shares={each: w / whole for each, w in zip(layers, weights, strict=True)}, **rest)
        except (OptionError, ValueError, ZeroDivisionError) as error:
            raise BankError(
                f"the bank of {bank.network!r} says odd things about its training ({brief(error)}); take another copy"
            ) from error


@dataclass(frozen=True)
class Statistics:
    """What the style of a picture is told from: Gram matrices (C, C) and the channels' means (C,) of each layer."""

    grams: Grams
    means: dict[str, Floats]


class Session(Protocol):
    """An open graph: its metadata, and a function from named inputs to its output."""

    meta: dict[str, str]

    def run(self, feeds: dict[str, npt.NDArray[Any]]) -> npt.NDArray[Any]: ...


class Eye:
    """The loss network, open; ``session`` is that of its file. NetworkError for a file that is something else."""

    def __init__(self, session: Session) -> None:
        try:
            self.layers = session.meta["impasto.layers"].split(",")
            self.widths = [int(width) for width in session.meta["impasto.widths"].split(",")]
        except (KeyError, ValueError) as error:
            raise NetworkError("this is no loss network of impasto's; install impasto again") from error
        self._session = session

    def look(self, pixels: Floats) -> Statistics:
        """The statistics of a picture (h, w, 3), 0..1, of 16 pixels or more a side."""
        found = self._session.run({"picture": np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)})
        ends = np.cumsum([*(width**2 for width in self.widths), *self.widths])
        *parts, rest = np.split(found.ravel(), ends)
        if rest.size or parts[-1].size != self.widths[-1]:
            raise NetworkError("the loss network gives other numbers than it says; install impasto again")
        grams = [part.reshape(width, width) for part, width in zip(parts, self.widths, strict=False)]
        means = parts[len(self.widths) :]
        return Statistics(dict(zip(self.layers, grams, strict=True)), dict(zip(self.layers, means, strict=True)))


def units(target: Grams, photos: list[Grams]) -> dict[str, float]:
    """What one unit of |G - target|^2 is, by layer: the "fair" unit of training.

    The geometric mean of how far photos are from the painting and of the painting's own energy.
    """
    found = {}
    for layer, gram in target.items():
        away = float(np.mean([np.square(photo[layer] - gram, dtype=np.float64).sum() for photo in photos]))
        found[layer] = float(np.sqrt(away * np.square(gram, dtype=np.float64).sum()))
    return found
