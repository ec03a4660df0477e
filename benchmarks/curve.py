"""The learning curve: what the networks of several stages of a training are worth, in the objective of the last.

    python -m benchmarks.curve --photos DIR --styles DIR NETWORK.onnx ... full [--every 3] [--limit 20]

Each stage is an exported network with its bank beside it (`impasto export`, or an older commit's). Every third style of
the bank takes part; the styles take turns through the photos. Total is content + style weight x style on the photos of
the turns alone, so every stage paints the same pictures; worth is `impasto eval`'s. Kept in
benchmarks/results/curve.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from impasto import Painter
from impasto.files import write_atomically
from impasto.learn.devices import best_dtype
from impasto.learn.evaluate import Judge, load_photos, worth
from impasto.learn.features import load_loss_network
from impasto.learn.photos import load_paintings
from impasto.learn.settings import LossSettings

RESULTS = Path(__file__).parent / "results" / "curve.json"


def main() -> None:
    args = _arguments()
    stages = [Painter(network) for network in args.networks]
    last = stages[-1].bank
    names = [name for name in stages[-1].styles if name != "photo"][:: args.every]
    photos = load_photos(args.photos, size=args.size, limit=args.limit)
    losses = LossSettings.of(last)
    paintings = load_paintings(args.styles, names, size=losses.style_size, bank=last)
    judge = Judge(load_loss_network().to(best_dtype()), paintings, photos, losses)
    found: dict[str, Any] = {"size": args.size, "photos": len(photos), "styles": names, "stages": []}
    for painter in stages:
        scores, counts = [], []
        for i, name in enumerate(names):
            photo = photos[i % len(photos)]
            scores.append(judge.score(name, [photo], painter.paint_picture))
            counts.append(worth(judge, photo, name, scores[-1].total))
        settings = painter.bank.meta["settings"]
        stage = {"steps": painter.bank.meta["steps"], "fingerprint": painter.network.fingerprint}
        stage |= {"pictures": stage["steps"] * settings["batch"], "style_weight": settings["style_weight"]}
        stage |= {key: float(np.median([getattr(s, key) for s in scores])) for key in ("content", "style", "total")}
        stage |= {"worth": float(np.median(counts)), "least_worth": min(counts), "worths": counts}
        found["stages"].append(stage)
        write_atomically(RESULTS, json.dumps(found, indent=1).encode())
    keys = [key for key in found["stages"][0] if key != "worths"]
    table = Table(*keys, box=None)
    for stage in found["stages"]:
        table.add_row(*(f"{stage[key]:.3f}" if isinstance(stage[key], float) else str(stage[key]) for key in keys))
    Console(width=140).print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", help="exported networks, the last one's objective counts")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--every", type=int, default=3, help="every which style takes part")
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--size", type=int, default=512)
    return parser.parse_args()


if __name__ == "__main__":
    main()
