"""The papers' own tables, at a size that two cores can train.

    python -m benchmarks.paper t1 --photos DIR --styles DIR --runs DIR [--steps 2000] [--size 160]

t1 is the comparison of Dumoulin et al. (2017, section 3.2, figure 5): one network with N styles against N networks
with one style each, all with the same number of updates per network. Told is how much higher the N-style network's
final content and style losses are, in percent, mean and standard deviation over the styles, each an average over 32
batches of photos that no network was trained on (paper, 10 styles: content +8.7 +- 3.9 %, style -8.9 +- 16.5 %). Runs
are kept in --runs and resumed from there.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from impasto.learn.photos import PhotoFolder
from impasto.learn.train import Run, Settings, find_styles

STYLES = "van-gogh-starry-night,hokusai-great-wave,kandinsky-composition-vii"
BATCHES = 32  # as in the paper


def t1(args: argparse.Namespace) -> dict[str, object]:
    """Train the N-style network and the N single ones, measure all, and compare style by style."""
    names = args.style.split(",")
    joint = _trained(args, names)
    rows = []
    for name in names:
        alone, together = _losses(args, _trained(args, [name]), name), _losses(args, joint, name)
        change = {f"{key}_percent": 100 * (together[key] / alone[key] - 1) for key in alone}
        rows.append({"style": name, **{f"single_{k}": v for k, v in alone.items()}, **change})
    _table(rows)
    spread = {
        key: [float(np.mean([row[key] for row in rows])), float(np.std([row[key] for row in rows], ddof=1))]
        for key in ("content_percent", "style_percent")
    }
    return {"table": "t1", "steps": args.steps, "size": args.size, "batch": args.batch, **spread, "styles": rows}


def _trained(args: argparse.Namespace, names: list[str]) -> Run:
    """A finished run over these styles, without a photo row's turns; kept and resumed under a name of its own."""
    chosen = [style for style in find_styles(args.styles) if style.name in names]
    settings = Settings(steps=args.steps, batch=args.batch, size=args.size, style_size=args.style_size, photo_turns=0.0)
    folder = args.runs / f"t1-{'-'.join(names)}-{args.steps}"
    run = Run(folder, PhotoFolder.open(args.photos, hold_out=args.hold_out), chosen, settings)
    for step in run.train():
        if step.step % 100 == 0:
            print(f"{folder.name}: step {step.step}, content {step.content:.3f}, style {step.style:.3f}", flush=True)
    return run


@torch.no_grad()
def _losses(args: argparse.Namespace, run: Run, name: str) -> dict[str, float]:
    """Content and style loss of the averaged network in one style, over batches of photos that were held out."""
    photos = PhotoFolder.open(args.photos)
    photos.paths = photos.paths[-args.hold_out :]
    network, rows = run.averaged()
    row = run.names.index(name)
    found = []
    for batch in range(BATCHES):
        pictures = photos.batch(1, batch, args.batch, args.size)
        ids = torch.full((args.batch,), row)
        _, content, style, _ = run.measure(lambda p, i: network(p, rows[i]), pictures, ids)
        found.append([float(content.mean()), float(style.mean())])
    content_mean, style_mean = np.mean(found, axis=0)
    return {"content": float(content_mean), "style": float(style_mean)}


def _table(rows: list[dict[str, object]]) -> None:
    table = Table(*rows[0], box=None)
    for row in rows:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()))
    Console(width=140).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=["t1"])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True, help="where the trained networks are kept")
    parser.add_argument("--style", default=STYLES, help="NAME,NAME,...")
    parser.add_argument("--hold-out", type=int, default=137)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--style-size", type=int, default=320)
    args = parser.parse_args()
    print(json.dumps({"t1": t1}[args.table](args)))


if __name__ == "__main__":
    main()
