"""Mix two runs of one network, weight by weight: python training/mix.py RUN_A RUN_B OUTPUT SHARE_OF_B

For runs of which one went on from the other: what lies between their weights paints between them, and often better than
either (Wortsman et al. 2022, "Model soups"). OUTPUT is a folder that ``impasto export`` takes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from impasto.learn.train.checkpoint import CHECKPOINT, Checkpoint

MIXED = ("average.", "model.")


def mix(one: str | Path, other: str | Path, output: str | Path, share: float) -> None:
    """Write the run ``other`` with its weights moved towards those of ``one``: ``share`` is how much stays its own."""
    first, second = (Checkpoint.read(Path(folder) / CHECKPOINT) for folder in (one, other))
    for key, value in second.tensors.items():
        if key.startswith(MIXED) and value.is_floating_point():
            second.tensors[key] = first.tensors[key].lerp(value, share)
    Path(output).mkdir(exist_ok=True)
    second.write(Path(output) / CHECKPOINT)


if __name__ == "__main__":
    mix(*sys.argv[1:4], share=float(sys.argv[4]))
