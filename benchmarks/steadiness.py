"""How still painted films hold: frames of known motion, painted one by one and with ``steady``, in the same run.

    python -m benchmarks.steadiness [--network fast] [--styles DIR] [--picture docs/images/steadiness.webp]

Frames of 304 x 224 pixels are windows of photos of scikit-image, sampled 1.5 times finer, so that their motion is known
exactly. The *error* of a film is the root mean square difference, in % of full range, between a frame and the frame
before it moved as the scene moved (Lanczos), 16 pixels from the borders. Frames painted one by one are what it is
compared with. Scenes:

- noise: nothing moves, noise with a standard deviation of 2 or 5 of 255
- pan 1, pan 3.7: so many pixels a frame to the right (and 0, 1.3 down); shake: a hand that trembles by 1.5 pixels
- zoom: 0.5 % a frame
- pop-up: a white square is there at once; the largest step of the painting far from it, 80 pixels and more
- ghost: a red square crosses at 14 pixels a frame; how far its trail of the last 0.4 s is from a painting without a
  past, the largest difference of a pixel, of 255
- cut: another photo; how far its first painting is from that of a new film, likewise

Guards against winning by blur, for both pans, relative to painting one by one: *texture* is the gradient energy of the
paintings, and *style* (with ``--styles``, the folder of the bank's paintings) their style distance, the root of the
style loss, of every third frame.
*Seconds* are those of all that is not painting, a frame of 848 x 480 in motion.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from impasto.film.steady import Steady, frames
from impasto.painting.look import Look
from impasto.painting.painter import Painter

STYLES = ("van-gogh-starry-night", "hokusai-great-wave", "picabia-udnie", "seurat-seine-at-la-grande-jatte")
STILLS = ("astronaut.png", "coffee.png", "rocket.jpg", "motorcycle_left.png")
SIZE = 224, 304
FINER = 1.5
FRAMES, FPS = 10, 25.0
BORDER = 16
SQUARE, FAR = 64, 80
RESULTS = Path(__file__).parent / "results" / "steadiness.json"
Pixels = Any
Triple = tuple[Pixels, Pixels, Pixels]  # a frame, painted by itself, held
Window = tuple[float, float, float]  # left, top, pixels of the still for one of the frame

rng = np.random.default_rng(0)
SHAKE = np.cumsum(rng.normal(0, 1.5, (FRAMES, 2)), 0).clip(-12, 12)
MOVES: dict[str, list[Window]] = {
    "noise 2": [(9.0, 9.0, 1.0)] * FRAMES,
    "noise 5": [(9.0, 9.0, 1.0)] * FRAMES,
    "pan 1": [(float(t), 0.0, 1.0) for t in range(FRAMES)],
    "pan 3.7": [(3.7 * t, 1.3 * t, 1.0) for t in range(FRAMES)],
    "shake": [(12 + x, 12 + y, 1.0) for x, y in SHAKE.tolist()],
    "zoom": [(1.52 * (t / 2), 1.12 * (t / 2), 1 - 0.005 * t) for t in range(FRAMES)],
}
PANS = "pan 1", "pan 3.7"
NOISE = {"noise 2": 2.0, "noise 5": 5.0}


@dataclass(frozen=True)
class Film:
    """Frames, and where in the still each is."""

    frames: list[Pixels]
    windows: list[Window]


def still(name: str) -> Image.Image:
    """A photo of scikit-image's."""
    import skimage

    return Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB")


def sampled(photo: Image.Image, window: Window) -> Pixels:
    """A window of a photo as a frame."""
    (left, top, zoom), (height, width) = window, SIZE
    box = tuple(FINER * each for each in (left, top, left + zoom * width, top + zoom * height))
    return np.asarray(photo.resize((width, height), Image.Resampling.LANCZOS, box))


def filmed(photo: Image.Image, scene: str) -> Film:
    """A scene of known motion."""
    noise = np.random.default_rng(1)
    found = [sampled(photo, window) for window in MOVES[scene]]
    if scene in NOISE:
        found = [each + noise.normal(0, NOISE[scene], each.shape) for each in found]
    return Film([np.clip(np.rint(each), 0, 255).astype(np.uint8) for each in found], MOVES[scene])


def error(painted: list[Pixels], windows: list[Window]) -> float:
    """The error of a film, squared, in % of full range."""
    return fmean(_apart(*pair) for pair in zip(painted, painted[1:], windows, windows[1:], strict=False))


