"""Four ways to give a region another style, compared; and what regions cost.

    python -m benchmarks.regions --styles DIR [--out FOLDER] [--quick]

The four are: scale and shift mixed by the masks behind every norm, whose moments are those of the whole picture
(``whole``, what impasto did first); the same with moments weighted by each style's mask (``weighted``); with each
style's own moments, from a pass over the picture in that style alone (``own``); and paintings in each style, blended
by the masks at the end (``blended``, what impasto does). The distance is that of the Gram matrices of the region,
guided by its mask, from those of the style's painting, |G - Gs|^2 / |Gs|^2, the mean of four layers of VGG-19, as a
share of what it is for the region of a painting in that style alone. With ``--out`` the paintings are kept, side by
side: the photo, then the four.

The cost is the processor time of painting 512 x 512 pixels, and 3 megapixels in two passes, with one mask, with three,
and with something protected, over that of painting without, and the memory that is planned. It is the time of this
process alone, in all of its threads; beside others, which take the caches, it is still longer than on a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from benchmarks.speed import machine
from impasto import Painter, assets
from impasto.files import write_atomically
from impasto.learn.loss.features import LossNetwork, load_loss_network
from impasto.learn.loss.statistics import gram, guided_gram
from impasto.learn.network.layers import EPSILON, ON_TENSORS, StyleNetwork, _activated, interleave_phases, split_phases
from impasto.learn.network.load import load_with_bank
from impasto.learn.padding import surround
from impasto.learn.photos import load_paintings
from impasto.learn.tensors import to_picture, to_planes
from impasto.painting.look import Look
from impasto.pictures import Photo

LAYERS = ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]
SCENES = {  # photo (of scikit-image), styles, and the ellipses of all but the first
    "face in VII": ("astronaut", ["van-gogh-starry-night", "kandinsky-composition-vii"], [(150, 20, 300, 225)]),
    "face in Wave": ("astronaut", ["munch-the-scream", "hokusai-great-wave"], [(150, 20, 300, 225)]),
    "face in horsemen": ("astronaut", ["van-gogh-starry-night", "durer-four-horsemen"], [(150, 20, 300, 225)]),
    "small": ("coffee", ["munch-the-scream", "kandinsky-composition-vii"], [(200, 90, 260, 150)]),
    "half": ("chelsea", ["hokusai-great-wave", "van-gogh-starry-night"], [(-200, -200, 256, 600)]),
    "three": (
        "astronaut",
        ["munch-the-scream", "hokusai-great-wave", "kandinsky-composition-vii"],
        [(150, 20, 300, 225), (0, 250, 250, 560)],
    ),
}
SIZE, SOFT, TURNS = 512, 8, 5
COST_SIZES = ((512, 512), (1536, 2048))
RESULTS = Path(__file__).parent / "results" / "regions.json"
Moments = list[tuple[Tensor, Tensor]]


def main() -> None:
    args = _arguments()
    torch.set_num_threads(2)
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    report: dict[str, Any] = {"machine": machine(), "networks": known.get("networks", {})}  # the others' stay
    for name in args.networks:
        compared = list(_compared(args, name))
        cost = [] if args.quick else [_cost(name, size) for size in COST_SIZES]
        fingerprint = Painter(name).network.fingerprint
        report["networks"][name] = {"fingerprint": fingerprint, "scenes": compared, "cost": cost}
        for way in WAYS:
            found = [row["distance"][way] for row in compared]
            print(f"{name} {way}: median {statistics.median(found):.2f}, most {max(found):.2f}")
        for row in cost:
            print(row, flush=True)
        write_atomically(RESULTS, (json.dumps(report, indent=1) + "\n").encode())


# ---- the four ways


def whole(network: StyleNetwork, photo: Tensor, rows: Tensor, masks: Tensor) -> Tensor:
    return _run(network, photo, rows, masks, lambda number, y, weights: [_moments(y, network, number)] * len(rows))


def weighted(network: StyleNetwork, photo: Tensor, rows: Tensor, masks: Tensor) -> Tensor:
    def moments(number: int, y: Tensor, weights: Sequence[Tensor]) -> Moments:
        return [_moments(y, network, number, each) for each in weights]

    return _run(network, photo, rows, masks, moments)


def own(network: StyleNetwork, photo: Tensor, rows: Tensor, masks: Tensor) -> Tensor:
    known: list[Moments] = []
    for row in rows:
        seen: Moments = []

        def moments(number: int, y: Tensor, weights: Sequence[Tensor], seen: Moments = seen) -> Moments:
            seen.append(_moments(y, network, number))
            return seen[-1:]

        _run(network, photo, row[None], torch.ones_like(masks[:1]), moments)
        known.append(seen)
    return _run(network, photo, rows, masks, lambda number, y, weights: [each[number] for each in known])


def blended(network: StyleNetwork, photo: Tensor, rows: Tensor, masks: Tensor) -> Tensor:
    return sum(mask * network(photo, row[None]) for row, mask in zip(rows, masks, strict=True))  # type: ignore[return-value]


WAYS: dict[str, Callable[..., Tensor]] = {"whole": whole, "weighted": weighted, "own": own, "blended": blended}


def _run(
    network: StyleNetwork, photo: Tensor, rows: Tensor, masks: Tensor, moments: Callable[[int, Tensor, Any], Moments]
) -> Tensor:
    """The painting (1, 3, H, W), whose norms take one pair of moments for each row."""
    planes = surround(masks[None], network.margin)
    halves = [torch.split(half, network.widths, 1) for half in rows.chunk(2, 1)]
    numbers = iter(range(len(network.layers)))

    def layer(block: Any, x: Tensor) -> Tensor:
        number, y = next(numbers), block._convolve(x)
        factor = network.reductions[number]
        level = F.avg_pool2d(planes, factor) if factor > 1 else planes
        level = split_phases(level, block.factor) if block.in_phases else level  # (1, [phases,] K, h, w)
        weights = [level.select(-3, k).unsqueeze(-3) for k in range(len(rows))]
        scales, shifts = (half[number] for half in halves)
        z = torch.zeros_like(y)
        for k, (var, mean) in enumerate(moments(number, y, weights)):
            scale, shift = (each[k].view(-1, 1, 1) for each in (scales, shifts))
            z += weights[k] * (scale * (y - mean) * torch.rsqrt(var + EPSILON) + shift)
        z = _activated(z, block.activation)
        return interleave_phases(z) if z.dim() == 5 else z

    painted = network.trunk(surround(photo, network.margin), layer, ON_TENSORS)
    margin, (height, width) = network.margin, photo.shape[2:]
    return painted[:, :, margin : margin + height, margin : margin + width]


def _moments(y: Tensor, network: StyleNetwork, number: int, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Variance and mean of what a norm meets, of all phases together unless they are apart."""
    dims = [-2, -1] if y.dim() == 4 or network.layers[number].apart else [1, -2, -1]
    if weight is None:
        return torch.var_mean(y, dim=dims, correction=0, keepdim=True)
    total = weight.sum(dims, keepdim=True).clamp_min(1e-6)
    mean = (y * weight).sum(dims, keepdim=True) / total
    return ((y - mean).square() * weight).sum(dims, keepdim=True) / total, mean


