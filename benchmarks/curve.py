"""The learning curve: what the networks of several stages of a training are worth, in the objective of the last.

    python -m benchmarks.curve --photos DIR --styles DIR NETWORK.onnx ... full [--every 6] [--limit 20]

Each stage is an exported network with its bank beside it (`impasto export`, or the files of an older commit). Every
sixth style of the bank takes part, each on a photo of its own. L-BFGS runs once for each of these pairs, and where it
passes the total of a stage is what that stage is worth, as `impasto eval --worth` has it. Kept in
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
from impasto.learn.evaluate.scorer import Scorer, Scores
from impasto.learn.evaluate.scores import load_photos
from impasto.learn.evaluate.worth import optimized
from impasto.learn.loss.features import load_loss_network
from impasto.learn.loss.settings import LossSettings
from impasto.learn.photos import load_paintings

RESULTS = Path(__file__).parent / "results" / "curve.json"
MARKS = (10, 20, 30, 40, 60, 80, 100)  # evaluations after which L-BFGS' total is told


def main() -> None:
    args = _arguments()
    stages = [Painter(network) for network in args.networks]
    bank = stages[-1].bank
    names = list(stages[-1].styles[:: args.every])
    photos = load_photos(args.photos, size=args.size, limit=args.limit)
    losses = LossSettings.of(bank)
    paintings = load_paintings(args.styles, names, size=losses.style_size, bank=bank)
    judge = Scorer(load_loss_network().to(best_dtype()), paintings, photos, losses)
    pairs = [(name, photos[i % len(photos)]) for i, name in enumerate(names)]
    runs = [list(optimized(judge, photo, name, limit=args.evaluations)) for name, photo in pairs]
    found: dict[str, Any] = {"size": args.size, "evaluations": args.evaluations, "styles": names, "stages": []}
    for painter in stages:
        scores = [judge.score(name, [photo], painter.paint_array) for name, photo in pairs]
        found["stages"].append(_stage(painter, scores, [_worth(r, s.total) for r, s in zip(runs, scores, strict=True)]))
    shares = {n: [_after(run, n) / last.total for run, last in zip(runs, scores, strict=True)] for n in MARKS}
    found["optimized"] = {str(n): float(np.median(share)) for n, share in shares.items() if n <= args.evaluations}
    write_atomically(RESULTS, json.dumps(found, indent=1).encode())
    keys = [key for key in found["stages"][0] if key != "worths"]
    table = Table(*keys, box=None)
    for stage in found["stages"]:
        table.add_row(*(f"{stage[key]:.3f}" if isinstance(stage[key], float) else str(stage[key]) for key in keys))
    Console(width=140).print(table, f"L-BFGS' total over the last network's, median: {found['optimized']}")


def _stage(painter: Painter, scores: list[Scores], worths: list[int]) -> dict[str, Any]:
    meta = painter.bank.meta
    losses = {key: float(np.median([getattr(s, key) for s in scores])) for key in ("content", "style", "total")}
    return {
        "fingerprint": painter.network.fingerprint,
        "steps": meta["steps"],
        "style_weight": meta["settings"]["style_weight"],
        **losses,
        "worth": float(np.median(worths)),
        "least_worth": min(worths),
        "worths": worths,
    }


def _worth(run: list[tuple[int, float]], total: float) -> int:
    """After how many evaluations the run was as low; all of them if it never was."""
    return next((used for used, reached in run if reached <= total), run[-1][0])


def _after(run: list[tuple[int, float]], evaluations: int) -> float:
    """The total after so many evaluations, or a few less where a step had several; at least the first step's."""
    return ([run[0][1]] + [reached for used, reached in run if used <= evaluations])[-1]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", help="exported networks; the last one's objective counts")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--every", type=int, default=6, help="every which style takes part")
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--evaluations", type=int, default=100)
    return parser.parse_args()


if __name__ == "__main__":
    main()
