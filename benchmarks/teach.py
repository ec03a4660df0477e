"""How well and how fast `impasto teach` learns paintings that the network has never seen.

    python -m benchmarks.teach lessons --photos DIR --styles DIR [--painting strokes,ink] [--minutes 4] [--sheet FILE]
    python -m benchmarks.teach start --photos DIR [--painting ...] [--updates 160]
    python -m benchmarks.teach sources --photos DIR [--painting ...] [--updates 160]

lessons  The total loss (the objective of the bank's training) after half a minute, one, two, and at the end, on photos
         that no lesson learns from, beside the median of the bank's own styles on the same photos. A busy painting has
         a larger total than a calm one, however well it is learned, so the share is told too: the total over what doing
         nothing would score. Also the size of the style's file, and whether all other rows kept their bits. --sheet
         shows what is painted then. With --start row lessons begin with what `impasto row` gives, whose seconds count;
         the first look is what that alone scores. They are kept as lessons_row, beside the others.
start    Updates until a loss is reached, from the closest convex mix of known styles against from ones and zeros. The
         loss is what ones and zeros have after half and after all of their updates; equal photos, rates and averages.
sources  Style loss and total after equal updates with a folder of photos, with eight photos of it, with one, and with
         the three that come along.

The paintings are those of ``benchmarks.paintings``; the last 132 photos by name are held out. Results are merged into
benchmarks/results/teach.json, painting by painting, so that a run may be cut into several.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
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
from impasto.learn.devices import best_dtype
from impasto.learn.evaluate.scorer import Scorer, Scores
from impasto.learn.evaluate.scores import load_photos
from impasto.learn.loss.features import load_loss_network
from impasto.learn.network.load import load_network
from impasto.learn.photos import PhotoFolder, load_painting, load_paintings
from impasto.learn.teach.course import open_photos
from impasto.learn.teach.lesson import Lesson, Photos
from impasto.learn.teach.settings import LessonSettings
from impasto.pictures.sheets import contact_sheet
from impasto.styles.bank import Card

RESULTS = Path(__file__).parent / "results" / "teach.json"
HOLD_OUT = 132
HANDFUL = 8
LOOKS = (30.0, 60.0, 120.0)  # seconds

Report = dict[str, Any]


class Bench:
    """The network twice, to learn with and to paint with, the photos that judge, and the paintings."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.files = paintings.save(args.unseen)
        self.network = load_network(assets.network_file(args.network))
        self.painter = Painter(args.network)
        self.settings = LessonSettings.of(self.painter.bank)
        self.ruler = load_loss_network().to(best_dtype())
        self.held_out = load_photos(args.photos, size=args.look, limit=args.limit)
        self.folder = PhotoFolder.open(args.photos, hold_out=HOLD_OUT)

    def lesson(self, painting: str, photos: Photos | None = None, **options: Any) -> Lesson:
        settings = LessonSettings.of(self.painter.bank, **options)
        bank = self.painter.bank
        return Lesson(
            self.files[painting], self.network, bank, photos or self.folder, settings, loss_network=self.ruler
        )

    def judge(self, known: dict[str, Any]) -> Scorer:
        return Scorer(self.ruler, known, self.held_out, self.settings)

    def score(self, painting: str, row: Any) -> Scores:
        """What a row scores on the held-out photos."""
        judge = self.judge({painting: load_painting(self.files[painting], self.settings.style_size)})
        return judge.score(painting, self.held_out, lambda photo, _: self.painter.paint_array(photo, row))

    def bank_medians(self, styles: Path) -> dict[str, float]:
        """Medians over the bank's styles on the held-out photos; each style is measured once and kept with the results.

        ``total``, and ``share``: the total over what doing nothing would score.
        """
        found = _results(self)
        known: dict[str, Any] = found.setdefault("bank", {})
        for name in self.painter.bank.styles:
            if name not in known:
                judge = self.judge(load_paintings(styles, [name], size=self.settings.style_size))
                score = judge.score(name, self.held_out, self.painter.paint_array)
                known[name] = {"total": score.total, "share": score.total / score.untouched}
                _write(found)
        columns = {key: [style[key] for style in known.values()] for key in ("total", "share")}
        medians = {key: float(np.median(values)) for key, values in columns.items()}
        return medians | {f"most_{key}": max(values) for key, values in columns.items()}