# ---- compared


@torch.no_grad()
def _compared(args: argparse.Namespace, name: str) -> Iterator[dict[str, Any]]:
    network, bank = load_with_bank(assets.network_file(name))
    vgg = load_loss_network()
    for scene, (source, styles, ellipses) in SCENES.items():
        photo = _photo(source, network.multiple)
        masks = _masks(ellipses, photo.shape[2:])
        rows = torch.from_numpy(np.stack([bank[style] for style in styles]))
        paintings = load_paintings(args.styles, styles, size=512, bank=bank)
        made = {way: paint(network, photo, rows, masks) for way, paint in WAYS.items()}
        distance = {way: 0.0 for way in WAYS}
        for k in range(1, len(styles)):
            alone = _distance(vgg, network(photo, rows[k : k + 1]), masks[k], paintings[styles[k]])
            for way, painted in made.items():
                distance[way] += _distance(vgg, painted, masks[k], paintings[styles[k]]) / alone / (len(styles) - 1)
        row = {
            "scene": scene,
            "photo": source,
            "styles": styles,
            "distance": {k: round(v, 3) for k, v in distance.items()},
        }
        print(name, row, flush=True)
        if args.out:
            args.out.mkdir(parents=True, exist_ok=True)
            _strip([photo, *made.values()]).save(args.out / f"{name}-{scene.replace(' ', '-')}.png")
        yield row


