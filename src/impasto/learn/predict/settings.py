"""What defines the training of a predictor, as numbers; no torch in here."""

from __future__ import annotations

from dataclasses import dataclass

from impasto import limits
from impasto.limits import field


@dataclass(frozen=True)
class PredictSettings:
    """What defines the training of a predictor.

    A network paints photos of ``size`` pixels without its margin, and what is within ``ring`` pixels of their borders
    is not looked at.
    """

    size: int = field(192, "Side of the photo crops, in pixels.", limits.CROP)
    ring: int = field(16, "Pixels at their borders that do not count.", limits.COUNT)
    batch: int = field(4, "Photos per step, each with a painting of its own.", limits.SEVERAL)
    crop: int = field(224, "Side of the crops of paintings, in pixels.", limits.CROP)
    fresh_every: int = field(2, "Steps for which a crop's statistics are not the newest.", limits.STEPS)
    kept: int = field(256, "Crops whose statistics are kept.", limits.SEVERAL)
    whole: float = field(0.3, "Share of whole paintings among what is learned.", limits.SHARE)
    mixed: float = field(0.25, "Share of collages of two.", limits.SHARE)
    from_photos: float = field(0.1, "Share of photos among the crops.", limits.SHARE)
    width: int = field(256, "Numbers of the inner layers.", limits.SEVERAL)
    view: int = field(24, "Directions from which a layer's channels are compared.", limits.SEVERAL)
    regress: int = field(400, "Steps in which it learns known rows first.", limits.COUNT)
    learning_rate: float = field(1e-3, "Of AdamW.", limits.LEARNING_RATE)
    decay: float = field(0.02, "Weight decay.", limits.DECAY)
    dropout: float = field(0.1, "Share of the features that are left out.", limits.SHARE)
    ema: float = field(0.998, "How much of the averaged weights a step keeps.", limits.DECAY)
    fall: float = field(0.3, "Share of the time in which the rate falls.", limits.SHARE)
    seed: int = field(0, "Random seed.", limits.SEED)
