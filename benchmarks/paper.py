"""The papers' own tables, at a size that two cores can train.

    python -m benchmarks.paper t1 --photos DIR --styles DIR --runs DIR [--steps 1000]
    python -m benchmarks.paper t2 --photos DIR --runs DIR [--style strokes,ink]
    python -m benchmarks.paper t3 --photos DIR --styles DIR
    python -m benchmarks.paper t4
    python -m benchmarks.paper artefacts --photos DIR --styles DIR --runs DIR

t1  Dumoulin et al. (2017, section 3.2, figure 5): one network with N styles against N networks with one style each, all
    with the same number of updates per network. Told is how much higher the N-style network's final content and style
    losses are, in percent, mean and standard deviation over the styles, each an average over 32 batches of photos that
    no network was trained on (paper, 10 styles: content +8.7 +- 3.9 %, style -8.9 +- 16.5 %).
t2  section 3.4, figure 6: a new style by its row alone, the shipped network frozen, against a network trained for that
    style from scratch (paper: 5,000 updates do what 40,000 do from scratch). The paintings, ``benchmarks.paintings``,
    are new to the shipped network.
t3  figure 7: content loss, and style loss to both ends, along the lines between 10 pairs of styles, drawn by a seed. A
    style loss is monotonic if no step goes against its trend by more than 1 % of the way from its one end to the other.
t4  section 2.1: what a style costs, in numbers and bytes.
artefacts  section 3.1: mirror padding with nearest-neighbour upsampling against zero padding with transposed
    convolutions, and conditional instance against conditional batch normalisation, each trained equally.

Networks that were trained are kept in --runs and resumed from there, so a command that was stopped goes on; tables are
written to benchmarks/results/paper-TABLE.json as well.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks import paintings
from impasto import Painter, assets
from impasto.learn.devices import best_dtype
from impasto.learn.evaluate.artefacts import border_ratio, checkerboard
from impasto.learn.evaluate.scorer import Scorer
from impasto.learn.evaluate.scores import load_photos
from impasto.learn.loss.features import load_loss_network
from impasto.learn.loss.settings import LossSettings
from impasto.learn.network.load import load_network
from impasto.learn.paintings import Painting, find_paintings
from impasto.learn.photos import PhotoFolder, load_paintings
from impasto.learn.tensors import to_picture, to_planes
from impasto.learn.train.run import Run
from impasto.learn.train.settings import Schedule, TrainSettings
from impasto.pictures.recolor import luma
from impasto.styles import blend
from impasto.styles.bank import Bank

STYLES = "van-gogh-starry-night,hokusai-great-wave,kandinsky-composition-vii"
UNSEEN = "strokes,ink"
BATCHES = 32  # as in the paper
FEW = 8  # batches for the many points of t2
MARKS = (50, 100, 200, 500, 1000, 2000)  # updates at which t2 measures
ROW_RATE = 1e-2  # Adam's, for a row alone; a network's is the trainer's own
TOLERANCE = 0.01  # of the way from end to end
RESULTS = Path(__file__).parent / "results"

Report = dict[str, Any]
Rows = list[dict[str, Any]]


# ---- t1


def t1(args: argparse.Namespace) -> tuple[Rows, Report]:
    """Train the N-style network and the N single ones, measure all, and compare style by style."""
    names = (args.style or STYLES).split(",")
    joint = _trained(args, _known(args, names))
    rows = []
    for name in names:
        alone = _losses(args, _trained(args, _known(args, [name])), name)
        together = _losses(args, joint, name)
        change = {f"{key}_percent": 100 * (together[key] / alone[key] - 1) for key in ("content", "style")}
        rows.append({"style": name, **{f"single_{k}": v for k, v in alone.items()}, **change})
    spread = {
        key: [float(np.mean([row[key] for row in rows])), float(np.std([row[key] for row in rows], ddof=1))]
        for key in ("content_percent", "style_percent")
    }
    return rows, {"steps": args.steps, "size": args.size, "batch": args.batch, **spread}


def _known(args: argparse.Namespace, names: Sequence[str]) -> list[Painting]:
    """Paintings of --styles by name, in that order."""
    found = {style.name: style for style in find_paintings(args.styles)}
    return [found[name] for name in names]


def _trained(
    args: argparse.Namespace,
    styles: list[Painting],
    *,
    variant: dict[str, str] | None = None,
    watch: Callable[[Run], None] | None = None,
) -> Run:
    """A finished run over these styles, without a photo row's turns; kept and resumed under a name of its own."""
    settings = TrainSettings(
        steps=args.steps,
        batch=args.batch,
        size=args.size,
        style_size=args.style_size,
        photo_turns=0.0,
        apart=False,  # as in the papers
        **(variant or {}),
    )
    words = [*(style.name for style in styles), *(variant or {}).values(), str(args.steps)]
    run = Run(args.runs / "-".join(words), PhotoFolder.open(args.photos, hold_out=args.hold_out), styles, settings)
    for step in run.train(Schedule(checkpoint_every=100, sheet_minutes=1e9)):
        if step.step % 100 == 0:
            print(f"{run.dir.name}: step {step.step}, content {step.content:.3f}, style {step.style:.3f}", flush=True)
        if watch is not None:
            watch(run)
    return run


