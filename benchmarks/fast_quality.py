"""Candidates for the architecture of ``fast`` after equal short trainings: losses on held-out photos, and sheets.

    python -m benchmarks.fast_quality --photos DIR --held DIR --styles DIR [--candidates NAME/NAME/...] [--steps 800]

Candidates are those of benchmarks.fast_search. All trainings have the same seed, photos, paintings and settings, and a
margin. Content, style and total are means over photos and styles in the objective of the training, of paintings at
``--judged`` px. Results are added to benchmarks/results/fast-quality.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.fast_search import CANDIDATES
from impasto import Painter
from impasto.files import write_atomically
from impasto.learn.devices import best_dtype
from impasto.learn.evaluate.scorer import Scorer
from impasto.learn.evaluate.scores import load_photos
from impasto.learn.loss.features import load_loss_network
from impasto.learn.loss.settings import OF_TRAINING, LossSettings
from impasto.learn.network import fast
from impasto.learn.paintings import find_paintings
from impasto.learn.photos import PhotoFolder, load_paintings
from impasto.learn.train.checkpoint import CHECKPOINT
from impasto.learn.train.export import export
from impasto.learn.train.run import Run
from impasto.learn.train.settings import Schedule, TrainSettings
from impasto.pictures import save
from impasto.pictures.sheets import contact_sheet

RESULTS = Path(__file__).parent / "results" / "fast-quality.json"
STYLES = "van-gogh-starry-night,hokusai-great-wave,kandinsky-composition-vii,munch-the-scream,klimt-the-kiss"
SHOWN = 3  # photos on a sheet


def main() -> None:
    args = _arguments()
    for name in args.candidates.split("/"):
        found = measured(args, name)
        results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        write_atomically(RESULTS, json.dumps(results | {name: found}, indent=1).encode())
        print(name, {key: value for key, value in found.items() if key != "settings"}, flush=True)


def measured(args: argparse.Namespace, name: str) -> dict[str, Any]:
    """Train the candidate, if its run is not there yet, export it, paint the held-out photos and judge them."""
    number = 1000 + zlib.crc32(str(CANDIDATES[name]).encode()) % 10**6
    fast.DESIGNS[number] = CANDIDATES[name]
    settings = TrainSettings(
        steps=args.steps, size=args.size, batch=4, network="fast", design=number, optimizer="muon", style_weight=10,
        learning_rate=2e-3, warmup=50, ramp=args.steps // 4, decay=0.4, ema=0.99, margin=16, loss_surround=16,
        photo_turns=1.0,
    )  # fmt: skip
    names = args.style.split(",")
    folder = args.runs / name.replace(" ", "-").replace(",", "")
    styles = [style for style in find_paintings(args.styles) if style.name in names]
    begin = time.monotonic()
    run = Run(folder, PhotoFolder.open(args.photos, hold_out=args.hold_out), styles, settings, compile=False)
    for _ in run.train(Schedule(checkpoint_every=10**6, checkpoint_minutes=0.5, sheet_minutes=10**6)):
        pass
    seconds = time.monotonic() - begin
    assert (folder / CHECKPOINT).exists()
    file, _, _ = export(folder, folder / "out", overwrite=True)
    painter = Painter(file, precision="f32")
    photos = load_photos(args.held, size=args.judged, limit=args.limit)
    paintings = load_paintings(args.styles, names, size=settings.style_size)
    losses = LossSettings(**{key: getattr(settings, key) for key in asdict(LossSettings()) if key not in OF_TRAINING})
    scorer = Scorer(load_loss_network().to(best_dtype()), paintings, photos, losses)
    scores = [scorer.score(style, photos, painter.paint_array) for style in names]
    shown = [painter.paint_array(photo[:256, :256], style) for photo in photos[:SHOWN] for style in names]
    save(contact_sheet(shown, columns=len(names)), folder / "sheet.png")
    parts = {key: statistics.mean(getattr(score, key) for score in scores) for key in ("content", "style", "total")}
    return {"pictures": settings.steps * settings.batch, "seconds": round(seconds), **parts} | {
        "checkerboard": statistics.mean(score.checkerboard for score in scores),
        "settings": asdict(settings) | {"design": str(CANDIDATES[name])},
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--held", type=Path, required=True, help="folder of photos that are not trained on")
    parser.add_argument("--hold-out", type=int, default=0, help="leave the last so many of --photos out, by name")
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--style", default=STYLES)
    parser.add_argument("--candidates", default="first/chosen")
    parser.add_argument("--runs", type=Path, default=Path("fast-runs"))
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--judged", type=int, default=384)
    parser.add_argument("--limit", type=int, default=8)
    return parser.parse_args()


if __name__ == "__main__":
    main()