# ---- lessons


def lessons(bench: Bench) -> Iterator[Report]:
    """One lesson for each painting, with the time limit of --minutes."""
    medians = bench.bank_medians(bench.args.styles)
    print(f"the bank's styles: {medians}", flush=True)
    shown: dict[str, dict[str, Any]] = {}
    for painting in bench.args.painting.split(","):
        lesson = bench.lesson(painting)
        begin = time.monotonic()
        start = bench.painter.row(bench.files[painting]) if bench.args.start == "row" else None
        before = time.monotonic() - begin
        rows: dict[str, Any] = {} if start is None else {"start": start}
        last = None
        for last in lesson.run(max_minutes=bench.args.minutes, start=start):
            for look in LOOKS:
                if last.seconds + before >= look and f"{look:.0f} s" not in rows:
                    rows[f"{look:.0f} s"] = lesson.row.copy()
        assert last is not None
        rows["end"] = lesson.row
        scores = {when: bench.score(painting, row) for when, row in rows.items()}
        end = scores["end"]
        yield {
            "painting": painting,
            "updates": last.step,
            "seconds": last.seconds + before,
            "seconds_before": before,
            **{f"total {when}": score.total for when, score in scores.items()},
            "content": end.content,
            "style": end.style,
            "total_over_median": end.total / medians["total"],
            "share": end.total / end.untouched,
            "share_over_median": end.total / end.untouched / medians["share"],
            **_file(bench, lesson.row),
        }
        shown[painting] = {when: bench.painter.paint_array(bench.held_out[0], row) for when, row in rows.items()}
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


def _sheet(bench: Bench, shown: dict[str, dict[str, Any]]) -> None:
    """The paintings, and what was painted at each look."""
    height, width = bench.held_out[0].shape[:2]
    tiles, labels, columns = [], [], 1
    for painting, looks in shown.items():
        whole = pictures.load(bench.files[painting]).picture
        side = min(whole.shape[:2])
        tile = pictures.to_pil(whole[:side, :side]).resize((width, height))
        tiles += [pictures.from_pil(tile), *looks.values()]
        labels += [painting, *looks]
        columns = max(columns, 1 + len(looks))
    pictures.save(contact_sheet(tiles, labels, columns=columns), bench.args.sheet)


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
    given: dict[str, Photos] = {
        "folder": bench.folder,
        "handful": few,
        "one": PhotoFolder(few.paths[:1]),
        "samples": open_photos(None),
    }
    for painting in bench.args.painting.split(","):
        begin = bench.lesson(painting).match().row
        report: Report = {"painting": painting, "updates": bench.args.updates}
        for name, photos in given.items():
            lesson = bench.lesson(painting, photos, steps=bench.args.updates, patience=bench.args.updates)
            for _ in lesson.run(start=begin):
                pass
            score = bench.score(painting, lesson.row)
            report |= {f"style_{name}": score.style, f"total_{name}": score.total}
            print(json.dumps(report), flush=True)
        yield report


# ---- both ends


PARTS = {"lessons": lessons, "start": start, "sources": sources}


def _results(bench: Bench) -> Report:
    """What was measured with this network and these photos before."""
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    head = {
        "network": bench.painter.bank.fingerprint,
        "photos": {"count": len(bench.held_out), "size": bench.args.look},
        "settings": json.loads(json.dumps(asdict(bench.settings))),
    }
    return found if {key: found.get(key) for key in head} == head else head


def _keep(part: str, report: Report, bench: Bench) -> None:
    """Put a painting's report into the results, in the place of an older one."""
    found = _results(bench)
    _write({**found, part: {**found.get(part, {}), report["painting"]: report}})


def _write(found: Report) -> None:
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
    parser.add_argument("--start", choices=["match", "row"], default="match", help="of lessons")
    parser.add_argument("--sheet", type=Path, help="a picture to write")
    bench = Bench(parser.parse_args())
    torch.manual_seed(0)
    reports = []
    for report in PARTS[bench.args.part](bench):
        _keep("lessons_row" if bench.args.start == "row" else bench.args.part, report, bench)
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