@torch.no_grad()
def _losses(
    args: argparse.Namespace,
    run: Run,
    name: str,
    paint: Callable[[Tensor, Tensor], Tensor] | None = None,
    *,
    batches: int = BATCHES,
) -> dict[str, float]:
    """Content and style loss and their weighted sum, over batches of photos that were held out, in one style.

    What paints is the averaged network of ``run``, or ``paint(pictures, ids)``, which the run's objective measures.
    """
    photos = PhotoFolder.open(args.photos)
    photos.paths = photos.paths[-args.hold_out :]
    network, rows = run.state.averaged()
    found = []
    for batch in range(batches):
        pictures = photos.batch(1, batch, args.batch, args.size).contiguous(memory_format=torch.channels_last)
        ids = torch.full((args.batch,), run.names.index(name))
        _, content, style, *_ = run.measure(paint or (lambda p, i: network(p, rows[i])), pictures, ids)
        found.append([float(content.mean()), float(style.mean())])
    content_mean, style_mean = (float(value) for value in np.mean(found, axis=0))
    total = content_mean + run.settings.style_weight * style_mean
    return {"content": content_mean, "style": style_mean, "total": total}


# ---- t2


def t2(args: argparse.Namespace) -> tuple[Rows, Report]:
    """For each unseen painting: the total after so many updates of a row, and of a whole network."""
    files = paintings.save(args.runs / "unseen")
    rows = []
    for name in (args.style or UNSEEN).split(","):
        run, scratch = _scratch(args, Painting(name, files[name]))
        frozen = _row_alone(args, run)
        rows += [{"painting": name, "moved": "row alone", **frozen}, {"painting": name, "moved": "all", **scratch}]
    return rows, {"size": args.size, "batch": args.batch, "batches": FEW}


def _scratch(args: argparse.Namespace, style: Painting) -> tuple[Run, dict[str, float]]:
    """A network trained for this style alone, and its totals at the marks, which are kept beside the run."""
    file = args.runs / f"scratch-{style.name}.json"
    found: dict[str, float] = json.loads(file.read_text()) if file.exists() else {}

    def watch(run: Run) -> None:
        if run.state.step in MARKS and str(run.step) not in found:
            found[str(run.step)] = _losses(args, run, style.name, batches=FEW)["total"]
            file.write_text(json.dumps(found))

    return _trained(argparse.Namespace(**{**vars(args), "steps": max(MARKS)}), [style], watch=watch), found


