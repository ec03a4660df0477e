"""How fast a lesson goes, and when it ends."""

from __future__ import annotations

import math
import time

from impasto.learn.teach.settings import LessonSettings


class Pace:
    """How far a lesson is, by steps or by time, and the rate that belongs to it.

    Linear warm-up; held while that pays; then a cosine down to a fiftieth, which ends the lesson.
    """

    def __init__(self, settings: LessonSettings, max_minutes: float | None) -> None:
        self.settings = settings
        self.limit = math.inf if max_minutes is None else 60 * max_minutes
        self.begin = time.monotonic()
        self.progress = 0.0  # 0..1
        self.falling: tuple[int, float] | None = None  # step and progress at which the rate began to fall
        self.fallen = 0.0  # 0..1

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begin

    def rate(self, step: int) -> float:
        warm = min(1.0, (step + 1) / max(1, self.settings.warmup))
        return self.settings.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.fallen)))

    def tick(self, step: int) -> None:
        """After ``step`` steps: where the lesson is now."""
        progress = max(step / max(1, self.settings.steps), self.seconds / max(1e-9, self.limit))
        if progress >= self.settings.hold:
            self.fall(step)
        if self.falling is not None:
            first, before = self.falling
            by_steps = (step - first) / max(self.settings.fall, first // 2)
            self.fallen = min(1.0, max(by_steps, (progress - before) / max(1e-9, 1 - before)))
        self.progress = 1.0 if self.fallen >= 1 else min(1.0, max(progress, self.fallen))

    def fall(self, step: int) -> None:
        """Let the rate fall from here on, if it does not already."""
        self.falling = self.falling or (step, min(1.0, self.progress))
