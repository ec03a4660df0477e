"""One pass over a picture: what the network paints, and what is made of that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import pictures
from impasto.painting import passes, regions
from impasto.styles import blend

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """What goes where: for what the masks leave over, then for each mask, a row and how much of it is not the photo.

    ``masks`` are (h, w). A look that is all photo has no rows.
    """

    rows: list[Floats]
    shares: list[float]
    masks: list[pictures.Pixels]

    @property
    def plain(self) -> bool:
        """Whether the painting is shown as the network paints it, everywhere."""
        return min(self.shares) >= blend.WHOLE_SHARE

    def is_photo(self, height: int) -> bool:
        """Whether nothing of the painting is shown, in a picture of ``height`` rows."""
        if not self.masks or min(self.shares) > 0:
            return max(self.shares) == 0
        return not any(self._weight((part, slice(None))).any() for part in passes.bands(height))

    def _weight(self, place: Any) -> Floats:
        """How much of the painting is shown: one number, or (h, w, 1) of the place."""
        if not self.masks:
            return blend.painted_weight(self.shares[0])
        planes = regions.stack([mask[place] for mask in self.masks])  # (K + 1, h, w)
        return blend.painted_weight(np.tensordot(np.asarray(self.shares, np.float32), planes, 1))[..., None]

    def shown(self, painted: pictures.Pixels, photo: pictures.Pixels, place: Any) -> pictures.Picture:
        """``painted``, drawn towards ``photo``, both the part at ``place`` of theirs; whole numbers become floats."""
        weight = self._weight(place)
        shown: pictures.Picture = (1 - weight) * pictures.unit(photo) + weight * pictures.unit(painted)
        return shown


@dataclass(frozen=True)
class Work:
    """One pass: what the network paints, and what is made of that.

    ``photo`` is what strength, masks and ``keep_color`` draw the painting back to. In the second of two passes ``seen``
    is made of ``first``, the planes of the first pass.
    """

    photo: pictures.Pixels
    look: Look
    keep_color: bool
    as_float: bool
    seen: pictures.Pixels | passes.Second
    first: Floats | None = None
    threads: int = 1

    @property
    def floats(self) -> bool:
        """Whether more than 8 bits go through the network."""
        return self.keep_color or self.as_float or self.photo.dtype != np.uint8

    @property
    def kind(self) -> Any:
        """The type of the painting."""
        return np.float32 if self.as_float else np.uint8

    def whole(self) -> pictures.Pixels:
        """What the network paints, all of it."""
        seen = self.seen.whole(self.threads) if isinstance(self.seen, passes.Second) else self.seen
        return pictures.unit(seen) if self.floats else seen

    def finished(self, painted: pictures.Pixels) -> pictures.Pixels:
        """The painting out of what the network painted, (h, w, 3), which is used up."""
        added = None if self.first is None else passes.crossed(self.first, painted, threads=self.threads)
        if added is None and self.look.plain and not self.keep_color:
            return painted if self.as_float else pictures.to_bytes(painted)
        out = painted if painted.dtype == self.kind else np.empty(painted.shape, self.kind)

        def fill(rows: slice) -> None:
            out[rows] = self.part(painted[rows], (rows, slice(None)), added)

        passes.spread(fill, passes.bands(len(painted)), self.threads)
        return out

    def part(
        self, painted: pictures.Pixels, place: tuple[slice, slice], added: passes.Enlarged | None = None
    ) -> pictures.Pixels:
        """The part of the painting at ``place``; ``added`` is what the first pass adds."""
        photo = self.photo[place]
        if added is not None:
            painted = np.clip(pictures.unit(painted) + added(*place).transpose(1, 2, 0), 0, 1)
        if self.keep_color:
            painted = pictures.keep_color(pictures.unit(painted), pictures.unit(photo))
        if not self.look.plain:
            painted = self.look.shown(painted, photo, place)
        return painted if self.as_float else pictures.to_bytes(painted)


class Stack:
    """K masks (h, w) as pixels (h, w, K + 1) that are made where they are read: see ``regions.stack``."""

    dtype = np.dtype(np.float32)

    def __init__(self, masks: list[pictures.Pixels]) -> None:
        self._masks = masks
        self.shape = (*masks[0].shape, len(masks) + 1)

    def __getitem__(self, place: Any) -> Floats:
        return regions.stack([mask[place] for mask in self._masks]).transpose(1, 2, 0)


def like(mask: pictures.Pixels, whole: pictures.Pixels, picture: pictures.Pixels) -> pictures.Pixels:
    """``mask`` (h, w) of the ``whole`` picture at the size of the resized ``picture``."""
    resized = pictures.Photo(whole, mask).opacity_for(picture)
    return mask if resized is None else resized


def second_pass(work: Work, first: Any, small: Floats) -> Work:
    """The second pass over the same picture, behind a first one that made ``first``, (h, w, 3), of the ``small``."""
    planes = np.ascontiguousarray(first.transpose(2, 0, 1))
    detail = 1 - (1 - passes.DETAIL) * min(1.0, max(work.look.shares))  # of a photo painted as it is, all
    return replace(work, seen=passes.Second(planes, work.photo, small, detail=detail), first=planes)
