"""A folder of photos as batches, paintings as tensors. Which crop comes when is a function of seed and step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from impasto.errors import LearnError, PictureError
from impasto.pictures import find, load, to_pil

CACHE_BYTES = 2 * 2**30  # decoded photos kept in memory; the rest is decoded again when its turn comes


def to_tensor(image: Image.Image) -> Tensor:
    """A PIL image as (3, H, W), float32, 0..1."""
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255


@dataclass
class PhotoFolder:
    """Photos of a folder, read recursively; files that cannot be read are skipped, counted and named."""

    paths: list[Path]
    skipped: dict[Path, str] = field(default_factory=dict)
    _cache: dict[int, Image.Image] = field(default_factory=dict, repr=False)
    _cached_bytes: int = 0

    @classmethod
    def open(cls, folder: str | Path, *, hold_out: int = 0) -> PhotoFolder:
        """All pictures below ``folder`` but the last ``hold_out`` by name; LearnError if none is left.

        What is held out is for measuring.
        """
        if not Path(folder).is_dir():
            raise LearnError(f"{folder} is not a folder of photos")
        paths = find([Path(folder)])
        paths = paths[: max(0, len(paths) - hold_out)]
        if not paths:
            raise LearnError(f"{folder} holds no pictures to train on (it is searched recursively)")
        return cls(paths)

    def batch(self, seed: int, step: int, count: int, size: int) -> Tensor:
        """``count`` random square crops of ``size`` pixels, (count, 3, size, size), the same for equal arguments.

        Each crop is between half and all of the photo's short side, resized to ``size`` (so that the network meets
        crisp and soft pictures alike; the paper takes the central crop of a fixed scale), and mirrored half the time.
        """
        generator = np.random.default_rng([seed, step])
        return torch.stack([self._crop(generator, size) for _ in range(count)])

    def _crop(self, generator: np.random.Generator, size: int) -> Tensor:
        image = self._draw(generator)
        side = min(image.size) * float(np.exp(generator.uniform(np.log(0.5), 0)))
        left = generator.uniform(0, image.width - side)
        top = generator.uniform(0, image.height - side)
        box = (left, top, left + side, top + side)
        crop = image.resize((size, size), Image.Resampling.BICUBIC, box=box)
        if generator.random() < 0.5:
            crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return to_tensor(crop)

    def _draw(self, generator: np.random.Generator) -> Image.Image:
        while len(self.skipped) < len(self.paths):
            index = int(generator.integers(len(self.paths)))
            if self.paths[index] in self.skipped:
                continue
            try:
                return self._read(index)
            except PictureError as error:
                self.skipped[self.paths[index]] = str(error)
        raise LearnError("none of the photos can be read")

    def _read(self, index: int) -> Image.Image:
        if index not in self._cache:
            image = to_pil(load(self.paths[index]).picture)
            size = image.width * image.height * 3
            if self._cached_bytes + size > CACHE_BYTES:
                return image
            self._cache[index] = image
            self._cached_bytes += size
        return self._cache[index]


def load_painting(path: str | Path, size: int) -> Tensor:
    """A painting as (1, 3, H, W) in 0..1 with its long side at ``size`` pixels; never enlarged."""
    image = to_pil(load(path).picture)
    factor = min(1.0, size / max(image.size))
    shape = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return to_tensor(image.resize(shape, Image.Resampling.LANCZOS))[None]


def load_paintings(folder: str | Path, names: Sequence[str], *, size: int) -> dict[str, Tensor]:
    """The paintings whose files' stems are ``names``, as ``load_painting`` gives them; LearnError if one is missing."""
    files = {path.stem: path for path in find([Path(folder)])}
    missing = [name for name in names if name not in files]
    if missing:
        raise LearnError(f"{folder} holds no painting called {', '.join(missing)}")
    return {name: load_painting(files[name], size) for name in names}
