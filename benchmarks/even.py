"""What is painted into even places: a repeating pattern there, of a network and of L-BFGS.

    python -m benchmarks.even --photos DIR --styles DIR [--every 6] [--network full] [--evaluations 100]

The styles that the results have, or at first every sixth of the bank, paint an even grey, a dark ramp and a clear sky
(``learn.evaluate.pattern``), and so does the papers' L-BFGS from each of them, under the objective that the network was
trained for. Kept in benchmarks/results/even.json, by the network's name, after every style: a run that was ended goes
on where it was.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks import painted_by, unchanged
from impasto import Painter
from impasto.files import write_atomically
from impasto.learn.devices import best_dtype
from impasto.learn.evaluate.pattern import pattern, scenes
from impasto.learn.evaluate.scorer import Scorer
from impasto.learn.evaluate.scores import load_photos
from impasto.learn.evaluate.worth import descents
from impasto.learn.loss.features import load_loss_network
from impasto.learn.loss.settings import LossSettings
from impasto.learn.photos import load_paintings
from impasto.learn.tensors import to_picture

RESULTS = Path(__file__).parent / "results" / "even.json"


def main() -> None:
    args = _arguments()
    painter = Painter(args.network)
    everything = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    before = everything.get(args.network, {})
    names = [name for name in before.get("rows", {}) if name in painter.styles] or list(painter.styles[:: args.every])
    losses = LossSettings.of(painter.bank)
    paintings = load_paintings(args.styles, names, size=losses.style_size, bank=painter.bank)
    photos = load_photos(args.photos, size=512, limit=args.limit)  # which define the units
    judge = Scorer(load_loss_network().to(best_dtype()), paintings, photos, losses)
    head = {**painted_by(painter, names), "evaluations": args.evaluations, "photos": args.limit}
    same = before if before.get("fingerprint") == head["fingerprint"] else {}
    changed = set(names) - unchanged(same, head)
    found = {**head, "rows": {**same.get("rows", {}), **head["rows"]}}
    found["styles"] = {name: rows for name, rows in same.get("styles", {}).items() if name not in changed}
    everything[args.network] = found
    for name in names:
        if name in found["styles"]:
            continue
        rows = {}
        for scene, picture in scenes().items():
            *_, (_, descent) = descents(judge, picture, name, limit=args.evaluations)
            rows[scene] = {
                "network": pattern(painter.paint_array(picture, name)),
                "lbfgs": pattern(to_picture(descent.best)),
            }
        found["styles"][name] = rows
        write_atomically(RESULTS, json.dumps(everything, indent=1).encode())
        print(name, rows, flush=True)
    for way in ("network", "lbfgs"):
        worst = [max(row[way] for row in rows.values()) for rows in found["styles"].values()]
        print(f"{way}: median {np.median(worst):.1f}, most {max(worst):.1f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--network", default="full")
    parser.add_argument("--every", type=int, default=6)
    parser.add_argument("--limit", type=int, default=5)
    parser.add_argument("--evaluations", type=int, default=100)
    return parser.parse_args()


if __name__ == "__main__":
    main()
