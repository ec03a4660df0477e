"""Paint the pictures of docs/optimize.md: a sheet for each control, and the grid of Gatys et al. (2015, figure 3).

    python docs/make_optimize_pictures.py --photo coffee.png --paintings FOLDER [--only NAME,...]

The photo of the page is scikit-image's ``coffee`` (astronaut for the grid). FOLDER holds the paintings as
kandinsky-composition-vii.jpg and so on; any picture of that name will do. About five minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from impasto import pictures
from impasto.learn.loss.features import LossNetwork, load_loss_network
from impasto.learn.optimize import grid as grids
from impasto.learn.optimize.recipes import settings_for
from impasto.learn.optimize.run import Optimization, OptimizeStep
from impasto.pictures import Picture
from impasto.pictures.sheets import contact_sheet

IMAGES = Path(__file__).parent / "images"
NUMBERS = Path(__file__).parent.parent / "benchmarks" / "results" / "grid.json"
LIMIT = 200_000  # bytes of a sheet

VII, NIGHT, WAVE = "kandinsky-composition-vii", "van-gogh-starry-night", "hokusai-great-wave"
STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


@dataclass(frozen=True)
class Shot:
    """A picture of a sheet: its label, its paintings, and what differs from the default recipe."""

    label: str
    paintings: tuple[str, ...] = (VII,)
    options: dict[str, Any] = field(default_factory=dict)
    disc: str = ""  # "inside": the first painting goes into the disc, the other around it; "mask": the disc itself


def shots(label: str, name: str, values: tuple[Any, ...], painting: str = VII, **others: Any) -> list[Shot]:
    """One picture for each value of a setting."""
    return [Shot(label.format(value), (painting,), {name: value, **others}) for value in values]


SHEETS: dict[str, list[Shot]] = {
    "reconstructions": [
        *(
            Shot(f"content of {layer}", options={"content_layers": (layer,), "style_weight": 0.0, "start": "noise"})
            for layer in ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2")
        ),
        *(
            Shot(
                f"style of {' to '.join(dict.fromkeys((STYLE[0], STYLE[i])))}",
                options={"style_layers": STYLE[: i + 1], "content_weight": 0.0, "start": "noise"},
            )
            for i in range(5)
        ),
    ],
    "style-weight": shots("--style-weight {:g}", "style_weight", (0.2, 1.0, 5.0, 25.0, 125.0)),
    "style-size": shots("--style-size {}", "style_size", (96, 160, 256, 512), NIGHT),
    "content-layers": shots(
        "--content-layers {0[0]}", "content_layers", (("relu2_2",), ("relu3_2",), ("relu4_2",), ("relu5_2",)), NIGHT
    ),
    "start": [
        Shot("--start photo", (NIGHT,)),
        Shot("--start noise", (NIGHT,), {"start": "noise"}),
        Shot("--start noise --seed 1", (NIGHT,), {"start": "noise", "seed": 1}),
        Shot("--start network", (NIGHT,), {"start": "network"}),
    ],
    "color": shots("--color {}", "color", ("painting", "match", "luminance"), NIGHT),
    "regions": [
        Shot("the mask", disc="mask"),
        Shot("VII in white, wave in black", (VII, WAVE), disc="inside"),
        Shot("wave in white, VII in black", (WAVE, VII), disc="inside"),
    ],
    "paintings": [
        Shot("wave", (WAVE,)),
        Shot("wave and night, 2,1", (WAVE, NIGHT), {"painting_weights": (2.0, 1.0)}),
        Shot("wave and night, 1,2", (WAVE, NIGHT), {"painting_weights": (1.0, 2.0)}),
        Shot("night", (NIGHT,)),
    ],
    "statistic": [
        *shots("--pooling {}", "pooling", ("max", "average", "l2"), NIGHT),
        Shot("--statistic gaussian", (NIGHT,), {"statistic": "gaussian"}),
    ],
    "tv": shots("--tv-weight {:g}", "tv_weight", (0.0, 20.0, 200.0), VII),
    "coarsest": [
        Shot("--coarsest 0", options={"coarsest": 0, "steps": 40, "start": "noise"}),
        Shot("--coarsest 64", options={"coarsest": 64, "steps": 40, "start": "noise"}),
    ],
}
COLUMNS = {"reconstructions": 5}


def main() -> None:
    args = _arguments()
    network = load_loss_network()
    for name in args.only.split(","):
        begin = time.monotonic()
        if name == "grid":
            quality = _grid(args, network)
        elif name in SHEETS:
            painted = [_paint(shot, args, network) for shot in SHEETS[name]]
            labels = [shot.label for shot in SHEETS[name]]
            sheet = contact_sheet(painted, labels, columns=COLUMNS.get(name, len(painted)))
            quality = _save(sheet, args.output / f"optimize-{name}.jpg", LIMIT)
        else:
            sys.exit(f"there is no sheet {name!r}; choose {', '.join([*SHEETS, 'grid'])}")
        print(f"{name}: JPEG quality {quality}, {time.monotonic() - begin:.0f} s", flush=True)


def _paint(shot: Shot, args: argparse.Namespace, network: LossNetwork) -> Picture:
    photo = pictures.load(args.photo).picture
    disc = _disc(photo)
    settings = settings_for(**{"size": args.size, "steps": args.steps, "coarsest": 64, **shot.options})
    if shot.disc == "mask":
        return pictures.resize(disc, args.size)
    files = [_painting(args, name) for name in shot.paintings]
    masks = [disc, 1 - disc] if shot.disc else []
    *_, last = Optimization(args.photo, files, settings, photo_masks=masks, loss_network=network).run()
    assert last.picture is not None
    return last.picture


def _grid(args: argparse.Namespace, network: LossNetwork) -> int:
    """The sheet of the paper's figure 3, and its numbers."""
    photo, painting = args.grid_photo or args.photo, _painting(args, VII)
    with tempfile.TemporaryDirectory() as folder:
        cells = args.cells or folder
        made = grids.grid(photo, painting, cells, loss_network=network, size=args.grid_size, steps=args.grid_steps)
        done = [item for item in made if not isinstance(item, OptimizeStep)]
    numbers = {name: value for name, value in grids.numbers(done).items() if name != "files"}
    NUMBERS.write_text(json.dumps(numbers, indent=1) + "\n")
    return _save(grids.sheet(done), args.output / "optimize-grid.jpg", 600_000)


