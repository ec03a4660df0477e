"""Speed of training: pictures a second of `impasto train`, as it runs here by itself and as plain PyTorch runs it.

    python -m benchmarks.training --photos DIR --styles DIR [--sizes 128,192,256] [--networks full,fast] [--steps 12]

A step is all that training does for four photos: drawing crops, painting, the loss network forward and back, clipping,
the optimiser (Muon) and averaged weights. "as it is" takes bfloat16 and compiles where that pays; "plain" is float32
and eager. The first steps, which compile, do not count; the median of the others does. Results are kept in
benchmarks/results/training.json, size by size.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from impasto.files import write_atomically
from impasto.learn.paintings import find_styles
from impasto.learn.photos import PhotoFolder
from impasto.learn.settings import Settings
from impasto.learn.train import Run

RESULTS = Path(__file__).parent / "results" / "training.json"
WARM = 3  # steps that do not count


def main() -> None:
    args = _arguments()
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"rows": []}
    found |= {"machine": platform.machine(), "threads": torch.get_num_threads(), "torch": torch.__version__}
    for network in args.networks.split(","):
        for size in (int(size) for size in args.sizes.split(",")):
            row = {"network": network, "size": size}
            row |= {"as it is": _pictures_per_second(args, network, size, plain=False)}
            row |= {"plain": _pictures_per_second(args, network, size, plain=True)}
            row |= {"ratio": row["as it is"] / row["plain"]}
            found["rows"] = [old for old in found["rows"] if (old["network"], old["size"]) != (network, size)] + [row]
            write_atomically(RESULTS, json.dumps(found, indent=1).encode())
    table = Table(*found["rows"][0], box=None)
    for row in found["rows"]:
        table.add_row(*(f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)
    print(json.dumps(found))


def _pictures_per_second(args: argparse.Namespace, network: str, size: int, *, plain: bool) -> float:
    settings = Settings(steps=args.steps + WARM, size=size, network=network, optimizer="muon")
    photos, styles = PhotoFolder.open(args.photos), find_styles(args.styles)
    with tempfile.TemporaryDirectory() as folder:
        mode: dict[str, Any] = {"precision": "float32", "compile": False} if plain else {}
        steps = list(Run(folder, photos, styles, settings, **mode).train(checkpoint_every=10**9))
    return statistics.median(step.pictures_per_second for step in steps[WARM:])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--sizes", default="128,192,256")
    parser.add_argument("--networks", default="full,fast")
    parser.add_argument("--steps", type=int, default=12)
    return parser.parse_args()


if __name__ == "__main__":
    main()
