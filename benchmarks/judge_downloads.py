"""LPIPS, ArtFID, CLIP and DINO of painted pictures, for those who have these models; ``impasto judge`` has the rest.

    pip install lpips art-fid open_clip_torch torchvision      # each of them downloads weights when it first runs
    python -m benchmarks.judge_downloads PHOTOS PAINTED PAINTINGS [--pattern '{photo}-{style}'] [--only lpips,clip]

Three folders, paired by names as ``impasto judge`` pairs them. A table of medians per style, and the JSON of all on the
last line.

- lpips: Zhang et al. 2018, version 0.1, AlexNet, picture against photo, at 512 px. 0 is the photo.
- clip: cosine of the picture's and the painting's embeddings, OpenAI's ViT-B/32. 1 is the painting.
- dino: cosine of the picture's and the photo's class tokens, DINO ViT-S/16 (Caron et al. 2021). 1 is the photo.
- artfid: (1 + LPIPS)(1 + FID) of all pictures together (Wright and Ommer 2022), with the plain FID: the package's
  default, FID infinity, needs more than 5,000 pictures. docs/judging.md says what it is worth for fewer.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from impasto.errors import ImpastoError
from impasto.learn.evaluate.judging import together
from impasto.learn.evaluate.medians import by_style, over_styles
from impasto.learn.evaluate.pairs import PATTERN, Pair, by_name, pictures_of
from impasto.learn.evaluate.protocol import Protocol
from impasto.learn.tensors import to_planes
from impasto.pictures import load, save, to_pil

SIZE = 512
Measure = Callable[[Pair], float]


def lpips_of() -> Measure:
    import lpips

    network = lpips.LPIPS(net="alex", verbose=False).eval()

    def measured(pair: Pair) -> float:
        photo, painted = (to_planes(each) * 2 - 1 for each in _pictures(pair))
        return float(network(painted, photo))

    return measured


def clip_of() -> Measure:
    import open_clip

    network, _, prepared = open_clip.create_model_and_transforms("ViT-B-32", pretrained="openai")
    network.eval()
    look = _kept(lambda path: network.encode_image(prepared(_image(path))[None]))
    return lambda pair: float(torch.cosine_similarity(look(pair.painted), look(pair.painting)))


def dino_of() -> Measure:
    from torchvision import transforms

    network = torch.hub.load("facebookresearch/dino:main", "dino_vits16").eval()
    normal = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    steps = [transforms.Resize(256, 3), transforms.CenterCrop(224), transforms.ToTensor(), normal]
    prepared = transforms.Compose(steps)
    look = _kept(lambda path: network(prepared(_image(path))[None]))
    return lambda pair: float(torch.cosine_similarity(look(pair.painted), look(pair.photo)))


PER_PICTURE = {"lpips": lpips_of, "clip": clip_of, "dino": dino_of}


def artfid(pairs: list[Pair]) -> float:
    """Of all pairs; the package pairs files by the order of their names."""
    from art_fid import art_fid

    with tempfile.TemporaryDirectory() as folder:
        places = {what: Path(folder, what) for what in ("photo", "painted", "painting")}
        for place in places.values():
            place.mkdir()
        for number, pair in enumerate(pairs):
            name = f"{number:06}.png"
            for what, picture in zip(places, (*_pictures(pair), load(pair.painting).picture), strict=True):
                save(picture, places[what] / name)
        paths = (str(places[what]) for what in ("painted", "painting", "photo"))
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return float(art_fid.compute_art_fid(*paths, 1, device, mode="art_fid"))


def _pictures(pair: Pair) -> Iterator[Any]:
    """Photo and picture, (h, w, 3), brought to one size."""
    assert pair.painted is not None
    yield from together(load(pair.photo).picture, load(pair.painted).picture, Protocol(SIZE))


def _image(path: Path) -> Image.Image:
    return to_pil(load(path).picture)


def _kept(look: Callable[[Path], Tensor]) -> Callable[[Path | None], Tensor]:
    found: dict[Path | None, Tensor] = {}

    def looked(path: Path | None) -> Tensor:
        if path not in found:
            assert path is not None
            found[path] = look(path)
        return found[path]

    return looked


@torch.no_grad()
def measured(args: argparse.Namespace) -> dict[str, Any]:
    """All that was asked for, of all pictures, and medians per style and over styles."""
    photos, paintings = pictures_of(args.photos, "photos"), pictures_of(args.paintings, "paintings")
    pairs = list(by_name(photos, args.painted, paintings, args.pattern).found)
    looks = {word: PER_PICTURE[word]() for word in args.only.split(",") if word in PER_PICTURE}
    records = [
        {"name": pair.style, "strength": pair.strength, "painted": str(pair.painted)}
        | {word: look(pair) for word, look in looks.items()}
        for pair in pairs
    ]
    styles = by_style(records, list(looks))
    found = {"pictures": records, "styles": styles, "overall": over_styles(styles, list(looks))}
    return {**found, "artfid": artfid(pairs)} if "artfid" in args.only.split(",") else found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("photos", "painted", "paintings"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--pattern", default=PATTERN)
    parser.add_argument("--only", default="lpips,clip,dino,artfid")
    try:
        found = measured(parser.parse_args())
    except ImportError as error:
        sys.exit(f"{error.name} is not installed: pip install lpips art-fid open_clip_torch torchvision")
    except ImpastoError as error:
        sys.exit(str(error))
    for row in [*found["styles"], *({"name": "(all)", **row} for row in found["overall"])]:
        print(row["name"], *(f"{word} {row[word]['median']:.3f}" for word in PER_PICTURE if word in row))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
