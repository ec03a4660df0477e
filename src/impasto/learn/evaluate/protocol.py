"""What is measured of painted pictures, and how they are brought together for it. No torch in here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from impasto import limits
from impasto.errors import OptionError
from impasto.learn.loss.layers import most_like
from impasto.limits import Choice, field

Fit = Literal["same", "crop", "stretch"]

MEASURES = ("content", "share", "adain", "wasserstein", "color", "ssim", "cfsd", "warping")
NO_NUMBERS = ("photo", "painted", "painting", "name", "strength", "error")  # keys of a record that are no measures


@dataclass(frozen=True)
class Protocol:
    """How pictures are brought together, and what is measured of them besides the objective."""

    size: int = field(512, "Longer side of the photos, in pixels; smaller ones are enlarged.", limits.SIDE)
    fit: Fit = field("same", "Pictures of another shape: same refuses, crop, stretch.", Choice(get_args(Fit)))
    measures: tuple[str, ...] = MEASURES

    def __post_init__(self) -> None:
        limits.settle(self)
        for word in self.measures:
            if word not in MEASURES:
                raise OptionError(f"there is no measure {word!r}; did you mean {most_like(word, MEASURES)!r}?")
