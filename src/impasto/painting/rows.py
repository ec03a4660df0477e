"""What goes where: the rows of a look, drawn towards a photo, and the masks that they are for."""

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

    ``masks`` are (h, w). Where all is photo there are no rows.
    """

    rows: list[Floats]
    shares: list[float]
    masks: list[pictures.Pixels]

    @classmethod
    def of(cls, bank: Bank, look: Look, picture: pictures.Pixels, masks: list[pictures.Pixels]) -> Rows:
        """Those of a look for this very picture."""
        found = cls(rows_of(bank, look, picture), look.shares, masks)
        return replace(found, rows=[]) if found.is_photo(len(picture)) else found

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
        shares = np.minimum(np.asarray(self.shares, np.float32), 1)  # more would reach into what a soft mask keeps
        return blend.painted_weight(np.tensordot(shares, planes, 1))[..., None]

    def shown(self, painted: pictures.Pixels, photo: pictures.Pixels, place: Any) -> pictures.Picture:
        """``painted``, drawn towards ``photo``, both the part at ``place`` of theirs; whole numbers become floats."""
        weight = self._weight(place)
        shown: pictures.Picture = (1 - weight) * pictures.unit(photo) + weight * pictures.unit(painted)
        return shown

    def shrunk(self, size: passes.Size, rows: list[Floats]) -> Rows:
        """The masks at a smaller size, for other ``rows`` that are shown as they are painted."""
        masks = [passes.shrunk(mask[..., None], size)[0] for mask in self.masks]
        return Rows(rows, [1.0] * len(rows), masks)


class Stack:
    """K masks (h, w) as pixels (h, w, K + 1) that are made where they are read: see ``regions.stack``."""

    dtype = np.dtype(np.float32)

    def __init__(self, masks: list[pictures.Pixels]) -> None:
        self._masks = masks
        self.shape = (*masks[0].shape, len(masks) + 1)

    def __getitem__(self, place: Any) -> Floats:
        return regions.stack([mask[place] for mask in self._masks]).transpose(1, 2, 0)


def check(bank: Bank, look: Look) -> None:
    """Raise at once what painting would raise for a look: StyleNameError, BankError or MismatchError."""
    blank = None if any(look.shares) else np.zeros(bank.rows.shape[1], np.float32)  # all photo needs no photo row
    try:
        with_strokes = of_strokes(bank, look)
        for each in look.styles:
            blend.mix(with_strokes, each, strength=look.strength, photo=blank)
    except StyleNameError as error:
        other = opening.network_of(next((name for name in look.names if name not in bank), ""))
        raise error if other is None else StyleNameError(f"{error}; the network {other!r} has it") from error


def of_strokes(bank: Bank, look: Look) -> Bank:
    """The bank in which the look's styles have strokes of its ``stroke_size``."""
    return bank if look.stroke_size is None else strokes.at_size(bank, look.names, look.stroke_size)


def rows_of(bank: Bank, look: Look, picture: pictures.Pixels) -> list[Floats]:
    """The row (R,) of each of the look's styles, drawn towards this very picture; none where all is photo."""
    if not any(look.shares):
        return []
    of_photo = look.strength != 1 or PHOTO in look.names  # whether the ``photo`` row has a part in it
    photo, bank = photo_row(bank, picture) if of_photo else None, of_strokes(bank, look)
    return [blend.mix(bank, each, strength=look.strength, photo=photo) for each in look.styles]


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