def _row_alone(args: argparse.Namespace, run: Run) -> dict[str, float]:
    """Totals at the marks of a row of the shipped network that began with ones and zeros, as in the paper.

    Photos, objective and averaging are those of ``run``, a network for the same style.
    """
    name = run.names[0]
    file = args.runs / f"row-{name}.json"
    if file.exists():
        return dict(json.loads(file.read_text()))
    network = load_network(assets.network_file(args.network)).requires_grad_(False)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    row = network.initial_row().requires_grad_()
    average = row.detach().clone()
    optimizer = torch.optim.Adam([row], lr=ROW_RATE, betas=(0.9, 0.99))

    def paint(pictures: Tensor, ids: Tensor, row: Tensor = row) -> Tensor:
        painted: Tensor = network(pictures, row.expand(len(pictures), -1))
        return painted

    found = {}
    for step in range(args.row_steps):
        pictures = run.photos.batch(0, step, args.batch, args.size).contiguous(memory_format=torch.channels_last)
        optimizer.zero_grad()
        _, content, style, *_ = run.measure(paint, pictures, torch.zeros(args.batch, dtype=torch.long))
        (content + run.settings.style_weight * style).mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        average.lerp_(row.detach(), 1 - min(0.98, (1 + step) / (10 + step)))
        if step + 1 in MARKS:
            found[str(step + 1)] = _losses(args, run, name, partial(paint, row=average), batches=FEW)["total"]
            print(f"row of {name}: step {step + 1}, total {found[str(step + 1)]:.3f}", flush=True)
    file.write_text(json.dumps(found))
    return found


# ---- t3


def t3(args: argparse.Namespace) -> tuple[Rows, Report]:
    """Losses along the lines between pairs of styles, and whether the style losses change monotonically."""
    painter = Painter(args.network)
    photos = load_photos(args.photos, size=args.look, limit=3)
    losses = LossSettings.of(painter.bank)
    generator = np.random.default_rng(0)
    pairs = [[str(name) for name in generator.choice(painter.bank.styles, 2, replace=False)] for _ in range(10)]
    names = sorted({name for pair in pairs for name in pair})
    known = load_paintings(args.styles, names, size=losses.style_size)
    judge = Scorer(load_loss_network().to(best_dtype()), known, photos, losses)
    rows, lines = [], []
    for a, b in pairs:
        points = np.array([_point(judge, painter, row, a, b, photos) for row in blend.path(painter.bank, [a, b], 9)])
        falls = [_against(points[:, 1][::-1]), _against(points[:, 2])]  # the loss to a rises, that to b falls
        rows.append(
            {
                "a": a,
                "b": b,
                "to_a": f"{points[0, 1]:.3f} .. {points[-1, 1]:.3f}",
                "to_b": f"{points[0, 2]:.3f} .. {points[-1, 2]:.3f}",
                "content": f"{points[:, 0].min():.3f} .. {points[:, 0].max():.3f}",
                "against_trend_percent": 100 * max(falls),
                "monotonic": max(falls) <= TOLERANCE,
            }
        )
        lines.append(
            {"a": a, "b": b, **dict(zip(("content", "to_a", "to_b"), points.T.round(5).tolist(), strict=True))}
        )
    count = sum(row["monotonic"] for row in rows)
    return rows, {"monotonic": count, "pairs": len(rows), "tolerance": TOLERANCE, "size": args.look, "lines": lines}


def _point(judge: Scorer, painter: Painter, row: Any, a: str, b: str, photos: list[Any]) -> list[float]:
    """Content, style loss to ``a`` and to ``b``, as means over the photos painted with ``row``."""
    found = []
    with torch.no_grad():
        for photo in photos:
            painted, target = (to_planes(picture) for picture in (painter.paint_array(photo, row), photo))
            content, to_a = judge.losses(painted, target, a)
            found.append([float(content), float(to_a), float(judge.losses(painted, target, b)[1])])
    return [float(value) for value in np.mean(found, axis=0)]


def _against(values: Any) -> float:
    """The largest rise from one value to the next of a series that should fall, over its fall from end to end."""
    return float(max(0.0, np.diff(values).max()) / max(1e-12, values[0] - values[-1]))


# ---- t4


