"""Put a row of a bank into a run, which goes on from it: python training/row.py RUN BANK NAME

For a style that training has left in a bad place, such as one flat colour, after ``impasto teach`` found a better one.
The optimiser's momentum for that row begins again at 0.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from impasto.learn.train.checkpoint import CHECKPOINT, Checkpoint
from impasto.styles.bank import Bank


def put(run: str | Path, bank: Bank, name: str) -> None:
    """Replace the row of ``name`` in the checkpoint of ``run``, moving and averaged weights alike."""
    path = Path(run) / CHECKPOINT
    checkpoint = Checkpoint.read(path)
    index = checkpoint.names.index(name)
    for key in ("model.rows", "average.rows"):
        checkpoint.tensors[key][index] = torch.tensor(bank[name])
    if "adam.rows.exp_avg" in checkpoint.tensors:
        checkpoint.tensors["adam.rows.exp_avg"][index] = 0
    checkpoint.write(path)


if __name__ == "__main__":
    put(sys.argv[1], Bank.load(sys.argv[2]), sys.argv[3])
