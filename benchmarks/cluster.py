"""Pictures a second with `impasto cluster`, with one actor and with two, beside a folder painted in one process.

    python -m benchmarks.cluster [--pictures 96] [--side 512] [--network fast] [--threads 1] [--rounds 3]

Each way paints the same drawn photos, each round in a process of its own, in turns. The clock starts with the first
batch that is done, so that opening networks and starting Ray, which do not grow with the work, do not count; they are
shown beside it. One process paints as `impasto paint FOLDER` does, with as many threads as an actor has.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from impasto.painting.batch import Batch, streams
from impasto.painting.folder import paintings, search
from impasto.painting.look import Look
from impasto.painting.painter import Painter

STYLE = "hokusai-great-wave"
RESULT = Path(__file__).parent / "results" / "cluster.json"
WAYS = {"one process": 0, "one actor": 1, "two actors": 2}
BATCH = 16


def draw(folder: Path, count: int, side: int) -> None:
    """Soft pictures with edges, as JPEG, of ``side`` x 3/4 ``side`` pixels."""
    rng = np.random.default_rng(1)
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8))
        soft = np.asarray(coarse.resize((side, side * 3 // 4), Image.Resampling.BICUBIC), np.int16)
        noise = rng.normal(0, 6, soft.shape)
        Image.fromarray(np.clip(soft + noise, 0, 255).astype(np.uint8)).save(folder / f"{number:05}.jpg", quality=90)


def in_one_process(photos: Path, out: Path, network: str, threads: int) -> Iterator[Any]:
    found = search([photos]).photos
    look = Look(STYLE)
    beside = min(threads, streams([each.path for each in found], look))
    targets, _ = paintings(found, f"{out}/", STYLE)
    out.mkdir()
    painter = Painter(network, threads=threads, streams=beside)
    yield from Batch(painter, look).paint(list(zip([each.path for each in found], targets, strict=True)))


def by_actors(photos: Path, out: Path, network: str, threads: int, actors: int) -> Iterator[Any]:
    from impasto.cluster import Crew, Tools, paint_many

    crew = Crew(actors=actors, threads=threads, batch_size=BATCH)
    yield from paint_many(photos, out, STYLE, crew=crew, tools=Tools(network))


def measured(way: str, photos: Path, network: str, threads: int) -> dict[str, float]:
    """Seconds until the first batch was done, and pictures a second from there."""
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        out, actors = Path(folder) / "out", WAYS[way]
        done = (
            by_actors(photos, out, network, threads, actors)
            if actors
            else in_one_process(photos, out, network, threads)
        )
        ended = [(time.perf_counter(), each) for each in done]
    assert not any(each.error for _, each in ended)
    first = ended[BATCH - 1][0]
    return {"start": first - begin, "rate": (len(ended) - BATCH) / (ended[-1][0] - first)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=96)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--network", default="fast")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--photos", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        print(json.dumps(measured(given.way, given.photos, given.network, given.threads)))
        return
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder), given.pictures, given.side)
        for _ in range(given.rounds):
            for way in WAYS:
                words = ["--way", way, "--photos", folder, "--network", given.network, "--threads", str(given.threads)]
                command = [sys.executable, "-m", "benchmarks.cluster", *words]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found[way].append(json.loads(done.stdout.splitlines()[-1]))
    figures = {
        way: {name: median(each[name] for each in rounds) for name in ("start", "rate")}
        for way, rounds in found.items()
    }
    for way, each in figures.items():
        print(f"{way:12} {each['rate']:6.2f} pictures a second, the first batch after {each['start']:.1f} s")
    settings = {name: getattr(given, name) for name in ("pictures", "side", "network", "threads", "rounds")}
    machine = {"processor": platform.processor() or platform.machine(), "cores": len(os.sched_getaffinity(0))}
    result = {"settings": settings, "machine": machine, "ways": figures}
    given.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
