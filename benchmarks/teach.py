"""How well and how fast `impasto teach` learns paintings that the network has never seen.

    python -m benchmarks.teach lessons --photos DIR --styles DIR [--painting strokes,ink] [--minutes 4] [--sheet FILE]
    python -m benchmarks.teach start --photos DIR [--painting ...] [--updates 160]
    python -m benchmarks.teach sources --photos DIR [--painting ...] [--updates 160]

lessons  The total loss (the objective of the bank's training) after one and two minutes and at the end, on photos that
         no lesson learns from, over the median total of the bank's own styles on the same photos; the size of the
         style's file, and whether all other rows kept their bits. --sheet shows what is painted then.
start    Updates until a loss is reached, from the closest convex mix of known styles against from ones and zeros. The
         loss is what ones and zeros have after half and after all of their updates; equal photos, rates and averages.
sources  The total after equal updates with a folder of photos, with eight photos of it, and with none: pictures drawn
         on the fly.

The paintings are those of ``benchmarks.paintings``; the last 137 photos by name are held out. Results are merged into
benchmarks/results/teach.json, painting by painting, so that a run may be cut into several.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks import paintings
from impasto import Painter, assets, pictures
from impasto.bank import Card
from impasto.learn.evaluate import Judge, load_photos
from impasto.learn.features import load_loss_network
from impasto.learn.load import load_network
from impasto.learn.photos import DeadLeaves, PhotoFolder, load_painting, load_paintings
from impasto.learn.teach import Lesson, Photos, Settings
from impasto.learn.train import best_dtype
from impasto.sheets import contact_sheet

RESULTS = Path(__file__).parent / "results" / "teach.json"
HOLD_OUT = 137
HANDFUL = 8
LOOKS = (60.0, 120.0)  # seconds

Report = dict[str, Any]


class Bench:
    """The network twice, to learn with and to paint with, the photos that judge, and the paintings."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.files = paintings.save(args.unseen)
        self.network = load_network(assets.network_file(args.network))
        self.painter = Painter(args.network)
        self.settings = Settings.of(self.painter.bank)
        self.ruler = load_loss_network().to(best_dtype())
        self.held_out = load_photos(args.photos, size=args.look, limit=args.limit)
        self.folder = PhotoFolder.open(args.photos, hold_out=HOLD_OUT)

    def lesson(self, painting: str, photos: Photos | None = None, **options: Any) -> Lesson:
        settings = Settings.of(self.painter.bank, **options)
        bank = self.painter.bank
        return Lesson(
            self.files[painting], self.network, bank, photos or self.folder, settings, loss_network=self.ruler
        )

    def judge(self, known: dict[str, Any]) -> Judge:
        return Judge(self.ruler, known, self.held_out, unit=self.settings.unit, style_weight=self.settings.style_weight)

    def total(self, painting: str, row: Any) -> dict[str, float]:
        """Content, style and total of a row on the held-out photos."""
        judge = self.judge({painting: load_painting(self.files[painting], self.settings.style_size)})
        found = judge.score(painting, self.held_out, lambda photo, _: self.painter.paint_picture(photo, row))
        return {"content": found.content, "style": found.style, "total": found.total}

    def bank_median(self, styles: Path) -> float:
        """Median over the bank's styles of their totals on the held-out photos."""
        names = list(self.painter.bank.styles)
        judge = self.judge(load_paintings(styles, names, size=self.settings.style_size))
        return float(np.median([judge.score(n, self.held_out, self.painter.paint_picture).total for n in names]))


# ---- lessons


def lessons(bench: Bench) -> Iterator[Report]:
    """One lesson for each painting, with the time limit of --minutes."""
    median = bench.bank_median(bench.args.styles)
    print(f"median total of the bank's styles: {median:.3f}", flush=True)
    shown: dict[str, list[Any]] = {}
    for painting in bench.args.painting.split(","):
        lesson = bench.lesson(painting)
        rows: dict[str, Any] = {}
        last = None
        for last in lesson.run(max_minutes=bench.args.minutes):
            for look in LOOKS:
                if last.seconds >= look and f"{look:.0f} s" not in rows:
                    rows[f"{look:.0f} s"] = lesson.row.copy()
        assert last is not None
        rows["end"] = lesson.row
        totals = {when: bench.total(painting, row)["total"] for when, row in rows.items()}
        yield {
            "painting": painting,
            "bank_median": median,
            "updates": last.step,
            "seconds": last.seconds,
            **totals,
            "ratio": totals["end"] / median,
            "ratio_120": totals.get("120 s", totals["end"]) / median,
            **_file(bench, lesson.row),
        }
        shown[painting] = [bench.painter.paint_picture(bench.held_out[0], row) for row in rows.values()]
    if bench.args.sheet is not None:
        _sheet(bench, shown)


