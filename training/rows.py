"""Teach the rows of a bank on its own network, which stays as it is: anew, at another stroke size, or new ones.

    python training/rows.py RUN --photos DIR --styles DIR [--cards training/styles.toml] [--network full]
        [--style NAME,...] [--stroke-size 500] [--steps 30] [--size 224] [--margin 16] [--export BANK.safetensors]

A style that the bank has is taught on from where it is, such as after a change of the graph. With --stroke-size it
is a row of its own, NAME.SIZE, for the painting with that many pixels on its longer side. A painting that the bank has
not begins with the row that a search finds. RUN has a file for each row; what is there is not taught again, so a run
that was ended goes on where it was. --export writes the bank with all rows that RUN has, and with --steps 0 does
nothing else. Crops are painted with a smaller margin than pictures, so that a margin has no more of the moments than in
pictures of a thousand pixels.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import replace
from pathlib import Path

import numpy as np

from impasto import Painter, assets
from impasto.files import write_atomically
from impasto.learn.network.load import load_with_bank
from impasto.learn.paintings import find_paintings, read_cards
from impasto.learn.photos import PhotoFolder
from impasto.learn.teach.lesson import Lesson
from impasto.learn.teach.settings import LessonSettings
from impasto.styles import strokes
from impasto.styles.bank import Bank, Card


def main() -> None:
    args = _arguments()
    args.run.mkdir(parents=True, exist_ok=True)
    network, bank = load_with_bank(assets.network_file(args.network))
    network.margin = min(args.margin, network.margin)
    photos = PhotoFolder.open(args.photos, hold_out=args.hold_out)
    names = args.style.split(",") if args.style else list(bank.styles)
    cards = read_cards(args.cards) if args.cards else None
    paintings = {painting.name: painting for painting in find_paintings(args.styles, cards)}
    known = LessonSettings.of(bank, borders=True)
    for name in names if args.steps else ():
        called = f"{name}.{args.stroke_size}" if args.stroke_size else name
        file, painting = args.run / f"{called}.npy", paintings[name]
        if file.exists():
            continue
        if painting.crop or painting.size:
            raise SystemExit(f"{name} has a crop or a size of its own, which is not known here")
        settings = replace(
            known, steps=args.steps, size=args.size, batch=args.batch, along=0.0, learning_rate=args.learning_rate,
            style_weight=known.style_weight * painting.weight, check_every=args.steps // 2, hold=0.4, seed=args.seed,
            style_size=args.stroke_size or known.style_size,
        )  # fmt: skip
        start = np.array(bank[name]) if name in bank else Painter(args.network).row(painting.path)
        lesson = Lesson(painting.path, network, bank, photos, settings)
        totals = [step.held_out for step in lesson.run(start=start) if step.held_out is not None]
        made = io.BytesIO()
        np.save(made, lesson.row)
        write_atomically(file, made.getvalue())
        print(called, *(f"{total:.3f}" for total in totals), f"{lesson.seconds:.0f} s", flush=True)
    if args.export:
        taught(bank, args.run).save(args.export, half=True)


def taught(bank: Bank, run: Path) -> Bank:
    """The bank with the rows that there are files of in ``run``: NAME.npy, or NAME.SIZE.npy at another stroke size.

    A style that gets a second stroke size keeps its own, which its card says from then on. A new style's card has no
    more than its name; training/ship.py puts the words in.
    """
    usual = LessonSettings.of(bank).style_size
    for file in sorted(run.glob("*.npy"), key=lambda file: (file.stem.count("."), file.stem)):  # own rows first
        name, _, size = file.stem.partition(".")
        row = np.load(file)
        if size:
            own = bank.card(name)
            bank = bank.add(name, bank[name], strokes.card(own, own.extra.get(strokes.SIZE, usual)), replace=True)
            bank = bank.add(file.stem, row, strokes.card(own, int(size), of=name), replace=True)
        else:
            card = bank.card(name) if name in bank else Card("", name, "", "", "")
            bank = bank.add(name, row, card, replace=True)
    return bank


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--cards", type=Path)
    parser.add_argument("--network", default=assets.DEFAULT)
    parser.add_argument("--style", help="NAME,NAME,...; default: all")
    parser.add_argument("--stroke-size", type=int, help="pixels of the painting's longer side, for a row of its own")
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
