"""What an optimisation looks at: photo, paintings and masks as files, colours settled, given out at any size."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from impasto import pictures
from impasto.errors import LearnError, OptionError
from impasto.learn.optimize.objective import Region
from impasto.learn.optimize.recipes import OptimizeSettings, is_file
from impasto.learn.tensors import to_picture, to_planes
from impasto.pictures import Picture
from impasto.pictures.recolor import grey, luma, match_colors, match_luminance


class Scene:
    """Photo, paintings and masks of one optimisation.

    Raises PictureError for what is no picture, OptionError for weights that do not fit the paintings, and LearnError
    for masks that do not fit their picture or are empty, and paintings smaller than the style size.
    """

    def __init__(
        self,
        photo: pictures.Source,
        paintings: pictures.Source | Sequence[pictures.Source],
        settings: OptimizeSettings,
        *,
        photo_masks: Sequence[pictures.Source] = (),
        painting_masks: Sequence[pictures.Source] = (),
    ) -> None:
        self.settings = settings
        listed = {"photo": [photo], "paintings": _listed(paintings)}
        listed |= {"photo_masks": list(photo_masks), "painting_masks": list(painting_masks)}
        listed["start"] = [settings.start] if is_file(settings.start) else []
        if listed["start"] and not os.path.exists(settings.start):
            raise LearnError(
                f"there is no start {settings.start!r}; choose photo, noise, network, network:STYLE, or a picture file"
            )
        self._paths = {kind: [_path(source) for source in sources] for kind, sources in listed.items()}
        opened = {kind: [pictures.load(source) for source in sources] for kind, sources in listed.items()}
        self._arrays = {kind: [each.picture for each in found] for kind, found in opened.items()}
        self.source = opened["photo"][0]
        if not self._arrays["paintings"]:
            raise LearnError("there is no painting; name at least one")
        self.original = self._arrays["photo"][0]
        originals = self._arrays["paintings"]
        self.weights = _shares(settings.painting_weights, len(originals))
        self.photo_masks = [_mask(mask, self.original, "photo") for mask in self._arrays["photo_masks"]]
        self.painting_masks = self._fitted_masks(self._arrays["painting_masks"], originals)
        for painting in originals:
            _check_style_size(painting, settings.style_size)
        self.content = self.original
        self.paintings = originals
        if settings.color == "luminance":
            self.content = grey(luma(self.original))
            self.paintings = [match_luminance(painting, self.original) for painting in originals]
        if settings.color == "match":
            self.paintings = [match_colors(painting, self.original) for painting in originals]

    def shape_at(self, size: int) -> tuple[int, int]:
        """Height and width of the picture when its long side is ``size`` pixels."""
        height, width = self.original.shape[:2]
        scale = size / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))

    def painting_side(self, size: int) -> int:
        """The shortest side of all paintings when the picture's long side is ``size`` pixels."""
        return min(min(self._painting_shape(each, size / self.settings.size)) for each in self.paintings)

    def painting_pixels(self, size: int) -> int:
        """The pixels of the largest painting when the picture's long side is ``size`` pixels."""
        return max(math.prod(self._painting_shape(each, size / self.settings.size)) for each in self.paintings)

    def photo_at(self, size: int, device: torch.device) -> Tensor:
        """The photo with its long side at ``size`` pixels, (1, 3, H, W) in 0..1; enlarged if need be."""
        return self._resized(to_planes(self.content), self.shape_at(size)).to(device)

    def regions_at(self, size: int, device: torch.device) -> list[Region]:
        """The regions when the picture's long side is ``size``; paintings shrink along, so that strokes grow along."""
        scale = size / self.settings.size
        looks = []
        for i, mask in enumerate(self.painting_masks):
            painting = self.paintings[i % len(self.paintings)]
            shape = self._painting_shape(painting, scale)
            small_mask = None if mask is None else _mask_at(mask, shape).to(device)
            looks.append((self._resized(to_planes(painting), shape).to(device), small_mask))
        if not self.photo_masks:
            return [Region(None, tuple((*look, weight) for look, weight in zip(looks, self.weights, strict=True)))]
        masks = [_mask_at(mask, self.shape_at(size)).to(device) for mask in self.photo_masks]
        return [Region(mask, ((*looks[i % len(looks)], 1 / len(masks)),)) for i, mask in enumerate(masks)]

    def finished(self, picture: Tensor) -> Picture:
        """What the optimiser moved, (1, 3, H, W) of any size, as the picture: full size, colours, 0..1, no NaN."""
        shape = self.shape_at(self.settings.size)
        full = picture if picture.shape[2:] == shape else F.interpolate(picture, shape, mode="bicubic")
        array = to_picture(full.clamp(0, 1))
        if not np.isfinite(array).all():
            raise LearnError("the picture has values that are not numbers; give smaller weights")
        if self.settings.color == "luminance":
            array = pictures.keep_color(array, to_picture(self._resized(to_planes(self.original), shape)))
        return array

    def cards(self) -> dict[str, list[dict[str, str]]]:
        """Path (empty for what came from memory) and SHA-256 of the decoded pixels of every picture that went in."""
        return {
            kind: [
                {"path": path, "sha256": sha256(array)} for path, array in zip(self._paths[kind], arrays, strict=True)
            ]
            for kind, arrays in self._arrays.items()
        }

    def _resized(self, planes: Tensor, shape: tuple[int, int]) -> Tensor:
        """(1, 3, H, W) brought to ``shape``, smoothed where it shrinks, in 0..1."""
        mode = self.settings.resampling
        return F.interpolate(planes, shape, mode=mode, align_corners=False, antialias=True).clamp(0, 1)

    def _painting_shape(self, painting: Picture, scale: float) -> tuple[int, int]:
        """Height and width of a painting when the picture is ``scale`` times its full size."""
        height, width = painting.shape[:2]
        if self.settings.style_size is not None:
            factor = self.settings.style_size / max(height, width)
        else:
            factor = math.sqrt(math.prod(self.shape_at(self.settings.size)) / (height * width))
            factor = factor if self.settings.enlarge_paintings else min(1.0, factor)
        tall = max(1, round(height * factor * scale))
        return tall, max(1, round(width / height * tall))

    def _fitted_masks(self, masks: list[Picture], paintings: list[Picture]) -> list[Picture | None]:
        """A mask or None for each look: as many looks as there are regions, or paintings where there are none."""
        regions, count = len(self.photo_masks), len(paintings)
        if not regions and masks:
            raise LearnError("masks of paintings need masks of the photo, which say where each of them goes")
        if regions and count not in (1, regions):
            raise LearnError(f"there are {regions} masks of the photo and {count} paintings; give one for each, or one")
        if regions and len(masks) not in (0, regions):
            raise LearnError(f"there are {regions} masks of the photo and {len(masks)} of paintings; give one for each")
        if not masks:
            return [None] * max(1, count)
        return [_mask(mask, paintings[i % count], "painting") for i, mask in enumerate(masks)]