def _file(bench: Bench, row: Any) -> Report:
    """Size of the style's file, and whether the bank's other rows have the same bits beside the new one."""
    bank = bench.painter.bank
    taught = bank.add("taught-by-the-benchmark", row, Card("Somebody", "A painting", "2026", "CC0", ""))
    with tempfile.TemporaryDirectory() as folder:
        taught.save(Path(folder) / "all.safetensors")
        taught.select(["taught-by-the-benchmark"]).save(Path(folder) / "one.safetensors")
        again = type(bank).load(Path(folder) / "all.safetensors")
        size = (Path(folder) / "one.safetensors").stat().st_size
    return {"file_bytes": size, "others_same_bits": again.rows[:-1].tobytes() == bank.rows.tobytes()}


def _sheet(bench: Bench, shown: dict[str, list[Any]]) -> None:
    """The paintings, and what was painted at each look."""
    height, width = bench.held_out[0].shape[:2]
    tiles, labels = [], []
    for painting, looks in shown.items():
        whole = pictures.load(bench.files[painting]).picture
        side = min(whole.shape[:2])
        tile = pictures.to_pil(whole[:side, :side]).resize((width, height))
        looks = looks[-3:] + [looks[-1]] * (3 - len(looks))
        tiles += [pictures.from_pil(tile), *looks]
        labels += [painting, "1 minute", "2 minutes", "end"]
    pictures.save(contact_sheet(tiles, labels, columns=4), bench.args.sheet)


# ---- start


def start(bench: Bench) -> Iterator[Report]:
    """Held-out totals along equal lessons from both starts."""
    for painting in bench.args.painting.split(","):
        match = bench.lesson(painting).match()
        starts = {"mix": match.row, "ones": bench.network.initial_row().numpy()}
        curves = {name: _curve(bench, painting, row) for name, row in starts.items()}
        report: Report = {"painting": painting, "mix": match.weights, "updates": bench.args.updates}
        for part in (0.5, 1.0):
            updates = int(part * bench.args.updates)
            level = dict(curves["ones"])[updates]
            reached = next((step for step, total in curves["mix"] if total <= level), None)
            report[f"level_{updates}"] = level
            report[f"updates_from_mix_for_{updates}"] = reached
        yield {**report, "curves": curves}


def _curve(bench: Bench, painting: str, row: Any) -> list[tuple[int, float]]:
    """(update, held-out total) every few updates of a lesson of fixed length from ``row``."""
    count = bench.args.updates
    lesson = bench.lesson(painting, steps=count, check_every=5, patience=count)
    return [(step.step, step.held_out) for step in lesson.run(start=row) if step.held_out is not None]


# ---- sources


def sources(bench: Bench) -> Iterator[Report]:
    """Totals on held-out photos after equal lessons with each source of pictures."""
    few = PhotoFolder(bench.folder.paths[:: max(1, len(bench.folder.paths) // HANDFUL)][:HANDFUL])
    given: dict[str, Photos] = {"folder": bench.folder, "handful": few, "drawn": DeadLeaves()}
    for painting in bench.args.painting.split(","):
        begin = bench.lesson(painting).match().row
        report: Report = {"painting": painting, "updates": bench.args.updates}
        for name, photos in given.items():
            lesson = bench.lesson(painting, photos, steps=bench.args.updates, patience=bench.args.updates)
            for _ in lesson.run(start=begin):
                pass
            report |= {f"{name}_{key}": value for key, value in bench.total(painting, lesson.row).items()}
        yield report


# ---- both ends


PARTS = {"lessons": lessons, "start": start, "sources": sources}


def _keep(part: str, report: Report, bench: Bench) -> None:
    """Put a painting's report into the results, in the place of an older one."""
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    found |= {"network": bench.painter.bank.fingerprint, "settings": asdict(bench.settings)}
    found["photos"] = {"count": len(bench.held_out), "size": bench.args.look}
    found[part] = {**found.get(part, {}), report["painting"]: report}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=list(PARTS))
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos")
    parser.add_argument("--styles", type=Path, help="folder of the bank's paintings")
    parser.add_argument("--painting", default=",".join(paintings.UNSEEN), help="NAME,NAME,... of benchmarks.paintings")
    parser.add_argument("--unseen", type=Path, default=Path("runs/unseen"), help="where those are drawn")
    parser.add_argument("--network", default=assets.DEFAULT)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--updates", type=int, default=160)
    parser.add_argument("--look", type=int, default=320, help="longer side of the photos that judge")
    parser.add_argument("--limit", type=int, default=6, help="how many of them, the last by name")
    parser.add_argument("--sheet", type=Path, help="a picture to write")
    bench = Bench(parser.parse_args())
    torch.manual_seed(0)
    reports = []
    for report in PARTS[bench.args.part](bench):
        _keep(bench.args.part, report, bench)
        reports.append(report)
        print(json.dumps({key: value for key, value in report.items() if key != "curves"}), flush=True)
    table = Table(*(key for key in reports[0] if key not in ("curves", "mix")), box=None)
    for report in reports:
        table.add_row(*(_text(report.get(str(column.header))) for column in table.columns))
    Console(width=200).print(table)
    print(json.dumps(reports))


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