def _apart(old: Pixels, new: Pixels, before: Window, after: Window) -> float:
    height, width = (side - 2 * BORDER for side in SIZE)
    left, top = ((after[i] - before[i] + BORDER * after[2]) / before[2] for i in (0, 1))
    zoom = after[2] / before[2]
    box = left, top, left + zoom * width, top + zoom * height
    planes = [Image.fromarray(old[..., channel].astype(np.float32)) for channel in range(3)]
    moved = [np.asarray(each.resize((width, height), Image.Resampling.LANCZOS, box)) for each in planes]
    apart = np.stack(moved, -1) - new[BORDER:-BORDER, BORDER:-BORDER]
    return float(np.mean(np.square(apart)) * (100 / 255) ** 2)


def one_by_one(painter: Painter, found: list[Pixels], look: Look) -> list[Pixels]:
    return [painter.paint_array(each, look) for each in found]


def held(painter: Painter, found: list[Pixels], look: Look) -> list[Pixels]:
    return list(painter.paint_frames(found, look, fps=FPS))


def texture(painted: list[Pixels]) -> float:
    """Gradient energy."""
    floats = [each.astype(np.float32) for each in painted]
    return fmean(float(np.square(np.diff(each, axis=axis)).mean()) for each in floats for axis in (0, 1))