def _distance(vgg: LossNetwork, painted: Tensor, mask: Tensor, painting: Tensor) -> float:
    found, wanted = vgg(painted, LAYERS), vgg(painting, LAYERS)
    each = []
    for layer in LAYERS:
        g, target = guided_gram(found[layer], mask), gram(wanted[layer])
        each.append(float((g - target).square().sum() / target.square().sum()))
    return statistics.mean(each)


def _photo(source: str, multiple: int) -> Tensor:
    """A photo with a longer side of SIZE, cut to the network's multiple: (1, 3, H, W)."""
    from skimage import data

    picture = Image.fromarray(getattr(data, source)())
    picture.thumbnail((SIZE, SIZE), Image.Resampling.LANCZOS)
    width, height = (side // multiple * multiple for side in picture.size)
    return to_planes(np.asarray(picture.convert("RGB").crop((0, 0, width, height)), np.float32) / 255)


def _masks(ellipses: Sequence[tuple[int, int, int, int]], size: Sequence[int]) -> Tensor:
    """(K + 1, H, W) of sum 1: what is left, then soft ellipses."""
    planes = []
    for ellipse in ellipses:
        mask = Image.new("L", (size[1], size[0]))
        ImageDraw.Draw(mask).ellipse(ellipse, 255)
        planes.append(np.asarray(mask.filter(ImageFilter.GaussianBlur(SOFT)), np.float32) / 255)
    found = np.stack(planes) / np.maximum(np.sum(planes, 0), 1)
    return torch.from_numpy(np.concatenate([1 - found.sum(0, keepdims=True), found])).float()


def _strip(pictures: Sequence[Tensor]) -> Image.Image:
    row = np.concatenate([to_picture(each) for each in pictures], 1)
    return Image.fromarray((255 * row.clip(0, 1) + 0.5).astype(np.uint8))


# ---- what it costs


def _cost(name: str, size: tuple[int, int]) -> dict[str, Any]:
    """Processor times with one mask, three, and something protected, over that without; the memory that is planned."""
    painter = Painter(name)
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    styles = [style for style in SCENES["three"][1] if style in painter.styles]
    stripes = np.repeat(np.eye(4, dtype=np.uint8) * 255, size[1] // 4, 1)[:, None].repeat(size[0], 1)  # (4, h, w)
    masks = {f"{styles[number % len(styles)]}:{number}": stripes[number] for number in (1, 2, 3)}
    found: dict[str, Any] = {"network": name, "size": list(size)}
    for what, dials in {
        "alone": {},
        "one mask": {"masks": dict(list(masks.items())[:1])},
        "three masks": {"masks": masks},
        "protected": {"protect": stripes[1]},
    }.items():
        job = painter.prepare(Photo(photo), Look.of("van-gogh-starry-night", **dials))
        spent = []
        for turn in range(1 + (TURNS if math.prod(size) < 1e6 else 1)):  # the first one compiles
            begin = time.process_time()
            job.paint()
            spent.append(time.process_time() - begin if turn else math.inf)
        alone = found.get("alone", {}).get("seconds", min(spent))
        found[what] = {
            "paintings": job.plan.paintings,
            "seconds": round(min(spent), 3),
            "times": round(min(spent) / alone, 2),
            "memory": job.plan.memory,
        }
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--styles", type=Path, required=True, help="folder of the bank's paintings")
    parser.add_argument("--networks", type=lambda text: text.split(","), default=["fast", "full"])
    parser.add_argument("--out", type=Path, help="keep the paintings in this folder")
    parser.add_argument("--quick", action="store_true", help="without what regions cost")
    return parser.parse_args()


if __name__ == "__main__":
    main()
