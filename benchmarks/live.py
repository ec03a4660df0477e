"""How quickly a camera is painted: a picture that moves and has noise, shown without a page for some seconds.

python -m benchmarks.live writes benchmarks/results/live.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from skimage import data

from impasto.film.masks import resized
from impasto.painting.look import Look
from impasto.painting.painter import Painter
from impasto.server.live.show import Show, Staging

RESULTS = Path(__file__).parent / "results" / "live.json"
FPS, NOISE, SIZE = 30, 2.0, (640, 480)


class Moving:
    """A camera of 30 frames a second that looks at a portrait, which drifts."""

    kind, name = "camera", "moving"

    def __init__(self) -> None:
        whole = resized(np.asarray(data.astronaut()), (SIZE[0] + 60, SIZE[1] + 60))
        rng = np.random.default_rng(0)
        shown = [whole[n : n + SIZE[1], n : n + SIZE[0]] for n in range(60)]
        noisy = [each + rng.normal(0, NOISE, each.shape) for each in shown]
        self.pictures = [each.clip(0, 255).astype(np.uint8) for each in (*noisy, *noisy[::-1])]

    def frames(self, over: threading.Event, say: Callable[[str], None]) -> Iterator[np.ndarray]:
        begin, number = time.monotonic(), 0
        while not over.wait(max(0.0, begin + number / FPS - time.monotonic())):
            yield self.pictures[number % len(self.pictures)]
            number += 1


def measured(network: str, seconds: float) -> dict[str, Any]:
    """The size that was settled on, paintings a second, and how old what is shown is, of the last half."""
    show = Show(Painter(network), Look("hokusai-great-wave"), Moving(), Staging())
    show.start()
    begin, number, seen = time.monotonic(), 0, []
    while (now := time.monotonic()) < begin + seconds:
        found = show.shown.after(number, 1.0)
        if found is not None:
            number = found[0]
            seen.append((time.monotonic(), found[1]))
    late = [each for each in seen if each[0] > begin + seconds / 2]
    show.close()
    steps = [b[0] - a[0] for a, b in zip(late, late[1:], strict=False)]
    ages = [at - show.begin - shown.moment for at, shown in late]
    return {
        "network": network,
        "size": late[-1][1].painted.shape[1::-1],
        "fps": round(len(steps) / sum(steps), 1),
        "slowest_ms": round(1000 * max(steps)),
        "age_ms": round(1000 * statistics.median(ages)),
        "seconds": round(now - begin),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--network", nargs="+", default=["fast", "full"])
    given = parser.parse_args()
    found = [measured(network, given.seconds) for network in given.network]
    for each in found:
        print(each)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