def popped(photo: Image.Image) -> Film:
    """A white square that is there at once, at the left."""
    found = [sampled(photo, (0, 0, 1)).copy() for _ in range(FRAMES)]
    for each in found[FRAMES // 2 :]:
        each[80 : 80 + SQUARE, 40 : 40 + SQUARE] = 255
    return Film(found, [(0, 0, 1)] * FRAMES)


def step(painted: list[Pixels]) -> float:
    """The largest step of a film far from the square, in % of full range."""
    far = [each[BORDER:-BORDER, 40 + SQUARE + FAR : -BORDER].astype(np.float32) for each in painted]
    return 100 / 255 * max(float(np.sqrt(np.mean(np.square(b - a)))) for a, b in zip(far, far[1:], strict=False))


def ghost(painter: Painter, photo: Image.Image, look: Look) -> int:
    """The largest difference in the trail of a square that crosses."""
    empty, size, speed = sampled(photo, (0, 0, 1)), 48, 14
    film, worst = Steady(painter), 0
    recent = int(0.4 * FPS)
    for t in range(2 * recent):
        frame, left = empty.copy(), speed * t - size
        frame[88 : 88 + size, max(0, left) : max(0, left + size)] = (255, 30, 30)
        painted = film.paint(frame, look, t / FPS)
        if t >= recent // 2 and t % 3 == 0:
            fresh = Steady(painter).paint(frame, look, 0.0)
            trail = np.s_[88 : 88 + size, max(0, left - recent * speed) : max(0, left)]
            worst = max(worst, int(np.abs(painted[trail].astype(int) - fresh[trail]).max()))
    return worst


def cut(painter: Painter, photos: list[Image.Image], look: Look) -> int:
    """The largest difference of the first painting behind a cut from that of a new film."""
    film = Steady(painter)
    for t in range(4):
        film.paint(sampled(photos[0], (t, 0, 1)), look, t / FPS)
    frame = sampled(photos[1], (0, 0, 1))
    apart = film.paint(frame, look, 4 / FPS).astype(int) - Steady(painter).paint(frame, look, 0.0)
    return int(np.abs(apart).max())


def seconds(painter: Painter, look: Look) -> float:
    """The median time of all that is not painting, a frame of 848 x 480."""
    photo = still(STILLS[3]).resize((1400, 945), Image.Resampling.LANCZOS)
    film, spent = Steady(painter), []
    with mock.patch.object(frames, "_painted", lambda job, canvas, masks: canvas):
        for t in range(20):
            window = (3.7 * t, 1.3 * t, 848 * 1.5 + 3.7 * t, 480 * 1.5 + 1.3 * t)
            frame = np.asarray(photo.resize((848, 480), Image.Resampling.LANCZOS, window))
            begin = time.perf_counter()
            film.paint(frame, look, t / FPS)
            spent.append(time.perf_counter() - begin)
    return median(spent[2:])


def style_distances(folder: Path, painted: dict[str, list[Triple]]) -> dict[str, float]:
    """The style distance of what is held over that of what is painted one by one, by style, and the mean."""
    import torch

    from impasto.learn.evaluate.scorer import Scorer
    from impasto.learn.loss.features import load_loss_network
    from impasto.learn.loss.settings import LossSettings
    from impasto.learn.photos import load_paintings

    def planes(pixels: Pixels) -> Any:
        return torch.from_numpy(pixels.transpose(2, 0, 1)[None] / np.float32(255))

    paintings = load_paintings(folder, list(painted), size=512)
    photos = [frame / np.float32(255) for frame, _, _ in painted[STYLES[0]]]
    scorer = Scorer(load_loss_network(), paintings, photos, LossSettings(unit="energy"))
    found = {}
    with torch.no_grad():
        for name, triples in painted.items():
            own, ours = (
                fmean(float(scorer.losses(planes(triple[i]), planes(triple[0]), name)[1]) ** 0.5 for triple in triples)
                for i in (1, 2)
            )
            found[name] = round(ours / own, 4)
    return {"mean": round(fmean(found.values()), 4), **found}


def picture(painter: Painter, path: Path) -> None:
    """A film, one by one and held, side by side: noise of 2 of 255 while the camera moves by a pixel a frame."""
    photo, look, noise = still(STILLS[1]), Look(STYLES[0]), np.random.default_rng(1)
    found = [sampled(photo, (t, 0, 1)) + noise.normal(0, 2, (*SIZE, 3)) for t in range(30)]
    film = [np.clip(np.rint(each), 0, 255).astype(np.uint8) for each in found]
    pairs = zip(one_by_one(painter, film, look), held(painter, film, look), strict=True)
    shown = [Image.fromarray(np.hstack(pair)) for pair in pairs]
    shown[0].save(path, save_all=True, append_images=shown[1:], duration=80, loop=0, quality=70, method=6)


def measure(painter: Painter, folder: Path | None) -> dict[str, Any]:
    """All scenes, in all styles, of all stills."""
    stills = [still(name) for name in STILLS]
    squares: dict[str, list[tuple[float, float, float]]] = {scene: [] for scene in MOVES}
    steps, ghosts, cuts = [], [], []
    textures: dict[str, list[tuple[float, float]]] = {scene: [] for scene in PANS}
    painted: dict[str, dict[str, list[Triple]]] = {scene: {style: [] for style in STYLES} for scene in PANS}
    for style, photo in _progress([(style, photo) for style in STYLES for photo in stills]):
        look = Look(style)
        for scene in MOVES:
            film = filmed(photo, scene)
            own, ours = one_by_one(painter, film.frames, look), held(painter, film.frames, look)
            squares[scene].append(tuple(error(each, film.windows) for each in (film.frames, own, ours)))
            if scene in PANS:
                textures[scene].append((texture(own), texture(ours)))
                painted[scene][style] += zip(film.frames[3::3], own[3::3], ours[3::3], strict=True)
        film = popped(photo)
        steps.append((step(one_by_one(painter, film.frames, look)), step(held(painter, film.frames, look))))
        ghosts.append(ghost(painter, photo, look))
        cuts.append(cut(painter, [photo, stills[(stills.index(photo) + 1) % len(stills)]], look))
    scenes = {
        scene: _row(*(np.sqrt(np.mean(part)) for part in zip(*each, strict=True))) for scene, each in squares.items()
    }
    own, ours = (float(np.sqrt(np.mean(np.square(part)))) for part in zip(*steps, strict=True))
    scenes["pop-up"] = _row(None, own, ours)
    report = {
        "network": painter.network.name,
        "fingerprint": painter.network.fingerprint,
        "scenes": scenes,
        "ghost": max(ghosts),
        "cut": max(cuts),
        "texture": {
            name: round(sum(b for _, b in each) / sum(a for a, _ in each), 4) for name, each in textures.items()
        },
        "milliseconds": round(1000 * seconds(painter, Look(STYLES[2])), 1),
    }
    if folder:
        report["style"] = {scene: style_distances(folder, each) for scene, each in painted.items()}
    return report


def _row(given: float | None, own: float, ours: float) -> dict[str, float | None]:
    return {
        "input": None if given is None else round(float(given), 3),
        "one_by_one": round(float(own), 3),
        "steady": round(float(ours), 3),
        "ratio": round(float(ours / own), 3),
    }


def _progress(todo: list[Any]) -> Iterator[Any]:
    for count, each in enumerate(todo):
        print(f"{count + 1} of {len(todo)}: {each[0]}", flush=True)
        yield each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="fast")
    parser.add_argument("--styles", type=Path, help="folder of the bank's paintings, for the style loss")
    parser.add_argument("--picture", type=Path, help="write a film, one by one and held side by side, and nothing else")
    args = parser.parse_args()
    painter = Painter(args.network, precision="f32")
    if args.picture:
        picture(painter, args.picture)
        return
    report = measure(painter, args.styles)
    old = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    RESULTS.write_text(json.dumps({**old, args.network: report}, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
