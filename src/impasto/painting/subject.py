"""What is painted: a photo with the masks of a look, at its own size or at another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from impasto import pictures
from impasto.errors import PictureError
from impasto.painting import passes, regions
from impasto.painting.look import Look
from impasto.painting.planner import check_room


@dataclass(frozen=True)
class Subject:
    """A photo, and the masks (h, w) of a look; the last is that of what is protected, if it has one."""

    photo: pictures.Photo
    masks: list[pictures.Pixels]

    @classmethod
    def load(cls, image: pictures.Photo | pictures.Source, look: Look, max_pixels: int | None) -> Subject:
        """Read the photo, if it is not read yet, and the masks; PictureError for what is no picture."""
        photo = image if isinstance(image, pictures.Photo) else pictures.load(image, max_pixels=max_pixels)
        masks = [*regions.load(look.masks or {}, photo, max_pixels=max_pixels).values()]
        kept = [] if look.protect is None else [regions.weights("protect", look.protect, photo, max_pixels)]
        return cls(photo, masks + kept)

    def shrunk(self, size: passes.Size) -> Subject:
        """The same at a smaller ``size`` (height, width), in float32."""
        pixels = np.ascontiguousarray(passes.shrunk(self.photo.pixels, size).transpose(1, 2, 0))
        photo = replace(self.photo, pixels=pixels, opacity=self.photo.opacity_for(pixels))
        return Subject(photo, [passes.shrunk(mask[..., None], size)[0] for mask in self.masks])

    def sized(self, look: Look, kind: np.dtype[Any]) -> tuple[pictures.Pixels, list[pictures.Pixels]]:
        """Pixels and masks (h, w) at the size of the look's painting; ``kind`` is its type."""
        photo, masks = self.photo, self.masks
        pixels, size = photo.pixels, painted_size(photo.pixels.shape[:2], look)
        if size == pixels.shape[:2]:
            return pixels, masks
        if look.size is not None and look.size < max(pixels.shape[:2]):
            small: pictures.Pixels = pictures.resize(pixels, look.size, opacity=photo.opacity)
            sized = [pictures.Photo(pixels, mask).opacity_for(small) for mask in masks]
            if pixels.dtype == np.uint8:  # whatever it becomes then, so that the same picture is painted
                small = pictures.to_bytes(small)
            return small, [mask for mask in sized if mask is not None]
        check_room(size[1], size[0], kind != np.uint8 or pixels.dtype != np.uint8)
        return passes.enlarged(pixels, size), [passes.enlarged(mask[..., None], size)[..., 0] for mask in masks]

    def shown(self, painted: pictures.Pixels) -> Image.Image:
        """A painting of it, (h, w, 3), as a PIL image with the photo's alpha."""
        return pictures.to_pil(painted, self.photo.opacity_for(painted))


def photo_of(pixels: pictures.Pixels) -> pictures.Photo:
    """An array (h, w, 3) as a photo, not copied."""
    if np.ndim(pixels) != 3 or np.shape(pixels)[2] != 3:
        raise PictureError(f"pixels are an array (height, width, 3), not {np.shape(pixels)}; take paint for others")
    return pictures.Photo(pixels if pictures.is_whole(pixels) else pictures.checked(pixels))


def painted_size(size: passes.Size, look: Look) -> passes.Size:
    """Height and width of the painting of a photo of this size."""
    if look.size is None:
        return size
    width, height = pictures.shrunk_size(size[1], size[0], look.size, enlarge=look.enlarge)
    return height, width