def t4(args: argparse.Namespace) -> tuple[Rows, Report]:
    """Numbers and bytes: of a style, of what all share, and of as many networks with one style each."""
    rows = []
    for name in assets.networks():
        network, bank = load_network(assets.network_file(name)), Bank.load(assets.bank_file(name))
        shared = sum(layer.weight.numel() for layer in network.layers)
        count, bytes_of_network = len(bank.styles), assets.network_file(name).stat().st_size
        file = args.runs / f"one-of-{name}.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        bank.select(bank.styles[:1]).save(file, overwrite=True)
        rows.append(
            {
                "network": name,
                "shared_numbers": shared,
                "numbers_per_style": network.row_size,
                "percent_per_style": 100 * network.row_size / (shared + network.row_size),
                "styles": count,
                "all_numbers": shared + count * network.row_size,
                "single_networks_numbers": count * (shared + network.row_size),
                "network_bytes": bytes_of_network,
                "bank_bytes": assets.bank_file(name).stat().st_size,
                "style_file_bytes": file.stat().st_size,
                "single_networks_bytes": count * (bytes_of_network + file.stat().st_size),
            }
        )
    return rows, {}


# ---- artefacts


VARIANTS: dict[str, dict[str, str]] = {
    "mirror padding, nearest neighbour": {},
    "zero padding, transposed": {"padding": "zeros", "upsampling": "transposed"},
    "batch normalisation": {"norm": "batch"},
}


def artefacts(args: argparse.Namespace) -> tuple[Rows, Report]:
    """Losses, checkerboards and borders of three networks that differ in one thing and were trained equally."""
    names = (args.style or STYLES).split(",")
    photos = [_cut(photo) for photo in load_photos(args.photos, size=args.look, limit=6)]
    rows = []
    for label, variant in VARIANTS.items():
        run = _trained(args, _known(args, names), variant=variant)
        losses = [_losses(args, run, name) for name in names]
        painted = [(photo, _painted(run, name, photo)) for name in names for photo in photos]
        rows.append(
            {
                "variant": label,
                **{key: float(np.mean([loss[key] for loss in losses])) for key in ("content", "style", "total")},
                "checkerboard": float(np.mean([checkerboard(luma(picture)) for _, picture in painted])),
                "border": float(np.mean([border_ratio(picture, photo) for photo, picture in painted])),
            }
        )
    plain = float(np.mean([checkerboard(luma(photo)) for photo in photos]))
    return rows, {"steps": args.steps, "size": args.size, "batch": args.batch, "checkerboard_of_photos": plain}


def _cut(photo: Any) -> Any:
    height, width = (size // 8 * 8 for size in photo.shape[:2])
    return photo[:height, :width]


@torch.no_grad()
def _painted(run: Run, name: str, photo: Any) -> Any:
    """``photo`` (h, w, 3), of multiples of 8, painted by the averaged network."""
    network, rows = run.state.averaged()
    painted = network(to_planes(photo), rows[run.names.index(name)][None])
    return to_picture(painted)


# ---- both ends


TABLES = {"t1": t1, "t2": t2, "t3": t3, "t4": t4, "artefacts": artefacts}


def _show(rows: Rows) -> None:
    table = Table(*dict.fromkeys(key for row in rows for key in row), box=None)
    for row in rows:
        table.add_row(*(_text(row.get(key, "")) for key in (str(column.header) for column in table.columns)))
    Console(width=200).print(table)


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if type(value) is int else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=list(TABLES))
    parser.add_argument("--photos", type=Path, help="folder of photos")
    parser.add_argument("--styles", type=Path, help="folder of paintings")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where trained networks are kept")
    parser.add_argument("--style", help="NAME,NAME,...")
    parser.add_argument("--network", default=assets.DEFAULT)
    parser.add_argument(
        "--hold-out", type=int, default=132, help="photos, the last by name, that nothing is trained on"
    )
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--row-steps", type=int, default=500, help="of t2's rows")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=128, help="side of the training crops in pixels")
    parser.add_argument("--style-size", type=int, default=320)
    parser.add_argument("--look", type=int, default=320, help="longer side of the photos that are looked at")
    args = parser.parse_args()
    args.runs.mkdir(parents=True, exist_ok=True)
    rows, report = TABLES[args.table](args)
    _show(rows)
    found = {"table": args.table, **report, "rows": rows}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"paper-{args.table}.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
