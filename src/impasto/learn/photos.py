"""A folder of photos as batches, paintings as tensors. Which crop comes when is a function of seed and step."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from impasto.errors import LearnError, PictureError
from impasto.learn.paintings import CROP, Crop, crop_of
from impasto.limits import COUNT, SIDE
from impasto.pictures import find, load, to_pil
from impasto.styles.bank import STROKE_OF, Bank

FLAT = 0.03  # standard deviation of every colour, in 0..1, below which a crop shows nothing
TRIES = 20
AHEAD = 4  # batches that each process of several has ready
LAST = 2**31  # a step that no run reaches
CACHE_BYTES = 2 * 2**30  # decoded photos kept in memory; the rest is decoded again when its turn comes


def to_tensor(image: Image.Image) -> Tensor:
    """A PIL image as (3, H, W), float32, 0..1."""
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255


@dataclass
class PhotoFolder:
    """Photos of a folder, read recursively; files that cannot be read are skipped, counted and named."""

    paths: list[Path]
    skipped: dict[Path, str] = field(default_factory=dict)
    sharers: int = 1  # processes that share the memory for decoded photos
    _cache: dict[int, Image.Image] = field(default_factory=dict, repr=False)
    _cached_bytes: int = 0

    @classmethod
    def open(cls, folder: str | Path, *, hold_out: int = 0) -> PhotoFolder:
        """All pictures below ``folder`` but the last ``hold_out`` by name; LearnError if none is left.

        What is held out is for measuring.
        """
        COUNT.check("hold_out", hold_out)
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
        A crop that shows nothing, an even sky, is drawn again if need be: instance norms would make a picture of its
        noise, whose loss and gradient are beyond all bounds.
        """
        generator = np.random.default_rng([seed, step])
        return torch.stack([self._some_crop(generator, size) for _ in range(count)])

    def batches(
        self, seed: int, first: int, count: int, size: int, *, workers: int = 0, pin: bool = False
    ) -> Iterator[Tensor]:
        """What ``batch`` gives for the steps from ``first`` on, without end.

        ``workers`` is how many processes decode ahead of time. From them it comes as uint8, 0..255, and with
        ``pin`` in memory that a GPU copies without waiting. LearnError if no photo can be read; ``skipped`` has those
        that a worker skipped, too.
        """
        if not workers:
            yield from (self.batch(seed, step, count, size) for step in range(first, LAST))
            return
        mine = replace(self, sharers=workers, _cache={}, _cached_bytes=0)
        loader: DataLoader[_Made] = DataLoader(
            _Batches(mine, seed, first, count, size),
            batch_size=None,
            num_workers=workers,
            prefetch_factor=AHEAD,
            pin_memory=pin,
            worker_init_fn=_in_peace,
            generator=torch.Generator(),  # the caller's own random numbers go on as they were
        )
        for pictures, skipped in loader:
            if isinstance(pictures, str):
                raise LearnError(pictures)
            self.skipped |= skipped
            yield pictures

    def _some_crop(self, generator: np.random.Generator, size: int) -> Tensor:
        for _ in range(TRIES):
            crop = self._crop(generator, size)
            if float(crop.std((1, 2), correction=0).max()) >= FLAT:
                break
        return crop

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
            if self._cached_bytes + size > CACHE_BYTES // self.sharers:
                return image
            self._cache[index] = image
            self._cached_bytes += size
        return self._cache[index]


_Made = tuple[Tensor | str, dict[Path, str]]  # a batch, or why there is none, and files that cannot be read


@dataclass
class _Batches(Dataset[_Made]):
    """The steps of a run from ``first`` on, as a process of a ``DataLoader`` asks for them."""

    photos: PhotoFolder
    seed: int
    first: int
    count: int
    size: int

    def __len__(self) -> int:
        return LAST - self.first

    def __getitem__(self, number: int) -> _Made:
        try:
            pictures = self.photos.batch(self.seed, self.first + number, self.count, self.size)
        except LearnError as error:
            return str(error), {}
        return (pictures * 255).round().byte(), self.photos.skipped


def _in_peace(number: int) -> None:
    """Ctrl-C is for the process that trains, which ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def load_painting(path: str | Path, size: int, crop: Crop | None = None) -> Tensor:
    """A painting, or the part of it that ``crop`` names, as (1, 3, H, W) in 0..1; never enlarged.

    The long side of what is learned has ``size`` pixels; a crop is left, top, right, bottom as shares, 0..1.
    PictureError for what is no picture, OptionError for another size.
    """
    SIDE.check("style_size", size)
    image = to_pil(load(path).picture)
    if crop is not None:
        left, top, right, bottom = (round(s * side) for s, side in zip(crop, 2 * image.size, strict=True))
        image = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    factor = min(1.0, size / max(image.size))
    shape = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return to_tensor(image.resize(shape, Image.Resampling.LANCZOS))[None]


def load_paintings(
    folder: str | Path, names: Sequence[str], *, size: int, bank: Bank | None = None
) -> dict[str, Tensor]:
    """The paintings whose files' stems are ``names``, as ``load_painting`` gives them; LearnError if one is missing.

    With a ``bank`` only those parts of them count that its styles learned, as their cards say, and another stroke size
    of a style has that style's painting.
    """
    files = {path.stem: path for path in find([Path(folder)])}
    of = {name: str(bank.card(name).extra.get(STROKE_OF, name)) if bank else name for name in names}
    missing = list(dict.fromkeys(painting for painting in of.values() if painting not in files))
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise LearnError(f"{folder} holds no painting called {', '.join(missing[:5])}{more}")
    crops = {name: crop_of(name, bank.card(name).extra.get(CROP)) if bank else None for name in names}
    return {name: load_painting(files[of[name]], size, crop) for name, crop in crops.items()}