def _disc(photo: Picture) -> Picture:
    """White in the middle of the picture and black around it, with a soft edge."""
    h, w = photo.shape[:2]
    y, x = np.mgrid[:h, :w]
    distance = np.hypot(y - 0.5 * h, x - 0.46 * w) / (0.47 * h)
    inside = np.clip((1 - distance) * 10 + 0.5, 0, 1)
    return np.repeat(inside[..., None], 3, axis=2).astype(np.float32)


def _painting(args: argparse.Namespace, name: str) -> Path:
    found = [path for path in pictures.find(args.paintings) if path.stem == name]
    if not found:
        sys.exit(f"{args.paintings} has no painting {name}")
    return found[0]


def _save(sheet: Picture, path: Path, limit: int) -> int:
    """Write a JPEG of at most ``limit`` bytes; returns its quality."""
    for quality in range(92, 20, -4):
        pictures.save(sheet, path, quality=quality)
        if path.stat().st_size <= limit:
            return quality
    sys.exit(f"{path} cannot be made small enough")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, required=True, help="folder; a file's stem is the painting's name")
    parser.add_argument("--output", type=Path, default=IMAGES, help="folder of the sheets")
    parser.add_argument("--only", default=",".join([*SHEETS, "grid"]), help="NAME,NAME,...; default: all")
    parser.add_argument("--size", type=int, default=256, help="longer side of each picture")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--grid-photo", type=Path, help="default: the photo")
    parser.add_argument("--grid-size", type=int, default=224)
    parser.add_argument("--grid-steps", type=int, default=150)
    parser.add_argument("--cells", type=Path, help="folder to keep the grid's cells in, so that it can be stopped")
    return parser.parse_args()


if __name__ == "__main__":
    main()
