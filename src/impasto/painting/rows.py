"""What goes where: the rows of a look, and the masks that they are for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import pictures
from impasto.errors import StyleNameError
from impasto.painting import opening, passes, regions
from impasto.painting.look import Look
from impasto.styles import blend, strokes
from impasto.styles.bank import PHOTO, Bank

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Rows:
    """What goes where: for what the masks leave over, then for each mask, a row and how much of it is not the photo.

    Each row is a painting of the whole picture; ``masks`` (h, w) blend them. ``protected`` (h, w) is a mask of what
    keeps its features. Where all is photo there are no rows.
    """

    rows: list[Floats]
    shares: list[float]
    masks: list[pictures.Pixels]
    protected: pictures.Pixels | None = None

    @classmethod
    def of(cls, bank: Bank, look: Look, height: int, planes: list[pictures.Pixels]) -> Rows:
        """Those of a look for a picture of so many rows; ``planes`` are its masks and, last, what is protected."""
        masks = planes if look.protect is None else planes[:-1]
        protected = None if look.protect is None else regions.softened(planes[-1])
        found = cls(rows_of(bank, look), look.shares, masks, protected)
        return found if found.seen(height) else replace(found, rows=[])

    @property
    def several(self) -> bool:
        """Whether several paintings are blended."""
        return len(self.shares) > 1

    @property
    def plain(self) -> bool:
        """Whether the painting is shown as the network paints it, everywhere."""
        return all(share == 1 for share in self.shares)

    def seen(self, height: int) -> list[int]:
        """The numbers of those paintings of which anything is shown, in a picture of ``height`` rows."""
        shown = [number for number, share in enumerate(self.shares) if share > 0]
        if not self.several:
            return shown
        most = np.zeros(len(self.shares), np.float32)
        for rows in passes.bands(height):
            most = np.maximum(most, self.weights((rows, slice(None))).max((1, 2)))
        return [number for number in shown if most[number] > 0]

    def weights(self, place: Any) -> Floats:
        """How much of each of several paintings is shown at a place, (N, h, w); the rest is photo."""
        planes = regions.stack([mask[place] for mask in self.masks]) if self.masks else np.ones((1, 1, 1), np.float32)
        return planes * np.array(self.shares, np.float32)[:, None, None]

    def shown(self, painted: pictures.Pixels, photo: pictures.Pixels, place: Any) -> pictures.Picture:
        """``painted``, drawn towards ``photo`` or away from it, both at ``place``; whole numbers become floats."""
        weight = self.weights(place).sum(0)[..., None] if self.several else np.float32(self.shares[0])
        shown: pictures.Picture = (1 - weight) * pictures.unit(photo) + weight * pictures.unit(painted)
        return np.clip(shown, 0, 1, out=shown) if max(self.shares) > 1 else shown

    def blended(self, under: pictures.Pixels, over: pictures.Pixels, numbers: list[int], place: Any) -> pictures.Pixels:
        """What the last of these ``numbers`` painted ``over`` what those before it have become, ``under``, at a place.

        Once all are in it, each counts for as much as is shown of it.
        """
        weights = self.weights(place)[numbers]
        share = (weights[-1] / np.maximum(weights.sum(0), np.finfo(np.float32).tiny))[..., None]
        half = np.float32(0 if under.dtype.kind == "f" else 0.5)
        found: pictures.Pixels = (under + share * (over.astype(np.float32, copy=False) - under) + half).astype(
            under.dtype
        )
        return found

    def alone(self, number: int) -> Rows:
        """One of them, all over the picture, as the network paints it."""
        return Rows([self.rows[number]], [1.0], [])

    def bare(self) -> Rows:
        """The same as the network paints it, where the photo shines through nowhere."""
        if not self.several:
            return replace(self, shares=[1.0], protected=None)
        weights = self.weights(slice(None))
        total = weights.sum(0)
        planes = weights / np.maximum(total, np.finfo(np.float32).tiny)
        planes[weights.max((1, 2)).argmax(), total == 0] = 1  # any painting that there is
        return replace(self, shares=[1.0] * len(self.shares), masks=list(planes[1:]), protected=None)


def check(bank: Bank, look: Look) -> None:
    """Raise at once what painting would raise for a look: StyleNameError, BankError or MismatchError."""
    try:
        with_strokes = of_strokes(bank, look)
        for each in look.styles:
            blend.mix(with_strokes, each)
    except StyleNameError as error:
        where = opening.elsewhere(next((name for name in look.names if name not in bank), ""), bank)
        raise StyleNameError(f"{error}{where}") from error if where else error


def of_strokes(bank: Bank, look: Look) -> Bank:
    """The bank in which the look's styles have strokes of its ``stroke_size``, where all were taught at several."""
    if look.stroke_size is None or finer(bank, look) is not None:
        return bank
    return strokes.at_size(bank, look.names, look.stroke_size)


def finer(bank: Bank, look: Look) -> float | None:
    """How many times finer the look's strokes are than its styles have them; None where that is left to rows."""
    names = [name for name in look.names if name != PHOTO]
    if look.stroke_size is None or (look.names and all(strokes.sizes(bank, name) for name in names)):
        return None
    return strokes.finer(bank, names, look.stroke_size)


def rows_of(bank: Bank, look: Look) -> list[Floats]:
    """The row (R,) of each of the look's styles; none where all is photo."""
    if not any(look.shares):
        return []
    with_strokes = of_strokes(bank, look)
    return [blend.mix(with_strokes, each) for each in look.styles]


def alike(look: Look, bank: Bank, own: Bank, other: Bank) -> bool:
    """Whether the look's styles are named, and in ``bank`` as in its network's ``own``, and known to an ``other``."""
    names = [name for name in look.names if name != PHOTO]
    if any(blend.weights_of(each) is None for each in look.styles):
        return False
    bank = of_strokes(bank, look)
    known = all(name in other and name in own for name in names)
    return known and all(np.array_equal(bank[name], own[name]) for name in names)


def photo_row(bank: Bank, picture: pictures.Pixels) -> Floats | None:
    """The row (R,) with which the network paints this very picture as it is; None if the bank has no ``photo``."""
    if PHOTO not in bank:
        return None
    step = blend.tone_stride(picture)
    return blend.with_own_tones(bank[PHOTO], pictures.unit(picture[::step, ::step]))
