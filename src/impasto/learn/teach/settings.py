"""What defines a lesson, as numbers, which the command line reads too."""

from __future__ import annotations

from dataclasses import dataclass

from impasto import limits
from impasto.learn.loss.settings import LossSettings
from impasto.limits import field


@dataclass(frozen=True)
class LessonSettings(LossSettings):
    """What defines a lesson. The objective's part is by default what the bank's network was trained with."""

    loss_surround: int = field(16, "Pixels of the painting mirrored outwards for VGG; 16 is enough.", limits.MARGIN)
    steps: int = field(1000, "At most N steps.", limits.STEPS)
    batch: int = field(1, "Photos per step.", limits.SEVERAL)
    size: int = field(192, "Side of the photo crops, in pixels.", limits.CROP)
    learning_rate: float = field(
        2e-2, "Of Adam; of a number more where known styles differ more.", limits.LEARNING_RATE
    )
    along: float = field(0.7, "Of that rate, for the weights of the bank's styles in the row.", limits.WEIGHT)
    warmup: int = field(10, "Steps over which the rate rises.", limits.COUNT)
    ema: float = field(0.95, "How much of the averaged row a step keeps.", limits.DECAY)
    check_every: int = field(20, "Steps between looks at held-out pictures.", limits.STEPS)
    checks: int = field(4, "Held-out pictures.", limits.SEVERAL)
    patience: int = field(4, "Looks without improvement after which the rate falls.", limits.STEPS)
    improvement: float = field(0.01, "What counts as one, as a share of the total.", limits.SHARE)
    hold: float = field(0.6, "Share of the steps or the time, at most, before the rate falls.", limits.SHARE)
    fall: int = field(40, "Steps at least over which it falls.", limits.STEPS)
    match_size: int = field(128, "Side of the crops that styles are compared on, in pixels.", limits.CROP)
    match_photos: int = field(2, "How many crops those are.", limits.SEVERAL)
    match_steps: int = field(12, "Steps of the search for the closest mix.", limits.COUNT)
    seed: int = field(0, "Random seed.", limits.SEED)
