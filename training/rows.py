"""Teach the rows of a bank anew, each from where it is, on its own network: for a graph that was changed since.

    python training/rows.py RUN --photos DIR --styles DIR [--cards training/styles.toml] [--network full]
        [--style NAME,...] [--steps 30] [--size 224] [--margin 16] [--export BANK.safetensors]

The network stays as it is, and so does its fingerprint. RUN has a file for each style; what is there is not taught
again, so a run that was ended goes on where it was. --export writes the bank with all rows that RUN has in the place of
the old ones, and with --steps 0 does nothing else. Rows of a style at other stroke sizes are left as they are. Crops
are painted with a smaller margin than pictures, so that a margin has no more of the moments than in pictures of a
thousand pixels.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import replace
from pathlib import Path

import numpy as np

from impasto import assets
from impasto.files import write_atomically
from impasto.learn.network.load import load_with_bank
from impasto.learn.paintings import find_paintings, read_cards
from impasto.learn.photos import PhotoFolder
from impasto.learn.teach.lesson import Lesson
from impasto.learn.teach.settings import LessonSettings
from impasto.styles.bank import Bank


def main() -> None:
    args = _arguments()
    args.run.mkdir(parents=True, exist_ok=True)
    network, bank = load_with_bank(assets.network_file(args.network))
    network.margin = args.margin
    photos = PhotoFolder.open(args.photos, hold_out=args.hold_out)
    names = args.style.split(",") if args.style else list(bank.styles)
    cards = read_cards(args.cards) if args.cards else None
    paintings = {painting.name: painting for painting in find_paintings(args.styles, cards)}
    known = LessonSettings.of(bank, borders=True)
    for name in names if args.steps else ():
        file, painting = args.run / f"{name}.npy", paintings[name]
        if file.exists():
            continue
        if painting.crop or painting.size:
            raise SystemExit(f"{name} has a crop or a size of its own, which is not known here")
        settings = replace(
            known, steps=args.steps, size=args.size, batch=args.batch, along=0.0, learning_rate=args.learning_rate,
            style_weight=known.style_weight * painting.weight, check_every=args.steps // 2, hold=0.4, seed=args.seed,
        )  # fmt: skip
        lesson = Lesson(painting.path, network, bank, photos, settings)
        totals = [step.held_out for step in lesson.run(start=np.array(bank[name])) if step.held_out is not None]
        made = io.BytesIO()
        np.save(made, lesson.row)
        write_atomically(file, made.getvalue())
        print(name, *(f"{total:.3f}" for total in totals), f"{lesson.seconds:.0f} s", flush=True)
    if args.export:
        taught(bank, args.run).save(args.export, half=True)


def taught(bank: Bank, run: Path) -> Bank:
    """The bank with the rows that there are files of in ``run``."""
    rows = np.array(bank.rows)
    for i, name in enumerate(bank.names):
        file = run / f"{name}.npy"
        if file.exists():
            rows[i] = bank.check_row(np.load(file))
    return replace(bank, rows=rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--cards", type=Path)
    parser.add_argument("--network", default=assets.DEFAULT)
    parser.add_argument("--style", help="NAME,NAME,...; default: all")
    parser.add_argument("--hold-out", type=int, default=132)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--margin", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=5e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--export", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
