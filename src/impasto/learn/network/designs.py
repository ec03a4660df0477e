"""What fast networks are made of, as numbers. No torch in here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Design:
    """What a fast network is made of; ``python -m benchmarks.fast_search`` times such records.

    ``stem`` is the side of the first convolution, of stride 4; with 0 squares of 4x4 become channels, then comes a 3x3.
    ``widths`` are channels at a quarter, an eighth and half of the picture's size; ``blocks`` counts residual blocks at
    a quarter going in, at an eighth, at a quarter going out; ``groups`` are those of their 3x3 convolutions at a
    quarter and an eighth, 0 for one to a channel. ``tail`` is the factor and the kernel of each enlargement at the
    end. ``apart``: the last norm takes the moments of every phase by itself.
    """

    stem: int = 0
    widths: tuple[int, int, int] = (48, 128, 16)
    blocks: tuple[int, int, int] = (1, 5, 2)
    groups: tuple[int, int] = (4, 4)
    tail: tuple[tuple[int, int], ...] = ((2, 3), (2, 3))
    apart: bool = False

    def channels(self, alpha: float) -> tuple[int, int, int]:
        """The widths times ``alpha``, multiples of the groups, and of 4 where WebGPU's convolution demands it."""
        steps = [*(max(1, groups) for groups in self.groups), 4]
        quarter, eighth, half = (
            max(step, int(alpha * width) // step * step) for step, width in zip(steps, self.widths, strict=True)
        )
        return quarter, eighth, half


FIRST = 1  # what files and runs have that name none
LATEST = 2  # what is trained from now on
DESIGNS = {
    FIRST: Design(),
    LATEST: Design(stem=8, widths=(48, 128, 16), blocks=(0, 5, 1), groups=(3, 4), tail=((2, 3), (2, 5)), apart=True),
}
