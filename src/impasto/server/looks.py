"""What is wanted of a painting, as plain data that goes from process to process, and the look made of it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import pictures
from impasto.errors import PictureError
from impasto.painting.look import Look
from impasto.painting.regions import stretched
from impasto.server.settings import MASK_SIDE
from impasto.styles.bank import PHOTO, Bank

Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Wanted:
    """A network by its name, a mix, the dials of a ``Look``, for regions a mask (h, w) and a mix each, and the mask of
    what is protected.

    ``own`` are styles of paintings that were sent here, which the network's bank does not have.
    """

    network: str
    styles: Mapping[str, float]
    dials: Mapping[str, Any] = field(default_factory=dict)
    regions: tuple[tuple[Mask, Mapping[str, float]], ...] = ()
    protect: Mask | None = None
    own: Bank | None = None

    @property
    def names(self) -> set[str]:
        """All styles that are named."""
        return {name for styles in (self.styles, *(styles for _, styles in self.regions)) for name in styles}

    def look(self, width: int, height: int) -> Look:
        """The look for a photo of this size, which the masks are stretched to. Raises what ``Look`` raises."""
        masks: dict[Any, Any] = {}
        for mask, styles in self.regions:
            name, plane = mix(styles), stretched(mask, width, height)
            masks[name] = np.maximum(masks[name], plane) if name in masks else plane
        protect = None if self.protect is None else stretched(self.protect, width, height)
        return Look(dict(self.styles), **self.dials, masks=masks or None, protect=protect)

    def same_but_strength(self, other: Wanted) -> bool:
        """Whether another wants the same painting, at any strength."""
        mine, theirs = (
            (each.network, each.styles, {**each.dials, "strength": 1.0}, [styles for _, styles in each.regions])
            for each in (self, other)
        )
        masks = zip(
            [self.protect, *(mask for mask, _ in self.regions)],
            [other.protect, *(mask for mask, _ in other.regions)],
            strict=False,
        )
        return mine == theirs and _same_bank(self.own, other.own) and all(_same(*pair) for pair in masks)

    @property
    def paintings(self) -> int:
        """How many paintings are made, at most, and blended by the masks."""
        return 1 + sum(set(styles) != {PHOTO} for _, styles in self.regions)

    @property
    def comment(self) -> str:
        """What the file says of how it was made, as the command line has it."""
        return f"painted by impasto in the style {mix(self.styles)}"


def _same_bank(one: Bank | None, other: Bank | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or (one.names == other.names and np.array_equal(one.rows, other.rows))


def _same(one: Mask | None, other: Mask | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or np.array_equal(one, other)


def mix(styles: Mapping[str, float]) -> str:
    """A mix as the command line takes it; a single style is its name."""
    if len(styles) == 1:
        return next(iter(styles))
    return ",".join(f"{name}:{weight:g}" for name, weight in styles.items())


def mask_in(data: bytes) -> Mask:
    """The mask in a grey PNG of at most 1,024 px a side; PictureError for anything else."""
    if pictures.kind_of(data[:64]) != "PNG":
        raise PictureError("a mask is a grey PNG, white where its style is")
    header = pictures.header(data, "the mask")
    if max(header.width, header.height) > MASK_SIDE:
        size = f"{header.width} x {header.height}"
        raise PictureError(f"the mask is {size} pixels, and {MASK_SIDE} a side suffice; it is stretched to the photo")
    photo = pictures.load(named(data, "the mask"), max_pixels=MASK_SIDE**2)
    weights = photo.picture.mean(axis=2)
    return pictures.to_bytes(weights if photo.alpha is None else weights * photo.alpha)


class _Named(io.BytesIO):
    """Bytes with a name for messages."""

    name = ""


def named(data: bytes, name: str) -> io.BytesIO:
    """Bytes as a file that messages call ``name``."""
    file = _Named(data)
    file.name = name
    return file
