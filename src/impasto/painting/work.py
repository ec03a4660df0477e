"""One pass: what the network paints, and what is made of that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import pictures
from impasto.painting import passes, regions
from impasto.painting.grain import Grained
from impasto.painting.rows import Rows

Floats = npt.NDArray[np.float32]
KEPT = 0.4  # of the photo's details, where they are protected


@dataclass(frozen=True)
class Work:
    """One pass: what the network paints, and what is made of that.

    ``photo`` is what strength, masks and ``keep_color`` draw the painting back to, and ``kind`` the painting's type. In
    the second of two passes ``seen`` is made of ``first``, the planes of the first pass, and of the photo's detail.
    ``grain``: whether what is even or dark gets noise. A second pass sees the strokes of the first.
    """

    photo: pictures.Pixels
    rows: Rows
    kind: np.dtype[Any]
    keep_color: bool = False
    threads: int = 1
    seen: passes.Second | None = None
    first: Floats | None = None
    grain: bool = True

    @property
    def floats(self) -> bool:
        """Whether more than 8 bits go through the network."""
        return self.keep_color or self.kind != np.uint8 or self.photo.dtype != np.uint8

    @property
    def source(self) -> pictures.Pixels | passes.Second | Grained:
        """What the network paints, as pixels that may be made where they are read."""
        if self.seen is not None:
            return self.seen
        return Grained(self.photo) if self.grain else self.photo

    def whole(self) -> pictures.Pixels:
        """What the network paints, all of it."""
        source = self.source
        seen = source if isinstance(source, np.ndarray) else source.whole(self.threads)
        return pictures.unit(seen) if self.floats else seen

    def finished(self, painted: pictures.Pixels) -> pictures.Pixels:
        """The painting out of what the network painted, (h, w, 3), which is used up."""
        added = None if self.first is None else passes.crossed(self.first, painted, threads=self.threads)
        plain = self.rows.plain and not self.keep_color
        if added is None and plain:
            return pictures.as_type(painted, self.kind)
        out = painted if painted.dtype == self.kind else np.empty(painted.shape, self.kind)

        def fill(rows: slice) -> None:
            place, part = (rows, slice(None)), painted[rows]
            if added is not None:
                planes = passes.plus(part, added(*place))
                if plain and self.kind != np.uint16:
                    passes.stored(planes, out[rows])
                    return
                part = np.clip(planes, 0, 1, out=planes).transpose(1, 2, 0)
            out[rows] = self.part(part, place)

        passes.spread(fill, passes.bands(len(painted)), self.threads)
        return out

    def part(self, painted: pictures.Pixels, place: tuple[slice, slice]) -> pictures.Pixels:
        """The part of the painting at ``place``, out of what was painted there."""
        photo = self.photo[place]
        if self.keep_color:
            painted = pictures.keep_color(pictures.unit(painted), pictures.unit(photo))
        if not self.rows.plain:
            painted = self.rows.shown(painted, photo, place)
        return pictures.as_type(painted, self.kind)

    def behind(self, first: Any, small: Floats) -> Work:
        """The second pass over the same picture, behind one that made ``first``, (h, w, 3), of the planes ``small``."""
        planes = np.ascontiguousarray(first.transpose(2, 0, 1))
        return replace(self, seen=passes.Second(planes, self.photo, small), first=planes)

    def alone(self, number: int) -> Work:
        """One painting of several that masks blend, as the network paints it."""
        kind = np.dtype(np.float32 if self.floats else np.uint8)
        return replace(self, rows=self.rows.alone(number), kind=kind, keep_color=False)

    def keep_features(self, painted: pictures.Pixels) -> None:
        """Let the photo's details shine through where they are protected, in the painting's own tones."""
        protected, most = self.rows.protected, max(self.rows.shares)
        if protected is None:
            return
        scale = min(1.0, regions.coarse(protected) / max(painted.shape[:2]))
        size = passes.at_side((painted.shape[0], painted.shape[1]), round(scale * max(painted.shape[:2])))
        apart = passes.shrunk(painted, size, self.threads) - passes.shrunk(self.photo, size, self.threads)
        tones = passes.Enlarged(apart, painted.shape[:2])

        def fill(rows: slice) -> None:
            place = rows, slice(None)
            share = KEPT * pictures.unit(protected[place])
            if self.rows.several:  # where the photo is shown, it is that already
                share = share * self.rows.weights(place).sum(0) / most
            bold = pictures.unit(painted[rows])
            details = pictures.unit(self.photo[rows]) + tones(*place).transpose(1, 2, 0)
            kept = np.clip(bold + share[..., None] * (details - bold), 0, 1)
            painted[rows] = pictures.as_type(kept, painted.dtype)

        passes.spread(fill, passes.bands(len(painted)), self.threads)

    def blend(self, under: pictures.Pixels, over: pictures.Pixels, numbers: list[int]) -> None:
        """Paint the last of these numbers, ``over``, into what those before it have become, ``under``."""

        def fill(rows: slice) -> None:
            under[rows] = self.rows.blended(under[rows], over[rows], numbers, (rows, slice(None)))

        passes.spread(fill, passes.bands(len(under)), self.threads)
