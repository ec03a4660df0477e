"""Mix two runs of one network, weight by weight: python training/mix.py RUN_A RUN_B OUTPUT SHARE_OF_B

For runs of which one went on from the other: what lies between their weights paints between them, and often better than
either (Wortsman et al. 2022, "Model soups"). OUTPUT is a folder that ``impasto export`` takes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from impasto.learn.checkpoint import CHECKPOINT

MIXED = ("average.", "model.")


def read(folder: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(Path(folder) / CHECKPOINT, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata()


def main() -> None:
    one, other, output, share = sys.argv[1:]
    first, _ = read(one)
    second, meta = read(other)
    for key, value in second.items():
        if key.startswith(MIXED) and value.is_floating_point():
            second[key] = first[key].lerp(value, float(share)).contiguous()
    Path(output).mkdir(exist_ok=True)
    save_file(second, Path(output) / CHECKPOINT, meta)


if __name__ == "__main__":
    main()