def _mask(mask: Picture, picture: Picture, whose: str) -> Picture:
    """The luma of a mask that has its picture's size and is not black all over, h x w."""
    if mask.shape != picture.shape:
        sizes = [f"{shape[1]} x {shape[0]}" for shape in (mask.shape, picture.shape)]
        raise LearnError(f"a mask of the {whose} is {sizes[0]} pixels but the {whose} is {sizes[1]}; make them alike")
    if mask.max() < 0.5:
        raise LearnError(f"a mask of the {whose} is black all over; white is what belongs to the region")
    return luma(mask)


def _mask_at(mask: Picture, shape: tuple[int, int]) -> Tensor:
    return F.adaptive_avg_pool2d(torch.from_numpy(mask)[None, None], shape)[0, 0]


def _shares(weights: Sequence[float], count: int) -> list[float]:
    """Weights of the paintings with sum 1."""
    if not weights:
        return [1 / count] * count
    if len(weights) != count:
        raise OptionError(f"there are {count} paintings but {len(weights)} weights; give one for each")
    if sum(weights) <= 0:
        raise OptionError("of the weights of paintings one at least is above 0")
    return [weight / sum(weights) for weight in weights]


def _check_style_size(painting: Picture, style_size: int | None) -> None:
    side = max(painting.shape)
    if style_size is not None and side < style_size:
        raise LearnError(f"the painting's long side has {side} pixels, less than the style size of {style_size}")


def _listed(sources: pictures.Source | Sequence[pictures.Source]) -> list[pictures.Source]:
    return list(sources) if isinstance(sources, (list, tuple)) else [sources]  # type: ignore[list-item]


def _path(source: pictures.Source) -> str:
    return str(source) if isinstance(source, (str, os.PathLike)) else ""


def sha256(array: Picture) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
