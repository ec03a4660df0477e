"""Two ways to learn one style from several paintings, compared: their mean, and batches that draw one for each photo.

    python -m benchmarks.several monet-a.jpg monet-b.jpg ... [--network fast] [--steps N] [--out FOLDER]

``mean`` is what ``impasto teach`` does: the Gram matrices of all paintings are averaged, in the unit of that mean.
``batches`` draws a painting for each photo of a step; each has its own unit, so that a muted one counts for more. Both
ways begin with the mean of the bank's rows and see the same photos. Held-out photos painted with each row are measured
by both objectives, and their style by its distance from each of the paintings, in that painting's unit. With ``--out``
they are kept: a row of photos, then those painted with each row.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.speed import machine
from impasto import assets
from impasto.files import write_atomically
from impasto.learn.loss.features import load_loss_network
from impasto.learn.loss.judge import Judge
from impasto.learn.network.load import load_with_bank
from impasto.learn.photos import load_painting
from impasto.learn.teach.course import open_photos
from impasto.learn.teach.easel import HELD_OUT
from impasto.learn.teach.settings import LessonSettings
from impasto.learn.tensors import to_picture
from impasto.styles.bank import PHOTO, Bank

SIZE, BATCH, RATE, UNIT_PHOTOS, CHECKS = 128, 2, 0.03, 8, 4
RESULTS = Path(__file__).parent / "results" / "several.json"


def main() -> None:
    args = _arguments()
    torch.set_num_threads(2)
    network, bank = load_with_bank(assets.network_file(args.network))
    network.requires_grad_(False).eval()
    settings, vgg = LessonSettings.of(bank), load_loss_network()
    paintings = [load_painting(each, settings.style_size) for each in args.paintings]
    photos = open_photos(None)
    units = list(photos.batch(0, HELD_OUT, UNIT_PHOTOS, SIZE)[:, None])
    judges = {way: Judge(vgg, paintings, units, settings, together=way == "mean") for way in ("mean", "batches")}
    held_out, rows = photos.batch(1, HELD_OUT, CHECKS, SIZE), {}
    report: dict[str, Any] = {"machine": machine(), "network": args.network, "fingerprint": network.fingerprint()}
    report |= {"paintings": [each.stem for each in args.paintings], "steps": args.steps, "ways": {}}
    for way, judge in judges.items():
        begin = time.process_time()
        rows[way] = learned(network, judge, start_of(bank), args.steps)
        found = measured(network, judges, rows[way], held_out)
        report["ways"][way] = found | {"seconds": round(time.process_time() - begin)}
        print(way, report["ways"][way], flush=True)
    report["start"] = measured(network, judges, start_of(bank), held_out)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        shown = [held_out, *(painted(network, row, held_out) for row in rows.values())]
        sheet = np.concatenate([np.concatenate([to_picture(one[None]) for one in each], 1) for each in shown])
        Image.fromarray((255 * sheet.clip(0, 1) + 0.5).astype(np.uint8)).save(args.out / "several.png")
    write_atomically(RESULTS, (json.dumps(report, indent=1) + "\n").encode())


def start_of(bank: Bank) -> Tensor:
    """The mean row (R,) of all styles."""
    return torch.from_numpy(np.mean([bank[name] for name in bank if name != PHOTO], 0))


def learned(network: Any, judge: Judge, start: Tensor, steps: int) -> Tensor:
    """The row (R,) after so many steps of Adam, whose rate falls to 0; a painting is drawn for each photo."""
    row, generator = start.clone().requires_grad_(), np.random.default_rng(0)
    optimizer = torch.optim.Adam([row], RATE, betas=(0.9, 0.99))
    falls = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    source = open_photos(None)
    for step in range(steps):
        photos = source.batch(0, step, BATCH, SIZE)
        ids = torch.from_numpy(generator.integers(0, len(judge.targets), BATCH))
        content, style, _ = judge.measure(network(photos, row.expand(BATCH, -1)), photos, ids)
        optimizer.zero_grad()
        judge.total(content, style).mean().backward()
        optimizer.step()
        falls.step()
    return row.detach()


@torch.no_grad()
def painted(network: Any, row: Tensor, photos: Tensor) -> Tensor:
    found: Tensor = network(photos, row.expand(len(photos), -1))
    return found


@torch.no_grad()
def measured(network: Any, judges: dict[str, Judge], row: Tensor, photos: Tensor) -> dict[str, Any]:
    """Both objectives, and the style's distance from each painting, of photos painted with a row."""
    found, totals, each = painted(network, row, photos), {}, []
    for way, judge in judges.items():
        parts = []
        for number in range(len(judge.targets)):
            content, style, _ = judge.measure(found, photos, torch.full((len(photos),), number))
            parts.append(float(judge.total(content, style).mean()))
            each += [round(float(style.mean()), 4)] if way == "batches" else []
        totals[way] = round(float(np.mean(parts)), 4)
    return {"totals": totals, "style": each}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paintings", type=Path, nargs="+")
    parser.add_argument("--network", default="fast")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--out", type=Path, help="keep the paintings in this folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
