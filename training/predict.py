"""Train what predicts rows for paintings that nothing was trained on, or go on with it; see docs/any-painting.md.

    python training/predict.py RUN --photos DIR --styles DIR --styles DIR [--leave-out unseen.txt] [--minutes 60]
        [--network full] [--device cuda] [--batch 16] [--start FILE] [--export FILE] [any setting of PredictSettings]

RUN is a folder; with a checkpoint in it the run goes on, wherever it was begun. Without one, --start goes on from a
predictor that --export wrote. --leave-out names paintings, one on a line, that nothing is learned from: what is
measured on them every --look steps goes into RUN/log.jsonl. --export writes the predictor with what was learned so
far, and with --minutes 0 does nothing else.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import torch

from impasto import assets, pictures
from impasto.learn.network.load import load_with_bank
from impasto.learn.photos import PhotoFolder, load_painting
from impasto.learn.predict.run import HELD_OUT, Training
from impasto.learn.predict.settings import PredictSettings
from impasto.styles.unseen.predictor import Predictor

SAVE_EVERY = 120.0  # seconds


def main() -> None:
    args = _arguments()
    left_out = set(args.leave_out.read_text().split()) if args.leave_out else set()
    files = [path for folder in args.styles for path in pictures.find([folder])]
    network, bank = load_with_bank(assets.network_file(args.network))
    bank = bank.without(left_out)
    photos = PhotoFolder.open(args.photos, hold_out=args.hold_out)
    settings = PredictSettings(**{each.name: getattr(args, each.name) for each in fields(PredictSettings)})
    learned = [path for path in files if path.stem not in left_out]
    start = Predictor.load(args.start) if args.start else None
    computing = {"device": args.device, "precision": args.precision}
    run = Training(args.run, network, bank, photos, learned, settings, start=start, **computing)
    seen = [
        (path.stem, run.shelf.look(load_painting(path, run.aim.style_size))) for path in files if path.stem in left_out
    ]
    print(
        f"{len(learned)} paintings, {len(seen)} left out, {run.device}, {run.dtype}, from step {run.step}", flush=True
    )
    saved = run.seconds
    for step in run.run(minutes=args.minutes) if args.minutes else ():
        if step.step % args.look == 0 or step.step == 1:
            record = asdict(step) | _held_out(run, seen[: args.looked_at])
            with open(args.run / "log.jsonl", "a") as log:
                log.write(json.dumps(record) + "\n")
            print(json.dumps(record), flush=True)
        if step.seconds - saved > SAVE_EVERY:
            run.save(step.seconds)
            saved = step.seconds
        run.seconds = step.seconds
    if args.minutes:
        run.save(run.seconds)
    if args.export:
        run.predictor().save(args.export)


@torch.no_grad()
def _held_out(run: Training, seen: list) -> dict[str, float]:
    """Medians over paintings that nothing is learned from, on photos that nothing is learned from."""
    photos = run.photos.batch(run.settings.seed, HELD_OUT + 1, 2, run.settings.size)
    found = []
    for _, (grams, means) in seen:
        row = run.average(grams, means).expand(len(photos), -1)
        content, style = run.measure(row, photos, [each.expand(len(photos), -1, -1) for each in grams])
        found.append([float(content.mean()), float(style.mean())])
    if not found:
        return {}
    content, style = np.median(found, axis=0)
    total = np.median([c + run.aim.style_weight * s for c, s in found])
    return {"unseen_content": content, "unseen_style": style, "unseen_total": float(total)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--styles", type=Path, action="append", required=True)
    parser.add_argument("--leave-out", type=Path)
    parser.add_argument(
        "--hold-out", type=int, default=132, help="photos, the last by name, that nothing is learned from"
    )
    parser.add_argument("--network", default=assets.DEFAULT)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--look", type=int, default=100)
    parser.add_argument("--looked-at", type=int, default=10)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--export", type=Path)
    for each in fields(PredictSettings):
        name = "--" + each.name.replace("_", "-")
        parser.add_argument(name, type=type(each.default), default=each.default, help=each.metadata["help"])
    args = parser.parse_args()
    args.run.mkdir(parents=True, exist_ok=True)
    return args


if __name__ == "__main__":
    main()
